/** All schedules of a scenario: every call, and at each every outcome that suits it; and pairs of them, drawn by a seed. */
import { seededRandom } from '#test/simulation/random';
import { OUTCOMES, type PlannedFault } from './fault-plan.ts';
import type { HubMutation } from './hub-engine.ts';
import { runSchedule, type Schedule } from './run-schedule.ts';
import type { ScenarioName } from './scenarios.ts';

/** As many calls as the scenario makes where nothing goes wrong. */
export async function singleFaults(scenario: ScenarioName, mutation: HubMutation = {}): Promise<readonly Schedule[]> {
  const { calls } = await runSchedule({ scenario, faults: [] }, { mutation });
  return calls.flatMap((call) => OUTCOMES[call.class].map((outcome): Schedule => ({ scenario, faults: [{ k: call.k, outcome }] })));
}

/** How much further a scenario may go where something went wrong. */
const LONGER = 1.5;

/** Calls. */
const SOON = 25;

/** The first as in a single fault; the second at any call after it, and one of those that suit whatever call that is then. */
export async function pairsOfFaults(scenario: ScenarioName, count: number, seed: number): Promise<readonly Schedule[]> {
  const random = seededRandom(seed);
  const singles = await singleFaults(scenario);
  const [first] = singles;
  if (!first) return [];
  const longest = Math.ceil(LONGER * Math.max(...singles.map(({ faults }) => faults[0]?.k ?? 0)));
  return Array.from({ length: count }, () => {
    const { faults } = random.pick([first, ...singles]);
    const after = faults[0]?.k ?? 0;
    // What goes wrong twice goes wrong for one reason: as a rule soon after.
    const within = random.chance(0.5) ? SOON : longest - after;
    const second: PlannedFault = { k: after + 1 + random.below(within), outcome: random.below(1000) };
    return { scenario, faults: [...faults, second] };
  });
}

/** As it is given to `npm run crash-points -- --schedule`. */
export const scheduleText = ({ scenario, faults }: Schedule): string =>
  [scenario, ...faults.map(({ k, outcome }) => `${k}:${outcome}`)].join(' ');
