/** The executions: starting, stopping, answering tokens. Open ones are in memory; closed ones only in the store. */
import type { Json } from '#domain/json';
import { ApiError } from './api-error.ts';
import type { Execution, Root } from './execution.ts';
import { threadOf } from './execution.ts';
import type { Ending, FactOf, Failure } from './facts.ts';
import { rootFrom } from './fold.ts';
import type { MachineRecord, Machines } from './machines.ts';
import type { CheckpointStore, ExecutionEnded } from './ports.ts';
import { endExecution, type Runtime } from './runtime.ts';
import { putClosed, putOpen, type Summary, summaryOf } from './summaries.ts';
import { answerToken, type TokenAnswer } from './tasks.ts';
import type { Timer } from './timers.ts';
import { decodeToken } from './tokens.ts';

export interface Start {
  readonly machine: MachineRecord;
  readonly name: string;
  readonly inputText: string;
  readonly startedBy?: string;
}

/** What the functions below share: the open executions and where they are kept. */
export interface Executions {
  readonly runtime: Runtime;
  readonly store: CheckpointStore;
  readonly machines: Machines;
  readonly executionArn: (machineName: string, name: string) => string;
  readonly onExecutionEnded: ExecutionEnded;
  readonly roots: Map<string, Root>;
  /** Of the open executions, and of those whose end is not durable yet. */
  readonly summaries: Map<string, Summary>;
  /** Names being started: a second start of the same name must not slip between the look and the entry. */
  readonly starting: Map<string, Promise<void>>;
  readonly deadlines: Map<Root, Timer>;
  /** Of which the store has refused something for good. */
  readonly refused: Set<string>;
}

type Ports = Pick<Executions, 'store' | 'machines' | 'executionArn' | 'onExecutionEnded'>;

export function createExecutions(runtime: Runtime, ports: Ports): Executions {
  return { ...ports, runtime, roots: new Map(), summaries: new Map(), starting: new Map(), deadlines: new Map(), refused: new Set() };
}

export function openExecution({ roots }: Executions, key: string, ordinal?: number): Execution | undefined {
  const root = roots.get(key);
  return ordinal === undefined ? root?.execution : root?.children.get(ordinal);
}

export async function start(executions: Executions, wanted: Start): Promise<{ readonly startedAtMs: number }> {
  const { runtime, starting } = executions;
  const key = `${wanted.machine.name}/${wanted.name}`;
  while (starting.has(key)) await starting.get(key);
  let release = (): void => undefined;
  starting.set(key, new Promise((resolve) => (release = resolve)));
  let root: Root;
  try {
    const existing = await summaryOf(executions, key);
    if (existing !== undefined) return await sameStart(executions, existing, wanted);
    root = await startNew(executions, key, wanted);
  } finally {
    starting.delete(key);
    release();
  }
  armDeadline(executions, root);
  runtime.advance(root.execution.main);
  await runtime.journal.durable(key);
  return { startedAtMs: root.startedAtMs };
}

async function sameStart(
  { runtime, executionArn }: Executions,
  existing: Summary,
  wanted: Start,
): Promise<{ readonly startedAtMs: number }> {
  const same = existing.ended === undefined && sameInput(existing.inputText, wanted.inputText);
  const repeated = wanted.startedBy !== undefined && existing.startedBy === wanted.startedBy;
  // Also before a refusal: whoever hears that it is there takes it for begun.
  await runtime.journal.durable(existing.key);
  if (!same && !repeated) {
    throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn(wanted.machine.name, wanted.name)}'`);
  }
  return { startedAtMs: existing.startedAtMs };
}

function sameInput(left: string, right: string): boolean {
  return left === right || JSON.stringify(JSON.parse(left)) === JSON.stringify(JSON.parse(right));
}

async function startNew(executions: Executions, key: string, { machine, name, inputText, startedBy }: Start): Promise<Root> {
  const { runtime, machines, roots, summaries } = executions;
  const { name: machineName, revision } = machine;
  const compiled = await machines.compiled(revision);
  const input = JSON.parse(inputText) as Json;
  const isCompact = JSON.stringify(input) === inputText;
  const top = { revision, ...(!isCompact && { inputText }), ...(startedBy !== undefined && { startedBy }) };
  const at = runtime.clock.nowMs();
  const fact: FactOf<'ExecutionStarted'> = { id: 1, prev: 0, at, type: 'ExecutionStarted', input, top };
  const root = rootFrom({ key, machineName, name, machine: compiled }, fact);
  const summary = { key, machineName, name, startedAtMs: at, inputText, ...(startedBy !== undefined && { startedBy }) };
  roots.set(key, root);
  summaries.set(key, summary);
  putOpen(executions, summary);
  runtime.journal.append(key, fact);
  return root;
}

/** The machine's own TimeoutSeconds. */
export function armDeadline({ runtime, deadlines }: Executions, root: Root): void {
  const { timeoutSeconds } = root.machine;
  if (timeoutSeconds === undefined) return;
  const expire = (expired: Root): void => {
    endExecution(runtime, expired.execution, { type: 'ExecutionTimedOut', error: 'States.Timeout' });
  };
  deadlines.set(root, runtime.timers.set(root.startedAtMs + timeoutSeconds * 1000, root, expire));
}

export async function stop({ runtime }: Executions, execution: Execution, failure: Failure): Promise<number> {
  endExecution(runtime, execution, { type: 'ExecutionAborted', ...failure });
  await runtime.journal.durable(execution.root.key);
  return execution.ended?.atMs ?? runtime.clock.nowMs();
}

/** The error names are AWS's; which of them a finished task answers is not documented, and TaskTimedOut is what it is seen to answer. */
export async function answer(executions: Executions, token: string, given: TokenAnswer): Promise<void> {
  const { runtime } = executions;
  const address = decodeToken(token);
  if (address === undefined) throw new ApiError('InvalidToken', "Invalid Token: 'Invalid token'");
  const execution = openExecution(executions, address.rootKey, address.ordinal);
  const thread = execution && threadOf(execution, address.thread);
  if (thread !== undefined && answerToken(runtime, thread, address.secret, given)) {
    await runtime.journal.durable(address.rootKey);
    return;
  }
  // An earlier answer may have let the task go and not be durable yet: whoever hears that the task is over forgets its token.
  await runtime.journal.durable(address.rootKey);
  if ((await summaryOf(executions, address.rootKey)) === undefined) {
    throw new ApiError('TaskDoesNotExist', "Task Does Not Exist: 'Provided task does not exist'");
  }
  throw new ApiError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
}

/** After the last fact of an execution: its parent goes on, or it leaves the memory once its end is durable. */
export function ended(executions: Executions, { child, root, ended: ending }: Execution, wakeParent: boolean): void {
  if (child === undefined) closeRoot(executions, root, ending);
  else if (wakeParent) executions.runtime.advance(child.run.thread);
}

export function closeRoot(executions: Executions, root: Root, ending: Ending | undefined): void {
  const { runtime, roots, summaries, deadlines } = executions;
  const { key } = root;
  runtime.timers.drop(deadlines.get(root));
  deadlines.delete(root);
  const summary = summaries.get(key);
  if (summary === undefined || ending === undefined) return;
  const closed = { ...summary, ended: ending };
  summaries.set(key, closed);
  runtime.journal.seal(key);
  putClosed(executions, closed);
  runtime.journal.afterDurable(key, () => {
    roots.delete(key);
    summaries.delete(key);
    leave(executions, root, ending);
  });
}

function leave(
  { runtime, executionArn, onExecutionEnded }: Executions,
  { key, machineName, name, execution }: Root,
  { status }: Ending,
): void {
  runtime.journal.forget(key);
  const stateMachineArn = runtime.names.stateMachineArn(execution);
  onExecutionEnded({ executionArn: executionArn(machineName, name), stateMachineArn, name, status });
}

/**
 * The store refuses what there is of this execution: it ends as FAILED, and with it whatever waits for it. Where even that is refused, it
 * has ended for this process alone; the next one goes on from what was kept.
 */
export function endRefused(executions: Executions, key: string, why: string): void {
  const { runtime, roots, summaries, refused } = executions;
  const [root, summary] = [roots.get(key), summaries.get(key)];
  if (root === undefined || summary === undefined) return;
  const failure = { error: 'States.Runtime', cause: `The store refuses what is to be kept of this execution: ${why}` };
  const ending: Ending = { status: 'FAILED', atMs: runtime.clock.nowMs(), ...failure };
  if (refused.has(key)) {
    roots.delete(key);
    summaries.set(key, { ...summary, ended: summary.ended ?? ending });
    leave(executions, root, ending);
    return;
  }
  refused.add(key);
  if (root.execution.ended === undefined) endExecution(runtime, root.execution, { type: 'ExecutionFailed', ...failure });
  else closeRoot(executions, root, ending);
}
