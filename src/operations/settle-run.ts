/** Ends a run all of whose jobs are settled. The counts decide, not the open rows: those outlive the settlement by a moment. */
import { finalRunState, isFinal, settledCount, type Run, type RunCounts } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { Ports } from './ports.ts';

export interface Settlement {
  /** Now or before. */
  readonly ended: boolean;
  readonly endedNow: boolean;
  readonly counts: RunCounts;
}

export async function closeSettledRun(ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>, run: Run): Promise<Settlement> {
  const counts = await ports.jobs.counts(run);
  if (isFinal(run)) return { ended: true, endedNow: false, counts };
  if (run.plannedAt === undefined || settledCount(counts) < run.count) return { ended: false, endedNow: false, counts };
  let endedNow = false;
  const closed = await changeRun(ports, run, (latest) => {
    // A retry that began meanwhile reopens jobs that are counted here as settled.
    endedNow = !isFinal(latest) && latest.attempt === run.attempt;
    return endedNow ? { state: finalRunState(latest.count, counts, latest.closing), finishedAt: ports.clock.now(), counts } : undefined;
  });
  return { ended: isFinal(closed), endedNow, counts };
}
