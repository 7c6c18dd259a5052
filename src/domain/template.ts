/**
 * A template: how a job is started. Versions are immutable; a run is pinned to the version it was accepted under.
 */
import type { FailureReason } from './job.ts';
import type { Instant, TemplateId } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Streaming } from './samples.ts';

/** Values that the template gives to every job, by where they come from. Later wins (contracts/job-template-service.md §2). */
export interface StaticParameters {
  readonly sourceParameters: JsonObject;
  readonly targetParameters: JsonObject;
  readonly sourceConnection: JsonObject;
  readonly targetConnection: JsonObject;
}

export interface TemplateLimits {
  /** A job that takes longer is stopped on the engine, then fails as `timed-out`. The original's was 4 hours. No limit where absent. */
  readonly maxWaitSeconds?: number;
  /** How many jobs of one run may be under way at once. */
  readonly maxParallel: number;
  /** How many jobs of all runs of the template may be under way at once; no limit where absent. */
  readonly maxParallelAcrossRuns?: number;
  /** How many jobs of all runs of the template may be started in a second, on average; no limit where absent. */
  readonly startsPerSecond?: number;
  /** How often a job is started again by itself, by the reason of its failure. */
  readonly retries: Readonly<Partial<Record<FailureReason, RetryRule>>>;
}

/** For any other reason the caller decides: who cancels or aborts does not want another attempt. */
export const RETRIED_REASONS = ['lost', 'engine-error', 'start-failed', 'timed-out'] as const satisfies readonly FailureReason[];

export interface RetryRule {
  readonly times: number;
  /** Before the first retry; doubled for each that follows, up to an hour. */
  readonly backoffSeconds: number;
}

export const DEFAULT_LIMITS = {
  maxWaitSeconds: 4 * 3600,
  maxParallel: 1000,
  retries: { lost: { times: 1, backoffSeconds: 0 } },
} as const satisfies TemplateLimits;

/** What its author registers. */
export interface TemplateBody {
  readonly name: string;
  readonly engine: string;
  /** The engine-specific part; the engine checks it. */
  readonly definition: JsonObject;
  readonly static: StaticParameters;
  /** JSON Schema of one caller's parameter set. */
  readonly parametersSchema: JsonObject;
  /** Static keys that a caller may give another value. All others are locked. */
  readonly overridable: readonly string[];
  /** Keys by whose values a run can be found. */
  readonly searchable: readonly string[];
  /** The caller's keys that say which set it is, in whatever run; empty: all of them. */
  readonly identity: readonly string[];
  readonly limits: TemplateLimits;
  /** Whether the engine's job is removed once its metrics are stored. */
  readonly deleteAfterCompletion: boolean;
  /** Its jobs have no end of their own: they are sampled while they run, and end when they are stopped or fail. */
  readonly streaming?: Streaming;
}

export interface Template extends TemplateBody {
  readonly id: TemplateId;
  /** 1, 2, … */
  readonly version: number;
  readonly createdAt: Instant;
}

/** (source type, target type) → the template to use. One pair has one pattern. */
export interface Pattern {
  readonly sourceType: string;
  readonly targetType: string;
  readonly templateId: TemplateId;
  /** 1, 2, …; the numbers of a pair go on after its pattern was deleted, so that none is ever met twice. */
  readonly version: number;
  readonly updatedAt: Instant;
}
