/**
 * One seed, one world: the real operations on the real stores, with everything around them decided by the seed. The same
 * seed is the same world, step by step. `violation` says what was promised and not kept.
 */
import { sweep } from '#operations/sweep';
import { actors, type Actors } from './actors.ts';
import { problemsAtRest, unrest } from './end-checks.ts';
import { LIMIT_SECONDS } from './machines.ts';
import { START_MS, worldOf, type SimulationOptions, type World } from './world.ts';

export interface Simulated {
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  readonly virtualSeconds: number;
  readonly runs: number;
  readonly jobs: number;
  readonly steps: number;
}

const SWEEP_SECONDS = 300;
/** From the end of all faults until everything must have ended. */
const REST_SECONDS = 12 * 3600;

export function simulate(options: SimulationOptions): Promise<Simulated> {
  return withoutStacks(options.traced !== true, async () => simulated(await worldOf(options)));
}

/** Faults are daily bread here; where each came from matters to who reads the trace. */
export async function withoutStacks<Result>(isWithout: boolean, work: () => Promise<Result>): Promise<Result> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = isWithout ? 0 : stackTraceLimit;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** From the first request until everything has come to rest. */
export async function simulated(world: World): Promise<Simulated> {
  const { scenario, scheduler, faults, trace, verdict, seen } = world;
  trace.note(() => JSON.stringify(scenario));
  const users = actors(world);
  scheduler.after(scenario.faultsSeconds * 1000, () => {
    trace.note(() => 'faults stop');
    faults.stop();
  });
  let atRest = false;
  void sweptToRest(world, users).then(() => {
    atRest = true;
  });
  let steps = 0;
  await scheduler.run(() => {
    steps += 1;
    return atRest || verdict.violation !== undefined;
  });
  if (verdict.violation === undefined) for (const problem of await problemsAtRest(world)) verdict.fail(problem);
  const virtualSeconds = (scheduler.nowMs() - START_MS) / 1000;
  return { violation: verdict.violation, trace: trace.lines, virtualSeconds, runs: seen.runs.size, jobs: seen.jobs.size, steps };
}

/** The schedule that sweeps. Resolves when a sweep finds nothing to do, and nobody else has anything to do either. */
async function sweptToRest(world: World, users: Actors): Promise<void> {
  const { scenario, scheduler, faults, processes, verdict } = world;
  const restsAtMs = START_MS + (scenario.faultsSeconds + REST_SECONDS) * 1000;
  for (;;) {
    await scheduler.turn(SWEEP_SECONDS * 1000);
    const isCalm = users.busy() === 0 && unrest(world).length === 0;
    if (isCalm) faults.stop();
    const swept = await processes.invoke('sweep', LIMIT_SECONDS.sweep, (ports) => sweep(ports, { repair: true }));
    if (isCalm && swept.kind === 'answered' && swept.value.rows.length === 0 && processes.busy() === 0) return;
    if (scheduler.nowMs() > restsAtMs)
      verdict.fail(`not at rest ${REST_SECONDS / 3600} hours after the last fault: ${unrest(world).join('; ')}`);
  }
}
