/** Looking at runs and jobs, in lists and one by one. */
import { expect } from 'vitest';
import type { HistoryEntryView, JobView, MetricsRow, RunView } from '#contract/views';
import { slug } from '#test/functions/api';
import type { ApiWorld } from './api-world.ts';
import { expectedRun, jobId, jobStateOf, jobStatesOf, stateOf, type Command, type Model, type ModelRun, type Real } from './model.ts';

/** A list to its end, and that no page is longer than asked for. */
async function listed<Item>(
  world: ApiWorld,
  routeKey: string,
  {
    path = {},
    query = {},
    limit,
  }: { readonly path?: Record<string, string>; readonly query?: Record<string, string>; readonly limit: number },
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await world.ask(routeKey, {
      path,
      query: { ...query, limit: String(limit), ...(cursor === undefined ? {} : { cursor }) },
    });
    expect(status).toBe(200);
    const page = body['items'] as readonly Item[];
    expect(page.length).toBeLessThanOrEqual(limit);
    items.push(...page);
    cursor = body['next-cursor'] as string | undefined;
  } while (cursor !== undefined);
  return items;
}

export class ListRuns implements Command {
  private readonly user: string;
  private readonly limit: number;
  constructor(user: string, limit: number) {
    this.user = user;
    this.limit = limit;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const runs = await listed<RunView>(world, 'GET /v1/runs', { query: { 'user-id': `${own}-${this.user}` }, limit: this.limit });
    const expected = model.runs.filter(({ user }) => user === this.user).toReversed();
    expect(runs.map((run) => run['run-id'])).toEqual(expected.map(({ id }) => id));
    for (const [index, run] of expected.entries()) expect(runs[index]).toMatchObject(expectedRun(run, model, own));
  }
  toString(): string {
    return `ListRuns(${this.user}, ${this.limit})`;
  }
}

/** Commands about one run, chosen by number among those that there are. */
export abstract class OfRun implements Command {
  protected readonly chosen: number;
  protected readonly limit: number;
  constructor(chosen: number, limit: number) {
    this.chosen = chosen;
    this.limit = limit;
  }
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 0;
  }
  async run(model: Model, real: Real): Promise<void> {
    const run = model.runs[this.chosen % model.runs.length];
    if (run) await this.about(run, model, real);
  }
  protected abstract about(run: ModelRun, model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.chosen}, ${this.limit})`;
  }
}

export class GetRun extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const { status, body } = await world.ask('GET /v1/runs/{runId}', { path: { runId: run.id } });
    expect([status, body]).toEqual([200, expect.objectContaining(expectedRun(run, model, own))]);
    expect(body['finished-at'] !== undefined).toBe(['SUCCEEDED', 'PARTIAL', 'FAILED'].includes(stateOf(run, model)));
  }
}

export class ListJobs extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const jobs = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, limit: this.limit });
    expect(jobs.map((job) => [job['job-id'], job.index, job.attempt, job.state])).toEqual(
      jobStatesOf(run, model).map((state, index) => [jobId(run, index), index, 1, state]),
    );
    const query = { state: 'FAILED' };
    const failed = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, query, limit: this.limit });
    expect(failed).toEqual(jobs.filter(({ state }) => state === 'FAILED'));
  }
}

export class GetJob extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const index = this.limit % run.sets.length;
    const { status, body } = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, index) } });
    const state = jobStateOf(run, index, model);
    expect([status, body['state']]).toEqual([200, state]);
    if (state === 'FAILED') expect(body['failure']).toEqual({ reason: 'engine-error', message: 'it broke' });
    const set = run.sets[index] ?? {};
    const given = Object.fromEntries(Object.entries(set).map(([key, value]) => [key, { value, origin: 'caller' }]));
    const replaced = 'MODE' in set ? { MODE: { ...given['MODE'], replaced: { origin: 'source-parameters', value: 'static' } } } : {};
    const ofTemplate = {
      DAYS: { value: 7, origin: 'schema-default' },
      MODE: { value: 'static', origin: 'source-parameters' },
      LOCKED: { value: 'yes', origin: 'target-parameters' },
    };
    expect(body['parameters']).toEqual(run.strict ? { ...ofTemplate, ...given, ...replaced } : given);
    const beyond = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, run.sets.length) } });
    expect([beyond.status, slug(beyond)]).toEqual([404, 'not-found']);
  }
}

export class History extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const index = this.chosen % run.sets.length;
    const entries = await listed<HistoryEntryView>(world, 'GET /v1/jobs/{jobId}/history', {
      path: { jobId: jobId(run, index) },
      limit: this.limit,
    });
    const state = jobStateOf(run, index, model);
    // A job that failed before any tick found it running never ran, as far as anybody knows.
    const failed = run.seenRunning.has(index) ? ['create', 'run', 'fail'] : ['create', 'fail'];
    const names = { CREATED: ['create'], RUNNING: ['create', 'run'], FINISHED: ['create', 'run', 'finish'], FAILED: failed };
    // Before its run is planned a job is only foreseen: it has no history yet.
    const expected = run.startedAtMs === undefined ? [] : names[state as keyof typeof names];
    expect(entries.map(({ name }) => name)).toEqual(expected);
    expect(entries.map(({ sequence }) => sequence)).toEqual(expected.map((_, position) => position + 1));
  }
}

export class Metrics extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const query = { 'user-run-id': `${own}-${run.name}` };
    const rows = await listed<MetricsRow>(world, 'GET /v1/metrics', { query, limit: this.limit });
    const runs = model.runs.filter(({ name }) => name === run.name).toReversed();
    const expected = runs.flatMap((each) =>
      jobStatesOf(each, model).flatMap((state, index) =>
        state === 'FINISHED' || state === 'FAILED'
          ? [[jobId(each, index), state === 'FINISHED', state === 'FAILED' ? 'it broke' : '']]
          : [],
      ),
    );
    expect(rows.map((row) => [row.job_id, row.successful_run, row.error_message])).toEqual(expected);
  }
}
