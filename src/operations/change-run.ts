import { Fault } from '#domain/faults';
import type { Run } from '#domain/run';
import type { Ports } from './ports.ts';

const ATTEMPTS = 5;

/**
 * Changes a run that others may be changing: decides anew on what is stored whenever a race is lost. `decide` answers
 * undefined where nothing is to be changed.
 */
export async function changeRun(
  ports: Pick<Ports, 'clock' | 'runs'>,
  run: Run,
  decide: (latest: Run) => Partial<Run> | undefined,
): Promise<Run> {
  let latest = run;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const change = decide(latest);
    if (change === undefined) return latest;
    const saved = await ports.runs.save({ ...latest, ...change, updatedAt: ports.clock.now() }, latest);
    if (saved.kind === 'saved') return saved.run;
    const reloaded = await ports.runs.load(run.id);
    if (!reloaded) throw new Fault('Vanished', `${run.id} is gone`);
    latest = reloaded;
  }
  throw new Fault('StoreBusy', `${run.id} was changed by others ${ATTEMPTS} times in a row`);
}
