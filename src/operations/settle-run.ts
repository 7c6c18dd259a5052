/**
 * Ends a run all of whose jobs are settled. The counts decide, not the open rows: those outlive the settlement by a moment, and
 * by longer where an engine's counts settle late. What these add is added to the run after its end.
 */
import { Fault } from '#domain/faults';
import { finalRunState, isFinal, settledCount, type Run, type RunCounts } from '#domain/run';
import type { Ports } from './ports.ts';

export interface Settlement {
  /** Now or before. */
  readonly ended: boolean;
  readonly counts: RunCounts;
}

const ATTEMPTS = 5;

/** `collecting`: something is left to do about its engine jobs. Told by the tick, which alone knows. */
export async function closeSettledRun(
  ports: Pick<Ports, 'clock' | 'runs' | 'jobs'>,
  run: Run,
  { collecting }: { readonly collecting: boolean },
): Promise<Settlement> {
  let latest = run;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // Read after the run whose version guards the write: of two that count, the one that counted first does not write last.
    const counts = await ports.jobs.counts(latest);
    // A retry that began meanwhile reopens jobs that are counted here as settled.
    if (latest.attempt !== run.attempt) return { ended: false, counts };
    const settled = settledBy(latest, counts, collecting, ports);
    if (settled === undefined) return { ended: isFinal(latest), counts };
    if ((await ports.runs.save(settled, latest)).kind === 'saved') return { ended: true, counts };
    const reloaded = await ports.runs.load(run.id);
    if (!reloaded) throw new Fault('Vanished', `${run.id} is gone`);
    latest = reloaded;
  }
  throw new Fault('StoreBusy', `${run.id} was changed by others ${ATTEMPTS} times in a row`);
}

/** Undefined where nothing is to be written. */
function settledBy(run: Run, counts: RunCounts, collecting: boolean, { clock }: Pick<Ports, 'clock'>): Run | undefined {
  const { collecting: marked, ...kept } = run;
  const now = clock.now();
  const after = { ...kept, ...(collecting ? { collecting } : {}), counts, updatedAt: now };
  if (isFinal(run)) return (marked === true) === collecting && isSame(run.counts, counts) ? undefined : after;
  if (run.plannedAt === undefined || settledCount(counts) < run.count) return undefined;
  return { ...after, state: finalRunState(run.count, counts, run.closing), finishedAt: now };
}

function isSame(a: RunCounts | undefined, b: RunCounts): boolean {
  const names = Object.keys(b) as readonly (keyof RunCounts)[];
  return a !== undefined && names.every((name) => a[name] === b[name]);
}
