/** Ends a run all of whose jobs are settled. The counts decide, not the open rows: those outlive the settlement by a moment. */
import { finalRunState, isFinal, settledCount, type Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { Ports } from './ports.ts';

/** True when the run has ended, now or before. */
export async function closeSettledRun(ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>, run: Run): Promise<boolean> {
  if (isFinal(run)) return true;
  if (run.plannedAt === undefined) return false;
  const counts = await ports.jobs.counts(run);
  if (settledCount(counts) < run.count) return false;
  await changeRun(ports, run, (latest) =>
    isFinal(latest) ? undefined : { state: finalRunState(latest.count, counts, latest.closing), finishedAt: ports.clock.now() },
  );
  return true;
}
