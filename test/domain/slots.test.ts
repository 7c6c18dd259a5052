import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import { grantSlots, livingHolders, startsLeft, type SlotHolder, type SlotLimits, type StartBudget } from '#domain/slots';
import { at } from './builders.ts';

const SEED = 20261121;
const NOW = 1000;
const OWN = 'run_own' as RunId;
const holder = (name: string, held: number, waiting: number, until = NOW + 600): SlotHolder => ({
  runId: `run_${name}` as RunId,
  held,
  waiting,
  until: at(until),
});
const grant = (
  limits: SlotLimits,
  holders: readonly SlotHolder[],
  demand: { readonly held?: number; readonly wanted: number },
  budget?: StartBudget,
): ReturnType<typeof grantSlots> =>
  grantSlots(limits, { holders, ...(budget ? { budget } : {}) }, { runId: OWN, held: 0, now: at(NOW), ...demand });

describe('slots', () => {
  test('that are free are granted to whoever asks while nobody else waits', () => {
    expect(grant({ maxParallel: 10 }, [], { wanted: 4 })).toEqual({ granted: 4, inUse: 4 });
    expect(grant({ maxParallel: 10 }, [holder('a', 7, 0)], { wanted: 4 })).toEqual({ granted: 3, inUse: 10, waitsFor: 'slot' });
    expect(grant({ maxParallel: 10 }, [holder('a', 7, 0)], { held: 3, wanted: 4 })).toEqual({ granted: 0, inUse: 10, waitsFor: 'slot' });
  });

  test('are none where a limit was lowered below what is in use', () => {
    expect(grant({ maxParallel: 2 }, [holder('a', 7, 0)], { held: 3, wanted: 4 })).toEqual({ granted: 0, inUse: 10, waitsFor: 'slot' });
  });

  test('of a holder whose lease has run out are free, and its waiting jobs wait no more', () => {
    const dead = holder('dead', 9, 9, NOW);
    expect(livingHolders({ holders: [dead, holder('a', 1, 0)] }, at(NOW)).map(({ runId }) => runId)).toEqual(['run_a']);
    expect(grant({ maxParallel: 10 }, [dead], { wanted: 10 }).granted).toBe(10);
  });

  test('that the run had by its own last word count by its new word alone', () => {
    const own: SlotHolder = { ...holder('own', 9, 9), runId: OWN };
    expect(grant({ maxParallel: 10 }, [own], { held: 2, wanted: 100 })).toEqual({ granted: 8, inUse: 10, waitsFor: 'slot' });
  });

  test('go by shares while others wait: a run of one comes next, not after thousands', () => {
    const limits = { maxParallel: 4 };
    // The large run has all of them; the small one waits, and takes the first that comes free.
    const small = holder('small', 0, 1);
    expect(grant(limits, [small], { held: 4, wanted: 1000 }).granted).toBe(0);
    expect(grant(limits, [small], { held: 3, wanted: 1000 }).granted).toBe(0);
    expect(grant(limits, [holder('large', 3, 1000)], { wanted: 1 }).granted).toBe(1);
    // It has its slot and waits no more: the rest is the large one's again.
    expect(grant(limits, [holder('small', 1, 0)], { held: 2, wanted: 1000 }).granted).toBe(1);
  });
});

describe('starts', () => {
  test('may come ten seconds worth at once, or one at least, and are refilled with time', () => {
    expect(startsLeft(2, undefined, at(0))).toBe(20);
    expect(startsLeft(0.01, undefined, at(0))).toBe(1);
    const empty = { starts: 0, at: at(0) };
    expect([1, 5, 10, 999].map((seconds) => startsLeft(2, empty, at(seconds)))).toEqual([2, 10, 20, 20]);
    expect(startsLeft(0.01, empty, at(99))).toBeLessThan(1);
    expect(startsLeft(0.01, empty, at(100))).toBe(1);
    // A clock that is behind takes nothing away.
    expect(startsLeft(2, { starts: 3, at: at(60) }, at(0))).toBe(3);
  });

  test('limit what slots would allow, and say so', () => {
    expect(grant({ startsPerSecond: 1 }, [], { wanted: 50 })).toMatchObject({ granted: 10, waitsFor: 'start-rate' });
    expect(grant({ startsPerSecond: 1, maxParallel: 5 }, [], { wanted: 50 })).toMatchObject({ granted: 5, waitsFor: 'slot' });
    expect(grant({ startsPerSecond: 1 }, [], { wanted: 5 }, { starts: 0.9, at: at(NOW) })).toMatchObject({ granted: 0 });
  });

  test('are shared among those who wait', () => {
    expect(grant({ startsPerSecond: 1 }, [holder('a', 0, 9)], { wanted: 50 }).granted).toBe(5);
    expect(grant({ startsPerSecond: 1 }, [holder('a', 9, 0)], { wanted: 50 }).granted).toBe(10);
  });
});

describe('whoever holds what, and whatever is asked for', () => {
  const anyLimits = fc.record(
    { maxParallel: fc.integer({ min: 1, max: 20 }), startsPerSecond: fc.double({ min: 0.01, max: 20, noNaN: true }) },
    { requiredKeys: [] },
  );
  const anyHolder = fc
    .tuple(fc.nat({ max: 5 }), fc.nat({ max: 12 }), fc.nat({ max: 12 }), fc.constantFrom(NOW - 1, NOW, NOW + 1, NOW + 600))
    .map(([name, held, waiting, until]) => holder(name === 0 ? 'own' : String(name), held, waiting, until));
  const anyCase = fc.record({
    limits: anyLimits,
    holders: fc.uniqueArray(anyHolder, { maxLength: 6, selector: ({ runId }) => runId }),
    demand: fc.record({ held: fc.nat({ max: 12 }), wanted: fc.nat({ max: 30 }) }),
    budget: fc.option(
      fc.record({ starts: fc.double({ min: 0, max: 30, noNaN: true }), at: fc.constantFrom(at(NOW - 3), at(NOW), at(NOW + 60)) }),
      { nil: undefined },
    ),
  });

  test(`no more is granted than is free, wanted and affordable, and no share is exceeded while others wait (seed ${SEED})`, () => {
    fc.assert(
      fc.property(anyCase, ({ limits, holders, demand, budget }) => {
        const { granted, waitsFor, inUse } = grant(limits, holders, demand, budget);
        const others = holders.filter(({ runId, until }) => runId !== OWN && until > at(NOW));
        const used = demand.held + others.reduce((sum, { held }) => sum + held, 0);
        expect(granted).toBeGreaterThanOrEqual(0);
        expect(Number.isSafeInteger(granted)).toBe(true);
        expect(granted).toBeLessThanOrEqual(demand.wanted);
        expect(inUse).toBe(used + granted);
        expect(waitsFor === undefined).toBe(granted === demand.wanted);
        const { maxParallel = Infinity, startsPerSecond } = limits;
        if (granted > 0) expect(used + granted).toBeLessThanOrEqual(maxParallel);
        if (startsPerSecond !== undefined) expect(granted).toBeLessThanOrEqual(startsLeft(startsPerSecond, budget, at(NOW)));
        const starving = others.some(({ waiting }) => waiting > 0);
        if (starving && granted > 0) expect(demand.held + granted).toBeLessThanOrEqual(Math.ceil(maxParallel / (others.length + 1)));
        // Nothing is held back where nobody else waits.
        if (!starving && startsPerSecond === undefined) expect(granted).toBe(Math.min(demand.wanted, Math.max(0, maxParallel - used)));
        // The dead, and what the run itself had said before, count for nothing.
        expect(grant(limits, others, demand, budget)).toEqual({ granted, inUse, ...(waitsFor ? { waitsFor } : {}) });
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  /** A small generator, so that who comes when is a function of its seed. */
  const below = (seed: number): ((limit: number) => number) => {
    let state = seed >>> 0;
    return (limit) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
  };

  const anyRuns = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    maxParallel: fc.integer({ min: 1, max: 6 }),
    startsPerSecond: fc.option(fc.double({ min: 0.2, max: 3, noNaN: true }), { nil: undefined }),
    seed: fc.integer(),
  });

  test(`runs that take turns never exceed the limits together, and every one of them ends (seed ${SEED})`, () => {
    fc.assert(
      fc.property(anyRuns, ({ sizes, maxParallel, startsPerSecond, seed }) => {
        const random = below(seed);
        const limits: SlotLimits = { maxParallel, ...(startsPerSecond === undefined ? {} : { startsPerSecond }) };
        const runs = sizes.map((queued, place) => ({ runId: `run_${place}` as RunId, queued, running: 0 }));
        const holders = new Map<RunId, SlotHolder>();
        let budget: StartBudget | undefined;
        let started = 0;
        for (let now = 0; runs.some(({ queued, running }) => queued + running > 0); now += random(4)) {
          if (now > 50_000) throw new Error('some run does not end');
          const run = runs[random(runs.length)] ?? { runId: OWN, queued: 0, running: 0 };
          // A tick of one run: some of its jobs have ended, and it asks for the rest.
          run.running = Math.max(0, run.running - random(3));
          const standing = { holders: [...holders.values()], ...(budget ? { budget } : {}) };
          const { granted } = grantSlots(limits, standing, { runId: run.runId, held: run.running, wanted: run.queued, now: at(now) });
          run.queued -= granted;
          run.running += granted;
          started += granted;
          if (startsPerSecond !== undefined) budget = { starts: startsLeft(startsPerSecond, budget, at(now)) - granted, at: at(now) };
          holders.set(run.runId, { runId: run.runId, held: run.running, waiting: run.queued, until: at(now + 1e6) });
          const underWay = [...holders.values()].reduce((sum, { held }) => sum + held, 0);
          expect(underWay).toBeLessThanOrEqual(maxParallel);
          if (startsPerSecond !== undefined)
            expect(started).toBeLessThanOrEqual(Math.max(1, startsPerSecond * 10) + startsPerSecond * now + 1e-6);
        }
        expect(started).toBe(sizes.reduce((a, b) => a + b));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
