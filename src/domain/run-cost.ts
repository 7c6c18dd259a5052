/**
 * What a run has used on AWS, from what was counted while it ran: its ticks, the rows that they read, its status questions
 * and its starts. What every job and every run uses besides is the same for all, and counted by a test of the bill: a change
 * that makes a run dearer changes these numbers. How long functions take is assumed (aws-facts §3.1).
 */
import type { Billed } from './prices.ts';

/** What a run has used of that which does not follow from its size. */
export interface RunUsage {
  readonly ticks: number;
  /** Of these, those that its watch loop made; the others were nudges. */
  readonly loopTicks: number;
  /** Open jobs that its ticks have read, each as often as it was read. */
  readonly jobsRead: number;
  readonly statusCalls: number;
  /** Questions after the counts of one job. */
  readonly metricsCalls: number;
  /** Samples of running jobs that were stored. */
  readonly samples: number;
  /** Executions that an engine's push has started, of which the last tick knows. */
  readonly pushes: number;
  /** Jobs that ticks have started once more than their child: retries, and starts that left no trace. */
  readonly tickStarts: number;
  /** Jobs that ticks have started in place of their child, which had queued them for a slot. */
  readonly slotStarts: number;
  /** How often ticks told what they hold of something that is limited across runs. */
  readonly slotHolds: number;
}

export const NO_USAGE: RunUsage = {
  ticks: 0,
  loopTicks: 0,
  jobsRead: 0,
  statusCalls: 0,
  metricsCalls: 0,
  samples: 0,
  pushes: 0,
  tickStarts: 0,
  slotStarts: 0,
  slotHolds: 0,
};

export interface RunSize {
  readonly jobCount: number;
  /** Attempts of the run, and the jobs that those after the first were about. */
  readonly attempts: number;
  readonly retriedJobs: number;
  readonly watchLoops: number;
  readonly setsBytes: number;
}

/** Jobs that share a partition, and with it a query. */
const JOBS_PER_SHARD = 500;
/** An inline Map's iteration is one state; a distributed one's child is started besides (aws-facts §1.1). */
const INLINE_MOST = 40;

const STATES = { attempt: 4, loop: 2, tick: 3, push: 2 } as const;
const WRITES = {
  acceptance: 14,
  attempt: 7,
  end: 11,
  tick: 2,
  counts: 2,
  create: 6,
  drive: 25,
  slotStart: 4,
  slotHold: 4,
  sample: 1,
} as const;
const READS = { run: 9, child: 4, tick: 3, shard: 2, slotHold: 2 } as const;
/** Of an open row, of which a read unit holds 4 KB. */
const ROW_UNITS = 350 / 4096;
const SECONDS = { start: 0.4, ofEngine: 0.3, tick: 0.15, tickPerJob: 0.0005, plan: 0.2, planPerJob: 0.001, other: 0.1 } as const;
/** As serverless.yml has it. */
const GB = { usual: 0.5, large: 1 } as const;

/** `lambdaSeconds` are not billed as such: what is billed is their product with the memory. */
export interface Used extends Billed {
  readonly lambdaSeconds: number;
}

export function usedByRun(size: RunSize, usage: RunUsage): Used {
  const { jobCount, attempts, retriedJobs, watchLoops, setsBytes } = size;
  const children = jobCount + retriedJobs;
  const shards = Math.ceil(jobCount / JOBS_PER_SHARD);
  const driven = children + usage.tickStarts;
  const seconds = {
    usual: children * SECONDS.start - usage.slotStarts * SECONDS.ofEngine + (1 + attempts) * SECONDS.other,
    large:
      attempts * SECONDS.plan +
      children * SECONDS.planPerJob +
      usage.ticks * SECONDS.tick +
      usage.jobsRead * SECONDS.tickPerJob +
      // What a tick starts it starts at once.
      Math.min(usage.slotStarts, usage.slotHolds) * SECONDS.ofEngine,
  };
  return {
    transitions:
      attempts * STATES.attempt +
      children * (jobCount <= INLINE_MOST ? 1 : 2) +
      watchLoops * STATES.loop +
      usage.loopTicks * STATES.tick +
      usage.pushes * STATES.push,
    invocations: 1 + 2 * attempts + children + usage.ticks,
    lambdaSeconds: seconds.usual + seconds.large,
    gbSeconds: seconds.usual * GB.usual + seconds.large * GB.large,
    writeUnits:
      WRITES.acceptance +
      2 * Math.ceil(setsBytes / 1024) +
      attempts * (WRITES.attempt + WRITES.end) +
      usage.ticks * WRITES.tick +
      Math.min(driven, usage.ticks) * WRITES.counts +
      jobCount * WRITES.create +
      driven * WRITES.drive +
      usage.slotStarts * WRITES.slotStart +
      usage.slotHolds * WRITES.slotHold +
      usage.samples * WRITES.sample,
    readUnits:
      READS.run * attempts +
      driven * READS.child +
      usage.slotHolds * READS.slotHold +
      usage.ticks * (READS.tick + READS.shard * shards) +
      usage.jobsRead * ROW_UNITS,
    httpCalls: attempts,
  };
}
