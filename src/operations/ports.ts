/**
 * Every interface from the operations to the outside. Promises are part of the interface: what a conflict answers,
 * what absence answers, which reads are consistent.
 */
import type { DefinitionProblem, EngineJobStatus, EngineMetrics, EngineStart, EngineStartOutcome } from '#domain/engine-job';
import type { EngineJobId, EngineJobName, Instant } from '#domain/ids';
import type { JsonObject } from '#domain/json';

export interface Clock {
  now(): Instant;
}

/**
 * What executes jobs. Every method throws `EngineUnavailable` when the engine cannot be reached or asks us to wait,
 * and nothing else for reasons of the engine's.
 */
export interface Engine {
  /** What is wrong with the engine-specific part of a template, found without running it. */
  check(definition: JsonObject): Promise<readonly DefinitionProblem[]>;
  /** Not idempotent on every engine: callers look for the name before they repeat a start. */
  start(start: EngineStart): Promise<EngineStartOutcome>;
  /** The engine job of that name, if the engine has one. */
  find(name: EngineJobName): Promise<EngineJobId | undefined>;
  /** One bulk question. An id that is absent from the answer is unknown to the engine: its job is lost. */
  status(ids: readonly EngineJobId[]): Promise<ReadonlyMap<EngineJobId, EngineJobStatus>>;
  /** Undefined while the engine has none (yet). Asked once a job is final. */
  metrics(id: EngineJobId): Promise<EngineMetrics | undefined>;
  /** Asks the engine to stop the job; `force` when asking did not help. Stopping what is final or unknown is no error. */
  stop(id: EngineJobId, options: { readonly force: boolean }): Promise<void>;
  /** Forgets a final job on the engine. Removing what is unknown is no error. */
  remove(id: EngineJobId): Promise<void>;
}
