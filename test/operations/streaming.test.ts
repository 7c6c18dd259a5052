/** Jobs that have no end of their own. */
import { describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import type { MetricSample } from '#domain/samples';
import { cancelRun } from '#operations/cancel-run';
import { closeJob } from '#operations/close-job';
import { finishRun } from '#operations/finish-run';
import { listSamples } from '#operations/list-samples';
import { pollRun } from '#operations/poll-run';
import { sweep } from '#operations/sweep';
import type { Run } from '#domain/run';
import { memoryDatabase } from '#test/support/memory-table';
import { begun, endsOf, expectSound, secondsToEnd } from './driving.ts';
import { world as worldOn, type World, type WorldOptions } from './world.ts';

const FOREVER = 10 * 365 * 86_400;
const limits = { maxParallel: 100, retries: {} };

const world = (sampleSeconds: number, options: WorldOptions = {}): Promise<World> =>
  worldOn(memoryDatabase, { template: { streaming: { sampleSeconds }, limits }, metricsSettleSeconds: 60, ...options });

async function samplesOf(it: World, run: Run, index = 0): Promise<readonly MetricSample[]> {
  const listed = await listSamples(it.ports, { runId: run.id, index }, { newestFirst: false }, { limit: 500 });
  if (listed.kind !== 'page') throw new Error(listed.kind);
  return listed.page.items;
}

const secondsOf = (it: World): number => (Date.parse(it.ports.clock.now()) - Date.UTC(2026, 0, 1)) / 1000;

/** As its watch loop does, for a time. */
async function watchedFor(it: World, run: Run, seconds: number): Promise<readonly number[]> {
  const until = secondsOf(it) + seconds;
  const delays: number[] = [];
  while (secondsOf(it) < until) {
    const { ended, delaySeconds } = await pollRun(it.ports, { runId: run.id });
    if (ended) throw new Error('the run has ended');
    delays.push(delaySeconds);
    it.advance(delaySeconds);
  }
  return delays;
}

describe('a streaming job', () => {
  test('is sampled once in every interval, however often it is looked at, and no look comes later than that', async () => {
    const it = await world(60);
    const run = await begun(it, [{ SECONDS: FOREVER, RATE: 5 }, { SECONDS: FOREVER }]);
    const delays = await watchedFor(it, run, 3600);
    expect(Math.max(...delays)).toBeLessThanOrEqual(60);
    const samples = await samplesOf(it, run);
    expect(samples.length).toBeGreaterThanOrEqual(60);
    expect(samples.length).toBeLessThanOrEqual(62);
    expect(samples.every(({ inputRecordCount }, place) => inputRecordCount >= (samples[place - 1]?.inputRecordCount ?? 0))).toBe(true);
    expect(samples.at(-1)).toMatchObject({ runId: run.id, index: 0, attempt: 1, engineId: 'sleep' });
    expect(samples.at(-1)?.inputRecordCount).toBeGreaterThan(5 * 3500);
    // The engine counts nothing of the other one while it runs.
    expect(await samplesOf(it, run, 1)).toEqual([]);
    const { usage } = (await it.ports.runs.progress(run.id)) ?? {};
    expect(usage).toMatchObject({ samples: samples.length, metricsCalls: 2 * samples.length });
  });

  test('of a run of thousands is sampled as often as its engine bears', async () => {
    const it = await world(10);
    const run = await begun(
      it,
      Array.from({ length: 400 }, () => ({ SECONDS: FOREVER, RATE: 1 })),
    );
    await watchedFor(it, run, 400);
    const { usage } = (await it.ports.runs.progress(run.id)) ?? {};
    expect((usage?.metricsCalls ?? 0) / 400).toBeLessThanOrEqual(11);
  });

  test('runs on past every limit but one that is given, until it is stopped, with the counts that it had then', async () => {
    const it = await world(3600);
    const run = await begun(it, [{ SECONDS: FOREVER, RATE: 1, INPUT: 77 }]);
    await watchedFor(it, run, 5 * 86_400);
    expect(await it.job(run)).toMatchObject({ state: 'RUNNING', start: {} });
    await cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' });
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['cancelled']);
    expect(await it.job(run)).toMatchObject({ metrics: { inputRecordCount: 77 } });
    expect((await samplesOf(it, run)).length).toBeGreaterThan(100);
    await expectSound(it, run);

    const limited = await world(60, { template: { streaming: { sampleSeconds: 60 }, limits: { ...limits, maxWaitSeconds: 300 } } });
    const short = await begun(limited, [{ SECONDS: FOREVER }]);
    await secondsToEnd(limited, short);
    expect(await endsOf(limited, short)).toEqual(['timed-out']);
  });

  test('that fails has failed, and teaches nothing about how long the next one takes', async () => {
    const it = await world(60);
    const run = await begun(it, [{ SECONDS: 500, FAIL: 'the source is gone' }, { SECONDS: 500 }]);
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['engine-error', 'FINISHED']);
    expect(await it.ports.durations.load(run.templateId)).toEqual([]);
  });

  test('whose counts cannot be had for a while has a gap in its series, and goes on', async () => {
    const it: World = await world(60, {
      engine: (engine) => ({
        ...engine,
        metrics: (id) =>
          secondsOf(it) > 600 && secondsOf(it) < 1200 ? Promise.reject(new Fault('EngineUnavailable', 'away')) : engine.metrics(id),
      }),
    });
    const run = await begun(it, [{ SECONDS: FOREVER, RATE: 1 }]);
    await watchedFor(it, run, 1800);
    const seconds = (await samplesOf(it, run)).map(({ at }) => (Date.parse(at) - Date.UTC(2026, 0, 1)) / 1000);
    expect(seconds.some((second) => second > 660 && second < 1200)).toBe(false);
    expect(seconds.filter((second) => second >= 1200).length).toBeGreaterThanOrEqual(9);
  });
});

/** run.asl.json: a child is parked for 31 days at most, and an execution is forgotten 90 days after its end. */
test('a streaming job outlives the child that was parked for it, and the execution, and what is known of that', async () => {
  const it = await world(21_600);
  const run = await begun(it, [{ SECONDS: FOREVER, RATE: 1 }]);
  await watchedFor(it, run, 31 * 86_400);
  await closeJob(it.ports, { runId: run.id, index: 0, fault: 'States.Timeout' });
  expect(await finishRun(it.ports, { runId: run.id, attempt: 1 })).toEqual({ ended: false });
  const [execution] = it.orchestrator.executions.values();
  if (!execution) throw new Error('no execution');
  execution.status = 'SUCCEEDED';
  for (const status of ['known', 'forgotten']) {
    if (status === 'forgotten') it.orchestrator.executions.clear();
    await watchedFor(it, run, 90 * 86_400);
    expect([status, (await sweep(it.ports, { repair: true })).rows]).toEqual([status, []]);
    expect([status, await it.loadRun(run)]).toMatchObject([status, { state: 'RUNNING' }]);
    expect([status, await it.job(run)]).toMatchObject([status, { state: 'RUNNING' }]);
  }
  // What is older than 30 days is not shown any more.
  const samples = await samplesOf(it, run);
  expect(samples.length).toBeGreaterThan(100);
  expect(samples.length).toBeLessThan(125);
  await cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' });
  await secondsToEnd(it, run);
  await expectSound(it, run);
});
