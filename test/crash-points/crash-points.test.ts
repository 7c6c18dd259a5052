/**
 * Promises kept wherever a process stops and whatever a call meets (run-schedule.ts): all single faults of the shortest scenario, a
 * sample of the others and of pairs. `npm run crash-points` goes through all of them.
 */
import { describe, expect, it } from 'vitest';
import { pairsOfFaults, scheduleText, singleFaults } from './enumerate.ts';
import type { CallClass } from './fault-plan.ts';
import { PLANTED_BUGS } from './mutations.ts';
import { runSchedule, type Schedule } from './run-schedule.ts';
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios.ts';

/** Of each scenario every so manieth single fault. */
const STRIDES: Readonly<Record<ScenarioName, number>> = {
  plain: 10,
  fails: 1,
  cancelled: 10,
  activating: 15,
  retried: 15,
  removed: 15,
  paced: 20,
  long: 40,
};
/** Of each scenario. */
const PAIRS = 15;
const PAIRS_SEED = 20_261_121;

const REACHED: readonly CallClass[] = ['delivery', 'orchestrator', 'read', 'write', 'transaction', 'hub-create', 'hub-search', 'hub-read'];

/** Between two schedules, so that the runner hears of this process. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Excuses {
  readonly stopped: readonly string[];
  readonly unseen: readonly string[];
}

/** The schedules in which one start had two instances, or one that nobody could see: by what was excused. */
async function kept(schedules: readonly Schedule[]): Promise<Excuses> {
  const stopped: string[] = [];
  const unseen: string[] = [];
  for (const schedule of schedules) {
    const { violation, excused } = await runSchedule(schedule);
    const text = scheduleText(schedule);
    expect(violation, `${text}; its steps: npm run crash-points -- --schedule '${text}'`).toBeUndefined();
    if (excused.stopped.length > 0) stopped.push(text);
    if (excused.unseen.length > 0) unseen.push(text);
    await breath();
  }
  return { stopped, unseen };
}

const LIMIT = { timeout: 300_000 };

describe('one call that goes wrong', () => {
  it.each(SCENARIO_NAMES)('is one of dozens in: %s', LIMIT, async (scenario) => {
    const { violation, calls, ends } = await runSchedule({ scenario, faults: [] });
    expect([violation, ends]).toEqual([undefined, SCENARIOS[scenario].ends]);
    // Every part of the service is reached, or a fault of it would be nobody's.
    const reached = new Set<CallClass>(calls.map((call) => call.class));
    expect(REACHED.filter((callClass) => !reached.has(callClass))).toEqual([]);
    expect(calls.length).toBeGreaterThan(60);
  });

  it.each(SCENARIO_NAMES)('breaks no promise, wherever it is and whatever it meets: %s', LIMIT, async (scenario) => {
    const schedules = await singleFaults(scenario);
    expect(schedules.length).toBeGreaterThan(300);
    const excused = await kept(schedules.filter((_, place) => place % STRIDES[scenario] === 0));
    // One of each start: no other schedule may have two instances of one at a time.
    expect(excused.stopped.filter((text) => !/:(?:twice|twice-unseen)$/.test(text))).toEqual([]);
    expect(excused.unseen.filter((text) => !/:(?:twice-unseen|dropped-blind|dies-blind)$/.test(text))).toEqual([]);
  });

  it.each(['cancelled', 'long'] as const)('that makes two of a start, of which one shows late, is noticed: %s', LIMIT, async (scenario) => {
    const schedules = (await singleFaults(scenario)).filter(({ faults }) => faults[0]?.outcome === 'twice-unseen');
    expect(schedules.length).toBeGreaterThan(0);
    expect(await kept(schedules)).toEqual({ stopped: schedules.map(scheduleText), unseen: [] });
  });
});

describe('two calls that go wrong', () => {
  it(`break no promise: ${PAIRS} pairs of each scenario, of seed ${PAIRS_SEED}`, LIMIT, async () => {
    for (const scenario of SCENARIO_NAMES) await kept(await pairsOfFaults(scenario, PAIRS, PAIRS_SEED));
  });
});

describe('a schedule', () => {
  it('goes the same way each time', async () => {
    const schedule: Schedule = { scenario: 'plain', faults: [{ k: 25, outcome: 'dropped' }] };
    const [first, second] = [await runSchedule(schedule, { traced: true }), await runSchedule(schedule, { traced: true })];
    expect(first.trace.length).toBeGreaterThan(80);
    expect(second.trace).toEqual(first.trace);
  });
});

describe('a planted bug is found', () => {
  it.each(Object.entries(PLANTED_BUGS))('%s', LIMIT, async (_name, { mutation, scenario, showsLate = false }) => {
    let found: string | undefined;
    const schedules = await singleFaults(scenario, mutation);
    for (const schedule of showsLate ? schedules.toReversed() : schedules) {
      found ??= (await runSchedule(schedule, { mutation })).violation;
      if (found !== undefined) break;
      await breath();
    }
    expect(found).toBeDefined();
  });
});
