/** Parallel: one thread per branch; the first branch that fails for good takes the others with it. */
import { bindings } from './context.ts';
import type { OpenParallel, Thread } from './execution.ts';
import { evaluate } from './expressions.ts';
import type { Failure, FailureKind } from './facts.ts';
import type { ParallelState, StateType } from './machine.ts';
import { abandon, record, type Runtime } from './runtime.ts';

export async function beginParallel(runtime: Runtime, thread: Thread, state: ParallelState): Promise<void> {
  const before = thread.phase;
  const input = state.arguments === undefined ? thread.input : await evaluate(state.arguments, bindings(runtime.names, thread));
  if (thread.phase !== before) return;
  record(runtime, thread, { type: 'ParallelStateStarted', input });
  const { phase } = thread;
  if (phase.kind === 'parallel') for (const branch of phase.branches) runtime.advance(branch);
}

export function goOnWithParallel(runtime: Runtime, thread: Thread, { branches }: OpenParallel): void {
  if (branches.every((branch) => branch.phase.kind === 'succeeded')) record(runtime, thread, { type: 'ParallelStateSucceeded' });
}

export function branchFailed(runtime: Runtime, parent: Thread, branch: Thread, failure: Failure & { readonly because: FailureKind }): void {
  const { phase } = parent;
  if (phase.kind !== 'parallel') return;
  const link = branch.lastId;
  abandon(runtime, parent);
  // Recorded on AWS: the branch that failed is shown as aborted too.
  for (const one of phase.branches) if (one.phase.kind !== 'succeeded') abortState(runtime, one);
  record(runtime, parent, { type: 'InnerFailed', ...failure }, link);
  runtime.advance(parent);
}

const SHOWN_ABORTED: ReadonlySet<StateType> = new Set(['Task', 'Wait', 'Map', 'Parallel']);

/** The history has an Aborted event for these four types of states only. */
export function abortState(runtime: Runtime, thread: Thread): void {
  const { state } = thread;
  if (state !== undefined && SHOWN_ABORTED.has(state.type)) record(runtime, thread, { type: 'StateAborted', of: state.type });
}
