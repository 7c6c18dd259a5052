/** Lets the children of settled jobs go. Nothing that remains to be done about a job holds up its child. */
import type { Job } from '#domain/job';
import type { Run } from '#domain/run';
import { inTurns } from './in-turns.ts';
import type { Ports } from './ports.ts';

/** The tokens that were released, and can be forgotten. Harmless to repeat. */
export async function letGo(
  ports: Pick<Ports, 'jobs' | 'orchestrator'>,
  run: Run,
  jobs: readonly Job[],
): ReturnType<Ports['jobs']['taskTokens']> {
  if (jobs.length === 0) return [];
  // A retry may have reopened a job since it was read, and have its child parked by now: that one is not ours to let go.
  const settledIn = new Map(jobs.map(({ index, runAttempt }) => [index, runAttempt]));
  const tokens = (await ports.jobs.taskTokens(run, jobs)).filter(({ index, runAttempt }) => runAttempt <= (settledIn.get(index) ?? 0));
  await inTurns(tokens, ({ taskToken }) => ports.orchestrator.release(taskToken));
  return tokens;
}
