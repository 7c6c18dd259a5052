/**
 * The tick: what to do about the open jobs of a run, given what the engine says now. Level-triggered: it compares what is
 * with what should be, so a lost message, a crash or a duplicate is repaired by the next tick and never needs its own code.
 *
 *   open job                     engine says            →  events                    and
 *   CREATED, no start            –                         fail, if it is to end
 *   CREATED, queued              –                         fail, if it is to end     launch, once it has a slot
 *   CREATED, intent beyond fence –                                                   launch (which looks for it first)
 *   CREATED | RUNNING, started   running                   run, once                 stop past the limit, or if it is to end
 *                                a new warning             update
 *                                succeeded                 (run) finish              release
 *                                failed, stopped, lost     fail [reset ready]        release, or queue again
 *                                unknown                   fail [reset ready]        release, or queue again; or, where it
 *                                                                                    never began, the same attempt again
 *   settled                      –                                                   release
 *
 * A job is to end when its run closes or when somebody cancelled it.
 */
import { attemptEnd, type AttemptEnd, type CountsAnswer } from './attempt-end.ts';
import type { EngineJobStatus } from './engine-job.ts';
import { secondsBetween, type EngineJobId, type Instant } from './ids.ts';
import { isSettled, keptOfAttempt, type Failure, type FailureReason, type Job, type StopRequest } from './job.ts';
import { applied, event, failedAttempt, type JobChange } from './job-change.ts';
import type { Closing } from './run.ts';
import type { TemplateLimits } from './template.ts';

/** The engine's answer about one job; counts are asked for once the status is final. */
export interface EngineReport extends CountsAnswer {
  readonly status: EngineJobStatus;
}

export interface TickInput {
  readonly openJobs: readonly Job[];
  /** Of the engine jobs that were asked about. An id that was asked about and is absent is unknown to the engine. */
  readonly reports: ReadonlyMap<EngineJobId, EngineReport>;
  readonly closing: Closing | undefined;
  readonly limits: TemplateLimits;
  /** How long a start that left no trace may still take effect. */
  readonly fenceSeconds: number;
  /** The engine starts a name once, whatever it is asked, and knows for good of every job that it has begun. */
  readonly startsAreRepeatable: boolean;
  /** How long after a job's end its counts may still come or change. */
  readonly metricsSettleSeconds: number;
  /** Engine jobs are removed from their engine once their counts are recorded. */
  readonly removes: boolean;
  /** When a tick that came to its end looked last. */
  readonly lookedAt?: Instant | undefined;
  readonly now: Instant;
}

export interface TickPlan {
  readonly changes: readonly JobChange[];
  readonly stops: readonly { readonly engineJobId: EngineJobId; readonly force: boolean }[];
  /** Starts that left no trace, to be looked for and repeated: these jobs have their slots. */
  readonly launches: readonly Job[];
  /** Settled before this tick and not let go of yet. */
  readonly releases: readonly Job[];
}

/** How long an engine is given to stop a job before it is forced. */
export const FORCE_STOP_AFTER_SECONDS = 60;
/** How long an engine is given to confirm a forced stop before the job is recorded as ended without its word. */
export const GIVE_UP_AFTER_SECONDS = 600;
/** For how long an engine that cannot be told to stop a job is told again, since it was to be told first. */
export const UNHEARD_SECONDS = 3600;

export function tick(input: TickInput): TickPlan {
  const verdicts = input.openJobs.map((job) => ({ job, ...verdictOf(job, input) }));
  return {
    changes: verdicts.flatMap(({ change }) => change ?? []),
    stops: verdicts.flatMap(({ stop }) => stop ?? []),
    launches: verdicts.flatMap(({ launch }) => launch ?? []),
    releases: verdicts.flatMap(({ job }) => (isSettled(job) ? [job] : [])),
  };
}

/** Whether the tick may start the job now, if there is a slot for it. */
export function isDue({ state, start }: Job, now: Instant): boolean {
  const queued = state === 'CREATED' && start.queuedFor !== undefined && start.intentAt === undefined;
  return queued && (start.notBefore === undefined || start.notBefore <= now);
}

/** Of a job that the tick may start: its child has queued it, and nothing of this attempt has been on the engine. */
export const isFirstStart = ({ start }: Job): boolean => start.queuedFor === 'slot' && start.restarts === undefined;

/** Whether the job waits for a child of an execution to start it; one of an attempt of the run, or of one before it. */
export function isLeftToChild(job: Job, runAttempt: number): boolean {
  const { intentAt, queuedFor } = job.start;
  return !isSettled(job) && intentAt === undefined && queuedFor === undefined && job.runAttempt <= runAttempt;
}

/** Why a job is not to go on, whatever its engine says; undefined where it may. */
export function endingOf(job: Job, closing: Closing | undefined): (Failure & { readonly reason: StopRequest['reason'] }) | undefined {
  if (closing !== undefined) return { reason: closing.reason, message: closing.message };
  const { cancel } = job.start;
  return cancel && { reason: 'cancelled', message: `cancelled by ${cancel.by}` };
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

function notStarted(job: Job, input: TickInput): Verdict {
  const { intentAt } = job.start;
  if (intentAt !== undefined) return secondsBetween(intentAt, input.now) >= input.fenceSeconds ? { launch: job } : {};
  const ending = endingOf(job, input.closing);
  return ending === undefined ? {} : { change: failedAttempt(job, ending, input) };
}

function started(job: Job, engineJobId: EngineJobId, input: TickInput): Verdict {
  const report = input.reports.get(engineJobId);
  if (report === undefined) return canStartAnew(job, input) ? { change: startedAnew(job) } : ended(job, engineJobId, input, undefined);
  switch (report.status.state) {
    // An answer that did not come changes nothing; a stop or a limit need not wait for it.
    case 'unanswered':
      return stopping(job, engineJobId, input, undefined);
    case 'queued':
    case 'running':
      return stopping(job, engineJobId, input, underWay(job, report.status, input.now));
    case 'succeeded':
    case 'failed':
    case 'stopped':
    case 'lost':
      return ended(job, engineJobId, input, report);
  }
}

/** An engine that never began a job and forgets it again and again must not keep the job open for ever. */
const MOST_RESTARTS = 50;

/** It was only queued on an engine that has forgotten its queue: that is no attempt. */
function canStartAnew(job: Job, { startsAreRepeatable, closing }: TickInput): boolean {
  const { stop, restarts = 0 } = job.start;
  const neverBegan = startsAreRepeatable && job.state === 'CREATED' && stop === undefined;
  return neverBegan && restarts < MOST_RESTARTS && endingOf(job, closing) === undefined;
}

function startedAnew(job: Job): JobChange {
  const start = { ...keptOfAttempt(job.start), queuedFor: 'slot', restarts: (job.start.restarts ?? 0) + 1 } as const;
  return { before: job, after: { ...job, start }, entries: [] };
}

function underWay(job: Job, { state, warning }: EngineJobStatus, now: Instant): JobChange | undefined {
  const begins = state === 'running' && job.state === 'CREATED';
  const change = begins ? applied(job, [event('run', now)]) : { before: job, after: job, entries: [] };
  const warned = withWarning(change, warning, now);
  return begins || warned !== change ? warned : undefined;
}

/** The change with what came to light about the job beside its status, which says nothing of warnings that it had. */
export const withNotice = (change: JobChange, notice: string | undefined, now: Instant): JobChange =>
  notice === undefined ? change : withWarning(change, notice, now);

/** The change with what the engine warns of now, which is an entry of the history where it is new; the same change where nothing is. */
function withWarning(change: JobChange, told: string | undefined, now: Instant): JobChange {
  const { warning: before, warned = [] } = change.after.start;
  const warning = told === '' ? undefined : told?.slice(0, WARNING_LENGTH);
  const isNew = warning !== undefined && !warned.includes(warning) && warned.length < MOST_WARNINGS;
  // Texts that never come twice would make every tick a write.
  const isChanged = warned.length < MOST_WARNINGS ? warning !== before : (warning === undefined) !== (before === undefined);
  if (!isChanged) return change;
  const { after, entries } = applied(change.after, isNew ? [{ ...event('update', now), data: { warning } }] : []);
  const { warning: _before, ...start } = after.start;
  const noted = { ...(warning === undefined ? {} : { warning }), ...(isNew ? { warned: [...warned, warning] } : {}) };
  return { ...change, after: { ...after, start: { ...start, ...noted } }, entries: [...change.entries, ...entries] };
}

/** Of an attempt. An engine that says something else each time fills no history. */
const MOST_WARNINGS = 20;
const WARNING_LENGTH = 1000;

/** A job under way: stopped when it is to end or its time is up. The mark of having asked is written with whatever else changed. */
function stopping(job: Job, engineJobId: EngineJobId, input: TickInput, change: JobChange | undefined): Verdict {
  const asked = stopRequest(job, input);
  if (asked === undefined || asked === job.start.stop) {
    if (asked && isGivenUp(asked, input.now)) return { change: givenUp(job, engineJobId, asked, input) };
    if (!change) return {};
    // It begins although it was to stop: an engine may take no stop before that, and whoever heard so may be gone.
    const begins = change.after.state !== job.state;
    return { change, ...(asked && begins ? { stop: { engineJobId, force: asked.forcedAt !== undefined } } : {}) };
  }
  const latest = change?.after ?? job;
  const after = { ...latest, start: { ...latest.start, stop: asked } };
  return {
    change: { before: job, after, entries: change?.entries ?? [] },
    stop: { engineJobId, force: asked.forcedAt !== undefined },
  };
}

function stopRequest(job: Job, { closing, limits, lookedAt, now }: TickInput): StopRequest | undefined {
  const { stop, intentAt } = job.start;
  if (stop !== undefined) {
    const { fault, ...told } = stop;
    const patient = stop.forcedAt !== undefined || secondsBetween(stop.askedAt, now) < FORCE_STOP_AFTER_SECONDS;
    if (!patient) return { ...told, forcedAt: now };
    if (fault === undefined || isGivenUp(stop, now) || !isToldAgain(stop, lookedAt, now)) return stop;
    // What it hears now it has as long for as if it had heard it at once.
    return stop.forcedAt === undefined ? { ...told, askedAt: now } : { ...told, forcedAt: now };
  }
  const ending = endingOf(job, closing);
  if (ending !== undefined) return { reason: ending.reason, askedAt: now };
  const isOver = secondsBetween(intentAt ?? job.createdAt, now) >= (limits.maxWaitSeconds ?? Infinity);
  return isOver ? { reason: 'timed-out', askedAt: now } : undefined;
}

function isGivenUp({ askedAt, forcedAt, fault }: StopRequest, now: Instant): boolean {
  if (fault !== undefined) return secondsBetween(askedAt, now) >= UNHEARD_SECONDS;
  return forcedAt !== undefined && secondsBetween(forcedAt, now) >= GIVE_UP_AFTER_SECONDS;
}

const TELL_AGAIN = { firstSeconds: 10, mostSeconds: 60 } as const;

/** Of a stop that the engine could not be told: how long after it was to be told it is told again, at ages of 10, 20, 40, 80, 140, … seconds. */
export function tellAgainSeconds(ageSeconds: number): number {
  let age: number = TELL_AGAIN.firstSeconds;
  while (age <= ageSeconds) age += Math.min(age, TELL_AGAIN.mostSeconds);
  return age;
}

/** Nothing is written when it is tried once more: what is due is told by when the last tick looked. */
function isToldAgain({ askedAt, forcedAt }: StopRequest, lookedAt: Instant | undefined, now: Instant): boolean {
  const since = forcedAt ?? askedAt;
  return lookedAt === undefined || tellAgainSeconds(secondsBetween(since, lookedAt)) <= secondsBetween(since, now);
}

/** The change that asked for a stop which the engine could not be told, as it is to be noted; undefined where that is what the job says already. */
export function unheard(change: JobChange, fault: string): JobChange | undefined {
  const { before, after, entries } = change;
  const { stop: known } = before.start;
  const { stop: planned } = after.start;
  if (planned === undefined) return change;
  // What it says each time may differ each time: only what is new is written.
  const isRepeated = known?.fault !== undefined && (known.forcedAt === undefined) === (planned.forcedAt === undefined);
  if (isRepeated && entries.length === 0 && before.start.warning === after.start.warning) return undefined;
  const stop = isRepeated ? known : { ...planned, fault: fault.slice(0, FAULT_LENGTH) };
  return { ...change, after: { ...after, start: { ...after.start, stop } } };
}

const FAULT_LENGTH = 500;

/**
 * Nothing stays open for ever, not even on an engine that cannot stop. The message says what may still be running there,
 * for which reason there is no automatic retry either.
 */
function givenUp(job: Job, engineJobId: EngineJobId, { reason, fault }: StopRequest, input: TickInput): JobChange {
  const message =
    fault === undefined
      ? `the engine still reports the job ${GIVE_UP_AFTER_SECONDS} s after it was told to force its stop`
      : `the engine still reports the job, and for ${UNHEARD_SECONDS} s it could not be told to force its stop: ${fault}`;
  const end = endOf(job, engineJobId, input, { acknowledge: false, unknown: 'the engine has not confirmed the end of the job' });
  return applied(job, [{ ...event('fail', input.now), failure: { reason, message }, ...end }]);
}

function endOf(
  { attempt }: Job,
  engineJobId: EngineJobId,
  { metricsSettleSeconds: settleSeconds, removes: remove, now }: TickInput,
  about: CountsAnswer & { readonly acknowledge: boolean; readonly unknown?: string },
): AttemptEnd {
  return attemptEnd({ attempt, engineJobId, settleSeconds, remove, now, ...about });
}

/** The engine's job is over, or the engine does not know it any more. */
function ended(job: Job, engineJobId: EngineJobId, input: TickInput, report: EngineReport | undefined): Verdict {
  const { now } = input;
  if (report === undefined) {
    const end = endOf(job, engineJobId, input, { acknowledge: false, unknown: 'the engine does not know the job any more' });
    return { change: failedAttempt(job, failureOf(job, report, input), { ...input, end }) };
  }
  const { status, ...answer } = report;
  if (status.state === 'succeeded') {
    const run = job.state === 'CREATED' ? [event('run', now)] : [];
    const end = endOf(job, engineJobId, input, { ...answer, acknowledge: false });
    return { change: applied(job, [...run, { ...event('finish', now), ...end }]) };
  }
  const end = endOf(job, engineJobId, input, { ...answer, acknowledge: true });
  return { change: failedAttempt(job, failureOf(job, report, input), { ...input, end }) };
}

function failureOf(job: Job, report: EngineReport | undefined, input: TickInput): Failure {
  const { limits } = input;
  const told = report?.status.message;
  // A tick that asked for the stop may have died before it could note so.
  const stop = job.start.stop ?? (report?.status.state === 'stopped' ? stopRequest(job, input) : undefined);
  if (stop !== undefined) return { reason: stop.reason, message: told ?? STOP_MESSAGES[stop.reason](limits) };
  if (report === undefined || report.status.state === 'lost') {
    return { reason: 'lost', message: told ?? 'the engine does not know the job any more' };
  }
  return { reason: 'engine-error', message: told ?? `the engine reports the job as ${report.status.state}` };
}

const STOP_MESSAGES: Readonly<Record<StopRequest['reason'] & FailureReason, (limits: TemplateLimits) => string>> = {
  cancelled: () => 'stopped because it was cancelled',
  aborted: () => 'stopped because the run was aborted',
  'timed-out': (limits) => `stopped after the template's limit of ${limits.maxWaitSeconds ?? 0} s`,
};
