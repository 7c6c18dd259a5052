/** Starting a run, and all that may be said to that. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import { jobId, stateOf, type Command, type Model, type ModelRun, type ParameterSet, type Real } from './model.ts';

interface Asked {
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly sets: readonly ParameterSet[];
  readonly key: string | undefined;
}

export class StartRun implements Command {
  private readonly asked: Asked;
  constructor(asked: Asked) {
    this.asked = asked;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { user, name, pair, sets, key } = this.asked;
    const body = {
      'user-id': `${own}-${user}`,
      'user-run-id': `${own}-${name}`,
      'source-type': `${own}-${pair}`,
      'target-type': 'x',
      'runtime-parameters': sets,
    };
    const headers = key === undefined ? {} : { 'idempotency-key': `${own}-${key}` };
    const answer = await world.ask('POST /v1/runs', { body, headers });
    const expected = this.expected(model);
    if (typeof expected === 'object') {
      expect([answer.status, answer.body['run-id'], answer.body['state']]).toEqual([200, expected.id, stateOf(expected, model)]);
      return;
    }
    if (expected !== 'started') {
      const pointers = answer.body.errors?.map((error) => `${error.pointer} ${error.rule}`).toSorted();
      expect([answer.status, slug(answer)]).toEqual(sets.length === 0 ? [400, 'invalid-request'] : [422, expected]);
      if (expected === 'invalid-parameters') expect(pointers).toEqual(problemsOf(sets).toSorted());
      return;
    }
    expect([answer.status, answer.body['state']]).toEqual([202, 'ACCEPTED']);
    const template = model.patterns.get(pair) ?? '';
    const versions = model.templates.get(template) ?? [];
    const id = String(answer.body['run-id']);
    const common = { id, user, name, pair, template, sets, body: JSON.stringify(this.asked.sets) + pair, seenRunning: new Set<number>() };
    const run: ModelRun = { ...common, version: versions.length, strict: versions.at(-1) === 'strict' };
    expect(answer.body['job-ids']).toEqual(sets.map((_, index) => jobId(run, index)));
    model.runs.push(run);
    model.keys.set(`natural ${user} ${name}`, run);
    if (key !== undefined) model.keys.set(keyName(user, key), run);
  }
  private expected(model: Model): ModelRun | 'started' | 'key-reused' | 'no-pattern' | 'invalid-parameters' | 'invalid-request' {
    const { user, name, pair, sets, key } = this.asked;
    if (sets.length === 0) return 'invalid-request';
    const byKey = key === undefined ? undefined : model.keys.get(keyName(user, key));
    const earlier = byKey ?? model.keys.get(`natural ${user} ${name}`);
    if (earlier) {
      const same = earlier.user === user && earlier.name === name && earlier.body === JSON.stringify(sets) + pair;
      return same ? earlier : 'key-reused';
    }
    const template = model.patterns.get(pair);
    if (template === undefined) return 'no-pattern';
    const strict = model.templates.get(template)?.at(-1) === 'strict';
    return strict && problemsOf(sets).length > 0 ? 'invalid-parameters' : 'started';
  }
  toString(): string {
    return `StartRun(${JSON.stringify(this.asked)})`;
  }
}

/** An Idempotency-Key is a user's own, like a user-run-id. */
const keyName = (user: string, key: string): string => `key ${user} ${key}`;

/** What the strict template has against them. */
function problemsOf(sets: readonly ParameterSet[]): string[] {
  return sets.flatMap((set, index) => {
    const at = `/runtime-parameters/${index}`;
    const city = set['CITY'];
    return [
      ...(city === undefined ? [`${at}/CITY required`] : typeof city === 'string' ? [] : [`${at}/CITY type`]),
      ...('LOCKED' in set ? [`${at}/LOCKED locked`] : []),
    ];
  });
}
