/**
 * Task state `CloseRun` of run.asl.json, and the answer to an execution that failed or was aborted: marks the run as
 * closing and sees to it that something drives it. Ticks then stop the engine's jobs and settle the rest.
 */
import type { RunId } from '#domain/ids';
import { isFinal, type Closing } from '#domain/run';
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
    const drives = latest.execution === undefined || latest.execution === execution;
    return drives && latest.closing === undefined && !isFinal(latest) ? { closing, execution } : undefined;
  });
  if (closed.closing !== undefined && !isFinal(closed)) await ports.orchestrator.startWatch(closed.id, closed.attempt, 0);
}
