/** Lists: of the catalog, of runs by whatever they can be narrowed by, and of what became of a set. */
import { expect } from 'vitest';
import type { PatternView, TemplateView } from '#contract/catalog';
import type { JobView, RunView } from '#contract/views';
import { slug } from '#test/functions/api';
import { searchableOf, setKeyOf } from './kinds.ts';
import { listed } from './listing.ts';
import { OfRun } from './of-run.ts';
import { expectedRun, jobId, stateOf, templateIdOf, type Command, type Model, type ModelRun, type Real } from './model.ts';

/** Sequences share a table: what others have put stands in the same lists. */
const isOf = (own: string, name: string): boolean => name.startsWith(`${own}-`);

abstract class ListCommand implements Command {
  protected readonly limit: number;
  constructor(limit: number) {
    this.limit = limit;
  }
  check(): boolean {
    return true;
  }
  abstract run(model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.limit})`;
  }
}

export class ListTemplates extends ListCommand {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const templates = await listed<TemplateView>(world, 'GET /v1/templates', { limit: this.limit });
    const there = templates.filter((template) => isOf(`tmpl_${own}`, template['template-id']));
    const expected = [...model.templates].filter(([, { isThere }]) => isThere);
    expect(there.map((template) => [template['template-id'], template.version]).toSorted()).toEqual(
      expected.map(([id, { versions }]) => [templateIdOf(own, id), versions.length]).toSorted(),
    );
  }
}

export class ListPatterns extends ListCommand {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const patterns = await listed<PatternView>(world, 'GET /v1/patterns', { limit: this.limit });
    const there = patterns.filter((pattern) => isOf(own, pattern['source-type']));
    expect(there.map((pattern) => [pattern['source-type'], pattern['template-id'], pattern.version]).toSorted()).toEqual(
      [...model.patterns]
        .flatMap(([pair, { template, version }]) =>
          template === undefined ? [] : [[`${own}-${pair}`, templateIdOf(own, template), version]],
        )
        .toSorted(),
    );
  }
}

export class ListVersions extends ListCommand {
  private readonly id: string;
  constructor(id: string, limit: number) {
    super(limit);
    this.id = id;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { templateId: templateIdOf(own, this.id) };
    const known = model.templates.get(this.id)?.versions;
    if (known === undefined) {
      const answer = await world.ask('GET /v1/templates/{templateId}/versions', { path });
      expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
      return;
    }
    const versions = await listed<TemplateView>(world, 'GET /v1/templates/{templateId}/versions', { path, limit: this.limit });
    expect(versions.map(({ version }) => version)).toEqual([...known.keys()].map((place) => place + 1).toReversed());
  }
}

const FILTERS = ['user-id', 'user-run-id', 'template-id', 'state', 'from', 'before', 'parameter'] as const;
type Filter = (typeof FILTERS)[number];

/** Runs like a chosen one: each filter says what holds for that one. */
export class ListRunsLike extends OfRun {
  private readonly filters: readonly Filter[];
  constructor(chosen: number, limit: number, filters: readonly Filter[]) {
    super(chosen, limit);
    this.filters = filters;
  }
  protected async about(like: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const parameters = wordsOf(like);
    const parameter = parameters[this.chosen % Math.max(1, parameters.length)] ?? 'CITY=Oslo';
    const asked: Readonly<Record<Filter, readonly [string, (run: ModelRun) => boolean]>> = {
      'user-id': [`${own}-${like.user}`, ({ user }) => user === like.user],
      'user-run-id': [`${own}-${like.name}`, ({ name }) => name === like.name],
      'template-id': [templateIdOf(own, like.template), ({ template }) => template === like.template],
      state: [stateOf(like), (run) => stateOf(run) === stateOf(like)],
      from: [new Date(like.createdAtMs).toISOString(), ({ createdAtMs }) => createdAtMs >= like.createdAtMs],
      before: [new Date(like.createdAtMs).toISOString(), ({ createdAtMs }) => createdAtMs < like.createdAtMs],
      parameter: [parameter, (run) => wordsOf(run).includes(parameter)],
    };
    const query = Object.fromEntries(this.filters.map((filter) => [filter, asked[filter][0]]));
    const runs = await listed<RunView>(world, 'GET /v1/runs', { query, limit: this.limit });
    const there = runs.filter((run) => isOf(own, run['user-id']));
    const expected = model.runs.filter((run) => this.filters.every((filter) => asked[filter][1](run))).toReversed();
    expect(there.map((run) => run['run-id'])).toEqual(expected.map(({ id }) => id));
    for (const [index, run] of expected.entries()) expect(there[index]).toMatchObject(expectedRun(run, own));
  }
  override toString(): string {
    return `ListRunsLike(${this.chosen}, ${this.limit}, ${this.filters.join(' ')})`;
  }
}

/** By which values a run is found: as soon as its jobs are made. */
const wordsOf = ({ jobs, kind }: ModelRun): readonly string[] =>
  jobs.flatMap(({ set, history }) => (history.length > 0 ? searchableOf(kind, set) : []));

export const allFilters: readonly Filter[] = FILTERS;

/** What became of one of a run's sets in all runs of its template, the newest first. */
export class SetHistory extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const set = run.jobs[this.limit % run.jobs.length]?.set ?? {};
    const setKey = setKeyOf(run.kind, set);
    const path = { templateId: templateIdOf(own, run.template), setKey };
    const jobs = await listed<JobView>(world, 'GET /v1/templates/{templateId}/sets/{setKey}/jobs', { path, limit: this.limit });
    const expected = model.runs
      .filter(({ template }) => template === run.template)
      .flatMap((each) =>
        each.jobs.flatMap((job, index) =>
          job.history.length > 0 && setKeyOf(each.kind, job.set) === setKey ? [[jobId(each, index), job.state, job.attempt]] : [],
        ),
      )
      .toReversed();
    expect(jobs.map((job) => [job['job-id'], job.state, job.attempt])).toEqual(expected);
  }
}
