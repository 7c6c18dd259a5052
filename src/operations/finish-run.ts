/**
 * Task state `FinishRun` of run.asl.json: every child has been let go. Usually the tick has ended the run already; where a
 * child left by another door (its CloseJob failed, its time ran out) the watch loop goes on and will end it.
 */
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import type { Ports } from './ports.ts';
import { closeSettledRun } from './settle-run.ts';

export async function finishRun(ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>, id: RunId): Promise<{ readonly ended: boolean }> {
  const run = await ports.runs.load(id);
  if (!run) throw new Fault('Vanished', `there is no run ${id}`);
  const { ended } = await closeSettledRun(ports, run);
  return { ended };
}
