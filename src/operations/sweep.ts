/** The scheduled repair: acts on what `findStrays` finds. Every repair may be repeated, and each stands alone: one that fails stops no other. */
import { Fault } from '#domain/faults';
import { secondsBetween } from '#domain/ids';
import { isFinal, type Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import { closeRun } from './close-run.ts';
import { findStrays, type Stray, type SweepNeeds } from './find-strays.ts';
import { finishRun } from './finish-run.ts';
import { inTurns } from './in-turns.ts';
import type { JobRow } from './job-ports.ts';
import type { Ports } from './ports.ts';
import { indexAgain, type IndexNeeds } from './index-job.ts';
import { resetAgain } from './reset-job.ts';
import { findOverdueJobs, mendJob, settleRow, type ArchiveStray } from './sweep-jobs.ts';

export const REPAIRS: Readonly<Record<Stray['kind'], string>> = {
  'run-not-started': 'start the execution',
  'execution-failed': 'close the run: stop its jobs and settle the rest as aborted',
  'jobs-not-started': 'queue the jobs, for the watch loop to start',
  'watch-overdue': 'start the watch loop anew',
  'execution-left-over': 'let the parked children go, and stop the execution if it stays',
  'slots-not-returned': 'give the slots back',
  'job-lost': 'fail the job: it is lost',
  'job-timed-out': 'fail the job: it has timed out',
  'job-not-indexed': 'index the job, as the sweep of every minute does',
  'job-not-reset': 'empty its archive and make it ready, as the sweep of every minute does',
  'deleted-job-kept': 'remove the job and its history',
  'job-unreadable': 'nothing mends it by itself: restore the item in the table from a backup, or remove all items of the job',
  'job-row-left': 'move the row, as every sweep does',
  'run-unreadable': 'nothing mends it by itself: restore the item in the table from a backup; the run goes on by itself then',
  'slots-unreadable':
    'nothing mends it by itself: restore the item in the table from a backup, or remove all items of these slots: the ticks of their runs write them anew',
};

export interface SweepRow {
  readonly stray: Stray;
  /** Absent where nothing was to be repaired; an error's message where the repair failed. */
  readonly outcome?: { readonly kind: 'repaired' } | { readonly kind: 'failed'; readonly message: string };
}

export interface SweepReport {
  readonly runs: number;
  readonly executions: number;
  readonly rows: readonly SweepRow[];
  /** The time was over before everything had been looked at, or repaired. */
  readonly unfinished?: true;
}

type Needs = SweepNeeds;

export interface SweepOptions {
  readonly repair: boolean;
  /** After them nothing more is begun; half of them are for finding. */
  readonly withinSeconds?: number;
}

export async function sweep(ports: Needs, { repair, withinSeconds = Infinity }: SweepOptions): Promise<SweepReport> {
  const begunAt = ports.clock.now();
  const { strays, settledRows, ...seen } = await findStrays(ports, withinSeconds / 2);
  const rows: SweepRow[] = repair ? [...(await movedOrTold(ports, settledRows))] : [];
  for (const stray of strays) {
    const isLate = secondsBetween(begunAt, ports.clock.now()) >= withinSeconds;
    const outcome = repair && !isLate && !isOfArchive(stray) ? await attempted(() => mend(ports, stray)) : undefined;
    rows.push({ stray, ...(outcome ? { outcome } : {}) });
  }
  const isLeft = repair && rows.some(({ stray, outcome }) => outcome === undefined && !isOfArchive(stray));
  return { ...seen, rows, ...(isLeft ? { unfinished: true } : {}) };
}

/** Rows that could not be moved are told; the others are moved and nothing to tell of. */
async function movedOrTold(ports: Pick<Ports, 'clock' | 'reportedJobs'>, rows: readonly JobRow[]): Promise<readonly SweepRow[]> {
  const left: SweepRow[] = [];
  await inTurns(rows, async (row) => {
    const outcome = await attempted(() => settleRow(ports, row));
    const detail = `${row.id} is not due, and stands among those that are`;
    if (outcome.kind === 'failed') left.push({ stray: { kind: 'job-row-left', row, since: row.at, detail }, outcome });
  });
  return left;
}

function isOfArchive(stray: Stray): stray is ArchiveStray {
  return stray.kind === 'job-not-indexed' || stray.kind === 'job-not-reset';
}

async function attempted(repair: () => Promise<void>): Promise<NonNullable<SweepRow['outcome']>> {
  try {
    await repair();
    return { kind: 'repaired' };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : 'unknown fault' };
  }
}

async function mend(ports: Needs, stray: Exclude<Stray, ArchiveStray>): Promise<void> {
  switch (stray.kind) {
    case 'run-not-started':
      return ports.orchestrator.startRun(stray.run.id, stray.run.attempt);
    case 'execution-failed': {
      const { run, execution, status } = stray;
      return closeRun(ports, { execution, driven: { runId: run.id }, message: `the execution ended as ${status}` });
    }
    case 'jobs-not-started':
      await finishRun(ports, { runId: stray.run.id, attempt: stray.run.attempt });
      return;
    case 'watch-overdue': {
      const isOver = (run: Run): boolean => isFinal(run) && run.collecting === undefined;
      const watched = await changeRun(ports, stray.run, (latest) => (isOver(latest) ? undefined : { watch: latest.watch + 1 }));
      return isOver(watched) ? undefined : ports.orchestrator.startWatch(watched, 0);
    }
    case 'execution-left-over':
      return letExecutionGo(ports, stray);
    case 'slots-not-returned':
      return giveSlotsBack(ports, stray);
    case 'job-lost':
    case 'job-timed-out':
    case 'deleted-job-kept':
    case 'job-unreadable':
    case 'job-row-left':
      return mendJob(ports, stray);
    case 'run-unreadable':
    case 'slots-unreadable':
      throw new Fault('CorruptItem', stray.detail);
  }
}

const ATTEMPTS = 5;

/** A run that has been looked at since it was found has its slots by right. */
async function giveSlotsBack(
  { slots }: Needs,
  { read: { resource }, holder }: Extract<Stray, { kind: 'slots-not-returned' }>,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const read = await slots.load(resource);
    const isAsFound = read.holders.some(({ runId, until }) => runId === holder.runId && until === holder.until);
    if (!isAsFound || (await slots.hold([{ read, holder: { ...holder, held: 0, waiting: 0 } }])) === 'held') return;
  }
  throw new Fault('StoreBusy', `the slots of ${resource} were changed by others ${ATTEMPTS} times in a row`);
}

async function letExecutionGo(ports: Needs, { run, execution, isLong }: Extract<Stray, { kind: 'execution-left-over' }>): Promise<void> {
  if (run) {
    const jobs = Array.from({ length: run.count }, (_, index) => ({ runId: run.id, index }));
    const parked = await ports.jobs.taskTokens(run, jobs);
    // A retry may have begun since the run was found.
    const left = parked.filter(({ runAttempt }) => runAttempt <= run.attempt);
    await inTurns(left, ({ taskToken }) => ports.orchestrator.release(taskToken));
  }
  if (isLong) await ports.orchestrator.stop(execution, 'its run has ended');
}

/**
 * Of one sweep: no indexing is begun later, and none goes on for longer but for a request under way. Together less than its
 * function may take (serverless.yml).
 */
const INDEXINGS = { beginWithinSeconds: 30, withinSeconds: 200, atOnce: 4 } as const;

/** The reported jobs alone: cheap enough to be done every minute. */
export async function sweepJobs(ports: IndexNeeds): Promise<readonly SweepRow[]> {
  const startedAt = ports.clock.now();
  const { strays, settled } = await findOverdueJobs(ports);
  const rows: SweepRow[] = [...(await movedOrTold(ports, settled))];
  const remaining = strays.filter(isOfArchive).values();
  for (const stray of strays) if (!isOfArchive(stray)) rows.push({ stray, outcome: await attempted(() => mendJob(ports, stray)) });
  const worker = async (): Promise<void> => {
    for (const stray of remaining) {
      if (secondsBetween(startedAt, ports.clock.now()) >= INDEXINGS.beginWithinSeconds) return;
      rows.push({ stray, outcome: await attempted(() => workedAt(ports, stray)) });
    }
  };
  await Promise.all(Array.from({ length: INDEXINGS.atOnce }, worker));
  return rows;
}

async function workedAt(ports: IndexNeeds, { kind, row }: ArchiveStray): Promise<void> {
  const again = kind === 'job-not-reset' ? resetAgain : indexAgain;
  const outcome = await again(ports, { id: row.id, withinSeconds: INDEXINGS.withinSeconds });
  await settleRow(ports, row);
  if (outcome.kind === 'failed') throw new Fault('ArchiveRefused', outcome.message);
}
