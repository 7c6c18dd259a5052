/** Going on after the end of a process: the journals of the open executions are folded, and what waits is armed again. */
import type { Root } from './execution.ts';
import { openExecutions, threadsOf } from './execution.ts';
import { armDeadline, closeRoot, type Executions } from './executions.ts';
import { fold, rootFrom } from './fold.ts';
import { openKeys, removeSummary } from './summaries.ts';
import { perform } from './tasks.ts';

const JOURNALS_AT_ONCE = 16;

export async function recover(executions: Executions): Promise<void> {
  const keys = (await openKeys(executions)).filter((key) => !executions.roots.has(key));
  const worker = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) await recoverOne(executions, key);
  };
  await Promise.all(Array.from({ length: JOURNALS_AT_ONCE }, worker));
}

async function recoverOne(executions: Executions, key: string): Promise<void> {
  const { runtime, machines, roots, summaries } = executions;
  const [started, ...rest] = await runtime.journal.reopen(key);
  if (started?.type !== 'ExecutionStarted' || started.top === undefined) {
    // The process ended between two transactions of the first flush: nobody was told of this execution.
    await removeSummary(executions, key);
    return;
  }
  const { revision, inputText = JSON.stringify(started.input), startedBy } = started.top;
  const [machineName = '', name = ''] = key.split('/');
  const root = rootFrom({ key, machineName, name, machine: await machines.compiled(revision) }, started);
  roots.set(key, root);
  summaries.set(key, { key, machineName, name, startedAtMs: root.startedAtMs, inputText, ...(startedBy !== undefined && { startedBy }) });
  for (const fact of rest) fold(root, fact);
  if (root.execution.ended === undefined) resume(executions, root);
  else closeRoot(executions, root, root.execution.ended);
}

/** A task whose invocation has no durable result is invoked again: at least once, as on AWS after a lost reply. */
function resume(executions: Executions, root: Root): void {
  const { runtime } = executions;
  armDeadline(executions, root);
  for (const execution of [...openExecutions(root)]) {
    for (const thread of [...threadsOf(execution)]) {
      const { phase } = thread;
      if (phase.kind === 'task' && !phase.submitted) perform(runtime, thread, phase);
      runtime.advance(thread);
    }
  }
}
