/** Promises kept over thousands of worlds (simulate.ts), and worlds that tell a promise broken from one kept. */
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';
import { simulate } from './simulate.ts';

const SEEDS = 2_000;
/** Every planted bug shows within so many. */
const SEEDS_TO_FIND = 300;

/** Between two seeds, so that the runner hears of this process. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a run in a world where everything fails now and then', () => {
  it(`keeps every promise over ${SEEDS} seeds`, { timeout: 300_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation } = await simulate({ seed });
      expect(violation, `seed ${seed}; its steps: npm run simulate -- --seed ${seed}`).toBeUndefined();
      await breath();
    }
  });

  it('goes the same way whenever the seed is the same', async () => {
    const [first, second, other] = [
      await simulate({ seed: 7, traced: true }),
      await simulate({ seed: 7, traced: true }),
      await simulate({ seed: 8, traced: true }),
    ];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.trace).toEqual(first.trace);
    expect(other.trace).not.toEqual(first.trace);
  });
});

describe('a planted bug is found', () => {
  it.each(Object.entries(MUTATIONS))('%s', { timeout: 120_000 }, async (_name, mutation) => {
    let found: string | undefined;
    for (let seed = 1; seed <= SEEDS_TO_FIND && found === undefined; seed += 1) {
      found = (await simulate({ seed, mutation })).violation;
      await breath();
    }
    expect(found).toBeDefined();
  });
});
