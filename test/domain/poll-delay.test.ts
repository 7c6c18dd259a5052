/** The limit, not the formula: a watch execution may have 25,000 history events, and a tick spends 9 of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Expectation } from '#domain/durations';
import { nextDelaySeconds, type PollDelayInput } from '#domain/poll-delay';
import { machine } from '#test/state-machines/machine';

const SEED = 20261121;
const HOUR = 3600;
const DAY = 24 * HOUR;
const EVENTS_A_TICK = 9;
const EVENTS_ALLOWED = 25_000;
const FLOOR = 5;

/** A watch execution hands over after this many ticks: read where it is written. */
const TICKS_A_CHUNK = Number(/\$ticks >= (\d+)/.exec(JSON.stringify(machine('watch')))?.[1]);

const TEN_MINUTES: Expectation = { p10: 500, p50: 600, p90: 700 };
const A_WEEK: Expectation = { p10: 6 * DAY, p50: 7 * DAY, p90: 8 * DAY };

const ages = (jobs: number, age: number): number[] => Array<number>(jobs).fill(age);

interface Watched {
  readonly waves: number;
  readonly jobCount: number;
  readonly seconds: number;
  readonly random: number;
  readonly expected?: Expectation | undefined;
}

/** Waves of jobs that begin one after the other; the ticks that a run needs until the last of them has ended. */
function ticksOf({ waves, jobCount, seconds, random, expected }: Watched): number {
  let ticks = 0;
  for (let wave = 0; wave < waves; wave += 1)
    // All jobs of a wave have one age, and equal ages count once.
    for (let age = 0; age < seconds / waves; ticks += 1)
      age += nextDelaySeconds({ jobCount, agesSeconds: [age], deadlinesSeconds: [], expected, floorSeconds: FLOOR, random });
  return ticks;
}

const mixes = [1, 49, 50, 10_000].flatMap((jobCount) => [0, 0.5, 0.999].map((random) => ({ jobCount, random })));
const executions = (ticks: number): number => Math.ceil(ticks / TICKS_A_CHUNK);

describe('the ticks of a run', () => {
  test.each(mixes)('of $jobCount jobs that take a week or a year fit two watch executions (random $random)', ({ jobCount, random }) => {
    expect(executions(ticksOf({ waves: 1, jobCount, random, seconds: 7 * DAY }))).toBeLessThanOrEqual(2);
    expect(executions(ticksOf({ waves: 1, jobCount, random, seconds: 365 * DAY }))).toBeLessThanOrEqual(2);
    // Few jobs pay for their own ticks, and are asked about seldom.
    if (jobCount < 50) expect(ticksOf({ waves: 1, jobCount, random, seconds: 365 * DAY })).toBeLessThan(TICKS_A_CHUNK / 3);
  });

  test.each(mixes)(
    'of $jobCount jobs that hang for a year past what they took before fit two as well (random $random)',
    ({ jobCount, random }) => {
      expect(executions(ticksOf({ waves: 1, jobCount, random, seconds: 365 * DAY, expected: TEN_MINUTES }))).toBeLessThanOrEqual(2);
    },
  );

  test('of ten thousand jobs in waves of an hour, a week long, fit a hundred watch executions', () => {
    const ticks = ticksOf({ waves: 7 * 24, jobCount: 10_000, random: 0.5, seconds: 7 * DAY });
    expect(executions(ticks)).toBeLessThan(100);
  });

  test.each([
    ['unknown', undefined],
    ['ten minutes', TEN_MINUTES],
    ['a week', A_WEEK],
    ['nothing', { p10: 0, p50: 0, p90: 0 }],
  ])('of ten thousand jobs, a week long, never fill the history of a watch execution (expected: %s)', (_, expected) => {
    for (const waves of [1, 7 * 24]) {
      const ticks = ticksOf({ waves, jobCount: 10_000, random: 0.999, seconds: 7 * DAY, expected });
      // The floor bounds them all; what an execution hands over bounds each.
      expect(ticks).toBeLessThanOrEqual((7 * DAY) / FLOOR);
      expect(Math.min(ticks, TICKS_A_CHUNK) * EVENTS_A_TICK).toBeLessThan(EVENTS_ALLOWED);
      expect(executions(ticks)).toBeLessThanOrEqual(waves === 1 ? 25 : 100);
    }
  });

  test('of one watch execution stay below the history limit by a wide margin, also where every tick is a fault', () => {
    expect(TICKS_A_CHUNK * EVENTS_A_TICK).toBeLessThan(EVENTS_ALLOWED * 0.75);
    // A faulty tick costs three of the count; four tries of three events, and what goes around them.
    expect((TICKS_A_CHUNK / 3) * (4 * 3 + 8)).toBeLessThan(EVENTS_ALLOWED * 0.75);
  });
});

const input: PollDelayInput = {
  jobCount: 1,
  agesSeconds: [100],
  deadlinesSeconds: [],
  expected: undefined,
  floorSeconds: FLOOR,
  random: 0.5,
};

describe('a delay', () => {
  const anything = fc.record({
    jobCount: fc.integer({ min: 1, max: 10_000 }),
    agesSeconds: fc.array(fc.double({ min: -600, max: 1e8, noNaN: true }), { maxLength: 60 }),
    deadlinesSeconds: fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { maxLength: 3 }),
    expected: fc.option(
      fc
        .tuple(...[1, 2, 3].map(() => fc.double({ min: 0, max: 1e7, noNaN: true })))
        .map((all) => all.toSorted((a, b) => a - b))
        .map(([p10 = 0, p50 = 0, p90 = 0]) => ({ p10, p50, p90 })),
      { nil: undefined },
    ),
    floorSeconds: fc.integer({ min: 1, max: 60 }),
    random: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
  });

  test(`is whole seconds, never below the floor, and no longer than to the first deadline (seed ${SEED})`, () => {
    fc.assert(
      fc.property(anything, (given) => {
        const delay = nextDelaySeconds(given);
        expect(delay).toBeGreaterThanOrEqual(given.floorSeconds);
        expect(Number.isSafeInteger(delay)).toBe(true);
        const first = Math.min(...given.deadlinesSeconds);
        if (given.deadlinesSeconds.length > 0) expect(delay).toBeLessThanOrEqual(Math.max(given.floorSeconds, Math.ceil(first)));
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test('misses the end of a job by no more than a thirtieth of its age, or the floor', () => {
    for (let age = 1; age < 400 * DAY; age *= 1.7)
      for (const jobs of [1, 100])
        expect(nextDelaySeconds({ ...input, jobCount: jobs, agesSeconds: ages(jobs, age), random: 0.999 })).toBeLessThanOrEqual(
          Math.max(FLOOR, age / 30 + 1),
        );
  });

  test('of runs that began together is spread, over no more than half a minute', () => {
    const delays = Array.from({ length: 100 }, (_, index) => nextDelaySeconds({ ...input, agesSeconds: [DAY], random: index / 100 }));
    expect(new Set(delays).size).toBeGreaterThan(25);
    expect(Math.max(...delays) - Math.min(...delays)).toBeLessThanOrEqual(30);
  });

  test('of jobs of one age is that of a single one, though they are ten thousand', () => {
    for (const expected of [undefined, TEN_MINUTES])
      expect(nextDelaySeconds({ ...input, jobCount: 10_000, expected, agesSeconds: ages(10_000, 300) })).toBe(
        nextDelaySeconds({ ...input, jobCount: 10_000, expected, agesSeconds: [300] }),
      );
  });

  test('of a run whose jobs all wait for their starters is a minute', () => {
    expect(nextDelaySeconds({ ...input, agesSeconds: [], random: 0 })).toBe(60);
    expect(nextDelaySeconds({ ...input, agesSeconds: [], expected: TEN_MINUTES, random: 0 })).toBe(60);
  });
});

describe('where past jobs tell what to expect', () => {
  /** The ages at which jobs that began together are looked at, up to an age. */
  const looks = (jobCount: number, expected: Expectation, random: number, until: number): readonly number[] => {
    const seen: number[] = [];
    for (let age = 0; age <= until;) {
      age += nextDelaySeconds({ ...input, jobCount, agesSeconds: [age], expected, random });
      seen.push(age);
    }
    return seen;
  };

  test.each([0, 0.5, 0.999])('a job is looked at a handful of times before its kind ends, the first time soon (random %d)', (random) => {
    for (const [expected, most] of [[TEN_MINUTES, 5] as const, [A_WEEK, 10] as const])
      for (const jobCount of [1, 10_000]) {
        // Of many jobs some end well before p10: they are looked at often from as long before it as p50 is after it.
        const dense = jobCount === 1 ? expected.p10 : 2 * expected.p10 - expected.p50;
        const early = looks(jobCount, expected, random, expected.p10 * 2).filter((age) => age < 0.9 * dense);
        expect(early.length).toBeLessThanOrEqual(most);
        expect(early[0]).toBeLessThanOrEqual(10);
      }
  });

  test.each([
    ['few', 1, 30],
    ['many', 50, 12],
  ])('and often while most of them end: of %s jobs an end is missed by no more than a part of the usual time', (_, jobCount, most) => {
    const { p10, p90 } = TEN_MINUTES;
    for (const random of [0, 0.5, 0.999]) {
      const around = looks(jobCount, TEN_MINUTES, random, 3 * p90);
      for (let end = p10; end <= 2 * p90 - p10; end += 1) {
        const seen = around.find((age) => age >= end) ?? Infinity;
        expect(seen - end).toBeLessThanOrEqual(most + 1);
      }
    }
  });

  test('the job that is to be looked at first decides, and a run of many stays dense down to its last job', () => {
    const next = (change: Partial<PollDelayInput>): number => nextDelaySeconds({ ...input, expected: TEN_MINUTES, random: 0, ...change });
    expect(next({ agesSeconds: [100, 600, 1] })).toBe(9);
    expect(next({ agesSeconds: [600, 260] })).toBe(30);
    expect(next({ jobCount: 1000, agesSeconds: [600] })).toBe(12);
  });

  test('costs a ten-minute job about ten looks, less than half of what it costs unknown', () => {
    const known = looks(1, TEN_MINUTES, 0.5, 600).length;
    const unknown = ticksOf({ waves: 1, jobCount: 1, random: 0.5, seconds: 600 });
    expect(known).toBeLessThanOrEqual(10);
    expect(known).toBeLessThan(unknown / 2);
  });
});
