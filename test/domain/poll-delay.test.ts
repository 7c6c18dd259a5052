/** The limit, not the formula: a watch execution may have 25,000 history events, and a tick spends 9 of them. */
import { describe, expect, test } from 'vitest';
import { nextDelaySeconds } from '#domain/poll-delay';
import { machine } from '#test/state-machines/machine';

const HOUR = 3600;
const DAY = 24 * HOUR;
const EVENTS_A_TICK = 9;
const EVENTS_ALLOWED = 25_000;
const FLOOR = 5;

/** A watch execution hands over after this many ticks: read where it is written. */
const TICKS_A_CHUNK = Number(/\$ticks >= (\d+)/.exec(JSON.stringify(machine('watch')))?.[1]);

/** Waves of jobs that begin one after the other; the ticks that a run needs until the last of them has ended. */
function ticksOf(run: { readonly waves: number; readonly jobs: number; readonly seconds: number; readonly random: number }): number {
  let ticks = 0;
  for (let wave = 0; wave < run.waves; wave += 1)
    for (let age = 0; age < run.seconds / run.waves; ticks += 1)
      age += nextDelaySeconds({ openJobs: run.jobs, youngestAgeSeconds: age, floorSeconds: FLOOR, random: run.random });
  return ticks;
}

describe('the ticks of a run', () => {
  const mixes = [1, 49, 50, 10_000].flatMap((jobs) => [0, 0.5, 0.999].map((random) => ({ jobs, random })));

  const executions = (ticks: number): number => Math.ceil(ticks / TICKS_A_CHUNK);

  test.each(mixes)('of $jobs jobs that take a week or a year fit two watch executions (random $random)', ({ jobs, random }) => {
    expect(executions(ticksOf({ waves: 1, jobs, random, seconds: 7 * DAY }))).toBeLessThanOrEqual(2);
    expect(executions(ticksOf({ waves: 1, jobs, random, seconds: 365 * DAY }))).toBeLessThanOrEqual(2);
    // Few jobs pay for their own ticks, and are asked about seldom.
    if (jobs < 50) expect(ticksOf({ waves: 1, jobs, random, seconds: 365 * DAY })).toBeLessThan(TICKS_A_CHUNK / 3);
  });

  test('of ten thousand jobs in waves of an hour, a week long, fit a hundred watch executions', () => {
    const ticks = ticksOf({ waves: 7 * 24, jobs: 60, random: 0.5, seconds: 7 * DAY });
    expect(executions(ticks)).toBeLessThan(100);
  });

  test('of one watch execution stay below the history limit by a wide margin, also where every tick is a fault', () => {
    expect(TICKS_A_CHUNK * EVENTS_A_TICK).toBeLessThan(EVENTS_ALLOWED * 0.75);
    // A faulty tick costs three of the count; four tries of three events, and what goes around them.
    expect((TICKS_A_CHUNK / 3) * (4 * 3 + 8)).toBeLessThan(EVENTS_ALLOWED * 0.75);
  });
});

describe('a delay', () => {
  const input = { openJobs: 1, youngestAgeSeconds: 100, floorSeconds: FLOOR, random: 0.5 };

  test('is a whole number of seconds and never below the floor', () => {
    for (const youngestAgeSeconds of [-5, 0, 0.3, 1, 7.7, 1e4, 1e8])
      for (const openJobs of [0, 1, 50, 10_000])
        for (const random of [0, 0.999_999]) {
          const delay = nextDelaySeconds({ ...input, youngestAgeSeconds, openJobs, random });
          expect(delay).toBeGreaterThanOrEqual(FLOOR);
          expect(Number.isSafeInteger(delay)).toBe(true);
        }
  });

  test('misses the end of a job by no more than a thirtieth of its age, or the floor', () => {
    for (let age = 1; age < 400 * DAY; age *= 1.7)
      for (const openJobs of [1, 100])
        expect(nextDelaySeconds({ ...input, openJobs, youngestAgeSeconds: age, random: 0.999 })).toBeLessThanOrEqual(
          Math.max(FLOOR, age / 30 + 1),
        );
  });

  test('of runs that began together is spread', () => {
    const delays = Array.from({ length: 100 }, (_, index) => nextDelaySeconds({ ...input, youngestAgeSeconds: DAY, random: index / 100 }));
    expect(new Set(delays).size).toBeGreaterThan(50);
  });
});
