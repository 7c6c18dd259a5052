/** The fold of what runs within a state: iterations, branches and Map Runs. */
import type { MapRun, OpenMap, Phase, Thread } from './execution.ts';
import { newThread } from './execution.ts';
import type { FactOf } from './facts.ts';
import { failureOf } from './facts.ts';
import type { MapState } from './machine.ts';
import { tooLargeCause } from './payload.ts';

type MapFact = FactOf<
  | 'MapStateStarted'
  | 'MapIterationStarted'
  | 'MapIterationSucceeded'
  | 'MapIterationFailed'
  | 'MapIterationAborted'
  | 'MapStateSucceeded'
  | 'MapStateFailed'
>;

export function foldMap(thread: Thread, fact: MapFact, previous: number): void {
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

function startIteration(thread: Thread, map: OpenMap, fact: FactOf<'MapIterationStarted'>): void {
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

export function foldMapRun(thread: Thread, fact: FactOf<'MapRunStarted' | 'MapRunSucceeded' | 'MapRunFailed' | 'MapRunAborted'>): void {
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

export function foldParallel(
  thread: Thread,
  fact: FactOf<'ParallelStateStarted' | 'ParallelStateSucceeded' | 'ParallelStateFailed'>,
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
export function abortInner({ execution, phase }: Thread): void {
  const inner = phase.kind === 'map' ? phase.iterations.values() : phase.kind === 'parallel' ? phase.branches : [];
  for (const thread of inner) {
    abortInner(thread);
    abort(thread);
    execution.threads?.delete(thread.id);
  }
}

const ABORTED: Phase = { kind: 'aborted' };

export function abort(thread: Thread): void {
  thread.phase = ABORTED;
}
