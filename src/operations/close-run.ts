/**
 * Task state `CloseRun` of run.asl.json, and the answer to an execution that failed or was aborted: marks the run as
 * closing and sees to it that something drives it. Ticks then stop the engine's jobs and settle the rest.
 */
import type { RunId } from '#domain/ids';
import { isFinal, type Closing, type Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'runs' | 'orchestrator'>;

export interface CloseRun {
  /** Of the execution that gives up: it may close no run but the one it drives. */
  readonly execution: string;
  /** What the execution was started with: a run, or a request under its natural key. */
  readonly driven: { readonly runId: RunId } | { readonly userId: string; readonly userRunId: string };
  readonly message: string;
}

export async function closeRun(ports: Needs, { execution, driven, message }: CloseRun): Promise<void> {
  const runId = 'runId' in driven ? driven.runId : (await ports.runs.earlierRequest({ ...driven, now: ports.clock.now() }))?.runId;
  const run = runId && (await ports.runs.load(runId));
  // No run: the execution was refused before there was one.
  if (!run || isFinal(run)) return;
  const closing: Closing = { reason: 'aborted', message, at: ports.clock.now() };
  const closed = await changeRun(ports, run, (latest) => {
    const drives = latest.execution === execution || (latest.execution === undefined && !isOfEarlierAttempt(execution, latest));
    return drives && latest.closing === undefined && !isFinal(latest) ? { closing, execution, watch: latest.watch + 1 } : undefined;
  });
  // Its loop may have died with whatever ended the execution: this is a new one, which looks at once.
  if (closed.closing !== undefined && !isFinal(closed)) await ports.orchestrator.startWatch(closed, 0);
}

/** The API names an execution after run and attempt: one that comes to its end late must not close the attempt that follows it. */
function isOfEarlierAttempt(execution: string, { id, attempt }: Run): boolean {
  const [, named] = new RegExp(`:${id}-a([0-9]+)$`).exec(execution) ?? [];
  return named !== undefined && Number(named) < attempt;
}
