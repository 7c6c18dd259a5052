/**
 * What an engine can tell about one of its jobs. An engine job is the engine's own object: it has the engine's id, and a
 * name that we chose before the start so that it can be found again when the answer to a start was lost.
 */
import type { EngineJobId, EngineJobName, Instant, RunId } from './ids.ts';
import type { JsonObject } from './json.ts';

/**
 * Queued: accepted by the engine, not running yet. Succeeded, failed, stopped and lost are final; lost: the engine had begun it,
 * and cannot tell how it ended. Unanswered: the engine answered for others and not for this one, of which nothing new is known.
 */
export const ENGINE_JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'stopped', 'lost', 'unanswered'] as const;
export type EngineJobState = (typeof ENGINE_JOB_STATES)[number];

/** Nothing more will happen to it on its engine. */
export const isFinalState = (state: EngineJobState): boolean => !['queued', 'running', 'unanswered'].includes(state);

export interface EngineJobStatus {
  readonly state: EngineJobState;
  /** The engine's own words about a failure, kept as they are. */
  readonly message?: string;
  /** The engine's own words about trouble that ends nothing: a job that is queued for want of resources, say. */
  readonly warning?: string;
}

export interface EngineStart {
  /** Deterministic: the same job and attempt always give the same name. */
  readonly engineJobName: EngineJobName;
  readonly runId: RunId;
  /** The template's engine-specific part, as it was registered. */
  readonly definition: JsonObject;
  /** The job's effective parameters. */
  readonly parameters: JsonObject;
}

/** Counts of one attempt as the engine reports them, with the engine's own times. */
export interface EngineMetrics {
  readonly engineId?: string;
  readonly pipelineId?: string;
  readonly inputRecordCount: number;
  readonly outputRecordCount: number;
  readonly errorRecordCount: number;
  readonly startedAt?: Instant;
  readonly finishedAt?: Instant;
  /** Where the output lies, as the engine names it. */
  readonly outputs?: readonly string[];
  /** The engine's pipeline in the version that ran. */
  readonly pipelineCommitId?: string;
  /** The counts may still change: the engine reports them later than the end. */
  readonly provisional?: true;
}

export type EngineStartOutcome =
  | { readonly kind: 'started'; readonly engineJobId: EngineJobId }
  /** The engine understood and refused: trying again cannot help. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The engine asks us to wait, or cannot be reached: it has certainly done nothing, and may be asked again at any time. */
  | { readonly kind: 'not-now'; readonly message: string };

export interface DefinitionProblem {
  /** JSON Pointer into the definition. */
  readonly pointer: string;
  readonly rule: string;
  readonly message: string;
}
