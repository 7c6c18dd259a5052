/** The original's metrics table: one row per job that has ended, under the caller's own name for the run. */
import { Fault } from '#domain/faults';
import { parseRunId } from '#domain/ids';
import type { Job } from '#domain/job';
import { isSettled } from '#domain/job';
import type { Run } from '#domain/run';
import type { Listed, PageRequest, Ports } from './ports.ts';

type Needs = Pick<Ports, 'runs' | 'jobs' | 'cursors'>;

export interface JobOfRun {
  readonly run: Run;
  readonly job: Job;
}

/**
 * One run to a page, or a part of it; a user run id is a user's own, so that any number of runs may have it. A position names runs and
 * not their numbers, which move when another user starts a run of this name between two pages:
 * `<run>/<its next job>/<the run that follows it>/<cursor of those that follow that>`, `?` where it is not known yet what follows.
 */
export async function listMetrics(ports: Needs, userRunId: string, page: PageRequest): Promise<Listed<JobOfRun>> {
  const list = `metrics ${userRunId}`;
  const position = page.cursor === undefined ? '' : ports.cursors.decode(list, page.cursor);
  const at = position === undefined ? undefined : await placeAt(ports, userRunId, position);
  if (at === undefined) return { kind: 'malformed-cursor' };
  const { run, from, following, after } = at;
  if (run === undefined) return { kind: 'page', page: { items: [] } };
  const to = Math.min(run.count, from + page.limit);
  const jobs = await ports.jobs.loadRange(run, from, to);
  const next = to < run.count ? `${run.id}/${to}/${following}/${after}` : following === '' ? undefined : `${following}/0/?/${after}`;
  const items = jobs.filter(isSettled).map((job) => ({ run, job }));
  return { kind: 'page', page: { items, ...(next === undefined ? {} : { cursor: ports.cursors.encode(list, next) }) } };
}

interface Place {
  readonly run: Run | undefined;
  readonly from: number;
  /** The run that follows, and the cursor of those that follow it; empty where there is none. */
  readonly following: string;
  readonly after: string;
}

async function placeAt({ runs }: Needs, userRunId: string, position: string): Promise<Place | undefined> {
  const [runId = '', at = '0', following = '', after = ''] = position.split('/');
  const id = parseRunId(runId);
  if (id && following !== '?') return { run: await runs.load(id), from: Number(at), following, after };
  if (id && after === '') return { run: await runs.load(id), from: 0, following: '', after: '' };
  const listed = await runs.list({ userRunId }, id ? { limit: 1, cursor: after } : { limit: 2 });
  if (listed.kind !== 'page') return undefined;
  // Rows are summed up: none at all are better than some.
  const [lost] = listed.page.unreadable ?? [];
  if (lost) throw new Fault('CorruptItem', lost.detail);
  const { items, cursor = '' } = listed.page;
  const [run, next] = id ? [await runs.load(id), items[0]] : items;
  return { run, from: 0, following: next?.id ?? '', after: cursor };
}
