/** The interface to what executes jobs, and to the secrets that go with it; part of ports.ts. */
import type { DefinitionProblem, EngineJobStatus, EngineMetrics, EngineStart, EngineStartOutcome } from '#domain/engine-job';
import type { EngineJobId, EngineJobName } from '#domain/ids';
import type { JsonObject } from '#domain/json';

/**
 * What executes jobs. Every method throws `EngineUnavailable` when the engine cannot be reached or asks us to wait,
 * and nothing else for reasons of the engine's.
 */
export interface Engine {
  /**
   * How long after its start was asked for an engine job may still appear. 0: a name never starts twice, so a start may be
   * repeated; and a job that the engine has begun is known to it for good, at least as `lost`.
   */
  readonly fenceSeconds: number;
  /** What is wrong with the engine-specific part of a template, found without running it. */
  check(definition: JsonObject): Promise<readonly DefinitionProblem[]>;
  /** Not idempotent on every engine: callers look for the name before they repeat a start. */
  start(start: EngineStart): Promise<EngineStartOutcome>;
  /** The engine job of that name, if the engine has one. */
  find(name: EngineJobName): Promise<EngineJobId | undefined>;
  /**
   * One bulk question. An id that is absent from the answer is unknown to the engine: its job is lost. One that the engine did not
   * answer for, though it answered for others, is `unanswered`; where it answered for none this throws.
   */
  status(ids: readonly EngineJobId[]): Promise<ReadonlyMap<EngineJobId, EngineJobStatus>>;
  /**
   * How long after a job's end its counts may still come or change. 0: what the engine says of a final job is all there will be.
   */
  readonly metricsSettleSeconds: number;
  /**
   * Of a final job, and of a running one where the engine counts while it runs. Undefined where the engine has none (yet);
   * `provisional` ones may change.
   */
  metrics(id: EngineJobId): Promise<EngineMetrics | undefined>;
  /** Tells an engine that wants to be told that a failure was noticed. Nothing to acknowledge, or an unknown id, is no error. */
  acknowledge(id: EngineJobId): Promise<void>;
  /** Asks the engine to stop the job; `force` when asking did not help. Stopping what is final or unknown is no error. */
  stop(id: EngineJobId, options: { readonly force: boolean }): Promise<void>;
  /** Forgets a final job on the engine. Removing what is unknown is no error. */
  remove(id: EngineJobId): Promise<void>;
}

/** Secrets by reference: `env:NAME`, `file:path`, `ssm:name`, `secretsmanager:name`. The values are never stored, logged or answered. */
export interface Secrets {
  /** Rejects, without the value and with the reference, where it cannot be read. Remembered for a while. */
  resolve(reference: string): Promise<string>;
  /** As `resolve`, past what is remembered: the secret may have been changed. */
  renew(reference: string): Promise<string>;
}

/** What the pushes of an engine carry to be believed; undefined where it is to push nothing. */
export type WebhookSecret = (engine: string) => Promise<string | undefined>;
