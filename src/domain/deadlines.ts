/** When a run's jobs want to be looked at, apart from what their engine may have to say: limits, stops, fences, retries. */
import { careDeadlineSeconds } from './attempt-end.ts';
import { secondsBetween, type Instant } from './ids.ts';
import { isSettled, type Job } from './job.ts';
import { FORCE_STOP_AFTER_SECONDS, GIVE_UP_AFTER_SECONDS, tellAgainSeconds, UNHEARD_SECONDS } from './tick.ts';
import type { TemplateLimits } from './template.ts';

export interface DeadlineContext {
  readonly limits: TemplateLimits;
  readonly fenceSeconds: number;
  readonly metricsSettleSeconds: number;
  readonly now: Instant;
}

/** Jobs that have, or may have, something running on their engine: what limits count. */
export const isUnderWay = (job: Job): boolean => !isSettled(job) && job.start.intentAt !== undefined;

/** Seconds since each job that is under way was started. */
export function agesSeconds(jobs: readonly Job[], now: Instant): readonly number[] {
  return jobs.filter(isUnderWay).map(({ start, createdAt }) => secondsBetween(start.intentAt ?? createdAt, now));
}

/** Seconds until each of the jobs needs a tick; what is overdue is 0. */
export function deadlinesSeconds(jobs: readonly Job[], context: DeadlineContext): readonly number[] {
  return jobs.flatMap((job) => {
    const deadline = isSettled(job) ? undefined : deadlineOf(job, context);
    const cares = (job.aftercare ?? []).map((care) => careDeadlineSeconds(care, context.metricsSettleSeconds, context.now));
    return deadline === undefined ? cares : [Math.max(0, deadline), ...cares];
  });
}

function deadlineOf({ start }: Job, { limits, fenceSeconds, now }: DeadlineContext): number | undefined {
  const { intentAt, engineJobId, notBefore, stop } = start;
  // Past that time it waits for a slot, if for anything.
  if (intentAt === undefined) return notBefore === undefined || notBefore <= now ? undefined : secondsBetween(now, notBefore);
  const age = secondsBetween(intentAt, now);
  if (engineJobId === undefined) return fenceSeconds - age;
  if (stop === undefined) return limits.maxWaitSeconds === undefined ? undefined : limits.maxWaitSeconds - age;
  if (stop.fault !== undefined) {
    const since = secondsBetween(stop.forcedAt ?? stop.askedAt, now);
    const force = stop.forcedAt === undefined ? FORCE_STOP_AFTER_SECONDS - since : Infinity;
    return Math.min(tellAgainSeconds(since) - since, force, Math.max(0, UNHEARD_SECONDS - secondsBetween(stop.askedAt, now)));
  }
  return stop.forcedAt === undefined
    ? patience(secondsBetween(stop.askedAt, now), FORCE_STOP_AFTER_SECONDS)
    : patience(secondsBetween(stop.forcedAt, now), GIVE_UP_AFTER_SECONDS);
}

/** An engine that was asked to stop a job is looked at again after as long as it has been waited for. */
const patience = (waitedSeconds: number, mostSeconds: number): number => Math.min(mostSeconds - waitedSeconds, Math.max(0, waitedSeconds));
