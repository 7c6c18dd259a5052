/** The original's metrics table: one row per job that has ended, under the caller's own name for the run. */
import type { Job } from '#domain/job';
import { isSettled } from '#domain/job';
import type { Run } from '#domain/run';
import type { Listed, PageRequest, Ports } from './ports.ts';

type Needs = Pick<Ports, 'runs' | 'jobs' | 'cursors'>;

export interface JobOfRun {
  readonly run: Run;
  readonly job: Job;
}

/** A user run id is a user's own: this many users may share one before the list is cut. */
const RUNS = 100;

export async function listMetrics(ports: Needs, userRunId: string, page: PageRequest): Promise<Listed<JobOfRun>> {
  const list = `metrics ${userRunId}`;
  const position = page.cursor === undefined ? '/0' : ports.cursors.decode(list, page.cursor);
  const runs = await ports.runs.list({ userRunId }, { limit: RUNS });
  if (position === undefined || runs.kind !== 'page') return { kind: 'malformed-cursor' };
  // By its id: a run that another user starts under this name between two pages moves every number.
  const [runId = '', at] = position.split('/');
  const from = Number(at);
  const runNumber = runId === '' ? 0 : runs.page.items.findIndex(({ id }) => id === runId);
  const run = runs.page.items[runNumber];
  if (!run) return { kind: 'page', page: { items: [] } };
  const to = Math.min(run.count, from + page.limit);
  const jobs = await ports.jobs.loadRange(run, from, to);
  const following = runs.page.items[runNumber + 1];
  const next = to < run.count ? `${run.id}/${to}` : following ? `${following.id}/0` : undefined;
  const items = jobs.filter(isSettled).map((job) => ({ run, job }));
  return { kind: 'page', page: { items, ...(next === undefined ? {} : { cursor: ports.cursors.encode(list, next) }) } };
}
