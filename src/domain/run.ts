/**
 * A run: one request. Its state is derived from the latest attempt of each of its jobs (design: run states), so that a
 * retry after the end can turn it SUCCEEDED.
 */
import type { Instant, RunId, TemplateId } from './ids.ts';
import { isSettled, type Job } from './job.ts';

export const RUN_STATES = ['ACCEPTED', 'RUNNING', 'CANCELLING', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED'] as const;
export type RunState = (typeof RUN_STATES)[number];

export const FINAL_RUN_STATES: readonly RunState[] = ['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED'];

/** A run that is being ended before its time: ticks stop what runs and settle the rest. */
export interface Closing {
  readonly reason: 'cancelled' | 'aborted';
  readonly message: string;
  readonly at: Instant;
}

export interface Gathering {
  readonly watch: number;
  readonly until: Instant;
}

export interface Run {
  readonly id: RunId;
  readonly userId: string;
  readonly userRunId: string;
  readonly sourceType: string;
  readonly targetType: string;
  readonly templateId: TemplateId;
  readonly templateVersion: number;
  /** Who authenticated; `userId` is on whose behalf. */
  readonly requestedBy: string;
  /** Number of parameter sets, which is the number of jobs. */
  readonly count: number;
  /** How many sets of the request were left out because they had succeeded already. */
  readonly skipped?: number;
  /** The index of the first set of each stored chunk. */
  readonly chunkStarts: readonly number[];
  /** Of the stored sets, as JSON. */
  readonly setsBytes: number;
  /** Counts from 1; a caller's retry is the next attempt of the run, of just the jobs that it selected. */
  readonly attempt: number;
  /** Jobs that the attempts after the first were about, all together. */
  readonly retriedJobs: number;
  /** Counts the watch loops that were started for the run, one after the other: only the last one goes on. */
  readonly watch: number;
  /** Of a loop that was started for one cancelled job: what is asked for until then is seen by its first look, and needs no other loop. */
  readonly gathering?: Gathering;
  /** The run whose sets this one was made from. */
  readonly clonedFrom?: RunId;
  readonly state: RunState;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** The ARN that claimed the run: any other execution is a second driver and leaves. */
  readonly execution?: string;
  /**
   * When every set had its job item, and every job that the current attempt is about was made ready for it. Until then
   * jobs without an item are answered from the accepted sets, and the run cannot end.
   */
  readonly plannedAt?: Instant;
  readonly closing?: Closing;
  readonly finishedAt?: Instant;
  /** It has ended, and something is left to do about engine jobs of it: counts to collect, above all. */
  readonly collecting?: true;
  /** As of the last end; counts that settled after it are added. */
  readonly counts?: RunCounts;
}

/** Settled jobs and record totals of a run, kept per shard in the transactions that settle the jobs: never a recount, never a drift. */
export interface RunCounts {
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly inputRecordCount: number;
  readonly outputRecordCount: number;
  readonly errorRecordCount: number;
}

export const NO_COUNTS: RunCounts = {
  finished: 0,
  failed: 0,
  cancelled: 0,
  inputRecordCount: 0,
  outputRecordCount: 0,
  errorRecordCount: 0,
};

export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return {
    finished: a.finished + b.finished,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    inputRecordCount: a.inputRecordCount + b.inputRecordCount,
    outputRecordCount: a.outputRecordCount + b.outputRecordCount,
    errorRecordCount: a.errorRecordCount + b.errorRecordCount,
  };
}

export const settledCount = (counts: RunCounts): number => counts.finished + counts.failed + counts.cancelled;

export function isFinal(run: Pick<Run, 'state'>): boolean {
  return FINAL_RUN_STATES.includes(run.state);
}

/** The state of a run all of whose jobs are settled. */
export function finalRunState(count: number, counts: RunCounts, closing: Closing | undefined): RunState {
  if (counts.finished === count) return 'SUCCEEDED';
  if (closing?.reason === 'cancelled') return 'CANCELLED';
  return counts.finished > 0 ? 'PARTIAL' : 'FAILED';
}

/** What one job's change adds to its run's counts; a job that leaves its settled state takes back what it had added. */
export function countsChange(before: Job | undefined, after: Job): RunCounts {
  const added = isSettled(after) ? countsOf(after) : NO_COUNTS;
  return before !== undefined && isSettled(before) ? addCounts(added, negated(countsOf(before))) : added;
}

function countsOf(job: Job): RunCounts {
  const cancelled = job.failure?.reason === 'cancelled';
  const failed = job.failure !== undefined && !cancelled;
  return {
    finished: cancelled || failed ? 0 : 1,
    failed: failed ? 1 : 0,
    cancelled: cancelled ? 1 : 0,
    inputRecordCount: job.metrics?.inputRecordCount ?? 0,
    outputRecordCount: job.metrics?.outputRecordCount ?? 0,
    errorRecordCount: job.metrics?.errorRecordCount ?? 0,
  };
}

function negated(counts: RunCounts): RunCounts {
  const entries = Object.entries(counts) as readonly (readonly [keyof RunCounts, number])[];
  return Object.fromEntries(entries.map(([key, value]) => [key, 0 - value])) as unknown as RunCounts;
}
