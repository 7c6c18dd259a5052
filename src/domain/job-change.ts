/** A job as it was read and as it shall be, and the one change that leads to more than an event: the failure of an attempt. */
import type { EngineMetrics } from './engine-job.ts';
import { epochMs, instant, type Instant } from './ids.ts';
import { applyEvent, type Failure, type HistoryEntry, type Job, type JobEvent } from './job.ts';
import type { Closing } from './run.ts';
import type { TemplateLimits } from './template.ts';

/** With the history entries between: one conditional transaction. */
export interface JobChange {
  readonly before: Job;
  readonly after: Job;
  readonly entries: readonly HistoryEntry[];
  /** Of the attempt that ended in this change. */
  readonly metrics?: EngineMetrics;
}

const ACTOR = 'sluice';

export const event = (name: JobEvent['name'], at: Instant): JobEvent => ({ name, at, actor: ACTOR });

/** Proposes only what the state machine allows: an event that it refuses is left out. */
export function applied(job: Job, events: readonly JobEvent[], metrics?: EngineMetrics): JobChange {
  let after = job;
  const entries: HistoryEntry[] = [];
  for (const each of events) {
    const outcome = applyEvent(after, each);
    if (outcome.kind === 'refused') continue;
    after = outcome.job;
    entries.push(outcome.entry);
  }
  return { before: job, after, entries, ...(metrics ? { metrics } : {}) };
}

export interface FailureContext {
  readonly limits: TemplateLimits;
  readonly closing: Closing | undefined;
  readonly now: Instant;
  readonly metrics?: EngineMetrics;
}

/**
 * The attempt has failed; where the template grants another one, it is queued in the same change. A run that closes and a
 * job that somebody cancelled are not tried again.
 */
export function failedAttempt(job: Job, failure: Failure, { limits, closing, now, metrics }: FailureContext): JobChange {
  const fail: JobEvent = { ...event('fail', now), failure, ...(metrics ? { metrics } : {}) };
  const rule = limits.retries[failure.reason];
  const granted = rule !== undefined && job.retries < rule.times && closing === undefined && job.start.cancel === undefined;
  if (!granted) return applied(job, [fail], metrics);
  const delay = backoffSeconds(rule.backoffSeconds, job);
  const ready = { ...event('ready', now), ...(delay > 0 ? { notBefore: instant(epochMs(now) + delay * 1000) } : {}) };
  return applied(job, [fail, event('reset', now), ready], metrics);
}

const LONGEST_BACKOFF_SECONDS = 3600;
const SPREAD = 64;

/** Doubles with each retry, and is up to half as long again by the job's index: what failed together does not come back together. */
function backoffSeconds(first: number, { retries, index }: Job): number {
  const doubled = Math.min(first * 2 ** retries, LONGEST_BACKOFF_SECONDS);
  return doubled * (1 + (index % SPREAD) / (2 * SPREAD));
}
