/** One schedule: a scenario, and what goes wrong in it. The same schedule happens the same way each time. */
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import type { CallRecord } from '#hosts/control-hub-simulator/calls';
import type { EngineModel } from '#test/simulation/engine-model';
import { seededRandom } from '#test/simulation/random';
import { simulated, withoutStacks } from '#test/simulation/simulate';
import { worldFrom } from '#test/simulation/world';
import { countsChecks } from './counts-checks.ts';
import { faultPlan, type CallSeen, type PlannedFault } from './fault-plan.ts';
import { hubChecks, type Excused } from './hub-checks.ts';
import { simulatedHub, type HubMutation, type SimulatedHub } from './hub-engine.ts';
import { SCENARIOS, type CrashScenario, type ScenarioName } from './scenarios.ts';

export interface Schedule {
  readonly scenario: ScenarioName;
  readonly faults: readonly PlannedFault[];
}

export interface ScheduleOptions {
  readonly traced?: boolean;
  readonly mutation?: HubMutation;
  /** Chooses among what could happen at the same moment. */
  readonly seed?: number;
}

export interface ScheduleResult {
  readonly violation: string | undefined;
  readonly calls: readonly CallSeen[];
  readonly excused: Excused;
  /** Of the jobs, in a word each. */
  readonly ends: readonly string[];
  /** Of the run. */
  readonly ticks: number;
  /** As the simulator counted them. */
  readonly hubCalls: readonly CallRecord[];
  readonly virtualSeconds: number;
  readonly trace: readonly string[];
}

export function runSchedule({ scenario, faults }: Schedule, options: ScheduleOptions = {}): Promise<ScheduleResult> {
  return runScenario(SCENARIOS[scenario], faults, options);
}

export function runScenario(
  { scenario, firstPlans }: CrashScenario,
  faults: readonly PlannedFault[],
  { traced = false, mutation = {}, seed = 1 }: ScheduleOptions = {},
): Promise<ScheduleResult> {
  return withoutStacks(!traced, async () => {
    const random = seededRandom(seed);
    const plan = faultPlan(faults);
    const checks = hubChecks();
    const counts = countsChecks();
    let hub: SimulatedHub | undefined;
    const world = await worldFrom({
      scenario,
      random,
      faults: plan,
      traced,
      mutation,
      dieTogether: () => !plan.diesAlone(),
      engines({ scheduler, trace }) {
        hub = simulatedHub({
          plan,
          random,
          firstPlans,
          mutation,
          nowMs: () => scheduler.nowMs(),
          doubted(name, outcome) {
            checks.doubted(name, outcome);
          },
          noted(message, ids) {
            trace.note(() => `noted: ${message}`);
            checks.noted(message, ids);
          },
        });
        // What of this is left undone hub-checks.ts sees, and sees more.
        const own = hub;
        const model: EngineModel = { portFor: (process) => own.portFor(process), active: () => [], isAcknowledged: () => true };
        return new Map([['control-hub', model]]);
      },
      seenBy: (seen) => ({
        ...seen,
        committed(actions) {
          seen.committed(actions);
          counts.committed(actions);
        },
      }),
    });
    const { violation, virtualSeconds, trace } = await simulated(world);
    const { scheduler, seen } = world;
    const removes = scenario.templates.some(({ deleteAfterCompletion }) => deleteAfterCompletion);
    const problems = hub ? checks.problems({ simulator: hub.simulator, seen, removes, calls: plan.calls, nowMs: scheduler.nowMs() }) : [];
    const found = violation ?? [...problems, ...counts.problems(seen)][0];
    const ends = [...seen.jobs.values()].map(({ job }) => job.failure?.reason ?? job.state);
    const [run] = seen.runs.values();
    const progress = run && (await dynamoRunStore(world.table).progress(run.id));
    return {
      violation: found,
      calls: plan.calls,
      excused: checks.excused(),
      ends,
      ticks: progress?.usage.ticks ?? 0,
      hubCalls: hub?.simulator.calls.of() ?? [],
      virtualSeconds,
      trace,
    };
  });
}
