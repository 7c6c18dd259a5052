/**
 * The interpreter: looks at where a thread stands (`Phase`), does what comes next, and goes on until the thread has to wait. It keeps
 * nothing of its own between two steps, so it makes no difference whether a phase was reached by running or by reading the journal.
 */
import type { Json } from '#domain/json';
import type { Failing, Thread } from './execution.ts';
import { EvaluationError } from './expressions.ts';
import { complete, fail, succeed } from './leaving.ts';
import { beginMap, goOnWithMap, goOnWithMapRun } from './maps.ts';
import { beginParallel, goOnWithParallel } from './parallel.ts';
import { remedyOf } from './retry.ts';
import { endExecution, record, type Runtime, wakeAt } from './runtime.ts';
import { beginFail, beginWait, choose } from './simple-states.ts';
import { armTask, beginTask } from './tasks.ts';

/** Starts the thread's loop, or has the running loop look once more. */
export function advance(runtime: Runtime, thread: Thread): void {
  if (thread.driving !== 'no') {
    thread.driving = 'again';
    return;
  }
  void drive(runtime, thread);
}

async function drive(runtime: Runtime, thread: Thread): Promise<void> {
  do {
    thread.driving = 'yes';
    try {
      while (await step(runtime, thread));
    } catch (error) {
      // A defect of the interpreter must be seen as a failed execution and not as one that hangs.
      endExecution(runtime, thread.execution, {
        type: 'ExecutionFailed',
        error: 'States.Runtime',
        cause: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  } while ((thread.driving as Thread['driving']) === 'again');
  thread.driving = 'no';
}

/** Answers whether there may be more to do at once. */
async function step(runtime: Runtime, thread: Thread): Promise<boolean> {
  const { phase, state } = thread;
  switch (phase.kind) {
    case 'ready':
      enter(runtime, thread, phase.next, phase.input);
      return true;
    case 'entered':
      return await attempt(runtime, thread, () => begin(runtime, thread));
    case 'waiting':
      if (runtime.clock.nowMs() < phase.untilMs) return sleep(runtime, thread, phase.untilMs);
      return await attempt(runtime, thread, () =>
        state === undefined ? Promise.resolve() : complete(runtime, thread, thread.input, state),
      );
    case 'retrying':
      if (runtime.clock.nowMs() < phase.untilMs) return sleep(runtime, thread, phase.untilMs);
      return await attempt(runtime, thread, () => begin(runtime, thread));
    case 'task':
      armTask(runtime, thread, phase);
      return false;
    case 'map':
      return await attempt(runtime, thread, () => goOnWithMap(runtime, thread, phase));
    case 'map-run':
      return await attempt(runtime, thread, () => goOnWithMapRun(runtime, thread, phase));
    case 'parallel':
      goOnWithParallel(runtime, thread, phase);
      return thread.phase !== phase;
    case 'returned':
      return await attempt(runtime, thread, () =>
        state === undefined ? Promise.resolve() : complete(runtime, thread, phase.result, state, { result: phase.result }),
      );
    case 'failing':
      return await attempt(runtime, thread, () => remedy(runtime, thread, phase));
    case 'succeeded':
      succeed(runtime, thread, phase.output);
      return false;
    case 'aborted':
      return false;
  }
}

function sleep(runtime: Runtime, thread: Thread, untilMs: number): false {
  wakeAt(runtime, thread, untilMs, runtime.advance);
  return false;
}

/** Runs one step; an expression that cannot be evaluated becomes the failure that the history shows. Answers whether the thread moved. */
async function attempt(runtime: Runtime, thread: Thread, work: () => Promise<void>): Promise<boolean> {
  const before = thread.phase;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    if (thread.phase === before) evaluationFailed(runtime, thread, error);
  }
  return thread.phase !== before;
}

function evaluationFailed(runtime: Runtime, thread: Thread, { message, location }: EvaluationError): void {
  const { state, enteredId } = thread;
  const name = state?.name ?? '';
  const cause = `An error occurred while executing the state '${name}' (entered at the event id #${enteredId}). ${message}`;
  // Recorded on AWS: the event links past the state's own Entered event, except in a Wait.
  const prev = thread.lastId === enteredId && state?.type !== 'Wait' ? thread.beforeId : thread.lastId;
  record(
    runtime,
    thread,
    { type: 'EvaluationFailed', state: name, error: 'States.QueryEvaluationError', cause, ...(location !== undefined && { location }) },
    prev,
  );
}

function enter(runtime: Runtime, thread: Thread, name: string, input: Json): void {
  const state = thread.flow.states.get(name);
  if (state !== undefined) record(runtime, thread, { type: 'StateEntered', of: state.type, state: name, input });
}

async function begin(runtime: Runtime, thread: Thread): Promise<void> {
  const { state } = thread;
  switch (state?.type) {
    case undefined:
      return;
    case 'Pass':
    case 'Succeed':
      await complete(runtime, thread, thread.input, state);
      return;
    case 'Fail':
      await beginFail(runtime, thread, state);
      return;
    case 'Wait':
      await beginWait(runtime, thread, state);
      return;
    case 'Choice':
      await choose(runtime, thread, state);
      return;
    case 'Task':
      await beginTask(runtime, thread, state);
      return;
    case 'Parallel':
      await beginParallel(runtime, thread, state);
      return;
    case 'Map':
      await beginMap(runtime, thread, state);
      return;
  }
}

async function remedy(runtime: Runtime, thread: Thread, failing: Failing): Promise<void> {
  const { state } = thread;
  if (state?.type !== 'Task' && state?.type !== 'Map' && state?.type !== 'Parallel') {
    fail(runtime, thread, failing, failing.because);
    return;
  }
  const chosen = remedyOf(state, failing, thread.triesByRetrier ?? [], Math.random);
  if (chosen.kind === 'retry') {
    record(runtime, thread, { type: 'RetryArmed', retrier: chosen.retrier, untilMs: runtime.clock.nowMs() + chosen.delayMs });
    return;
  }
  if (state.type !== 'Task' && failing.reported !== true) {
    record(runtime, thread, { type: `${state.type}StateFailed` });
    return;
  }
  if (chosen.kind === 'none') fail(runtime, thread, failing, failing.because);
  else await complete(runtime, thread, errorOutput(failing), chosen.catcher, { errorOutput: errorOutput(failing) });
}

/** Recorded on AWS: a timeout has an empty Cause, a task that failed without error or cause has nulls. */
function errorOutput({ error, cause, because }: Failing): Json {
  return { Error: error ?? null, Cause: cause ?? (because === 'timeout' || because === 'heartbeat' ? '' : null) };
}
