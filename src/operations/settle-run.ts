/** Ends a run all of whose jobs are settled. The counts decide, not the open rows: those outlive the settlement by a moment. */
import { finalRunState, isFinal, settledCount, type Run, type RunCounts } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { Ports } from './ports.ts';

export interface Settlement {
  /** Now or before. */
  readonly ended: boolean;
  readonly counts: RunCounts;
}

export async function closeSettledRun(ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>, run: Run): Promise<Settlement> {
  const counts = await ports.jobs.counts(run);
  if (isFinal(run)) return { ended: true, counts };
  if (run.plannedAt === undefined || settledCount(counts) < run.count) return { ended: false, counts };
  const closed = await changeRun(ports, run, (latest) =>
    // A retry that began meanwhile reopens jobs that are counted here as settled.
    !isFinal(latest) && latest.attempt === run.attempt
      ? { state: finalRunState(latest.count, counts, latest.closing), finishedAt: ports.clock.now(), counts }
      : undefined,
  );
  return { ended: isFinal(closed), counts };
}
