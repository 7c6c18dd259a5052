/**
 * The executions: starting, stopping, answering tokens, recovering. Open ones are in memory; closed ones only in the store.
 *
 *   open                        <machine>/<name>   an execution that recovery must look at
 *   executions/<machine>        <name>             what ListExecutions answers of it
 *   execution/<machine>/<name>  summary            what DescribeExecution answers of it
 */
import type { Json } from '#domain/json';
import { ApiError } from './api-error.ts';
import type { Ending, Execution, Root } from './execution.ts';
import { openExecutions, threadOf, threadsOf } from './execution.ts';
import type { Fact } from './facts.ts';
import { fold, rootFrom } from './fold.ts';
import type { MachineRecord, Machines } from './machines.ts';
import type { CheckpointStore, ExecutionEnded } from './ports.ts';
import { endExecution, type Runtime } from './runtime.ts';
import { answerToken, perform, type TokenAnswer } from './tasks.ts';
import type { Timer } from './timers.ts';
import { decodeToken } from './tokens.ts';

export interface Summary {
  readonly key: string;
  readonly machineName: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly inputText: string;
  readonly startedBy?: string;
  readonly ended?: Ending;
}

export interface Start {
  readonly machine: MachineRecord;
  readonly name: string;
  readonly inputText: string;
  readonly startedBy?: string;
}

export interface Executions {
  start(start: Start): Promise<{ readonly startedAtMs: number }>;
  stop(execution: Execution, failure: { readonly error?: string; readonly cause?: string }): Promise<number>;
  answer(token: string, answer: TokenAnswer): Promise<void>;
  open(key: string, ordinal?: number): Execution | undefined;
  summary(key: string): Promise<Summary | undefined>;
  summaries(machineName: string): Promise<readonly Summary[]>;
  recover(): Promise<void>;
  ended(execution: Execution, wakeParent: boolean): void;
}

export interface ExecutionsPorts {
  readonly store: CheckpointStore;
  readonly machines: Machines;
  readonly executionArn: (machineName: string, name: string) => string;
  readonly onExecutionEnded: ExecutionEnded;
}

const OPEN = 'open';

export function createExecutions(runtime: Runtime, { store, machines, executionArn, onExecutionEnded }: ExecutionsPorts): Executions {
  const roots = new Map<string, Root>();
  const summaries = new Map<string, Summary>();
  /** Names being started: a second start of the same name must not slip between the look and the entry. */
  const starting = new Map<string, Promise<void>>();
  const deadlines = new Map<Root, Timer>();

  const openSummary = (key: string): Summary | undefined => summaries.get(key);
  const storedSummary = async (key: string): Promise<Summary | undefined> => {
    const [stored] = await store.read(`execution/${key}`, 'summary');
    return stored && (JSON.parse(stored.body) as Summary);
  };
  const putSummary = (summary: Summary, order: 'before' | 'after'): void => {
    const { key, machineName, name } = summary;
    const body = JSON.stringify(summary);
    const { inputText: _input, ...listed } = summary;
    const brief = listed.ended?.status === 'SUCCEEDED' ? { ...listed, ended: { ...listed.ended, output: null } } : listed;
    runtime.journal.put({ partition: `execution/${key}`, sort: 'summary', body }, order);
    runtime.journal.put({ partition: `executions/${machineName}`, sort: name, body: JSON.stringify(brief) }, order);
  };
  const armDeadline = (root: Root): void => {
    const { timeoutSeconds } = root.machine;
    if (timeoutSeconds === undefined) return;
    const expire = (expired: Root): void => {
      endExecution(runtime, expired.execution, { type: 'ExecutionTimedOut', error: 'States.Timeout' });
    };
    deadlines.set(root, runtime.timers.set(root.startedAtMs + timeoutSeconds * 1000, root, expire));
  };

  const sameStart = async (existing: Summary, start: Start): Promise<{ readonly startedAtMs: number }> => {
    const same = existing.ended === undefined && sameInput(existing.inputText, start.inputText);
    const repeated = start.startedBy !== undefined && existing.startedBy === start.startedBy;
    if (!same && !repeated)
      throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn(start.machine.name, start.name)}'`);
    await runtime.journal.durable();
    return { startedAtMs: existing.startedAtMs };
  };
  const startNew = async (key: string, { machine: { name: machineName, revision }, name, inputText, startedBy }: Start): Promise<Root> => {
    const machine = await machines.compiled(revision);
    const input = JSON.parse(inputText) as Json;
    const compact = JSON.stringify(input) === inputText;
    const top = { revision, ...(!compact && { inputText }), ...(startedBy !== undefined && { startedBy }) };
    const at = runtime.clock.nowMs();
    const fact: Extract<Fact, { type: 'ExecutionStarted' }> = { id: 1, prev: 0, at, type: 'ExecutionStarted', input, top };
    const root = rootFrom({ key, machineName, name, machine }, fact);
    const summary = { key, machineName, name, startedAtMs: at, inputText, ...(startedBy !== undefined && { startedBy }) };
    roots.set(key, root);
    summaries.set(key, summary);
    runtime.journal.put({ partition: OPEN, sort: key, body: '{}' }, 'before');
    putSummary(summary, 'before');
    runtime.journal.append(key, fact);
    return root;
  };

  const self: Executions = {
    async start(start) {
      const key = `${start.machine.name}/${start.name}`;
      while (starting.has(key)) await starting.get(key);
      const existing = openSummary(key);
      if (existing !== undefined) return await sameStart(existing, start);
      let release = (): void => undefined;
      starting.set(
        key,
        new Promise((resolve) => {
          release = resolve;
        }),
      );
      let root: Root;
      try {
        const stored = await storedSummary(key);
        if (stored !== undefined) return await sameStart(stored, start);
        root = await startNew(key, start);
      } finally {
        starting.delete(key);
        release();
      }
      armDeadline(root);
      runtime.advance(root.execution.main);
      await runtime.journal.durable();
      return { startedAtMs: root.startedAtMs };
    },
    async stop(execution, failure) {
      endExecution(runtime, execution, { type: 'ExecutionAborted', ...failure });
      await runtime.journal.durable();
      return execution.ended?.atMs ?? runtime.clock.nowMs();
    },
    async answer(token, answer) {
      const address = decodeToken(token);
      if (address === undefined) throw new ApiError('InvalidToken', "Invalid Token: 'Invalid token'");
      const execution = self.open(address.rootKey, address.ordinal);
      const thread = execution && threadOf(execution, address.thread);
      if (thread !== undefined && answerToken(runtime, thread, address.secret, answer)) {
        await runtime.journal.durable();
        return;
      }
      if (!roots.has(address.rootKey) && (await storedSummary(address.rootKey)) === undefined)
        throw new ApiError('TaskDoesNotExist', "Task Does Not Exist: 'Provided task does not exist'");
      throw new ApiError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
    },
    open(key, ordinal) {
      const root = roots.get(key);
      return ordinal === undefined ? root?.execution : root?.children.get(ordinal);
    },
    summary: async (key) => openSummary(key) ?? (await storedSummary(key)),
    async summaries(machineName) {
      await runtime.journal.durable();
      const stored = await store.read(`executions/${machineName}`);
      return stored.map(({ body }) => JSON.parse(body) as Summary).sort((left, right) => right.startedAtMs - left.startedAtMs);
    },
    async recover() {
      const keys = (await store.read(OPEN)).map(({ sort }) => sort);
      const waiting = keys.filter((key) => !roots.has(key));
      await Promise.all(
        Array.from({ length: RECOVERED_AT_ONCE }, async () => {
          for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await recoverOne(key);
        }),
      );
    },
    ended(execution, wakeParent) {
      const { child, root, ended } = execution;
      if (child !== undefined) {
        if (wakeParent) runtime.advance(child.run.thread);
        return;
      }
      close(root, ended);
    },
  };

  const close = (root: Root, ended: Ending | undefined): void => {
    const { key, machineName, name } = root;
    runtime.timers.drop(deadlines.get(root));
    deadlines.delete(root);
    const summary = openSummary(key);
    if (summary === undefined || ended === undefined) return;
    const closed = { ...summary, ended };
    summaries.set(key, closed);
    putSummary(closed, 'after');
    runtime.journal.remove({ partition: OPEN, sort: key });
    const { status } = ended;
    runtime.journal.afterDurable(() => {
      roots.delete(key);
      summaries.delete(key);
      runtime.journal.forget(key);
      onExecutionEnded({
        executionArn: executionArn(machineName, name),
        stateMachineArn: runtime.names.stateMachineArn(root.execution),
        name,
        status,
      });
    });
  };

  const recoverOne = async (key: string): Promise<void> => {
    const facts = await runtime.journal.reopen(key);
    const [started, ...rest] = facts;
    if (started?.type !== 'ExecutionStarted' || started.top === undefined) {
      // The process ended between two transactions of the first flush: nobody was told of this execution.
      runtime.journal.remove({ partition: OPEN, sort: key });
      runtime.journal.remove({ partition: `execution/${key}`, sort: 'summary' });
      const [machineName = '', name = ''] = key.split('/');
      runtime.journal.remove({ partition: `executions/${machineName}`, sort: name });
      return;
    }
    const { revision, inputText = JSON.stringify(started.input), startedBy } = started.top;
    const [machineName = '', name = ''] = key.split('/');
    const root = rootFrom({ key, machineName, name, machine: await machines.compiled(revision) }, started);
    roots.set(key, root);
    summaries.set(key, { key, machineName, name, startedAtMs: root.startedAtMs, inputText, ...(startedBy !== undefined && { startedBy }) });
    for (const fact of rest) fold(root, fact);
    if (root.execution.ended !== undefined) close(root, root.execution.ended);
    else resume(root);
  };

  const resume = (root: Root): void => {
    armDeadline(root);
    for (const execution of [...openExecutions(root)]) {
      for (const thread of [...threadsOf(execution)]) {
        const { phase } = thread;
        if (phase.kind === 'task' && !phase.submitted) perform(runtime, thread, phase);
        runtime.advance(thread);
      }
    }
  };

  return self;
}

/** Recovery reads that many journals at a time. */
const RECOVERED_AT_ONCE = 16;

/** AWS compares the inputs of two starts by value: recorded with the same text only, documented as "the same input". */
function sameInput(left: string, right: string): boolean {
  return left === right || JSON.stringify(JSON.parse(left)) === JSON.stringify(JSON.parse(right));
}
