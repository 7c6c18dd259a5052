/**
 * The tick: what to do about the open jobs of a run, given what the engine says now. Level-triggered: it compares what is
 * with what should be, so a lost message, a crash or a duplicate is repaired by the next tick and never needs its own code.
 *
 *   open job                     engine says            →  events                    and
 *   CREATED, no start            –                         fail, if the run closes
 *   CREATED, queued              –                                                   launch
 *   CREATED, intent beyond fence –                                                   launch (which looks for it first)
 *   CREATED | RUNNING, started   running                   run, once                 stop past the limit or when closing
 *                                succeeded                 (run) finish              release
 *                                failed, stopped, unknown  fail [reset ready]        release, or launch again
 *   settled                      –                                                   release
 */
import type { EngineJobStatus, EngineMetrics } from './engine-job.ts';
import { epochMs, type EngineJobId, type Instant } from './ids.ts';
import {
  applyEvent,
  isSettled,
  type Failure,
  type FailureReason,
  type HistoryEntry,
  type Job,
  type JobEvent,
  type StopRequest,
} from './job.ts';
import type { Closing } from './run.ts';
import type { TemplateLimits } from './template.ts';

/** The engine's answer about one job; metrics are asked for once the status is final. */
export interface EngineReport {
  readonly status: EngineJobStatus;
  readonly metrics?: EngineMetrics;
}

export interface TickInput {
  readonly openJobs: readonly Job[];
  /** Of the engine jobs that were asked about. An id that was asked about and is absent is unknown to the engine. */
  readonly reports: ReadonlyMap<EngineJobId, EngineReport>;
  readonly closing: Closing | undefined;
  readonly limits: TemplateLimits;
  /** How long a start that left no trace may still take effect. */
  readonly fenceSeconds: number;
  readonly now: Instant;
}

/** A job as it was read and as it shall be, with the history entries between: one conditional transaction. */
export interface JobChange {
  readonly before: Job;
  readonly after: Job;
  readonly entries: readonly HistoryEntry[];
  /** Of the attempt that ended in this change. */
  readonly metrics?: EngineMetrics;
}

export interface TickPlan {
  readonly changes: readonly JobChange[];
  readonly stops: readonly { readonly engineJobId: EngineJobId; readonly force: boolean }[];
  readonly launches: readonly Job[];
  /** Settled before this tick and not let go of yet. */
  readonly releases: readonly Job[];
}

/** How long an engine is given to stop a job before it is forced. */
export const FORCE_STOP_AFTER_SECONDS = 60;

const ACTOR = 'sluice';

export function tick(input: TickInput): TickPlan {
  const verdicts = input.openJobs.map((job) => ({ job, ...verdictOf(job, input) }));
  return {
    changes: verdicts.flatMap(({ change }) => change ?? []),
    stops: verdicts.flatMap(({ stop }) => stop ?? []),
    launches: verdicts.flatMap(({ launch }) => launch ?? []),
    releases: verdicts.flatMap(({ job }) => (isSettled(job) ? [job] : [])),
  };
}

interface Verdict {
  readonly change?: JobChange;
  readonly stop?: TickPlan['stops'][number];
  readonly launch?: Job;
}

function verdictOf(job: Job, input: TickInput): Verdict {
  if (isSettled(job)) return {};
  const { engineJobId } = job.start;
  return engineJobId === undefined ? notStarted(job, input) : started(job, engineJobId, input);
}

function notStarted(job: Job, { closing, fenceSeconds, now }: TickInput): Verdict {
  const { intentAt, queuedFor } = job.start;
  if (intentAt !== undefined) return ageSeconds(intentAt, now) >= fenceSeconds ? { launch: job } : {};
  if (closing !== undefined) return ending(job, now, { reason: closing.reason, message: closing.message }, {});
  return queuedFor !== undefined ? { launch: job } : {};
}

function started(job: Job, engineJobId: EngineJobId, input: TickInput): Verdict {
  const report = input.reports.get(engineJobId);
  if (report === undefined) return ended(job, input, undefined);
  switch (report.status.state) {
    case 'queued':
      return stopping(job, engineJobId, input, undefined);
    case 'running':
      return stopping(job, engineJobId, input, job.state === 'CREATED' ? applied(job, [event('run', input.now)]) : undefined);
    case 'succeeded':
    case 'failed':
    case 'stopped':
      return ended(job, input, report);
  }
}

/** A job under way: stopped when its run closes or its time is up. The mark of having asked is written with whatever else changed. */
function stopping(job: Job, engineJobId: EngineJobId, input: TickInput, change: JobChange | undefined): Verdict {
  const asked = stopRequest(job, input);
  if (asked === undefined || asked === job.start.stop) return change ? { change } : {};
  const latest = change?.after ?? job;
  const after = { ...latest, start: { ...latest.start, stop: asked } };
  return {
    change: { before: job, after, entries: change?.entries ?? [] },
    stop: { engineJobId, force: asked.forcedAt !== undefined },
  };
}

function stopRequest(job: Job, { closing, limits, now }: TickInput): StopRequest | undefined {
  const { stop, intentAt } = job.start;
  if (stop !== undefined) {
    const patient = stop.forcedAt !== undefined || ageSeconds(stop.askedAt, now) < FORCE_STOP_AFTER_SECONDS;
    return patient ? stop : { ...stop, forcedAt: now };
  }
  if (closing !== undefined) return { reason: closing.reason, askedAt: now };
  return ageSeconds(intentAt ?? job.createdAt, now) >= limits.maxWaitSeconds ? { reason: 'timed-out', askedAt: now } : undefined;
}

/** The engine's job is over, or the engine does not know it any more. */
function ended(job: Job, input: TickInput, report: EngineReport | undefined): Verdict {
  const { now, limits, closing } = input;
  const metrics = report?.metrics;
  if (report?.status.state === 'succeeded') {
    const run = job.state === 'CREATED' ? [event('run', now)] : [];
    return { change: applied(job, [...run, { ...event('finish', now), ...(metrics ? { metrics } : {}) }], metrics) };
  }
  const failure = failureOf(job, report, limits);
  const retried = closing === undefined && job.start.stop === undefined && job.attempt <= (limits.retries[failure.reason] ?? 0);
  return ending(job, now, failure, { ...(metrics ? { metrics } : {}), retried });
}

function failureOf(job: Job, report: EngineReport | undefined, limits: TemplateLimits): Failure {
  const told = report?.status.message;
  const { stop } = job.start;
  if (stop !== undefined) return { reason: stop.reason, message: told ?? STOP_MESSAGES[stop.reason](limits) };
  if (report === undefined) return { reason: 'lost', message: 'the engine does not know the job any more' };
  return { reason: 'engine-error', message: told ?? `the engine reports the job as ${report.status.state}` };
}

const STOP_MESSAGES: Readonly<Record<StopRequest['reason'] & FailureReason, (limits: TemplateLimits) => string>> = {
  cancelled: () => 'stopped because the run was cancelled',
  aborted: () => 'stopped because the run was aborted',
  'timed-out': (limits) => `stopped after the template's limit of ${limits.maxWaitSeconds} s`,
};

function ending(
  job: Job,
  now: Instant,
  failure: Failure,
  options: { readonly metrics?: EngineMetrics; readonly retried?: boolean },
): Verdict {
  const fail: JobEvent = { ...event('fail', now), failure, ...(options.metrics ? { metrics: options.metrics } : {}) };
  const again = options.retried === true ? [event('reset', now), event('ready', now)] : [];
  return { change: applied(job, [fail, ...again], options.metrics) };
}

function applied(job: Job, events: readonly JobEvent[], metrics?: EngineMetrics): JobChange {
  let after = job;
  const entries: HistoryEntry[] = [];
  for (const each of events) {
    const outcome = applyEvent(after, each);
    // The tick proposes only what the state machine allows; a refusal would be a bug that the domain's tests must find.
    if (outcome.kind === 'refused') continue;
    after = outcome.job;
    entries.push(outcome.entry);
  }
  return { before: job, after, entries, ...(metrics ? { metrics } : {}) };
}

const event = (name: JobEvent['name'], at: Instant): JobEvent => ({ name, at, actor: ACTOR });

const ageSeconds = (since: Instant, now: Instant): number => (epochMs(now) - epochMs(since)) / 1000;
