/**
 * An open execution in memory: what folding its journal leaves (`fold.ts`). It is mutable on purpose, the one place that is:
 * ten thousand parked children are ten thousand of these, and a fold that copied them would cost more than the work itself.
 * Only the fold (`fold.ts`, `fold-inner.ts`) writes to them; the fields of `Scheduling` belong to the driver and mean nothing to the fold.
 */
import type { Json } from '#domain/json';
import type { Ending, Failure, FailureKind, MapLimits } from './facts.ts';
import type { Flow, Machine, State } from './machine.ts';
import type { Timer } from './timers.ts';

/** What all executions of one top-level execution share: the journal, the machine and the names. */
export interface Root {
  /** `machine/name`: unique among top-level executions, never reused. */
  readonly key: string;
  readonly machineName: string;
  readonly name: string;
  readonly machine: Machine;
  readonly startedAtMs: number;
  readonly execution: Execution;
  /** Open children of Map Runs, of any depth, by ordinal. */
  readonly children: Map<number, Execution>;
  nextOrdinal: number;
  nextRun: number;
}

export interface Execution {
  readonly root: Root;
  /** Absent for the top-level execution. */
  readonly child?: { readonly ordinal: number; readonly run: MapRun; readonly index: number; readonly item: Json };
  readonly startedAtMs: number;
  readonly input: Json;
  readonly main: Thread;
  /** Threads beyond the first, by id; absent until there are any. */
  threads: Map<number, Thread> | undefined;
  nextThread: number;
  lastEventId: number;
  ended: Ending | undefined;
}

/** One line of control within an execution: the execution itself, a branch of a Parallel, an iteration of an inline Map. */
export interface Thread extends Scheduling {
  readonly execution: Execution;
  readonly id: number;
  readonly flow: Flow;
  readonly parent: Thread | undefined;
  /** Which branch or iteration of the parent. */
  readonly index: number;
  readonly item: { readonly index: number; readonly value: Json } | undefined;
  state: State | undefined;
  input: Json;
  enteredAtMs: number;
  enteredId: number;
  /** The event before the state was entered: evaluation failures link to it, as recorded on AWS. */
  beforeId: number;
  lastId: number;
  variables: Record<string, Json> | undefined;
  retryCount: number;
  /** Tries used per retrier of the state; absent until one is used. */
  triesByRetrier: number[] | undefined;
  phase: Phase;
}

export interface Scheduling {
  timer: Timer | undefined;
  /** Whether `advance` is at work on this thread, and whether it was asked again meanwhile. */
  driving: 'no' | 'yes' | 'again';
}

/** Where a thread stands. `advance.ts` decides from this alone what happens next, so a recovered thread goes on like any other. */
export type Phase =
  | { readonly kind: 'ready'; readonly next: string; readonly input: Json }
  | { readonly kind: 'entered' }
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | OpenTask
  | { readonly kind: 'retrying'; readonly untilMs: number }
  | OpenMap
  | MapRun
  | OpenParallel
  /** The work of the state is done; Output and Assign are still to be evaluated. */
  | { readonly kind: 'returned'; readonly result: Json }
  /** The work of the state failed; Retry and Catch are still to be asked. */
  | Failing
  | { readonly kind: 'succeeded'; readonly output: Json }
  | { readonly kind: 'aborted' };

export interface Failing extends Failure {
  readonly kind: 'failing';
  readonly because: FailureKind;
  /** The history has the state's own MapStateFailed or ParallelStateFailed already. */
  readonly reported?: boolean;
}

export interface OpenTask {
  readonly kind: 'task';
  readonly parameters: Json;
  readonly secret: string;
  readonly timeoutSeconds: number | undefined;
  readonly heartbeatSeconds: number | undefined;
  readonly scheduledAtMs: number;
  heartbeatAtMs: number;
  /** The invocation returned and the token is outstanding: nothing is to be invoked again. */
  submitted: boolean;
}

export interface OpenMap {
  readonly kind: 'map';
  readonly items: readonly Json[];
  readonly limits: MapLimits;
  readonly iterations: Map<number, Thread>;
  readonly outputs: Json[];
  nextIndex: number;
  succeeded: number;
  /** What the next iteration's first event links to: the last event within an iteration, not the iteration's own end. */
  linkId: number;
}

export interface OpenParallel {
  readonly kind: 'parallel';
  readonly branches: readonly Thread[];
}

/** A distributed Map: its children are executions of their own. */
export interface MapRun {
  readonly kind: 'map-run';
  readonly thread: Thread;
  readonly run: number;
  readonly label: string;
  readonly items: readonly Json[];
  readonly limits: MapLimits;
  readonly startedAtMs: number;
  /** Undefined once the outputs together are beyond what a state may return. */
  outputs: Json[] | undefined;
  outputBytes: number;
  nextIndex: number;
  succeeded: number;
  failed: number;
}

export interface ThreadOrigin {
  readonly id: number;
  readonly flow: Flow;
  readonly parent?: Thread;
  readonly index?: number;
  readonly item?: { readonly index: number; readonly value: Json };
  readonly input: Json;
  readonly lastId: number;
}

export function newThread(execution: Execution, origin: ThreadOrigin): Thread {
  return {
    execution,
    id: origin.id,
    flow: origin.flow,
    parent: origin.parent,
    index: origin.index ?? 0,
    item: origin.item,
    state: undefined,
    input: origin.input,
    enteredAtMs: 0,
    enteredId: 0,
    beforeId: 0,
    lastId: origin.lastId,
    variables: undefined,
    retryCount: 0,
    triesByRetrier: undefined,
    phase: { kind: 'ready', next: origin.flow.startAt, input: origin.input },
    timer: undefined,
    driving: 'no',
  };
}

export function threadOf(execution: Execution, id: number): Thread | undefined {
  return id === 0 ? execution.main : execution.threads?.get(id);
}

export function* threadsOf(execution: Execution): Generator<Thread> {
  yield execution.main;
  if (execution.threads !== undefined) yield* execution.threads.values();
}

export function* openExecutions(root: Root): Generator<Execution> {
  yield root.execution;
  yield* root.children.values();
}

/** Variables as this thread reads them: its own, over those of the threads around it. */
export function visibleVariables(thread: Thread): Readonly<Record<string, Json>> {
  if (thread.parent === undefined) return thread.variables ?? {};
  return { ...visibleVariables(thread.parent), ...thread.variables };
}
