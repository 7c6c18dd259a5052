/** A job as it was read and as it shall be, and the one change that leads to more than an event: the failure of an attempt. */
import { isDone, type Aftercare, type AttemptEnd, type AttemptRecord } from './attempt-end.ts';
import { epochMs, instant, type Instant } from './ids.ts';
import { applyEvent, metricsStateOf, type Failure, type HistoryEntry, type Job, type JobEvent } from './job.ts';
import type { Closing } from './run.ts';
import type { TemplateLimits } from './template.ts';

/** With the history entries between: one conditional transaction. */
export interface JobChange {
  readonly before: Job;
  readonly after: Job;
  readonly entries: readonly HistoryEntry[];
  /** Counts of attempts before the one that the job is in now: the job itself has those of its current attempt. */
  readonly records?: readonly AttemptRecord[];
}

const ACTOR = 'sluice';

export const event = (name: JobEvent['name'], at: Instant): JobEvent => ({ name, at, actor: ACTOR });

/** Proposes only what the state machine allows: an event that it refuses is left out. */
export function applied(job: Job, events: readonly JobEvent[]): JobChange {
  let after = job;
  const entries: HistoryEntry[] = [];
  const records: AttemptRecord[] = [];
  for (const each of events) {
    const outcome = applyEvent(after, each);
    if (outcome.kind === 'refused') continue;
    if (each.name === 'ready') records.push(...recordOf(after));
    after = outcome.job;
    entries.push(outcome.entry);
  }
  return { before: job, after, entries, ...(records.length > 0 ? { records } : {}) };
}

/** Pending counts are recorded when they are no longer so. */
function recordOf(job: Job): readonly AttemptRecord[] {
  const state = metricsStateOf(job);
  if (state === undefined || state === 'pending') return [];
  const { attempt, metrics, metricsStanding: standing } = job;
  return [{ attempt, ...(metrics ? { metrics } : {}), ...(standing ? { standing } : {}) }];
}

export interface FailureContext {
  readonly limits: TemplateLimits;
  readonly closing: Closing | undefined;
  readonly now: Instant;
  /** Of an attempt that its engine had. */
  readonly end?: AttemptEnd;
}

/**
 * The attempt has failed; where the template grants another one, it is queued in the same change. A run that closes and a
 * job that somebody cancelled are not tried again.
 */
export function failedAttempt(job: Job, failure: Failure, { limits, closing, now, end }: FailureContext): JobChange {
  const fail: JobEvent = { ...event('fail', now), failure, ...end };
  const rule = limits.retries[failure.reason];
  const granted = rule !== undefined && job.retries < rule.times && closing === undefined && job.start.cancel === undefined;
  if (!granted) return applied(job, [fail]);
  const delay = backoffSeconds(rule.backoffSeconds, job);
  const ready = { ...event('ready', now), ...(delay > 0 ? { notBefore: instant(epochMs(now) + delay * 1000) } : {}) };
  return applied(job, [fail, event('reset', now), ready]);
}

/** What looking after the engine job of one ended attempt has come to. */
export interface Cared {
  /** What is left. */
  readonly care: Aftercare;
  /** Absent where nothing is new about the counts. */
  readonly counts?: Pick<AttemptEnd, 'metrics' | 'standing'>;
}

/** The job as it is once this was done for an attempt of it. */
export function caredFor(job: Job, { care, counts }: Cared, now: Instant): JobChange {
  const { attempt } = care;
  const { metrics: before, metricsStanding, aftercare = [], ...kept } = job;
  const isCurrent = attempt === job.attempt;
  const { metrics, standing } = isCurrent && counts ? counts : { metrics: before, standing: metricsStanding };
  const isRecorded = !isCurrent && counts !== undefined && counts.standing?.state !== 'pending';
  const { metrics: known, ...duties } = care;
  const seen = isCurrent ? undefined : (counts?.metrics ?? known);
  const left = aftercare.flatMap((each): readonly Aftercare[] => {
    if (each.attempt !== attempt) return [each];
    return isDone(care) ? [] : [care.collect && seen ? { ...duties, metrics: seen } : duties];
  });
  const after: Job = {
    ...kept,
    ...(metrics ? { metrics } : {}),
    ...(standing ? { metricsStanding: standing } : {}),
    ...(left.length > 0 ? { aftercare: left } : {}),
    updatedAt: counts ? now : job.updatedAt,
  };
  return { before: job, after, entries: [], ...(isRecorded ? { records: [{ attempt, ...counts }] } : {}) };
}

const LONGEST_BACKOFF_SECONDS = 3600;
const SPREAD = 64;

/** Doubles with each retry, and is up to half as long again by the job's index: what failed together does not come back together. */
function backoffSeconds(first: number, { retries, index }: Job): number {
  const doubled = Math.min(first * 2 ** retries, LONGEST_BACKOFF_SECONDS);
  return doubled * (1 + (index % SPREAD) / (2 * SPREAD));
}
