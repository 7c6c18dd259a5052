/**
 * A job and what happens to it. Events are the only way a job changes state; every event becomes one entry of its history.
 * Besides its state a job has a start record, because "queued" and "starting" are not states (design: job states).
 */
import type { Aftercare, AttemptEnd, MetricsStanding, MetricsState } from './attempt-end.ts';
import type { EngineMetrics } from './engine-job.ts';
import { jobId, type EngineJobId, type EngineJobName, type Instant, type JobId, type JobRef } from './ids.ts';
import { allowedEvents, nextJobState, type JobEventName, type JobState } from './job-state.ts';
import type { JsonObject } from './json.ts';

export const FAILURE_REASONS = ['start-failed', 'engine-error', 'timed-out', 'cancelled', 'lost', 'aborted', 'reported'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** A job's bad end. `message` is the engine's own text wherever it has one. */
export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

/** Why a job is being stopped, and how far that has come. Asked first, forced after a while. */
export interface StopRequest {
  readonly reason: 'cancelled' | 'timed-out' | 'aborted';
  readonly askedAt: Instant;
  readonly forcedAt?: Instant;
  /** Why the engine could not be told the last of these, when that was tried first: it is told again. */
  readonly fault?: string;
}

/**
 * How far the start of the current attempt has come. The intent is written before the engine is called: after a crash it
 * says that an engine job of this name may exist.
 */
export interface StartRecord {
  /** The tick starts it: after a failed attempt, or once the limits of its template and engine leave it a slot. */
  readonly queuedFor?: 'retry' | 'slot';
  /** Of a retry: it waits until then. */
  readonly notBefore?: Instant;
  readonly intentAt?: Instant;
  readonly engineJobName?: EngineJobName;
  readonly engineJobId?: EngineJobId;
  /** How often the attempt was started anew because the engine had lost it before it began. */
  readonly restarts?: number;
  /**
   * What its child gave up with while whoever was to start it might still do so: where nobody has by the end of the fence, the
   * attempt has failed of it.
   */
  readonly fault?: string;
  /** Somebody wants this job alone to be cancelled; the tick sees to it. */
  readonly cancel?: CancelRequest;
  readonly stop?: StopRequest;
  /** The engine's own words about trouble that lasts, and every such text that the attempt's history has. */
  readonly warning?: string;
  readonly warned?: readonly string[];
}

/** What an attempt keeps however often its start is begun anew. */
export function keptOfAttempt({ restarts, warned }: StartRecord): Pick<StartRecord, 'restarts' | 'warned'> {
  return { ...(restarts === undefined ? {} : { restarts }), ...(warned === undefined ? {} : { warned }) };
}

export interface CancelRequest {
  readonly at: Instant;
  readonly by: string;
}

export interface Job extends JobRef {
  readonly state: JobState;
  /** Counts from 1; a retry is the next attempt of the same job. */
  readonly attempt: number;
  /** The attempt of the run that this one belongs to: a caller's retry begins a new one, an automatic retry does not. */
  readonly runAttempt: number;
  /** Automatic retries within `runAttempt`. */
  readonly retries: number;
  /** Grows with every write; the guard of the next one. */
  readonly version: number;
  /** Of the last history entry; gapless from 1. */
  readonly sequence: number;
  readonly lastEvent: JobEventName;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly start: StartRecord;
  readonly failure?: Failure;
  /** Of the current attempt, once it has ended. */
  readonly metrics?: EngineMetrics;
  /** Of the current attempt's counts, where they are not settled. */
  readonly metricsStanding?: MetricsStanding;
  /** Engine jobs of ended attempts, this one's and earlier ones', about which something is left to do. */
  readonly aftercare?: readonly Aftercare[];
}

/** One entry of a job's history. */
export interface HistoryEntry {
  readonly sequence: number;
  /** Chosen by the sender; the same id again is the same event. */
  readonly eventId: string;
  readonly name: JobEventName;
  readonly at: Instant;
  readonly actor: string;
  readonly from: JobState | null;
  readonly to: JobState;
  readonly attempt: number;
  readonly data?: JsonObject;
  /** It was refused: nothing has changed, and `sequence` is that of the event which it came after. */
  readonly refused?: true;
}

/** An indexing, from its `index` to its `indexed`. */
export interface IndexingTry {
  /** Of the `index` that an `update` is about. */
  readonly sequence?: number;
  /** How often it was begun since somebody asked for it. */
  readonly tries: number;
  /** When it is begun anew, unless it has come to its end. Absent: it has failed for good, until somebody asks again. */
  readonly dueAt?: Instant;
}

/** Of a reset that is carried out here, until it is over. */
export interface Resetting {
  readonly keepArchive: boolean;
  readonly tries: number;
  /** When somebody else is to go on with it, because whoever began it has died. */
  readonly dueAt: Instant;
}

/** What is to happen; `failure` belongs to `fail`, counts and aftercare to what ends an attempt. */
export interface JobEvent extends AttemptEnd {
  readonly name: JobEventName;
  readonly at: Instant;
  readonly actor: string;
  /** Chosen by the sender, where somebody sent it. */
  readonly eventId?: string;
  readonly data?: JsonObject;
  readonly failure?: Failure;
  /** Of `ready`: when the attempt may begin, and for which attempt of the run, where a caller asked for it. */
  readonly notBefore?: Instant;
  readonly runAttempt?: number;
  /** Of `index`, where it is to be carried out here, and of an `update` about that (reported-job.ts). */
  readonly indexing?: IndexingTry;
  /** Of `reset`, where it is carried out here. */
  readonly resetting?: Resetting;
}

export type EventOutcome<Kind = Job> =
  | { readonly kind: 'applied'; readonly job: Kind; readonly entry: HistoryEntry }
  | { readonly kind: 'refused'; readonly state: JobState; readonly allowed: readonly JobEventName[] };

/** Settled: nothing that Sluice does by itself changes it any more (design: settled, managed jobs). */
export function isSettled(job: Job): boolean {
  return job.state !== 'CREATED' && job.state !== 'RUNNING' && job.state !== 'RESET';
}

/** A new managed job with its `create` entry. */
export function createdJob(ref: JobRef, at: Instant, actor: string): { readonly job: Job; readonly entry: HistoryEntry } {
  const job: Job = {
    ...ref,
    state: 'CREATED',
    attempt: 1,
    runAttempt: 1,
    retries: 0,
    version: 1,
    sequence: 1,
    lastEvent: 'create',
    createdAt: at,
    updatedAt: at,
    start: {},
  };
  return { job, entry: { sequence: 1, eventId: eventId(job, 1), name: 'create', at, actor, from: null, to: 'CREATED', attempt: 1 } };
}

/** Applies one event. Pure: no clock, no I/O, never throws. `version` is left to whoever writes. */
export function applyEvent(job: Job, event: JobEvent): EventOutcome {
  const to = nextJobState(job.state, event.name);
  if (to === undefined) return { kind: 'refused', state: job.state, allowed: allowedEvents(job.state) };
  const { failure: _cleared, metrics: _counted, metricsStanding: _standing, aftercare: _left, ...kept } = job;
  const sequence = job.sequence + 1;
  const next: Job = {
    ...kept,
    state: to,
    ...(event.name === 'ready' ? nextAttempt(job, event) : {}),
    sequence,
    lastEvent: event.name,
    updatedAt: event.at,
    ...(event.failure ? { failure: event.failure } : to === 'RETIRED' && job.failure ? { failure: job.failure } : {}),
    ...countsAfter(event, job),
    ...aftercareAfter(event, job),
  };
  return { kind: 'applied', job: next, entry: historyEntryOf(job, next, event, event.eventId ?? eventId(job, sequence)) };
}

function nextAttempt(job: Job, { notBefore, runAttempt }: JobEvent): Pick<Job, 'attempt' | 'runAttempt' | 'retries' | 'start'> {
  return {
    attempt: job.attempt + 1,
    runAttempt: runAttempt ?? job.runAttempt,
    retries: runAttempt === undefined ? job.retries + 1 : 0,
    // A caller's retry has a child of its own, which starts it as it started the first attempt.
    start: runAttempt === undefined ? { queuedFor: 'retry', ...(notBefore === undefined ? {} : { notBefore }) } : {},
  };
}

/** A new attempt begins without the counts of the one before, which are kept as an item of their own. */
function countsAfter(event: JobEvent, job: Job): Pick<Job, 'metrics' | 'metricsStanding'> {
  if (event.name === 'ready') return {};
  const isTold = event.metrics !== undefined || event.standing !== undefined;
  const { metrics, standing } = isTold ? event : { metrics: job.metrics, standing: job.metricsStanding };
  return { ...(metrics ? { metrics } : {}), ...(standing ? { metricsStanding: standing } : {}) };
}

function aftercareAfter(event: JobEvent, { attempt, metrics, aftercare = [] }: Job): Pick<Job, 'aftercare'> {
  const withCounts = (care: Aftercare): Aftercare => (care.collect && care.attempt === attempt && metrics ? { ...care, metrics } : care);
  const kept = event.name === 'ready' ? aftercare.map(withCounts) : aftercare;
  const after = event.aftercare ? [...kept, event.aftercare] : kept;
  return after.length > 0 ? { aftercare: after } : {};
}

/** Undefined where the attempt has no end yet, or had no engine job. */
export const metricsStateOf = ({ metrics, metricsStanding }: Job): MetricsState | undefined =>
  metricsStanding?.state ?? (metrics ? 'settled' : undefined);

/** The entry of an event, of a job of whatever kind. `before` is undefined for what creates it. */
export function historyEntryOf(
  before: { readonly state: JobState } | undefined,
  after: Pick<Job, 'sequence' | 'state' | 'attempt'>,
  event: JobEvent,
  id: string,
): HistoryEntry {
  const told = event.failure ? { reason: event.failure.reason, message: event.failure.message } : {};
  const data: JsonObject = { ...told, ...event.data };
  return {
    sequence: after.sequence,
    eventId: id,
    name: event.name,
    at: event.at,
    actor: event.actor,
    from: before?.state ?? null,
    to: after.state,
    attempt: after.attempt,
    ...(Object.keys(data).length > 0 ? { data } : {}),
  };
}

/** The entry of an event that was refused: it stands after what the job had been through by then. */
export function refusedEntryOf(job: Pick<Job, 'sequence' | 'state' | 'attempt'>, event: JobEvent, id: string): HistoryEntry {
  return { ...historyEntryOf(job, job, event, id), refused: true };
}

/** Sluice's own events are identified by their place, so that a repeated write is the same event. */
function eventId(ref: JobRef, sequence: number): string {
  return `${idOf(ref)}#${sequence}`;
}

export const idOf = (ref: JobRef): JobId => jobId(ref.runId, ref.index);
