/**
 * The fold: what each fact of the journal does to the execution in memory. Running and recovering use this same code, so an
 * execution after `kill -9` is the execution before it, up to the last durable fact.
 */
import type { Json } from '#domain/json';
import type { Execution, MapRun, Root, Thread } from './execution.ts';
import { newThread, threadOf } from './execution.ts';
import type { Ending, Fact, FactOf, Parent } from './facts.ts';
import { endingOf, failureOf } from './facts.ts';
import { abort, abortInner, foldMap, foldMapRun, foldParallel } from './fold-inner.ts';
import type { Machine, MapState } from './machine.ts';
import { jsonBytes, LARGEST_PAYLOAD_BYTES } from './payload.ts';

export interface RootIdentity {
  readonly key: string;
  readonly machineName: string;
  readonly name: string;
  readonly machine: Machine;
}

export function rootFrom(identity: RootIdentity, started: FactOf<'ExecutionStarted'>): Root {
  const root = { ...identity, startedAtMs: started.at, children: new Map(), nextOrdinal: 1, nextRun: 1 } as Omit<Root, 'execution'> as Root;
  (root as { execution: Execution }).execution = newExecution(root, started, undefined);
  return root;
}

function newExecution(root: Root, started: FactOf<'ExecutionStarted'>, child: Execution['child']): Execution {
  const { input, at } = started;
  const execution = { root, child, startedAtMs: at, input, threads: undefined, nextThread: 1, lastEventId: 1, ended: undefined } as Omit<
    Execution,
    'main'
  > as Execution;
  const flow = child === undefined ? root.machine : processorOf(child.run);
  const item = child && { index: child.index, value: child.item };
  (execution as { main: Thread }).main = newThread(execution, { id: 0, flow, input, lastId: 0, ...(item && { item }) });
  return execution;
}

function processorOf(run: MapRun): Machine {
  return (run.thread.state as MapState).processor;
}

/** Applies one fact of the root's journal; answers the thread that it concerns, if any. */
export function fold(root: Root, fact: Fact): Thread | undefined {
  if (fact.type === 'ExecutionStarted') return fact.parent === undefined ? root.execution.main : startChild(root, fact, fact.parent);
  const execution = fact.x === undefined ? root.execution : root.children.get(fact.x);
  const thread = execution && threadOf(execution, fact.t ?? 0);
  if (execution === undefined || thread === undefined) return undefined;
  const previous = thread.lastId;
  if (fact.id !== undefined) execution.lastEventId = thread.lastId = fact.id;
  foldThread(thread, fact, previous);
  return thread;
}

function startChild(root: Root, fact: FactOf<'ExecutionStarted'>, parent: Parent): Thread | undefined {
  const execution = parent.x === undefined ? root.execution : root.children.get(parent.x);
  const run = execution && threadOf(execution, parent.t)?.phase;
  const ordinal = fact.x;
  if (run?.kind !== 'map-run' || ordinal === undefined) return undefined;
  const child = newExecution(root, fact, { ordinal, run, index: parent.index, item: parent.item });
  root.children.set(ordinal, child);
  root.nextOrdinal = Math.max(root.nextOrdinal, ordinal + 1);
  run.nextIndex = Math.max(run.nextIndex, parent.index + 1);
  return child.main;
}

function foldThread(thread: Thread, fact: Exclude<Fact, { readonly type: 'ExecutionStarted' }>, previous: number): void {
  switch (fact.type) {
    case 'StateEntered':
      enter(thread, fact, previous);
      return;
    case 'StateExited':
      exit(thread, fact);
      return;
    case 'StateAborted':
      abortInner(thread);
      abort(thread);
      return;
    case 'WaitArmed':
      thread.phase = { kind: 'waiting', untilMs: fact.untilMs };
      return;
    case 'TaskScheduled':
    case 'TaskStarted':
    case 'TaskSubmitted':
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskTimedOut':
    case 'HeartbeatReceived':
    case 'HeartbeatMissed':
      foldTask(thread, fact);
      return;
    case 'EvaluationFailed':
      abortInner(thread);
      thread.phase = { kind: 'failing', because: 'evaluation', ...failureOf(fact) };
      return;
    case 'InnerFailed':
      abortInner(thread);
      thread.lastId = fact.prev ?? previous;
      thread.phase = { kind: 'failing', because: fact.because, ...failureOf(fact) };
      return;
    case 'RetryArmed':
      thread.retryCount += 1;
      thread.triesByRetrier ??= [];
      thread.triesByRetrier[fact.retrier] = (thread.triesByRetrier[fact.retrier] ?? 0) + 1;
      thread.phase = { kind: 'retrying', untilMs: fact.untilMs };
      return;
    case 'MapStateStarted':
    case 'MapIterationStarted':
    case 'MapIterationSucceeded':
    case 'MapIterationFailed':
    case 'MapIterationAborted':
    case 'MapStateSucceeded':
    case 'MapStateFailed':
      foldMap(thread, fact, previous);
      return;
    case 'MapRunStarted':
    case 'MapRunSucceeded':
    case 'MapRunFailed':
    case 'MapRunAborted':
      foldMapRun(thread, fact);
      return;
    case 'ParallelStateStarted':
    case 'ParallelStateSucceeded':
    case 'ParallelStateFailed':
      foldParallel(thread, fact, previous);
      return;
    case 'ExecutionSucceeded':
    case 'ExecutionFailed':
    case 'ExecutionTimedOut':
    case 'ExecutionAborted':
      endExecution(thread.execution, endingOf(fact));
      return;
  }
}

function enter(thread: Thread, fact: FactOf<'StateEntered'>, previous: number): void {
  thread.state = thread.flow.states.get(fact.state);
  thread.input = fact.input;
  thread.enteredAtMs = fact.at;
  thread.enteredId = fact.id ?? 0;
  thread.beforeId = previous;
  thread.retryCount = 0;
  thread.triesByRetrier = undefined;
  thread.phase = { kind: 'entered' };
}

function exit(thread: Thread, fact: FactOf<'StateExited'>): void {
  if (fact.assigned !== undefined) thread.variables = { ...thread.variables, ...fact.assigned };
  thread.phase =
    fact.next === undefined ? { kind: 'succeeded', output: fact.output } : { kind: 'ready', next: fact.next, input: fact.output };
}

type TaskFact = FactOf<
  | 'TaskScheduled'
  | 'TaskStarted'
  | 'TaskSubmitted'
  | 'TaskSucceeded'
  | 'TaskFailed'
  | 'TaskTimedOut'
  | 'HeartbeatReceived'
  | 'HeartbeatMissed'
>;

function foldTask(thread: Thread, fact: TaskFact): void {
  const task = thread.phase.kind === 'task' ? thread.phase : undefined;
  switch (fact.type) {
    case 'TaskScheduled': {
      const { parameters, secret, timeoutSeconds, heartbeatSeconds, at } = fact;
      thread.phase = {
        kind: 'task',
        parameters,
        secret,
        timeoutSeconds,
        heartbeatSeconds,
        scheduledAtMs: at,
        heartbeatAtMs: at,
        submitted: false,
      };
      return;
    }
    case 'TaskStarted':
      return;
    case 'TaskSubmitted':
      if (task !== undefined) task.submitted = true;
      return;
    case 'HeartbeatReceived':
      if (task !== undefined) task.heartbeatAtMs = fact.at;
      return;
    case 'TaskSucceeded':
      thread.phase = { kind: 'returned', result: fact.output };
      return;
    case 'TaskFailed':
      thread.phase = { kind: 'failing', because: fact.error === 'States.DataLimitExceeded' ? 'data-limit' : 'task', ...failureOf(fact) };
      return;
    case 'TaskTimedOut':
      thread.phase = { kind: 'failing', because: 'timeout', error: 'States.Timeout' };
      return;
    case 'HeartbeatMissed':
      thread.phase = { kind: 'failing', because: 'heartbeat', error: 'States.Timeout' };
      return;
  }
}

function endExecution(execution: Execution, ending: Ending): void {
  execution.ended = ending;
  const { child, root } = execution;
  if (execution.threads !== undefined) for (const thread of execution.threads.values()) abort(thread);
  abort(execution.main);
  if (child === undefined) return;
  root.children.delete(child.ordinal);
  countChild(child.run, child.index, ending);
}

function countChild(run: MapRun, index: number, ending: Ending): void {
  if (ending.status !== 'SUCCEEDED') {
    run.failed += 1;
    return;
  }
  run.succeeded += 1;
  if (run.outputs === undefined) return;
  run.outputs[index] = ending.output satisfies Json;
  run.outputBytes += jsonBytes(ending.output) + 1;
  if (run.outputBytes > LARGEST_PAYLOAD_BYTES) run.outputs = undefined;
}
