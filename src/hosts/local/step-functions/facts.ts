/**
 * What the journal holds: one fact per line, in the order in which they happened. A fact with an `id` is an event of the history
 * that GetExecutionHistory shows; one without is ours alone (when a wait ends, which try of a retry is armed). Names are short where
 * a thousand children repeat them.
 */
import type { Json } from '#domain/json';
import type { StateType } from './machine.ts';

export type Fact = Stamp & Happening;

export interface Stamp {
  /** Ordinal of the child execution of a Map Run within the journal of its top-level execution; absent for the latter. */
  readonly x?: number | undefined;
  /** Thread within the execution; absent for its first. */
  readonly t?: number | undefined;
  readonly id?: number | undefined;
  readonly prev?: number | undefined;
  readonly at: number;
}

/** A task that fails by SendTaskFailure may have neither. */
export interface Failure {
  readonly error?: string;
  readonly cause?: string;
}

export type FailureKind = 'task' | 'timeout' | 'heartbeat' | 'evaluation' | 'runtime' | 'data-limit' | 'fail-state' | 'tolerance';

export interface Parent {
  /** Absent: the top-level execution. */
  readonly x?: number;
  readonly t: number;
  readonly run: number;
  readonly index: number;
  readonly item: Json;
}

/** What only a top-level execution has. */
export interface TopLevel {
  /** Of the definition: an execution keeps the one that it started with. */
  readonly revision: string;
  /** The input as it was sent, where its spelling differs from the compact one. */
  readonly inputText?: string;
  /** The task that started it by `states:startExecution`, so that a repetition after a crash is recognised. */
  readonly startedBy?: string;
}

export interface MapLimits {
  /** 0: no limit. */
  readonly concurrency: number;
  readonly toleratedCount?: number;
  readonly toleratedPercentage?: number;
}

export type Happening =
  | { readonly type: 'ExecutionStarted'; readonly input: Json; readonly parent?: Parent; readonly top?: TopLevel }
  | { readonly type: 'StateEntered'; readonly of: StateType; readonly state: string; readonly input: Json }
  | {
      readonly type: 'StateExited';
      readonly of: StateType;
      readonly state: string;
      readonly output: Json;
      readonly assigned?: Readonly<Record<string, Json>>;
      /** Absent: the flow ends. */
      readonly next?: string;
    }
  | { readonly type: 'StateAborted'; readonly of: StateType }
  | { readonly type: 'WaitArmed'; readonly untilMs: number }
  | {
      readonly type: 'TaskScheduled';
      /** `lambda:invoke`, as the history splits it into resource type and resource; absent for a function's own ARN. */
      readonly resource?: string;
      readonly parameters: Json;
      readonly secret: string;
      readonly timeoutSeconds?: number;
      readonly heartbeatSeconds?: number;
    }
  | { readonly type: 'TaskStarted' | 'TaskTimedOut' | 'HeartbeatMissed' }
  | { readonly type: 'HeartbeatReceived' }
  | { readonly type: 'TaskSubmitted' | 'TaskSucceeded'; readonly output: Json }
  | ({ readonly type: 'TaskFailed' } & Failure)
  | ({ readonly type: 'EvaluationFailed'; readonly state: string; readonly location?: string } & Failure)
  /** Something within a Map or Parallel failed for good; `prev` is what the state's own failure links to. */
  | ({ readonly type: 'InnerFailed'; readonly because: FailureKind } & Failure)
  | { readonly type: 'RetryArmed'; readonly retrier: number; readonly untilMs: number }
  | { readonly type: 'MapStateStarted'; readonly items: readonly Json[]; readonly limits: MapLimits }
  | { readonly type: 'MapIterationStarted'; readonly state: string; readonly index: number; readonly input: Json }
  | {
      readonly type: 'MapIterationSucceeded' | 'MapIterationFailed' | 'MapIterationAborted';
      readonly state: string;
      readonly index: number;
    }
  | { readonly type: 'MapRunStarted'; readonly run: number; readonly label: string }
  | { readonly type: 'MapRunSucceeded' | 'MapRunAborted' }
  | ({ readonly type: 'MapRunFailed' } & Failure)
  | { readonly type: 'MapStateSucceeded' | 'MapStateFailed' }
  | { readonly type: 'ParallelStateSucceeded' | 'ParallelStateFailed' }
  | { readonly type: 'ParallelStateStarted'; readonly input: Json }
  | { readonly type: 'ExecutionSucceeded'; readonly output: Json }
  | ({ readonly type: 'ExecutionFailed' | 'ExecutionTimedOut' | 'ExecutionAborted' } & Failure);

export type FactOf<Type extends Happening['type']> = Extract<Fact, { readonly type: Type }>;

export type HappeningType = Happening['type'];

/** The facts that are no events of AWS's history. */
const OURS: ReadonlySet<HappeningType> = new Set(['WaitArmed', 'HeartbeatReceived', 'InnerFailed', 'RetryArmed']);

export function isHistoryEvent(happening: Happening): boolean {
  return !OURS.has(happening.type);
}

export function failureOf({ error, cause }: Failure): Failure {
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

export type Ending =
  | { readonly status: 'SUCCEEDED'; readonly output: Json; readonly atMs: number }
  | ({ readonly status: 'FAILED' | 'TIMED_OUT' | 'ABORTED'; readonly atMs: number } & Failure);

export type EndFact = FactOf<'ExecutionSucceeded' | 'ExecutionFailed' | 'ExecutionTimedOut' | 'ExecutionAborted'>;

const STATUS = { ExecutionFailed: 'FAILED', ExecutionTimedOut: 'TIMED_OUT', ExecutionAborted: 'ABORTED' } as const;

export function isEnd(fact: Fact): fact is EndFact {
  return fact.type === 'ExecutionSucceeded' || fact.type in STATUS;
}

export function endingOf(fact: EndFact): Ending {
  if (fact.type === 'ExecutionSucceeded') return { status: 'SUCCEEDED', output: fact.output, atMs: fact.at };
  return { status: STATUS[fact.type], atMs: fact.at, ...failureOf(fact) };
}
