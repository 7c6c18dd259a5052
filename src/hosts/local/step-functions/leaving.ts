/** How a thread leaves a state, and how it ends: by its last state, or by a failure that nothing answers. */
import type { Json } from '#domain/json';
import { bindings } from './context.ts';
import type { Thread } from './execution.ts';
import { evaluate, type Template } from './expressions.ts';
import type { Failure, FailureKind } from './facts.ts';
import type { State } from './machine.ts';
import { iterationFailed, iterationSucceeded } from './maps.ts';
import { branchFailed } from './parallel.ts';
import { isTooLarge, tooLargeCause } from './payload.ts';
import { endExecution, record, type Runtime } from './runtime.ts';

export interface Exit {
  readonly next?: string;
  readonly output?: Template;
  readonly assign?: Template;
}

/** Evaluates Output and Assign, which both see the variables as they were before, and leaves the state. */
export async function complete(
  runtime: Runtime,
  thread: Thread,
  result: Json,
  exit: Exit | State,
  extras: { readonly result?: Json; readonly errorOutput?: Json } = {},
): Promise<void> {
  const { phase, state } = thread;
  if (state === undefined) return;
  const { output: outputTemplate, assign, next } = exit as Exit;
  const scope = outputTemplate === undefined && assign === undefined ? undefined : bindings(runtime.names, thread, extras);
  const assigned = assign && scope && ((await evaluate(assign, scope)) as Readonly<Record<string, Json>>);
  const output = outputTemplate && scope ? await evaluate(outputTemplate, scope) : result;
  if (thread.phase !== phase) return;
  if (isTooLarge(output)) {
    fail(runtime, thread, { error: 'States.DataLimitExceeded', cause: tooLargeCause(state.name) }, 'data-limit');
    return;
  }
  record(runtime, thread, {
    type: 'StateExited',
    of: state.type,
    state: state.name,
    output,
    ...(assigned && { assigned }),
    ...(next !== undefined && { next }),
  });
}

export function succeed(runtime: Runtime, thread: Thread, output: Json): void {
  const { parent, execution } = thread;
  if (parent === undefined) endExecution(runtime, execution, { type: 'ExecutionSucceeded', output });
  else if (parent.phase.kind === 'map') iterationSucceeded(runtime, parent, thread);
  else runtime.advance(parent);
}

/** The thread ends with a failure that nothing within it answers. */
export function fail(runtime: Runtime, thread: Thread, { error, cause }: Failure, because: FailureKind): void {
  const { parent, execution } = thread;
  const failure = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
  if (parent === undefined) endExecution(runtime, execution, { type: 'ExecutionFailed', ...failure });
  else if (parent.phase.kind === 'map') iterationFailed(runtime, parent, thread, { ...failure, because });
  else branchFailed(runtime, parent, thread, { ...failure, because });
}
