import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectationOf, sampled, SAMPLE_OF_RUN, withDurations } from '#domain/durations';

const SEED = 20261121;
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('what a job may be expected to take', () => {
  test('is known from five past jobs on', () => {
    expect(expectationOf([])).toBeUndefined();
    expect(expectationOf([1, 2, 3, 4])).toBeUndefined();
    expect(expectationOf([1, 2, 3, 4, 5])).toEqual({ p10: 1.4, p50: 3, p90: 4.6 });
  });

  test('lies between the two nearest, in whatever order they came', () => {
    expect(expectationOf(upTo(11))).toEqual({ p10: 2, p50: 6, p90: 10 });
    expect(expectationOf(upTo(11).toReversed())).toEqual({ p10: 2, p50: 6, p90: 10 });
    expect(expectationOf([7, 7, 7, 7, 7])).toEqual({ p10: 7, p50: 7, p90: 7 });
  });

  test(`is in order, and within what was seen (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 5, maxLength: 100 }), (seconds) => {
        const { p10, p50, p90 } = expectationOf(seconds) ?? { p10: NaN, p50: NaN, p90: NaN };
        const ordered = [Math.min(...seconds), p10, p50, p90, Math.max(...seconds)];
        for (const [place, value] of ordered.entries()) expect(value).toBeGreaterThanOrEqual((ordered[place - 1] ?? 0) * (1 - 1e-12));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('the durations of a template', () => {
  test('are the last hundred, to a tenth of a second, oldest first', () => {
    expect(withDurations([1], [2.345, 3.04])).toEqual([1, 2.3, 3]);
    expect(withDurations(upTo(99), [200, 201, 202])).toEqual([...upTo(99).slice(2), 200, 201, 202]);
    expect(withDurations([], upTo(250))).toEqual(upTo(250).slice(150));
  });

  test('four runs of thousands do not make each other forgotten', () => {
    let all: readonly number[] = [];
    for (const run of [1, 2, 3, 4]) {
      const own = sampled(
        [],
        0,
        upTo(5000).map(() => run),
        () => 0.5,
      );
      all = withDurations(all, own);
    }
    for (const run of [1, 2, 3, 4]) expect(all.filter((seconds) => seconds === run)).toHaveLength(25);
  });
});

describe('the sample of a run', () => {
  /** A stream in pieces, as ticks bring it. */
  const streamed = (pieces: readonly (readonly number[])[], random: () => number): readonly number[] => {
    let sample: readonly number[] = [];
    let seen = 0;
    for (const piece of pieces) {
      sample = sampled(sample, seen, piece, random);
      seen += piece.length;
    }
    return sample;
  };

  /** A small generator, so that the stream of fractions is a function of its seed. */
  const fractions = (seed: number): (() => number) => {
    let state = seed >>> 0;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  };

  test(`keeps all while they are few and ${SAMPLE_OF_RUN} at most, each of them one that was there (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 40 }), { maxLength: 8 }),
        fc.integer(),
        (pieces, seed) => {
          const all = pieces.flat();
          const sample = streamed(pieces, fractions(seed));
          expect(sample).toHaveLength(Math.min(all.length, SAMPLE_OF_RUN));
          if (all.length <= SAMPLE_OF_RUN) expect(sample).toEqual(all);
          for (const kept of sample) expect(all).toContain(kept);
          // The same fractions, the same sample; however the stream was cut.
          expect(streamed([all], fractions(seed))).toEqual(sample);
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  test('keeps the first of a long stream as often as the last', () => {
    const random = fractions(SEED);
    const times = Array<number>(10).fill(0);
    for (let round = 0; round < 2000; round += 1)
      for (const kept of streamed([upTo(60), upTo(40).map((each) => each + 60)], random)) {
        const tenth = Math.floor((kept - 1) / 10);
        times[tenth] = (times[tenth] ?? 0) + 1;
      }
    // 2,000 rounds keep 25 of 100: each tenth of the stream 5,000 times, give or take four standard deviations.
    for (const kept of times) expect(Math.abs(kept - 5000)).toBeLessThan(250);
  });
});
