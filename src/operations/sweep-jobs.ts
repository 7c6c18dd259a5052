/**
 * Reported jobs that time has caught up with: silent for longer than was promised, past their deadline, or deleted for as long
 * as they were to be kept; and those that are to be indexed or reset, and nobody does. Found by the rows that say when to look, the most overdue first; never by looking at every job.
 */
import type { Instant } from '#domain/ids';
import type { Failure } from '#domain/job';
import { applyReported, isIndexDue, isResetDue, lookAt, overdue, SWEEP, type ReportedJob } from '#domain/reported-job';
import type { JobRow } from './job-ports.ts';
import type { Ports } from './ports.ts';
import { readable } from './readable.ts';

type Needs = Pick<Ports, 'clock' | 'reportedJobs'>;

/** Work at an archive that nobody goes on with: for the sweep of every minute, which has the archives. */
export type ArchiveStray = {
  readonly kind: 'job-not-indexed' | 'job-not-reset';
  readonly row: JobRow;
  readonly since: Instant;
  readonly detail: string;
};

export type JobStray =
  | ArchiveStray
  | {
      readonly kind: 'job-lost' | 'job-timed-out';
      readonly row: JobRow;
      readonly failure: Failure;
      readonly since: Instant;
      readonly detail: string;
    }
  | {
      readonly kind: 'deleted-job-kept' | 'job-unreadable' | 'job-row-left';
      readonly row: JobRow;
      readonly since: Instant;
      readonly detail: string;
    };

/** Of one sweep: what is left is for the next. */
const ROWS = 1000;
/** Jobs that cannot be read keep their rows, before those of all others: so many pages of them hold up nobody. */
const PAGES = 5;
const KINDS = { lost: 'job-lost', 'timed-out': 'job-timed-out' } as const;

export interface FoundJobs {
  readonly strays: readonly JobStray[];
  /** Rows of jobs that are not overdue: they are to be looked at later, or not any more. */
  readonly settled: readonly JobRow[];
}

export async function findOverdueJobs(ports: Needs): Promise<FoundJobs> {
  const now = ports.clock.now();
  const [looked, expired] = await Promise.all([dueJobs(ports, now), ports.reportedJobs.expired(now, ROWS)]);
  // A job may have more than one row; the rest are moved to where its own is.
  const first = new Map(looked.toReversed().map(({ row }) => [row.id, row]));
  const strays = looked.flatMap((each): readonly JobStray[] => (first.get(each.row.id) === each.row ? strayOf(each, now) : []));
  const found = new Set(strays.map(({ row }) => row));
  return {
    strays: [
      ...strays,
      ...expired.map((row): JobStray => ({
        kind: 'deleted-job-kept',
        row,
        since: row.at,
        detail: `${row.id} was to be kept until ${row.at}`,
      })),
    ],
    settled: looked.flatMap(({ row, unreadable }) => (found.has(row) || unreadable !== undefined ? [] : [row])),
  };
}

interface Looked {
  readonly row: JobRow;
  readonly job?: ReportedJob;
  /** What is wrong with its item. */
  readonly unreadable?: string;
}

async function dueJobs({ reportedJobs }: Needs, now: Instant): Promise<readonly Looked[]> {
  const looked: Looked[] = [];
  let after: JobRow | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const rows = await reportedJobs.due(now, ROWS, after);
    looked.push(...(await Promise.all(rows.map((row) => lookedAt(reportedJobs, row)))));
    after = rows.at(-1);
    if (rows.length < ROWS || looked.filter(({ unreadable }) => unreadable === undefined).length >= ROWS) break;
  }
  return looked;
}

/** One item that nobody can read is no reason to leave the others unlooked at. */
async function lookedAt(reportedJobs: Needs['reportedJobs'], row: JobRow): Promise<Looked> {
  const read = await readable(() => reportedJobs.load(row.id));
  if (read.kind === 'unreadable') return { row, unreadable: read.detail };
  return { row, ...(read.value ? { job: read.value } : {}) };
}

function strayOf({ row, job, unreadable }: Looked, now: Instant): readonly JobStray[] {
  if (unreadable !== undefined)
    return [{ kind: 'job-unreadable', row, since: row.at, detail: `${row.id} was to be looked at: ${unreadable}` }];
  const failure = job && overdue(job, now);
  if (failure?.reason !== 'lost' && failure?.reason !== 'timed-out') return job ? archiveStrays(row, job, now) : [];
  const { reason, message } = failure;
  return [{ kind: KINDS[reason], row, failure, since: row.at, detail: `${row.id}: ${message}` }];
}

function archiveStrays(row: JobRow, job: ReportedJob, now: Instant): readonly ArchiveStray[] {
  const since = row.at;
  if (isIndexDue(job, now)) return [{ kind: 'job-not-indexed', row, since, detail: `${row.id} is to be indexed, and nobody does` }];
  if (isResetDue(job, now)) return [{ kind: 'job-not-reset', row, since, detail: `${row.id} is being reset, and nobody goes on with it` }];
  return [];
}

/** Moves a row to where its job is due now, or takes it away. */
export async function settleRow({ reportedJobs }: Needs, row: JobRow): Promise<void> {
  const due = await dueNow(reportedJobs, row);
  await reportedJobs.settleDue(row, due);
  if (due !== undefined) return;
  // A job that came under watch again while its row went has put one in the same place, perhaps.
  const again = await dueNow(reportedJobs, row);
  if (again !== undefined) await reportedJobs.settleDue(row, again);
}

async function dueNow(reportedJobs: Needs['reportedJobs'], { id }: JobRow): Promise<Instant | undefined> {
  const job = await reportedJobs.load(id);
  return job && lookAt(job);
}

/** Every repair may be repeated. A job that has said something meanwhile is left alone; one that cannot be read still is a fault. */
export async function mendJob(ports: Needs, stray: Exclude<JobStray, ArchiveStray>): Promise<void> {
  if (stray.kind === 'deleted-job-kept') return ports.reportedJobs.purge(stray.row);
  const job = await ports.reportedJobs.load(stray.row.id);
  const now = ports.clock.now();
  const failure = job && overdue(job, now);
  if (failure) {
    const outcome = applyReported(job, { name: 'fail', at: now, actor: SWEEP, failure });
    if (outcome.kind === 'applied') await ports.reportedJobs.save({ before: job, after: outcome.job, entries: [outcome.entry] });
  }
  // Where the save has lost a race the job is as due as it was, or later: its row says so.
  await settleRow(ports, stray.row);
}
