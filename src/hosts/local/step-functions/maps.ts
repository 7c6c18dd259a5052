/** Map: inline, as threads of the same execution, and distributed, as child executions of a Map Run. */
import type { Json } from '#domain/json';
import { bindings, evaluateNumber, unexpectedType } from './context.ts';
import type { MapRun, OpenMap, Thread } from './execution.ts';
import { evaluate, EvaluationError } from './expressions.ts';
import type { Fact, Failure, FailureKind, MapLimits } from './facts.ts';
import { fold } from './fold.ts';
import type { MapState } from './machine.ts';
import { abortState } from './parallel.ts';
import { abandon, abortChildren, record, type Runtime } from './runtime.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: at most 40 iterations at a time, whatever is asked for. */
const MOST_INLINE_ITERATIONS = 40;
/** https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html */
const MOST_CHILDREN = 10_000;

export async function beginMap(runtime: Runtime, thread: Thread, state: MapState): Promise<void> {
  const { phase } = thread;
  const items = await itemsOf(runtime, thread, state);
  const limits = await limitsOf(runtime, thread, state);
  if (thread.phase !== phase) return;
  record(runtime, thread, { type: 'MapStateStarted', items, limits });
  if (state.distributed) startRun(runtime, thread, state);
}

function startRun(runtime: Runtime, thread: Thread, { label }: MapState): void {
  record(runtime, thread, { type: 'MapRunStarted', run: thread.execution.root.nextRun, label });
}

async function itemsOf(runtime: Runtime, thread: Thread, { items: template }: MapState): Promise<readonly Json[]> {
  const items = template === undefined ? thread.input : await evaluate(template, bindings(runtime.names, thread));
  if (Array.isArray(items)) return items as readonly Json[];
  if (template === undefined) throw new EvaluationError(`Map state input must be an array but was: ${JSON.stringify(items)}`);
  throw unexpectedType(template, 'Items', 'array', items);
}

async function limitsOf(runtime: Runtime, thread: Thread, state: MapState): Promise<MapLimits> {
  const { maxConcurrency, toleratedCount, toleratedPercentage } = state;
  const scope = bindings(runtime.names, thread);
  return {
    concurrency: maxConcurrency === undefined ? 0 : await evaluateNumber(maxConcurrency, scope, 'MaxConcurrency', 0),
    ...(toleratedCount && { toleratedCount: await evaluateNumber(toleratedCount, scope, 'ToleratedFailureCount', 0) }),
    ...(toleratedPercentage && { toleratedPercentage: await evaluateNumber(toleratedPercentage, scope, 'ToleratedFailurePercentage', 0) }),
  };
}

async function selectItem(runtime: Runtime, thread: Thread, index: number, value: Json): Promise<Json> {
  const { state } = thread;
  if (state?.type !== 'Map' || state.itemSelector === undefined) return value;
  return await evaluate(state.itemSelector, bindings(runtime.names, thread, { item: { index, value } }));
}

export async function goOnWithMap(runtime: Runtime, thread: Thread, map: OpenMap): Promise<void> {
  const { state } = thread;
  if (state?.type === 'Map' && state.distributed) {
    // The process ended between the two events that start a Map Run.
    startRun(runtime, thread, state);
    return;
  }
  const { items, limits, iterations } = map;
  const most = limits.concurrency === 0 ? MOST_INLINE_ITERATIONS : Math.min(limits.concurrency, MOST_INLINE_ITERATIONS);
  while (thread.phase === map && iterations.size < most && map.nextIndex < items.length) {
    const index = map.nextIndex;
    const input = await selectOrAbandon(runtime, thread, index, items[index] ?? null);
    if (thread.phase !== map) return;
    record(runtime, thread, { type: 'MapIterationStarted', state: state?.name ?? '', index, input }, map.linkId);
    const iteration = iterations.get(index);
    if (iteration !== undefined) runtime.advance(iteration);
  }
  if (thread.phase === map && map.succeeded === items.length) record(runtime, thread, { type: 'MapStateSucceeded' });
}

/** A failing ItemSelector ends the whole Map, so what already runs is given up first. */
async function selectOrAbandon(runtime: Runtime, thread: Thread, index: number, value: Json): Promise<Json> {
  try {
    return await selectItem(runtime, thread, index, value);
  } catch (error) {
    abandon(runtime, thread);
    throw error;
  }
}

export function iterationSucceeded(runtime: Runtime, parent: Thread, iteration: Thread): void {
  record(runtime, parent, { type: 'MapIterationSucceeded', state: parent.state?.name ?? '', index: iteration.index }, iteration.lastId);
  runtime.advance(parent);
}

export function iterationFailed(
  runtime: Runtime,
  parent: Thread,
  failed: Thread,
  failure: Failure & { readonly because: FailureKind },
): void {
  const { phase } = parent;
  if (phase.kind !== 'map') return;
  const state = parent.state?.name ?? '';
  const link = failed.lastId;
  abandon(runtime, parent);
  record(runtime, parent, { type: 'MapIterationFailed', state, index: failed.index }, link);
  for (const other of phase.iterations.values()) {
    if (other === failed) continue;
    abortState(runtime, other);
    record(runtime, parent, { type: 'MapIterationAborted', state, index: other.index }, other.lastId);
  }
  record(runtime, parent, { type: 'InnerFailed', ...failure }, link);
  runtime.advance(parent);
}

export async function goOnWithMapRun(runtime: Runtime, thread: Thread, run: MapRun): Promise<void> {
  const { items, limits } = run;
  const most = limits.concurrency === 0 ? MOST_CHILDREN : Math.min(limits.concurrency, MOST_CHILDREN);
  while (
    thread.phase === run &&
    !toleranceExceeded(run) &&
    run.nextIndex - run.succeeded - run.failed < most &&
    run.nextIndex < items.length
  ) {
    const index = run.nextIndex;
    const value = items[index] ?? null;
    const input = await selectOrAbandon(runtime, thread, index, value);
    if (thread.phase !== run) return;
    startChild(runtime, run, index, value, input);
  }
  if (thread.phase !== run) return;
  if (toleranceExceeded(run)) {
    abortChildren(runtime, run);
    record(runtime, thread, { type: 'MapRunFailed', error: 'States.ExceedToleratedFailureThreshold', cause: TOLERANCE_CAUSE });
  } else if (run.succeeded + run.failed === items.length) {
    record(runtime, thread, { type: 'MapRunSucceeded' });
    record(runtime, thread, { type: 'MapStateSucceeded' });
  }
}

const TOLERANCE_CAUSE = 'The specified tolerated failure threshold was exceeded';

function startChild(runtime: Runtime, run: MapRun, index: number, item: Json, input: Json): void {
  const { execution, id } = run.thread;
  const { root, child } = execution;
  const parent = { ...(child && { x: child.ordinal }), t: id, run: run.run, index, item };
  const fact: Fact = { x: root.nextOrdinal, id: 1, prev: 0, at: runtime.clock.nowMs(), type: 'ExecutionStarted', input, parent };
  const thread = fold(root, fact);
  runtime.journal.append(root.key, fact);
  if (thread !== undefined) runtime.advance(thread);
}

/** Without a tolerance, none is tolerated; with both, the first that is exceeded counts. */
function toleranceExceeded({ failed, items, limits: { toleratedCount, toleratedPercentage } }: MapRun): boolean {
  if (failed === 0) return false;
  if (toleratedCount === undefined && toleratedPercentage === undefined) return true;
  return (
    (toleratedCount !== undefined && failed > toleratedCount) ||
    (toleratedPercentage !== undefined && (failed * 100) / items.length > toleratedPercentage)
  );
}
