/**
 * Task state `FinishRun` of run.asl.json: every child has been let go. Usually the tick has ended the run already. Where a
 * child left by another door (its CloseJob failed, its time ran out) its job may never have been started: nobody but the
 * tick can do so now, hence it is queued for it.
 */
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import { isFinal } from '#domain/run';
import { isLeftToChild } from '#domain/tick';
import type { Ports } from './ports.ts';
import { closeSettledRun } from './settle-run.ts';

export interface FinishRun {
  readonly runId: RunId;
  /** Of the run, that the execution was about. */
  readonly attempt: number;
}

export async function finishRun(
  ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>,
  { runId, attempt }: FinishRun,
): Promise<{ readonly ended: boolean }> {
  const run = await ports.runs.load(runId);
  if (!run) throw new Fault('Vanished', `there is no run ${runId}`);
  if (isFinal(run)) return { ended: true };
  const open = await ports.jobs.open(run);
  // Where counts are still to come, the tick ends the run: it alone knows what is left.
  const isCaredFor = open.some(({ aftercare }) => aftercare !== undefined);
  const ended = !isCaredFor && (await closeSettledRun(ports, run, { collecting: false })).ended;
  if (ended) return { ended };
  const unstarted = open.filter((job) => isLeftToChild(job, attempt));
  if (unstarted.length === 0) return { ended };
  await ports.jobs.save(
    unstarted.map((job) => ({ before: job, after: { ...job, start: { ...job.start, queuedFor: 'slot' } }, entries: [] })),
    run.count,
  );
  return { ended };
}
