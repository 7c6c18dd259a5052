/** Limits that hold across runs: of a template, of an engine, of how many may be started in a second. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { epochMs, type TemplateId } from '#domain/ids';
import { DEFAULT_LIMITS, type TemplateLimits } from '#domain/template';
import { cancelRun } from '#operations/cancel-run';
import { pollRun } from '#operations/poll-run';
import type { Ports, SlotRead } from '#operations/ports';
import { aTemplate, at, TEMPLATE_ID } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { memoryDatabase } from '#test/support/memory-table';
import { accepted, activeOn, begun, executed, expectSound, secondsToEnd, watchedTogether } from './driving.ts';
import { Crash, crashingAt, world, type World, type WorldOptions } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const OF_TEMPLATE = `template:${TEMPLATE_ID}`;
const OF_ENGINE = 'engine:sleep';
const limited = (limits: Partial<TemplateLimits>): WorldOptions => ({ template: { limits: { ...DEFAULT_LIMITS, ...limits } } });
const sets = (count: number, seconds = 20): readonly { readonly SECONDS: number }[] =>
  Array.from({ length: count }, () => ({ SECONDS: seconds }));
const active = (it: World): number => activeOn(it.engine, it.ports.clock.now()).length;
const holdersOf = async (it: World, resource: string): Promise<SlotRead['holders']> => (await it.ports.slots.load(resource)).holders;

describe.each([
  ['a template', limited({ maxParallelAcrossRuns: 3 })],
  ['an engine', { engineLimits: { sleep: { maxParallel: 3 } } } satisfies WorldOptions],
] as const)('what %s may have under way at once', (_, options) => {
  test('is never exceeded by all runs together, is made use of, and every run ends', async () => {
    const it = await world(database, options);
    const runs = [await begun(it, sets(7)), await begun(it, sets(4), { userRunId: 'r2' }), await begun(it, sets(1), { userRunId: 'r3' })];
    let most = 0;
    await watchedTogether(it, runs, () => {
      most = Math.max(most, active(it));
      expect(active(it)).toBeLessThanOrEqual(3);
    });
    expect(most).toBe(3);
    for (const run of runs) {
      expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
      await expectSound(it, run);
    }
    for (const resource of await it.ports.slots.resources()) expect(await holdersOf(it, resource)).toEqual([]);
  });

  test('is shared: a run of one has its slot as soon as one comes free, though a large run came before', async () => {
    const it = await world(database, options);
    const large = await begun(it, sets(60));
    await pollRun(it.ports, { runId: large.id });
    const small = await begun(it, sets(1), { userRunId: 'small' });
    await pollRun(it.ports, { runId: small.id });
    expect((await it.job(small)).start).toEqual({ queuedFor: 'slot' });
    let startedAtMs: number | undefined;
    await watchedTogether(it, [large, small], () => {
      startedAtMs ??= [...it.engine.jobs.values()].find(({ runId }) => runId === small.id)?.startedAtMs;
    });
    // A wave of the large run takes 20 s; looking at it, and at what waits, may take as long again.
    expect(((startedAtMs ?? Infinity) - epochMs(at(0))) / 1000).toBeLessThanOrEqual(45);
  });
});

describe('what waits for a slot', () => {
  test('says so: how many jobs, since when, for which limit; and no more once it has started', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 2 }));
    const first = await begun(it, sets(2, 100));
    await pollRun(it.ports, { runId: first.id });
    it.advance(10);
    const second = await begun(it, sets(3), { userRunId: 'r2' });
    const since = it.ports.clock.now();
    for (const seconds of [0, 7]) {
      it.advance(seconds);
      await pollRun(it.ports, { runId: second.id });
      expect((await it.ports.runs.progress(second.id))?.waiting).toEqual({
        jobs: 3,
        since,
        reason: `${OF_TEMPLATE} may have 2 jobs under way, and has 2`,
      });
    }
    await watchedTogether(it, [first, second]);
    expect(await it.ports.runs.progress(second.id)).not.toHaveProperty('waiting');
  });

  test('is told every limit that keeps it waiting', async () => {
    const it = await world(database, {
      ...limited({ maxParallelAcrossRuns: 1, startsPerSecond: 100 }),
      engineLimits: { sleep: { startsPerSecond: 0.01 } },
    });
    const run = await begun(it, sets(3, 1000));
    await pollRun(it.ports, { runId: run.id });
    expect((await it.ports.runs.progress(run.id))?.waiting).toMatchObject({
      jobs: 2,
      reason: `${OF_TEMPLATE} may have 1 job under way, and has 1; ${OF_ENGINE} may start 0.01 jobs a second`,
    });
  });

  test('is not started by its child, and takes no time from its limit', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 1, maxWaitSeconds: 100 }));
    const run = await begun(it, sets(4, 60));
    expect(it.engine.calls.start).toBe(0);
    // The last of them waits for longer than any may run.
    expect(await secondsToEnd(it, run)).toBeGreaterThan(200);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
  });
});

test('how many may be started in a second holds across runs', async () => {
  const it = await world(database, limited({ startsPerSecond: 0.5 }));
  const runs = [await begun(it, sets(20, 1)), await begun(it, sets(20, 1), { userRunId: 'r2' })];
  await watchedTogether(it, runs);
  const starts = [...it.engine.jobs.values()].map(({ startedAtMs }) => (startedAtMs - epochMs(at(0))) / 1000).toSorted((a, b) => a - b);
  expect(starts).toHaveLength(40);
  // Ten seconds' worth may come at once, and what has gathered since.
  for (const [place, seconds] of starts.entries()) expect(place + 1).toBeLessThanOrEqual(5 + seconds * 0.5 + 1e-6);
  for (const run of runs) await expectSound(it, run);
});

test('a run that may only not start too many at once tells of itself while it has jobs to start, and no longer; it counts each start once', async () => {
  const it = await world(database, { engineLimits: { sleep: { startsPerSecond: 0.5 } } });
  const run = await begun(it, [...sets(7, 1), { SECONDS: 600 }]);
  let holds = 0;
  const hold = (...given: Parameters<Ports['slots']['hold']>): ReturnType<Ports['slots']['hold']> => {
    holds += 1;
    return it.ports.slots.hold(...given);
  };
  const ports = { ...it.ports, slots: { ...it.ports.slots, hold } };
  for (let ticks = 0; ticks < 10; ticks += 1) {
    await pollRun(ports, { runId: run.id });
    const { start } = it.engine.calls;
    expect(await holdersOf(it, OF_ENGINE)).toMatchObject(
      start === run.count ? [] : [{ runId: run.id, held: 0, waiting: run.count - start }],
    );
    it.advance(5);
  }
  expect(it.engine.calls.start).toBe(run.count);
  // Five at once, and five in ten seconds after that; then it is looked at for what its last job does alone.
  expect(holds).toBeLessThanOrEqual(3);
  expect((await it.ports.runs.progress(run.id))?.usage).toMatchObject({ tickStarts: 0, slotStarts: run.count, slotHolds: holds });
  await secondsToEnd(it, run);
  await expectSound(it, run);
});

test('an engine is limited across the templates that use it, and a template alone where each has its own', async () => {
  const it = await world(database, { ...limited({ maxParallelAcrossRuns: 2 }), engineLimits: { sleep: { maxParallel: 3 } } });
  await it.ports.catalog.addTemplateVersion(aTemplate({ id: 'tmpl_other' as TemplateId }));
  await it.ports.catalog.putPattern({
    sourceType: 'other',
    targetType: 'gcs',
    templateId: 'tmpl_other' as TemplateId,
    version: 1,
    updatedAt: at(0),
  });
  const runs = [await begun(it, sets(5)), await begun(it, sets(5), { userRunId: 'r2', sourceType: 'other' })];
  await watchedTogether(it, runs, () => {
    expect(active(it)).toBeLessThanOrEqual(3);
    expect(
      activeOn(it.engine, it.ports.clock.now()).filter((name) => name.includes(runs[0]?.id.slice(4) ?? '?')).length,
    ).toBeLessThanOrEqual(2);
  });
  for (const run of runs) expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
});

describe('runs that ask at the same moment', () => {
  test('are granted no more together than is free', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 2 }));
    const runs = [];
    for (const userRunId of ['r1', 'r2', 'r3', 'r4']) runs.push(await begun(it, sets(2, 1000), { userRunId }));
    await Promise.all(runs.map(({ id }) => pollRun(it.ports, { runId: id })));
    expect(active(it)).toBe(2);
    const held = (await holdersOf(it, OF_TEMPLATE)).reduce((sum, holder) => sum + holder.held, 0);
    expect(held).toBe(2);
  });

  test('again and again: who loses every race starts nothing, and is looked at again', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 2 }));
    const run = await begun(it, sets(1));
    const losing: Ports = { ...it.ports, slots: { ...it.ports.slots, hold: () => Promise.resolve('conflict') } };
    await expect(pollRun(losing, { runId: run.id })).rejects.toMatchObject({ name: 'StoreBusy', retryable: true });
    expect(active(it)).toBe(0);
    await pollRun(it.ports, { runId: run.id });
    expect(active(it)).toBe(1);
  });
});

describe('slots that nobody gives back', () => {
  test('of a run that is looked at no more are free when its lease has run out', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 1 }));
    const dead = await begun(it, sets(1, 1e6));
    await pollRun(it.ports, { runId: dead.id });
    const [held] = await holdersOf(it, OF_TEMPLATE);
    const run = await begun(it, sets(1), { userRunId: 'r2' });
    await pollRun(it.ports, { runId: run.id });
    expect((await it.job(run)).start.queuedFor).toBe('slot');
    // A tick that comes late does not find its slots given away.
    expect(epochMs(held?.until ?? at(0)) - epochMs(it.ports.clock.now())).toBeGreaterThanOrEqual(600_000);
    it.advance((epochMs(held?.until ?? at(0)) - epochMs(it.ports.clock.now())) / 1000);
    await pollRun(it.ports, { runId: run.id });
    expect((await it.job(run)).start).toHaveProperty('engineJobId');
  });

  test('are none where a run is cancelled while its jobs wait', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 1 }));
    const run = await begun(it, sets(3, 1e6));
    await pollRun(it.ports, { runId: run.id });
    await cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' });
    await secondsToEnd(it, run);
    expect(await holdersOf(it, OF_TEMPLATE)).toEqual([]);
  });

  test('are none where the engine refuses the last job that was granted one', async () => {
    const it = await world(database, limited({ maxParallelAcrossRuns: 1 }));
    const run = await begun(it, [{ REFUSE: 'no' }]);
    await secondsToEnd(it, run);
    expect((await it.loadRun(run)).state).toBe('FAILED');
    expect(await holdersOf(it, OF_TEMPLATE)).toEqual([]);
  });
});

test('retries wait for a slot as well', async () => {
  const it = await world(database, limited({ maxParallelAcrossRuns: 1, retries: { 'engine-error': { times: 1, backoffSeconds: 0 } } }));
  const runs = [await begun(it, [{ SECONDS: 5, FAIL: 'x' }]), await begun(it, sets(4), { userRunId: 'r2' })];
  await watchedTogether(it, runs, () => {
    expect(active(it)).toBeLessThanOrEqual(1);
  });
  expect(runs[0] && (await it.job(runs[0])).attempt).toBe(2);
});

test('a crash at any step of the ticks that admit jobs: no limit is exceeded, no slot is lost, every job ends once', async () => {
  for (let nth = 0; ; nth += 1) {
    const it = await world(memoryDatabase, limited({ maxParallelAcrossRuns: 2 }));
    const other = await begun(it, sets(1, 30), { userRunId: 'other' });
    await pollRun(it.ports, { runId: other.id });
    const run = await executed(it, await accepted(it, sets(3, 10)));
    const crashing = crashingAt(it.ports, nth);
    const act = async (ports: Ports): Promise<void> => {
      for (let ticks = 0; ticks < 40 && !(await pollRun(ports, { runId: run.id })).ended; ticks += 1) {
        expect(active(it)).toBeLessThanOrEqual(2);
        it.advance(5);
      }
    };
    const crashed = await act(crashing.ports).catch((error: unknown) => error);
    if (crashed instanceof Crash) {
      expect(active(it)).toBeLessThanOrEqual(2);
      it.advance(it.ports.policy.leaseSeconds + 1);
      await act(it.ports);
    } else expect(crashed).toBeUndefined();
    const story = `crash ${nth}: after ${crashing.calls[nth - 1] ?? 'nothing'}`;
    expect([story, (await it.loadRun(run)).state, it.engine.jobs.size]).toEqual([story, 'SUCCEEDED', 4]);
    await expectSound(it, run);
    await watchedTogether(it, [other]);
    expect([story, ...(await holdersOf(it, OF_TEMPLATE))]).toEqual([story]);
    if (crashing.calls.length < nth) {
      expect(nth).toBeGreaterThan(40);
      break;
    }
  }
}, 400_000);
