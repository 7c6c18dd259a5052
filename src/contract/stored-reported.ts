/** The items of reported jobs, of job tokens and of answered events, parsed on every read. */
import * as z from 'zod';
import type { Instant, ReportedJobId } from '#domain/ids';
import { FAILURE_REASONS } from '#domain/job';
import { JOB_EVENT_NAMES, JOB_STATES, type JobEventName, type JobState } from '#domain/job-state';
import type { JobOutput, OutputIndex } from '#domain/job-output';
import type { JobToken } from '#domain/job-token';
import type { JsonObject } from '#domain/json';
import type { JobDefinition, ReportedJob } from '#domain/reported-job';

const instant = z.string() as unknown as z.ZodType<Instant>;
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const mark = { at: instant, by: z.string() };

export const StoredReportedJob: z.ZodType<ReportedJob> = z.object({
  id: z.string() as unknown as z.ZodType<ReportedJobId>,
  pipeline: z.string(),
  pipelineName: z.string(),
  parents: z.array(z.string()),
  state: z.enum(JOB_STATES),
  attempt: z.number(),
  registration: z.number().exactOptional(),
  version: z.number(),
  sequence: z.number(),
  lastEvent: z.enum(JOB_EVENT_NAMES),
  createdAt: instant,
  updatedAt: instant,
  since: instant,
  limits: z.object({ expectUpdateWithinSeconds: z.number().exactOptional(), deadline: instant.exactOptional() }),
  failure: z.object({ reason: z.enum(FAILURE_REASONS), message: z.string() }).exactOptional(),
  indexing: z.object({ sequence: z.number(), tries: z.number(), dueAt: instant.exactOptional() }).exactOptional(),
  resetting: z.object({ keepArchive: z.boolean(), tries: z.number(), dueAt: instant }).exactOptional(),
  withdrawn: z.object(mark).exactOptional(),
  deleted: z.object({ ...mark, purgeAt: instant }).exactOptional(),
});

export const StoredJobDefinition: z.ZodType<JobDefinition> = z.object({
  data: jsonObject,
  archivePath: z.string(),
  archivePatterns: z.array(z.string()).exactOptional(),
  registeredBy: z.string(),
});

export const StoredJobToken: z.ZodType<JobToken> = z.object({
  id: z.string(),
  secretDigest: z.string(),
  events: z.array(z.enum(JOB_EVENT_NAMES)).exactOptional(),
  attempt: z.number(),
  registration: z.number().exactOptional(),
  issuedAt: instant,
  issuedBy: z.string(),
  expiresAt: instant,
});

/** What changes of a token stands beside what does not, so that each is one small update. */
export const StoredJobTokenMarks = z.object({
  revokedAt: instant.exactOptional(),
  revokedBy: z.string().exactOptional(),
  usedAt: instant.exactOptional(),
  usedFrom: z.string().exactOptional(),
});

export const StoredOutputIndex: z.ZodType<OutputIndex> = z.object({
  sequence: z.number(),
  attempt: z.number(),
  at: instant,
  count: z.number(),
  sizeBytes: z.number(),
});

export const StoredJobOutput: z.ZodType<JobOutput> = z.object({
  key: z.string(),
  sizeBytes: z.number(),
  checksum: z.string(),
  modifiedAt: instant,
});

interface StoredAnswer {
  readonly eventId: string;
  readonly contentDigest: string;
  readonly name: JobEventName;
  readonly recordedAs?: JobEventName;
  readonly state: JobState;
  readonly sequence: number;
  readonly at: Instant;
  readonly refused?: { readonly allowed: readonly JobEventName[]; readonly detail: string };
}

export const StoredEventAnswer: z.ZodType<StoredAnswer> = z.object({
  eventId: z.string(),
  contentDigest: z.string(),
  name: z.enum(JOB_EVENT_NAMES),
  recordedAs: z.enum(JOB_EVENT_NAMES).exactOptional(),
  state: z.enum(JOB_STATES),
  sequence: z.number(),
  at: instant,
  refused: z.object({ allowed: z.array(z.enum(JOB_EVENT_NAMES)), detail: z.string() }).exactOptional(),
});
