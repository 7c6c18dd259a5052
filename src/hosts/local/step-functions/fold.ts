/**
 * The fold: what each fact of the journal does to the execution in memory. Running and recovering use this same code, so an
 * execution after `kill -9` is the execution before it, up to the last durable fact.
 */
import type { Json } from '#domain/json';
import type { Ending, Execution, MapRun, OpenMap, Phase, Root, Thread } from './execution.ts';
import { newThread, threadOf } from './execution.ts';
import type { Fact, Failure, Parent } from './facts.ts';
import type { Machine, MapState } from './machine.ts';
import { jsonBytes, LARGEST_PAYLOAD_BYTES, tooLargeCause } from './payload.ts';

export interface RootIdentity {
  readonly key: string;
  readonly machineName: string;
  readonly name: string;
  readonly machine: Machine;
}

type Of<Type extends Fact['type']> = Extract<Fact, { readonly type: Type }>;

export function rootFrom(identity: RootIdentity, started: Of<'ExecutionStarted'>): Root {
  const root = { ...identity, startedAtMs: started.at, children: new Map(), nextOrdinal: 1, nextRun: 1 } as Omit<Root, 'execution'> as Root;
  (root as { execution: Execution }).execution = newExecution(root, started, undefined);
  return root;
}

function newExecution(root: Root, started: Of<'ExecutionStarted'>, child: Execution['child']): Execution {
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

function startChild(root: Root, fact: Of<'ExecutionStarted'>, parent: Parent): Thread | undefined {
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
      endExecution(thread.execution, { status: 'SUCCEEDED', output: fact.output, atMs: fact.at });
      return;
    case 'ExecutionFailed':
      endExecution(thread.execution, { status: 'FAILED', atMs: fact.at, ...failureOf(fact) });
      return;
    case 'ExecutionTimedOut':
      endExecution(thread.execution, { status: 'TIMED_OUT', atMs: fact.at, ...failureOf(fact) });
      return;
    case 'ExecutionAborted':
      endExecution(thread.execution, { status: 'ABORTED', atMs: fact.at, ...failureOf(fact) });
      return;
  }
}

export function failureOf({ error, cause }: Failure): Failure {
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

function enter(thread: Thread, fact: Of<'StateEntered'>, previous: number): void {
  thread.state = thread.flow.states.get(fact.state);
  thread.input = fact.input;
  thread.enteredAtMs = fact.at;
  thread.enteredId = fact.id ?? 0;
  thread.beforeId = previous;
  thread.retryCount = 0;
  thread.triesByRetrier = undefined;
  thread.phase = { kind: 'entered' };
}

function exit(thread: Thread, fact: Of<'StateExited'>): void {
  if (fact.assigned !== undefined) thread.variables = { ...thread.variables, ...fact.assigned };
  thread.phase =
    fact.next === undefined ? { kind: 'succeeded', output: fact.output } : { kind: 'ready', next: fact.next, input: fact.output };
}

type TaskFact = Of<
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

type MapFact = Of<
  | 'MapStateStarted'
  | 'MapIterationStarted'
  | 'MapIterationSucceeded'
  | 'MapIterationFailed'
  | 'MapIterationAborted'
  | 'MapStateSucceeded'
  | 'MapStateFailed'
>;

function foldMap(thread: Thread, fact: MapFact, previous: number): void {
  const map = thread.phase.kind === 'map' ? thread.phase : undefined;
  switch (fact.type) {
    case 'MapStateStarted': {
      const { items, limits } = fact;
      thread.phase = { kind: 'map', items, limits, iterations: new Map(), outputs: [], nextIndex: 0, succeeded: 0, linkId: fact.id ?? 0 };
      return;
    }
    case 'MapIterationStarted':
      if (map !== undefined) startIteration(thread, map, fact);
      return;
    case 'MapIterationSucceeded':
      if (map !== undefined) finishIteration(thread, map, fact.index);
      return;
    case 'MapIterationFailed':
    case 'MapIterationAborted':
      thread.lastId = previous;
      return;
    case 'MapStateSucceeded':
      thread.lastId = previous;
      thread.phase = thread.phase.kind === 'map-run' ? resultOfRun(thread.phase, thread) : { kind: 'returned', result: map?.outputs ?? [] };
      return;
    case 'MapStateFailed':
      if (thread.phase.kind === 'failing') thread.phase = { ...thread.phase, reported: true };
      return;
  }
}

/** The outputs of the children that succeeded, in the order of the items. */
function resultOfRun({ outputs }: MapRun, { state }: Thread): Phase {
  if (outputs !== undefined) return { kind: 'returned', result: Object.values(outputs) };
  return { kind: 'failing', because: 'data-limit', error: 'States.DataLimitExceeded', cause: tooLargeCause(state?.name ?? '') };
}

function startIteration(thread: Thread, map: OpenMap, fact: Of<'MapIterationStarted'>): void {
  const { execution } = thread;
  const value = map.items[fact.index] ?? null;
  const iteration = newThread(execution, {
    id: execution.nextThread++,
    flow: (thread.state as MapState).processor,
    parent: thread,
    index: fact.index,
    item: { index: fact.index, value },
    input: fact.input,
    lastId: fact.id ?? 0,
  });
  (execution.threads ??= new Map()).set(iteration.id, iteration);
  map.iterations.set(fact.index, iteration);
  map.nextIndex = fact.index + 1;
}

function finishIteration(thread: Thread, map: OpenMap, index: number): void {
  const iteration = map.iterations.get(index);
  if (iteration?.phase.kind !== 'succeeded') return;
  map.outputs[index] = iteration.phase.output;
  map.linkId = iteration.lastId;
  map.succeeded += 1;
  map.iterations.delete(index);
  thread.execution.threads?.delete(iteration.id);
}

function foldMapRun(thread: Thread, fact: Of<'MapRunStarted' | 'MapRunSucceeded' | 'MapRunFailed' | 'MapRunAborted'>): void {
  switch (fact.type) {
    case 'MapRunStarted': {
      if (thread.phase.kind !== 'map') return;
      const { items, limits } = thread.phase;
      const { root } = thread.execution;
      root.nextRun = Math.max(root.nextRun, fact.run + 1);
      const counts = { outputs: [], outputBytes: 0, nextIndex: 0, succeeded: 0, failed: 0 };
      thread.phase = { kind: 'map-run', thread, run: fact.run, label: fact.label, items, limits, startedAtMs: fact.at, ...counts };
      return;
    }
    case 'MapRunSucceeded':
    case 'MapRunAborted':
      return;
    case 'MapRunFailed':
      thread.phase = { kind: 'failing', because: 'tolerance', ...failureOf(fact) };
      return;
  }
}

function foldParallel(
  thread: Thread,
  fact: Of<'ParallelStateStarted' | 'ParallelStateSucceeded' | 'ParallelStateFailed'>,
  previous: number,
): void {
  const { execution, state, phase } = thread;
  switch (fact.type) {
    case 'ParallelStateStarted': {
      if (state?.type !== 'Parallel') return;
      const threads = (execution.threads ??= new Map<number, Thread>());
      const branches = state.branches.map((flow, index) => {
        const item = thread.item && { item: thread.item };
        const branch = newThread(execution, {
          id: execution.nextThread++,
          flow,
          parent: thread,
          index,
          input: fact.input,
          lastId: fact.id ?? 0,
          ...item,
        });
        threads.set(branch.id, branch);
        return branch;
      });
      thread.phase = { kind: 'parallel', branches };
      return;
    }
    case 'ParallelStateSucceeded': {
      const branches = phase.kind === 'parallel' ? phase.branches : [];
      thread.lastId = previous;
      thread.phase = {
        kind: 'returned',
        result: branches.map((branch) => (branch.phase.kind === 'succeeded' ? branch.phase.output : null)),
      };
      for (const branch of branches) execution.threads?.delete(branch.id);
      return;
    }
    case 'ParallelStateFailed':
      if (phase.kind === 'failing') thread.phase = { ...phase, reported: true };
      return;
  }
}

/** Threads that are given up, with all that runs within them: nothing may wake them again. */
function abortInner({ execution, phase }: Thread): void {
  const inner = phase.kind === 'map' ? phase.iterations.values() : phase.kind === 'parallel' ? phase.branches : [];
  for (const thread of inner) {
    abortInner(thread);
    abort(thread);
    execution.threads?.delete(thread.id);
  }
}

const ABORTED: Phase = { kind: 'aborted' };

function abort(thread: Thread): void {
  thread.phase = ABORTED;
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
