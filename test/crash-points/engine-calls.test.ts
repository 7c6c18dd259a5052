/**
 * What a large run asks of Control Hub, counted by the simulator: one start and one look-up for each set, status questions by the chunk,
 * and a list of the run now and then.
 */
import { describe, expect, it } from 'vitest';
import type { CallRecord } from '#hosts/control-hub-simulator/calls';
import { STATUS_CHUNK } from './hub-engine.ts';
import { runScenario } from './run-schedule.ts';
import { described, set } from './scenarios.ts';

const SETS = 400;
const STARTS_PER_SECOND = 10;
/** Instances of one page of a list. */
const PAGE = 100;

const ofRoute = (calls: readonly CallRecord[], route: string): readonly CallRecord[] => calls.filter((call) => call.route === route);

describe(`a run of ${SETS} sets`, () => {
  it.each([
    ['as fast as its children start them', {}],
    ['at the rate that its template allows', { startsPerSecond: STARTS_PER_SECOND }],
  ])('is recorded whole, and asks no more than it must: %s', { timeout: 120_000 }, async (_how, limits) => {
    const sets = Array.from({ length: SETS }, (_, index) => set(20 + 4 * (index % 40), { INDEX: index }));
    const scenario = described({ about: 'many sets', sets, ends: [], limits: { maxParallel: SETS, ...limits } });
    const { violation, ends, ticks, hubCalls, virtualSeconds } = await runScenario(scenario, []);

    // Every job FINISHED, its counts recorded once and right, no instance without a job.
    expect(violation).toBeUndefined();
    expect(ends).toEqual(Array.from({ length: SETS }, () => 'FINISHED'));

    const starts = ofRoute(hubCalls, 'createAndStartJobInstances');
    expect(starts).toHaveLength(SETS);
    const statuses = ofRoute(hubCalls, 'bulkStatus');
    expect(statuses.length).toBeGreaterThan(0);
    expect(statuses.length).toBeLessThanOrEqual(ticks * Math.ceil(SETS / STATUS_CHUNK));
    expect(Math.max(...statuses.map(({ ids }) => ids ?? 0))).toBeLessThanOrEqual(STATUS_CHUNK);
    // Of second instances that show late: at most once in a minute, whatever the number of jobs that run or end in it.
    const lateLists = ofRoute(hubCalls, 'listJobs').length - SETS;
    expect(lateLists).toBeGreaterThan(0);
    expect(lateLists).toBeLessThanOrEqual(Math.ceil(virtualSeconds / 60) * Math.ceil(SETS / PAGE + 1));
    // No job is asked about by itself.
    expect(ofRoute(hubCalls, 'currentStatus')).toEqual([]);
    if ('startsPerSecond' in limits) expect(mostWithin(10_000, starts)).toBeLessThanOrEqual(2 * 10 * STARTS_PER_SECOND);
  });
});

/** The most calls in any such time. */
function mostWithin(ms: number, calls: readonly CallRecord[]): number {
  return Math.max(...calls.map(({ atMs }, place) => calls.slice(place).filter((other) => other.atMs < atMs + ms).length));
}
