/** What the API answers about jobs that report themselves, about events and about tokens of jobs. */
import * as z from 'zod';
import type { Instant } from '#domain/ids';
import { FAILURE_REASONS, type Failure } from '#domain/job';
import { JOB_EVENT_NAMES, JOB_STATES, type JobEventName, type JobState } from '#domain/job-state';
import type { JobToken } from '#domain/job-token';
import { dueOf, type JobDefinition, type ReportedJob } from '#domain/reported-job';
import { InstantText } from './instants.ts';

const instant = InstantText;
const failure = z.object({ reason: z.enum(FAILURE_REASONS), message: z.string() });

export const ReportedJobView = z.object({
  'job-id': z.string(),
  kind: z.literal('reported'),
  pipeline: z.string(),
  'pipeline-uuid': z.string(),
  parents: z.array(z.string()),
  state: z.enum(JOB_STATES),
  attempt: z.number(),
  /** Of the last event that was applied. */
  sequence: z.number(),
  'last-event': z.enum(JOB_EVENT_NAMES),
  failure: failure.exactOptional(),
  'expect-update-within-seconds': z.number().exactOptional(),
  deadline: instant.exactOptional(),
  /** When it will be failed unless something is heard of it, or it ends, before. */
  'due-at': instant.exactOptional(),
  'withdrawn-at': instant.exactOptional(),
  'deleted-at': instant.exactOptional(),
  /** Of a deleted job: when it will be gone. */
  'purge-at': instant.exactOptional(),
  'created-at': instant,
  'updated-at': instant,
  /** These three not in lists. */
  'archive-path': z.string().exactOptional(),
  'archive-patterns': z.array(z.string()).exactOptional(),
  'registered-by': z.string().exactOptional(),
  data: z.record(z.string(), z.json()).exactOptional(),
  links: z.record(z.string(), z.string()),
});
export type ReportedJobView = z.infer<typeof ReportedJobView>;

/** Shown once. `callback-url` has the token in it; `${STATUS}` and `${NOTE}` are for the caller of it to fill in. */
const issued = { 'token-id': z.string(), token: z.string(), 'token-expires-at': instant, 'callback-url': z.string() };
export const IssuedTokenView = z.object({ ...issued, 'job-id': z.string(), events: z.array(z.enum(JOB_EVENT_NAMES)).exactOptional() });
export type IssuedTokenView = z.infer<typeof IssuedTokenView>;

const WISHES = ['archive-prefix', 'archive-patterns', 'expect-update-within-seconds', 'deadline'] as const;

/** The answer to a registration. Attached: the job was there already, and its token is not shown again. */
export const JobRegistered = z.object({
  ...ReportedJobView.shape,
  attached: z.boolean(),
  'token-id': z.string().exactOptional(),
  token: z.string().exactOptional(),
  'token-expires-at': instant.exactOptional(),
  'callback-url': z.string(),
  /** What the request asks for, and the job was registered with otherwise: it keeps what it has. Absent where there is none. */
  'not-taken-over': z.array(z.enum(WISHES)).exactOptional(),
  advice: z.string().exactOptional(),
});
export type JobRegistered = z.infer<typeof JobRegistered>;

export const JobTokenView = z.object({
  'token-id': z.string(),
  state: z.enum(['active', 'ended']),
  events: z.array(z.enum(JOB_EVENT_NAMES)).exactOptional(),
  /** Of the job: a token ends with the attempt that it was issued for. */
  attempt: z.number(),
  'issued-at': instant,
  'issued-by': z.string(),
  'expires-at': instant,
  'revoked-at': instant.exactOptional(),
  'revoked-by': z.string().exactOptional(),
  'last-used-at': instant.exactOptional(),
  'last-used-from': z.string().exactOptional(),
});
export type JobTokenView = z.infer<typeof JobTokenView>;

/** The answer to an event that was applied; a refusal is a problem with `state`, `sequence` and `allowed-events`. */
export const EventTaken = z.object({
  'job-id': z.string(),
  'event-id': z.string(),
  name: z.enum(JOB_EVENT_NAMES),
  /** Of a managed job: what a sender says of its running is kept as an `update`, and the engine is asked. */
  'recorded-as': z.enum(JOB_EVENT_NAMES).exactOptional(),
  state: z.enum(JOB_STATES),
  sequence: z.number(),
  at: instant,
});
export type EventTaken = z.infer<typeof EventTaken>;

/** How a job stood at a time. */
export const JobAsOf = z.object({
  'job-id': z.string(),
  'as-of': instant,
  state: z.enum(JOB_STATES),
  attempt: z.number(),
  sequence: z.number(),
  'last-event': z.enum(JOB_EVENT_NAMES),
  'updated-at': instant,
  failure: failure.exactOptional(),
});
export type JobAsOf = z.infer<typeof JobAsOf>;

export function reportedJobView(job: ReportedJob, definition?: JobDefinition): ReportedJobView {
  const { limits, withdrawn, deleted } = job;
  const self = `/v1/jobs/${job.id}`;
  const due = dueOf(job);
  return {
    'job-id': job.id,
    kind: 'reported',
    pipeline: job.pipelineName,
    'pipeline-uuid': job.pipeline,
    parents: [...job.parents],
    state: job.state,
    attempt: job.attempt,
    sequence: job.sequence,
    'last-event': job.lastEvent,
    ...(job.failure ? { failure: job.failure } : {}),
    ...(limits.expectUpdateWithinSeconds === undefined ? {} : { 'expect-update-within-seconds': limits.expectUpdateWithinSeconds }),
    ...(limits.deadline === undefined ? {} : { deadline: limits.deadline }),
    ...(due ? { 'due-at': due.at } : {}),
    ...(withdrawn ? { 'withdrawn-at': withdrawn.at } : {}),
    ...(deleted ? { 'deleted-at': deleted.at, 'purge-at': deleted.purgeAt } : {}),
    'created-at': job.createdAt,
    'updated-at': job.updatedAt,
    ...(definition ? definitionView(definition) : {}),
    links: {
      self,
      history: `${self}/history`,
      outputs: `${self}/outputs`,
      events: `${self}/events`,
      tokens: `${self}/tokens`,
      children: `/v1/jobs?parent=${job.id}`,
    },
  };
}

function definitionView({
  archivePath,
  archivePatterns,
  registeredBy,
  data,
}: JobDefinition): Pick<ReportedJobView, 'archive-path' | 'archive-patterns' | 'registered-by' | 'data'> {
  const patterns = archivePatterns ? { 'archive-patterns': [...archivePatterns] } : {};
  return { 'archive-path': archivePath, ...patterns, 'registered-by': registeredBy, data: data as NonNullable<ReportedJobView['data']> };
}

export function jobTokenView({ token, isActive }: { readonly token: JobToken; readonly isActive: boolean }): JobTokenView {
  const { revoked, lastUse } = token;
  return {
    'token-id': token.id,
    state: isActive ? 'active' : 'ended',
    ...(token.events ? { events: [...token.events] } : {}),
    attempt: token.attempt,
    'issued-at': token.issuedAt,
    'issued-by': token.issuedBy,
    'expires-at': token.expiresAt,
    ...(revoked ? { 'revoked-at': revoked.at, 'revoked-by': revoked.by } : {}),
    ...(lastUse ? { 'last-used-at': lastUse.at, 'last-used-from': lastUse.from } : {}),
  };
}

/** As the operations answer it. */
interface Answered {
  readonly eventId: string;
  readonly name: JobEventName;
  readonly recordedAs?: JobEventName;
  readonly state: JobState;
  readonly sequence: number;
  readonly at: Instant;
}

export function eventTaken(jobId: string, { eventId, name, recordedAs, state, sequence, at }: Answered): EventTaken {
  return { 'job-id': jobId, 'event-id': eventId, name, ...(recordedAs ? { 'recorded-as': recordedAs } : {}), state, sequence, at };
}

interface Standing {
  readonly state: JobState;
  readonly attempt: number;
  readonly sequence: number;
  readonly lastEvent: JobEventName;
  readonly updatedAt: Instant;
  readonly failure?: Failure;
}

export function jobAsOf(jobId: string, at: Instant, { lastEvent, updatedAt, failure: failed, ...standing }: Standing): JobAsOf {
  const told = { 'last-event': lastEvent, 'updated-at': updatedAt, ...(failed ? { failure: failed } : {}) };
  return { 'job-id': jobId, 'as-of': at, ...standing, ...told };
}
