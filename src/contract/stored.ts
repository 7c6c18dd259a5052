/**
 * The items of the table, parsed on every read: an older release may have written them. What callers chose (parameters,
 * event data) is kept as JSON text, because DynamoDB's numbers are not JSON's.
 */
import * as z from 'zod';
import { SCOPES, type ApiToken } from '#domain/api-token';
import type { EngineJobId, EngineJobName, Instant, RunId, TemplateId } from '#domain/ids';
import { FAILURE_REASONS, type HistoryEntry, type Job } from '#domain/job';
import { JOB_EVENT_NAMES, JOB_STATES } from '#domain/job-state';
import type { JsonObject } from '#domain/json';
import { PARAMETER_ORIGINS, type EffectiveParameters } from '#domain/parameters';
import { RUN_STATES, type Run, type RunCounts } from '#domain/run';
import { NO_USAGE } from '#domain/run-cost';
import type { Pattern, Template } from '#domain/template';

const text = <Branded extends string>(): z.ZodType<Branded> => z.string() as unknown as z.ZodType<Branded>;
const instant = text<Instant>();
/** What JSON.parse made needs no second look at its depths, which would cost more than all else on a page of big sets. */
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));

/** An attribute that holds JSON text of a `schema`. */
const jsonText = <Value>(schema: z.ZodType<Value>): z.ZodType<Value> =>
  z.string().transform((json, context): Value => {
    try {
      const parsed = schema.safeParse(JSON.parse(json));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: parsed.error.message });
    } catch {
      context.addIssue({ code: 'custom', message: 'no JSON' });
    }
    return z.NEVER;
  });

const engineMetrics = z.object({
  engineId: z.string().exactOptional(),
  pipelineId: z.string().exactOptional(),
  inputRecordCount: z.number(),
  outputRecordCount: z.number(),
  errorRecordCount: z.number(),
  startedAt: instant.exactOptional(),
  finishedAt: instant.exactOptional(),
  outputs: z.array(z.string()).exactOptional(),
  pipelineCommitId: z.string().exactOptional(),
});

const metricsStanding = z.object({ state: z.enum(['pending', 'provisional', 'unavailable']), reason: z.string().exactOptional() });

const aftercare = z.object({
  attempt: z.number(),
  engineJobId: text<EngineJobId>(),
  endedAt: instant,
  acknowledge: z.literal(true).exactOptional(),
  collect: z.literal(true).exactOptional(),
  remove: z.literal(true).exactOptional(),
  metrics: engineMetrics.exactOptional(),
});

const failure = z.object({ reason: z.enum(FAILURE_REASONS), message: z.string() });

const startRecord = z.object({
  queuedFor: z.enum(['retry', 'slot']).exactOptional(),
  notBefore: instant.exactOptional(),
  intentAt: instant.exactOptional(),
  engineJobName: text<EngineJobName>().exactOptional(),
  engineJobId: text<EngineJobId>().exactOptional(),
  restarts: z.number().exactOptional(),
  fault: z.string().exactOptional(),
  cancel: z.object({ at: instant, by: z.string() }).exactOptional(),
  stop: z
    .object({
      reason: z.enum(['cancelled', 'timed-out', 'aborted']),
      askedAt: instant,
      forcedAt: instant.exactOptional(),
      fault: z.string().exactOptional(),
    })
    .exactOptional(),
  warning: z.string().exactOptional(),
  warned: z.array(z.string()).exactOptional(),
});

export const StoredJob: z.ZodType<Job> = z.object({
  runId: text<RunId>(),
  index: z.number(),
  state: z.enum(JOB_STATES),
  attempt: z.number(),
  runAttempt: z.number().default(1),
  retries: z.number().default(0),
  version: z.number(),
  sequence: z.number(),
  lastEvent: z.enum(JOB_EVENT_NAMES),
  createdAt: instant,
  updatedAt: instant,
  start: startRecord,
  failure: failure.exactOptional(),
  metrics: engineMetrics.exactOptional(),
  metricsStanding: metricsStanding.exactOptional(),
  aftercare: z.array(aftercare).exactOptional(),
});

/** Of an attempt that another one has followed: its counts, where there are any, and their standing, where they are not settled. */
export const StoredAttemptMetrics = engineMetrics.partial().extend({ standing: metricsStanding.exactOptional() });

export const StoredSample = z.object({
  attempt: z.number(),
  at: instant,
  engineId: z.string().exactOptional(),
  inputRecordCount: z.number(),
  outputRecordCount: z.number(),
  errorRecordCount: z.number(),
});

export const StoredHistoryEntry: z.ZodType<HistoryEntry> = z.object({
  sequence: z.number(),
  eventId: z.string(),
  name: z.enum(JOB_EVENT_NAMES),
  at: instant,
  actor: z.string(),
  from: z.enum(JOB_STATES).nullable(),
  to: z.enum(JOB_STATES),
  attempt: z.number(),
  data: jsonObject.exactOptional(),
  refused: z.literal(true).exactOptional(),
});

const origin = z.enum(PARAMETER_ORIGINS);

const provenance = z.object({ origin, replaced: z.object({ origin, value: z.json() }).exactOptional() });
/** Not z.record, which leaves out a key that is called `__proto__`. */
const provenanceByKey = z.custom<EffectiveParameters['provenance']>(
  (value) => typeof value === 'object' && value !== null && Object.values(value).every((each) => provenance.safeParse(each).success),
);

export const StoredParameters = z.object({
  setKey: z.string(),
  /** The first entry of the job's history. Absent where an older release wrote that as an item of its own. */
  created: StoredHistoryEntry.exactOptional(),
  values: jsonObject,
  provenance: provenanceByKey,
});

const counts = z.object({
  finished: z.number().default(0),
  failed: z.number().default(0),
  cancelled: z.number().default(0),
  inputRecordCount: z.number().default(0),
  outputRecordCount: z.number().default(0),
  errorRecordCount: z.number().default(0),
});

export const StoredRun: z.ZodType<Run> = z.object({
  id: text<RunId>(),
  userId: z.string(),
  userRunId: z.string(),
  sourceType: z.string(),
  targetType: z.string(),
  templateId: text<TemplateId>(),
  templateVersion: z.number(),
  requestedBy: z.string(),
  count: z.number(),
  skipped: z.number().exactOptional(),
  chunkStarts: z.array(z.number()),
  setsBytes: z.number().default(0),
  attempt: z.number(),
  retriedJobs: z.number().default(0),
  watch: z.number().default(1),
  gathering: z.object({ watch: z.number(), until: instant }).exactOptional(),
  clonedFrom: text<RunId>().exactOptional(),
  state: z.enum(RUN_STATES),
  version: z.number(),
  createdAt: instant,
  updatedAt: instant,
  execution: z.string().exactOptional(),
  plannedAt: instant.exactOptional(),
  closing: z.object({ reason: z.enum(['cancelled', 'aborted']), message: z.string(), at: instant }).exactOptional(),
  finishedAt: instant.exactOptional(),
  collecting: z.literal(true).exactOptional(),
  counts: counts.exactOptional(),
});

export const StoredCounts: z.ZodType<RunCounts> = counts;

/** Those that were written before they knew it are of the first attempt of their run, as nearly all are. */
export const StoredTaskToken = z.object({ index: z.number(), taskToken: z.string(), runAttempt: z.number().default(1) });

/** Of a run's tick: while the first one is under way there are no counts yet. */
export const StoredProgress = z.object({
  counts: counts.exactOptional(),
  nextPollAt: instant.exactOptional(),
  usage: z
    .object({
      ticks: z.number(),
      loopTicks: z.number(),
      jobsRead: z.number(),
      statusCalls: z.number(),
      metricsCalls: z.number().default(0),
      samples: z.number().default(0),
      pushes: z.number().default(0),
      tickStarts: z.number(),
      slotStarts: z.number().default(0),
      slotHolds: z.number().default(0),
    })
    .default(NO_USAGE),
  durations: z.array(z.number()).default([]),
  durationsSeen: z.number().default(0),
  waiting: z.object({ jobs: z.number(), since: instant, reason: z.string() }).exactOptional(),
  lookedAt: instant.exactOptional(),
  trouble: z.object({ since: instant, message: z.string() }).exactOptional(),
});

export const StoredRetry = z.object({
  indexes: jsonText(z.array(z.number())),
  requestedBy: z.string(),
  bodyDigest: z.string(),
  idempotencyKey: z.string().exactOptional(),
});

export const StoredDurations = z.object({ seconds: jsonText(z.array(z.number())) });

export const StoredSlotHolder = z.object({ sk: text<RunId>(), held: z.number(), waiting: z.number(), until: instant });

/** What changes with the holders of a resource, and the budget of its starts. */
export const StoredSlots = z.object({ version: z.number(), starts: z.number().exactOptional(), startsAt: instant.exactOptional() });

export const StoredTotals = z.object({ ...counts.shape, sk: z.string(), runs: z.number() });

export const StoredSets = z.object({ sets: jsonText(z.array(jsonObject)) });

export const StoredRunKey = z.object({
  runId: text<RunId>(),
  bodyDigest: z.string(),
  complete: z.boolean(),
  reservedAt: instant,
  /** Seconds; expired items are ignored, because DynamoDB deletes them late and the embedded one never. */
  expiresAt: z.number().exactOptional(),
});

export const StoredPattern: z.ZodType<Pattern> = z.object({
  sourceType: z.string(),
  targetType: z.string(),
  templateId: text<TemplateId>(),
  version: z.number(),
  updatedAt: instant,
});

/** What is left of a deleted pattern: the version that its successor goes on from. */
export const StoredPatternEnd = z.object({ version: z.number() });

/** A pattern as the template that it names knows it. */
export const StoredPatternName = z.object({ sourceType: z.string(), targetType: z.string() });

export const StoredTemplate: z.ZodType<Template> = z.object({
  id: text<TemplateId>(),
  version: z.number(),
  createdAt: instant,
  name: z.string(),
  engine: z.string(),
  definition: jsonText(jsonObject),
  static: jsonText(
    z.object({
      sourceParameters: jsonObject,
      targetParameters: jsonObject,
      sourceConnection: jsonObject,
      targetConnection: jsonObject,
    }),
  ),
  parametersSchema: jsonText(jsonObject),
  overridable: z.array(z.string()),
  searchable: z.array(z.string()).default([]),
  identity: z.array(z.string()).default([]),
  limits: z.object({
    maxWaitSeconds: z.number().exactOptional(),
    maxParallel: z.number(),
    maxParallelAcrossRuns: z.number().exactOptional(),
    startsPerSecond: z.number().exactOptional(),
    retries: z.partialRecord(
      z.enum(FAILURE_REASONS),
      z.union([
        z.number().transform((times) => ({ times, backoffSeconds: 0 })),
        z.object({ times: z.number(), backoffSeconds: z.number() }),
      ]),
    ),
  }) as unknown as z.ZodType<Template['limits']>,
  deleteAfterCompletion: z.boolean(),
  streaming: z.object({ sampleSeconds: z.number() }).exactOptional(),
});

export const StoredApiToken: z.ZodType<ApiToken> = z.object({
  id: z.string(),
  name: z.string(),
  secretDigest: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: instant.exactOptional(),
  createdBy: z.string().exactOptional(),
  validUntil: instant.exactOptional(),
  revoked: z.object({ at: instant, by: z.string() }).exactOptional(),
  lastUse: z.object({ at: instant, from: z.string() }).exactOptional(),
});

/** Who has a name, and what stands in a list of tokens. */
export const StoredApiTokenId = z.object({ id: z.string() });
