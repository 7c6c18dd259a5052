/** Lists of reported jobs: rows of their own, newest first, written in the transaction that changes what they list. */
import { StoredReportedJob } from '#contract/stored-reported';
import type { ReportedJobId } from '#domain/ids';
import { isHidden, type ReportedJob } from '#domain/reported-job';
import type { ReportedJobFilter, ReportedJobStore } from '#operations/job-ports';
import type { Unreadable } from '#operations/pages';
import type { PageRequest } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decoded, decodeDocument } from './decoding.ts';
import { keys } from './keys.ts';
import type { Item, Table } from './table.ts';

/** Where a job stands; nowhere once it is withdrawn or deleted. */
export function rowsOf(job: ReportedJob): readonly Item[] {
  if (isHidden(job)) return [];
  const { pipeline, state } = job;
  const sk = keys.jobAt(job.createdAt, job.id);
  const lists = [
    ...[{}, { pipeline }, { state }, { pipeline, state }].map((of) => keys.reportedJobs(of)),
    ...job.parents.map((parent) => keys.childJobs(parent)),
  ];
  return lists.map((pk) => ({ pk, sk }));
}

/** Of one page: past this many rows that did not fit the other filters, the page is short and its cursor goes on from there. */
const ROWS_READ = 500;

export async function listReportedJobs(table: Table, filter: ReportedJobFilter, page: PageRequest): ReturnType<ReportedJobStore['list']> {
  const { parent } = filter;
  // Only children are narrowed further by looking at them; every other pair has a list of its own.
  const pk = parent === undefined ? keys.reportedJobs(filter) : keys.childJobs(parent);
  const list = `${pk} ${filter.pipeline ?? ''} ${filter.state ?? ''}`;
  let after = page.cursor === undefined ? undefined : decodeCursor(list, page.cursor);
  if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const jobs: ReportedJob[] = [];
  const unreadable: Unreadable[] = [];
  let rows = 0;
  do {
    const { items, next } = await table.query({ pk, limit: page.limit, newestFirst: true, ...(after === undefined ? {} : { after }) });
    const loaded = await Promise.all(items.map(({ sk }) => table.get(keys.reportedJob(idIn(sk) as ReportedJobId))));
    rows += items.length;
    after = next;
    for (const [position, item] of loaded.entries()) {
      const read = item && decoded(() => decodeDocument(StoredReportedJob, item));
      if (read && 'detail' in read) unreadable.push({ id: idIn(items[position]?.sk ?? ''), detail: read.detail });
      else if (read && fits(read.value, filter)) jobs.push(read.value);
      if (jobs.length < page.limit) continue;
      // A full page may end within what was read: its cursor goes on from there.
      after = position + 1 < items.length ? items[position]?.sk : next;
      break;
    }
  } while (after !== undefined && jobs.length < page.limit && rows < ROWS_READ);
  const cursor = after === undefined ? {} : { cursor: encodeCursor(list, after) };
  return { kind: 'page', page: { items: jobs, ...(unreadable.length === 0 ? {} : { unreadable }), ...cursor } };
}

const idIn = (sk: string): string => sk.slice(sk.indexOf('#') + 1);

/** Also against what changed between the row and the job. */
function fits(job: ReportedJob, { pipeline, state }: ReportedJobFilter): boolean {
  return !isHidden(job) && (pipeline === undefined || job.pipeline === pipeline) && (state === undefined || job.state === state);
}
