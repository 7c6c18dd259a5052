/** Making a new run of the sets of an old one. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import { earlierRun, type Demand } from './demand.ts';
import type { Command, Model, ModelRun, ParameterSet, Real } from './model.ts';
import { selected, selectionBody, type AskedSelection } from './selection.ts';
import { expectMalformed, expectStart, keysOf, sinceMs, sinceOf, type AskedKeys, type Since } from './start-command.ts';

interface AskedClone extends AskedKeys {
  readonly chosen: number;
  readonly name: string;
  /** The old run's where undefined. */
  readonly user: string | undefined;
  readonly version: 'same' | 'current' | undefined;
  /** Other sets in the place of the old ones, or those of the old ones that failed so. */
  readonly sets: readonly ParameterSet[] | undefined;
  readonly failed: AskedSelection | undefined;
  readonly since: Since | undefined;
}

export class CloneRun implements Command {
  private readonly asked: AskedClone;
  constructor(asked: AskedClone) {
    this.asked = asked;
  }
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 0;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { chosen, name, user, version, sets, failed, since } = this.asked;
    const old = model.runs[chosen % model.runs.length];
    if (!old) return;
    model.asked.push(new CloneRun({ ...this.asked, chosen: model.runs.indexOf(old) }));
    const taken = failed && selected(failed, old);
    const demand = demandOf(this.asked, old, model, taken && 'indexes' in taken ? taken.indexes : undefined);
    const { headers, keys } = keysOf(this.asked, demand.sets.length === 0 ? undefined : demand, model, own);
    const body = {
      'user-run-id': `${own}-${name}`,
      ...(user === undefined ? {} : { 'user-id': `${own}-${user}` }),
      ...(version === undefined ? {} : { 'template-version': version }),
      ...(sets === undefined ? {} : { 'runtime-parameters': sets }),
      ...(failed === undefined ? {} : { failed: selectionBody(failed, old) }),
      ...sinceOf(sinceMs(since, model)),
    };
    const answer = await world.ask('POST /v1/runs/{runId}/clone', { path: { runId: old.id }, body, headers });
    if (sets && (failed || sets.length === 0)) {
      const wrong = [...(sets.length === 0 ? ['/runtime-parameters'] : []), ...(failed ? ['/failed'] : [])];
      expect([answer.status, answer.body.errors?.map(({ pointer }) => pointer)]).toEqual([400, wrong]);
      return;
    }
    if (expectMalformed(answer, this.asked)) return;
    const isNew = earlierRun(model, demand, keys.key) === undefined;
    if (isNew && taken && 'pointers' in taken) {
      const pointers = answer.body.errors?.map(({ pointer }) => pointer).toSorted();
      expect([answer.status, slug(answer), pointers]).toEqual([
        422,
        'invalid-selection',
        taken.pointers.map((pointer) => `/failed${pointer}`).toSorted(),
      ]);
    } else if (isNew && taken && demand.sets.length === 0) expect([answer.status, slug(answer)]).toEqual([409, 'nothing-to-retry']);
    else expectStart(answer, demand, keys, model);
  }
  toString(): string {
    return `CloneRun(${JSON.stringify(this.asked)})`;
  }
}

function demandOf(
  { name, user, version, sets, failed, since }: AskedClone,
  old: ModelRun,
  model: Model,
  taken: readonly number[] | undefined,
): Demand {
  const ofOld = old.jobs.flatMap(({ set }, index) => (failed === undefined || taken?.includes(index) === true ? [set] : []));
  return {
    user: user ?? old.user,
    name,
    pair: old.pair,
    sets: sets ?? ofOld,
    sinceMs: sinceMs(since, model),
    clonedFrom: old.id,
    ...(version === 'current' ? {} : { pinned: { template: old.template, version: old.version } }),
    ...(failed === undefined ? {} : { selection: JSON.stringify(selectionBody(failed, old)) }),
  };
}
