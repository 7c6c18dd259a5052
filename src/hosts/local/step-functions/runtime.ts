/** What the steps of all state types share: recording a fact, waking a thread, ending an execution. */
import type { HostClock } from '#hosts/local/host-clock';
import type { Json } from '#domain/json';
import type { Execution, MapRun, Thread } from './execution.ts';
import { openExecutions, threadsOf } from './execution.ts';
import type { Fact, Failure, Happening } from './facts.ts';
import { isHistoryEvent } from './facts.ts';
import { fold } from './fold.ts';
import type { Invocations } from './invocations.ts';
import type { Journal } from './journal.ts';
import type { Timers } from './timers.ts';

export interface Runtime {
  readonly clock: HostClock;
  readonly newId: () => string;
  readonly timers: Timers;
  readonly journal: Journal;
  readonly invocations: Invocations;
  readonly names: Names;
  /** Goes on with a thread as far as it goes without waiting. Never rejects, and may be called at any time. */
  readonly advance: (thread: Thread) => void;
  /** `states:startExecution`: answers the task's output or throws an `ApiError`. */
  readonly startExecution: (parameters: Json, startedBy: string) => Promise<Json>;
  /** Called once per execution, after its last fact is recorded. */
  readonly onEnded: (execution: Execution, wakeParent: boolean) => void;
}

/** ARNs of everything that belongs to an execution. */
export interface Names {
  executionArn(execution: Execution): string;
  executionName(execution: Execution): string;
  stateMachineArn(execution: Execution): string;
  stateMachineName(execution: Execution): string;
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html: event 25,000 must be the last one. */
const LONGEST_HISTORY = 25_000;

type EndType = 'ExecutionSucceeded' | 'ExecutionFailed' | 'ExecutionTimedOut' | 'ExecutionAborted';
const END_TYPES: ReadonlySet<Happening['type']> = new Set<EndType>([
  'ExecutionSucceeded',
  'ExecutionFailed',
  'ExecutionTimedOut',
  'ExecutionAborted',
]);

/**
 * Records what happened to a thread: folds it and hands it to the journal. Nothing is recorded for a thread that was given up while
 * an expression was being evaluated for it. `prev` is given where AWS links an event elsewhere than to the thread's last one.
 */
export function record(runtime: Runtime, thread: Thread, happening: Happening, prev = thread.lastId): void {
  const { execution } = thread;
  if (execution.ended !== undefined || thread.phase.kind === 'aborted') return;
  const isEvent = isHistoryEvent(happening);
  if (isEvent && execution.lastEventId + 1 >= LONGEST_HISTORY && !END_TYPES.has(happening.type)) {
    endExecution(runtime, execution, { type: 'ExecutionFailed', error: 'States.Runtime', cause: HISTORY_LIMIT_CAUSE });
    return;
  }
  // One spread and plain members: with conditional spreads this line took half of the interpreter's time.
  const fact: Fact = {
    ...happening,
    x: execution.child?.ordinal,
    t: thread.id === 0 ? undefined : thread.id,
    id: isEvent ? execution.lastEventId + 1 : undefined,
    prev: isEvent || happening.type === 'InnerFailed' ? prev : undefined,
    at: runtime.clock.nowMs(),
  };
  fold(execution.root, fact);
  runtime.journal.append(execution.root.key, fact);
}

const HISTORY_LIMIT_CAUSE = `The execution reached the maximum number of history events (${LONGEST_HISTORY}).`;

export type EndOfExecution =
  { readonly type: 'ExecutionSucceeded'; readonly output: Json } | ({ readonly type: Exclude<EndType, 'ExecutionSucceeded'> } & Failure);

/** A parent that gives its children up must not be woken by their end. */
export function endExecution(runtime: Runtime, execution: Execution, end: EndOfExecution, wakeParent = true): void {
  if (execution.ended !== undefined) return;
  for (const thread of threadsOf(execution)) abandon(runtime, thread);
  const { lastId, enteredId, beforeId } = execution.main;
  // Recorded on AWS: an abort links past the Entered event of the state that it interrupts.
  record(runtime, execution.main, end, end.type === 'ExecutionAborted' && lastId === enteredId ? beforeId : lastId);
  runtime.onEnded(execution, wakeParent);
}

/** Before a thread is given up: its timer must not wake it, and the children of its Map Run must not go on. */
export function abandon(runtime: Runtime, thread: Thread): void {
  runtime.timers.drop(thread.timer);
  thread.timer = undefined;
  const { phase } = thread;
  if (phase.kind === 'map-run') abortChildren(runtime, phase);
  if (phase.kind === 'map') for (const iteration of phase.iterations.values()) abandon(runtime, iteration);
  if (phase.kind === 'parallel') for (const branch of phase.branches) abandon(runtime, branch);
}

export function abortChildren(runtime: Runtime, run: MapRun): void {
  for (const execution of [...openExecutions(run.thread.execution.root)]) {
    if (execution.child?.run === run) endExecution(runtime, execution, { type: 'ExecutionAborted' }, false);
  }
}

/** Arms the one timer of a thread. */
export function wakeAt(runtime: Runtime, thread: Thread, atMs: number, wake: (thread: Thread) => void): void {
  runtime.timers.drop(thread.timer);
  thread.timer = runtime.timers.set(atMs, thread, wake);
}
