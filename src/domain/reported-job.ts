/**
 * A job that runs elsewhere and reports itself. It has the states, events and history of every job (job-state.ts); what it
 * does not have is a run, an engine and a tick: only its events, and its own limits, change it.
 */
import { epochMs, instant, secondsBetween, type Instant, type ReportedJobId } from './ids.ts';
import {
  FAILURE_REASONS,
  historyEntryOf,
  type EventOutcome,
  type Failure,
  type HistoryEntry,
  type IndexingTry,
  type JobEvent,
  type Resetting,
} from './job.ts';
import { allowedEvents, nextJobState, type JobEventName, type JobState } from './job-state.ts';
import type { Json, JsonObject } from './json.ts';

export interface ReportedJob {
  readonly id: ReportedJobId;
  /** A typed UUID. */
  readonly pipeline: string;
  /** As it was registered: a name, or the UUID. */
  readonly pipelineName: string;
  /** Typed UUIDs, sorted. */
  readonly parents: readonly string[];
  readonly state: JobState;
  /** Counts from 1; `ready` after a `reset` begins the next. */
  readonly attempt: number;
  /** Counts from 1, which is left out; registering it again after it was withdrawn begins the next. */
  readonly registration?: number;
  /** Grows with every write; the guard of the next one. */
  readonly version: number;
  /** Of the last event that was applied; gapless from 1. Refused ones have none of their own. */
  readonly sequence: number;
  readonly lastEvent: JobEventName;
  readonly createdAt: Instant;
  /** Of the last event: its last sign of life. */
  readonly updatedAt: Instant;
  /** When the current attempt began: with the registration, or with `ready`. */
  readonly since: Instant;
  readonly limits: ReportLimits;
  readonly failure?: Failure;
  /** In INDEXING, where it is indexed here. */
  readonly indexing?: Indexing;
  /** In RESET, where it is reset here. */
  readonly resetting?: Resetting;
  /** Cancelled before it ran: kept, in no list, and it takes no events. Registering it again brings it back. */
  readonly withdrawn?: Mark;
  /** Deleted: kept until `purgeAt`, in no list, and it takes no events. */
  readonly deleted?: Mark & { readonly purgeAt: Instant };
}

/** `sequence`: of the newest `index`. */
export type Indexing = IndexingTry & { readonly sequence: number };

export interface Mark {
  readonly at: Instant;
  readonly by: string;
}

/** What whoever registers a job promises of it. */
export interface ReportLimits {
  /** Silence for longer than this means that it is lost. */
  readonly expectUpdateWithinSeconds?: number;
  /** It ends before, or it has failed. A reset after it is past is not held to it. */
  readonly deadline?: Instant;
}

/** What does not change any more: apart, because the job is rewritten at every event. */
export interface JobDefinition {
  readonly data: JsonObject;
  readonly archivePath: string;
  /** Regular expressions for the base names of its outputs; absent: all files are. */
  readonly archivePatterns?: readonly string[];
  readonly registeredBy: string;
}

export interface Registration {
  readonly id: ReportedJobId;
  readonly pipeline: string;
  readonly pipelineName: string;
  readonly parents: readonly string[];
  readonly limits: ReportLimits;
  readonly at: Instant;
  readonly by: string;
}

/** A new job with its `create` entry. */
export function registeredJob({ at, by, ...given }: Registration): { readonly job: ReportedJob; readonly entry: HistoryEntry } {
  const job: ReportedJob = {
    ...given,
    state: 'CREATED',
    attempt: 1,
    version: 1,
    sequence: 1,
    lastEvent: 'create',
    createdAt: at,
    updatedAt: at,
    since: at,
  };
  return { job, entry: historyEntryOf(undefined, job, { name: 'create', at, actor: by }, `${job.id}#1`) };
}

/** Applies one event. Pure: no clock, no I/O, never throws. `version` is left to whoever writes. */
export function applyReported(job: ReportedJob, event: JobEvent): EventOutcome<ReportedJob> {
  const to = isHidden(job) ? undefined : nextJobState(job.state, event.name);
  if (to === undefined) return { kind: 'refused', state: job.state, allowed: isHidden(job) ? [] : allowedEvents(job.state) };
  const { failure: before, indexing: _before, resetting: _resetting, ...kept } = job;
  const at = notBefore(event.at, job);
  const sequence = job.sequence + 1;
  const failure = to === 'FAILED' ? (event.failure ?? reportedFailure(event.data)) : to === 'RETIRED' ? before : undefined;
  const indexing = to === 'INDEXING' ? indexingAfter(job, event, sequence) : undefined;
  const after: ReportedJob = {
    ...kept,
    state: to,
    sequence,
    lastEvent: event.name,
    updatedAt: at,
    ...(event.name === 'ready' ? { attempt: job.attempt + 1, since: at } : {}),
    ...(failure ? { failure } : {}),
    ...(indexing ? { indexing } : {}),
    ...(event.name === 'reset' && event.resetting ? { resetting: event.resetting } : {}),
  };
  return { kind: 'applied', job: after, entry: historyEntryOf(job, after, { ...event, at }, event.eventId ?? `${job.id}#${sequence}`) };
}

/** What is told of an indexing that another has taken the place of is of no account. */
function indexingAfter({ indexing: before }: ReportedJob, { name, indexing: told }: JobEvent, sequence: number): Indexing | undefined {
  if (name === 'index') return told && { ...told, sequence };
  return before && told?.sequence === before.sequence ? { ...told, sequence: before.sequence } : before;
}

/** Registered again after it was withdrawn: the same job, held to what is promised of it now. */
export function broughtBack(
  withdrawn: ReportedJob,
  { limits, at: now, by }: Pick<Registration, 'limits' | 'at' | 'by'>,
): EventOutcome<ReportedJob> {
  const { withdrawn: _mark, registration = 1, ...job } = withdrawn;
  const at = notBefore(now, job);
  return applyReported({ ...job, registration: registration + 1, limits, since: at }, { name: 'create', at, actor: by });
}

/** Clocks of two processes differ; a history does not run backwards. */
export function notBefore(at: Instant, { updatedAt }: Pick<ReportedJob, 'updatedAt'>): Instant {
  return laterOf(at, updatedAt);
}

const laterOf = (one: Instant, other: Instant): Instant => (one < other ? other : one);

export const isHidden = (job: ReportedJob): boolean => job.withdrawn !== undefined || job.deleted !== undefined;

/** Nothing but somebody's judgement, or a reset, is to be expected any more (design: settled, reported jobs). */
const TERMINAL: readonly JobState[] = ['FAILED', 'FINISHED', 'REJECTED', 'FINALIZED', 'RETIRED'];
export const isTerminal = ({ state }: { readonly state: JobState }): boolean => TERMINAL.includes(state);

/** Who fails what has gone silent. */
export const SWEEP = 'sluice';

const MESSAGE_KEYS = ['message', 'error', 'note', 'description'] as const;
const MESSAGE_LENGTH = 2000;

/** Of the entry that led to FAILED: what the sweep found, or what the sender told. */
export function failureOf({ actor, data }: HistoryEntry): Failure {
  const reason = FAILURE_REASONS.find((known) => known === data?.['reason']);
  return actor === SWEEP && reason !== undefined ? { reason, message: textOf(data?.['message']) } : reportedFailure(data);
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

function reportedFailure(data: JsonObject | undefined): Failure {
  const told = MESSAGE_KEYS.map((key) => data?.[key]).find((value) => typeof value === 'string' && value !== '');
  return { reason: 'reported', message: typeof told === 'string' ? told.slice(0, MESSAGE_LENGTH) : 'reported without a message' };
}

/** States in which work is to go on, and from which `fail` leads out. */
const WATCHED: readonly JobState[] = ['CREATED', 'RUNNING', 'INDEXING', 'VALIDATING'];

export interface Due {
  readonly at: Instant;
  readonly reason: 'lost' | 'timed-out';
}

/** When the job is to be failed unless it says something, or ends, before. Undefined: it may take its time. */
export function dueOf(job: ReportedJob): Due | undefined {
  if (!WATCHED.includes(job.state) || isHidden(job)) return undefined;
  const { expectUpdateWithinSeconds: within, deadline } = job.limits;
  // As long as the next word is to come from the indexing, its sender has nothing to say.
  const heardAt = laterOf(job.updatedAt, job.indexing?.dueAt ?? job.updatedAt);
  const silent: Due | undefined = within === undefined ? undefined : { at: instant(epochMs(heardAt) + within * 1000), reason: 'lost' };
  const late: Due | undefined = deadline === undefined || deadline <= job.since ? undefined : { at: deadline, reason: 'timed-out' };
  if (!silent || !late) return silent ?? late;
  return silent.at < late.at ? silent : late;
}

/** When the job is to be looked at, because it may be to be failed, indexed or reset; an event only puts that off, or begins it. */
export function lookAt(job: ReportedJob): Instant | undefined {
  const toDo = isHidden(job) ? [] : [job.indexing?.dueAt, job.resetting?.dueAt];
  return [dueOf(job)?.at, ...toDo].filter((at) => at !== undefined).toSorted()[0];
}

/** Whether a job is to be indexed that nobody is indexing. */
export const isIndexDue = (job: ReportedJob, now: Instant): boolean =>
  !isHidden(job) && job.indexing?.dueAt !== undefined && job.indexing.dueAt <= now;

/** Whether a reset was begun that nobody goes on with. */
export const isResetDue = (job: ReportedJob, now: Instant): boolean =>
  !isHidden(job) && job.resetting !== undefined && job.resetting.dueAt <= now;

/** The failure of a job that is past its due time; undefined where it is not, or no longer. */
export function overdue(job: ReportedJob, now: Instant): Failure | undefined {
  const due = dueOf(job);
  if (!due || now < due.at) return undefined;
  const heard = `the last sign of life was ${job.lastEvent} at ${job.updatedAt}`;
  switch (due.reason) {
    case 'lost': {
      const promised = job.limits.expectUpdateWithinSeconds ?? 0;
      const silent = Math.floor(secondsBetween(job.updatedAt, now));
      return { reason: 'lost', message: `nothing was heard for ${silent} s, where an update was to come within ${promised} s: ${heard}` };
    }
    case 'timed-out':
      return { reason: 'timed-out', message: `it had not ended by its deadline of ${due.at}: ${heard}` };
  }
}
