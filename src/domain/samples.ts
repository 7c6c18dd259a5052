/**
 * Counts of streaming jobs while they run: one sample of each job in every interval. Intervals are counted from the time the
 * run was accepted, so that runs do not all ask their engine in the same second.
 */
import type { EngineJobId, Instant, JobRef } from './ids.ts';
import { epochMs } from './ids.ts';
import type { Job } from './job.ts';

/** How a template says that its jobs have no end of their own. */
export interface Streaming {
  readonly sampleSeconds: number;
}

export interface MetricSample extends JobRef {
  readonly attempt: number;
  readonly at: Instant;
  readonly engineId?: string;
  /** Since the attempt began. */
  readonly inputRecordCount: number;
  readonly outputRecordCount: number;
  readonly errorRecordCount: number;
}

/** What is read of a series; both ends inclusive. */
export interface SampleRange {
  readonly from?: Instant;
  readonly to?: Instant;
  readonly newestFirst: boolean;
}

/** No engine is asked for the counts of more jobs a second than this by one run, however many of them it has. */
const SAMPLES_PER_SECOND = 10;

/** A run of thousands is sampled at the pace that its engine bears. */
export function sampleIntervalSeconds({ sampleSeconds }: Streaming, jobCount: number): number {
  return Math.max(sampleSeconds, Math.ceil(jobCount / SAMPLES_PER_SECOND));
}

export interface SampleClock {
  readonly since: Instant;
  readonly intervalSeconds: number;
}

const intervalOf = ({ since, intervalSeconds }: SampleClock, at: Instant): number =>
  Math.floor((epochMs(at) - epochMs(since)) / (intervalSeconds * 1000));

/** Whether an interval has begun since the last look. */
export function isSampleDue(clock: SampleClock, lookedAt: Instant | undefined, now: Instant): boolean {
  return lookedAt === undefined || intervalOf(clock, now) > intervalOf(clock, lookedAt);
}

/** Until the next interval begins. */
export function nextSampleSeconds(clock: SampleClock, now: Instant): number {
  const { since, intervalSeconds } = clock;
  return ((intervalOf(clock, now) + 1) * intervalSeconds * 1000 - (epochMs(now) - epochMs(since))) / 1000;
}

export const isSampled = (job: Job): job is Job & { readonly start: { readonly engineJobId: EngineJobId } } =>
  job.state === 'RUNNING' && job.start.engineJobId !== undefined;
