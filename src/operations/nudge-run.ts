/**
 * An engine says that a job has changed: its run is looked at soon. The word is only a wake-up, the tick asks the engine itself.
 * Many words in a second are one look.
 */
import { jobOfEngineJobName } from '#domain/ids';
import { isFinal } from '#domain/run';
import type { Ports } from './ports.ts';

/** `engineJobName`: a text that may hold the name of one of our engine jobs. Names of nothing that is open do nothing. */
export async function nudgeRun(
  { clock, runs, orchestrator }: Pick<Ports, 'clock' | 'runs' | 'orchestrator'>,
  engineJobName: string,
): Promise<void> {
  const ref = jobOfEngineJobName(engineJobName);
  const run = ref && (await runs.load(ref.runId));
  if (!run || ref.index >= run.count || (isFinal(run) && run.collecting === undefined)) return;
  await orchestrator.nudge(run.id, clock.now());
}
