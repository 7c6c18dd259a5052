/** Counts that settle after the end, failures that an engine wants acknowledged, engine jobs that are to be removed. */
import { describe, expect, test } from 'vitest';
import { StoredAttemptMetrics } from '#contract/stored';
import { decodeDocument } from '#adapters/dynamodb/decoding';
import { keys } from '#adapters/dynamodb/keys';
import { Fault } from '#domain/faults';
import { jobId } from '#domain/ids';
import { metricsStateOf, type Job } from '#domain/job';
import { isFinal, type Run } from '#domain/run';
import type { TemplateLimits } from '#domain/template';
import { finishRun } from '#operations/finish-run';
import { pollRun } from '#operations/poll-run';
import type { Engine, Ports } from '#operations/ports';
import { retryRun } from '#operations/retry-run';
import { sendManaged } from '#operations/send-event';
import { sweep } from '#operations/sweep';
import { memoryDatabase } from '#test/support/memory-table';
import type { SleepEngine } from '#test/support/sleep-engine';
import { begun, endsOf, executed, expectSound, jobsOf, secondsToEnd, tokenOf } from './driving.ts';
import { Crash, crashingAt, world as worldOn, type World, type WorldOptions } from './world.ts';

const SETTLE_SECONDS = 60;
const COUNTS = { INPUT: 10, OUTPUT: 8, ERRORS: 2 };
const world = (options: WorldOptions = {}): Promise<World> => worldOn(memoryDatabase, { metricsSettleSeconds: SETTLE_SECONDS, ...options });

const limits = (retries: TemplateLimits['retries']): TemplateLimits => ({
  maxWaitSeconds: 600,
  maxParallel: 100,
  retries,
});
const ONCE = { 'engine-error': { times: 1, backoffSeconds: 0 } } as const;

const unavailable = new Fault('EngineUnavailable', 'the engine is away');

/** What was recorded of an attempt that another one has followed. */
async function recordOf(it: World, run: Run, index: number, attempt: number): Promise<unknown> {
  const item = await it.table.get(keys.metrics({ runId: run.id, index }, attempt));
  return item && decodeDocument(StoredAttemptMetrics, item);
}

const tickAt = async (it: World, run: Run, seconds: number): Promise<number> => {
  it.advance(seconds);
  return (await pollRun(it.ports, { runId: run.id })).delaySeconds;
};

describe('counts that settle after the end of their job', () => {
  test('hold up neither the job nor its child nor the run, and are added to all of them once they have settled', async () => {
    const it = await world();
    const run = await begun(it, [
      { SECONDS: 20, LATE: 35, ...COUNTS },
      { SECONDS: 20, ...COUNTS },
    ]);
    it.advance(20);
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: false, delaySeconds: 10 });
    expect([...it.orchestrator.released].toSorted()).toEqual([tokenOf(run, 0), tokenOf(run, 1)]);
    expect(await it.loadRun(run)).toMatchObject({ state: 'SUCCEEDED', collecting: true, counts: { inputRecordCount: 15 } });
    const [late, prompt] = await jobsOf(it, run);
    expect([late?.metrics?.inputRecordCount, late && metricsStateOf(late)]).toEqual([5, 'pending']);
    expect([prompt?.metrics?.inputRecordCount, prompt && metricsStateOf(prompt)]).toEqual([10, 'settled']);
    // Ages of 10, 20 and 40 seconds.
    expect([await tickAt(it, run, 10), await tickAt(it, run, 10)]).toEqual([10, 20]);
    it.advance(20);
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: true, delaySeconds: 0 });
    expect(metricsStateOf(await it.job(run))).toBe('settled');
    expect((await it.loadRun(run)).counts).toMatchObject({ finished: 2, inputRecordCount: 20, outputRecordCount: 16 });
    expect(await it.loadRun(run)).not.toHaveProperty('collecting');
    expect(it.engine.calls.metrics).toBe(2 + 3);
    expect((await it.ports.runs.progress(run.id))?.usage.metricsCalls).toBe(5);
    await expectSound(it, run);
  });

  test('are added also where somebody has sent an event about the job meanwhile', async () => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 20, LATE: 35, ...COUNTS }]);
    await tickAt(it, run, 20);
    for (const name of ['validate', 'validated'] as const)
      expect(await sendManaged(it.ports, { job: jobId(run.id, 0), name, actor: 'tests' })).toMatchObject({ kind: 'answered' });
    for (const seconds of [10, 10, 20]) await tickAt(it, run, seconds);
    expect(await it.job(run)).toMatchObject({ state: 'VALIDATED', metrics: { inputRecordCount: 10 } });
    expect(metricsStateOf(await it.job(run))).toBe('settled');
  });

  test('and still change when the engine’s time for them is over are recorded as provisional, once', async () => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 1, LATE: 1000, ...COUNTS }]);
    it.advance(1);
    expect(await secondsToEnd(it, run)).toBe(SETTLE_SECONDS);
    expect(await it.job(run)).toMatchObject({ metricsStanding: { state: 'provisional' }, metrics: { inputRecordCount: 5 } });
    await expectSound(it, run);
    const before = await it.job(run);
    it.advance(2000);
    await pollRun(it.ports, { runId: run.id });
    expect(await it.job(run)).toEqual(before);
  });

  test('and never come are recorded as unavailable, which is no failure', async () => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 1, LATE: 1000, ABSENT: 1 }]);
    it.advance(1);
    await secondsToEnd(it, run);
    const reason = 'the engine has no counts of the job';
    expect(await it.job(run)).toMatchObject({ state: 'FINISHED', metricsStanding: { state: 'unavailable', reason } });
    expect(await it.loadRun(run)).toMatchObject({ state: 'SUCCEEDED' });
    await expectSound(it, run);
  });

  test('of an engine that has none and says so at once are not waited for', async () => {
    const it = await world({ metricsSettleSeconds: 0 });
    const run = await begun(it, [{ SECONDS: 1, LATE: 10, ABSENT: 1 }]);
    it.advance(1);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(true);
    expect((await it.job(run)).metricsStanding).toMatchObject({ state: 'unavailable' });
  });

  test('of an engine that cannot be asked are waited for past its time, and then recorded as unavailable for that reason', async () => {
    const away = { until: 300 };
    const it: World = await world({
      engine: (engine) => ({
        ...engine,
        metrics: (id) => (secondsOf(it) < away.until ? Promise.reject(unavailable) : engine.metrics(id)),
      }),
    });
    const run = await begun(it, [{ SECONDS: 1, ...COUNTS }]);
    it.advance(1);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    expect(await it.loadRun(run)).toMatchObject({ state: 'SUCCEEDED' });
    await secondsToEnd(it, run);
    expect(metricsStateOf(await it.job(run))).toBe('settled');
    await expectSound(it, run);

    away.until = Infinity;
    const other = await begun(it, [{ SECONDS: 1, ...COUNTS }], { userRunId: 'r2' });
    it.advance(1);
    expect(await secondsToEnd(it, other)).toBeLessThan(SETTLE_SECONDS + 2 * 3600);
    const reason = 'the engine could not be asked: the engine is away';
    expect(await it.job(other)).toMatchObject({ state: 'FINISHED', metricsStanding: { state: 'unavailable', reason } });
  });

  test('are not asked for more often because other jobs of the run are looked at often', async () => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 1, LATE: 1000 }, { SECONDS: 100 }]);
    it.advance(1);
    for (let seconds = 0; seconds < 58; seconds += 2) await tickAt(it, run, 2);
    expect(it.engine.calls.metrics).toBe(1 + 3);
  });
});

const secondsOf = (it: World): number => (Date.parse(it.ports.clock.now()) - Date.UTC(2026, 0, 1)) / 1000;

describe('an attempt with pending counts that another one follows', () => {
  test('by itself has its counts recorded when they have settled, and those of the next are its own', async () => {
    const it = await world({ template: { limits: limits(ONCE) } });
    const run = await begun(it, [{ SECONDS: 5, LATE: 15, FAIL: 'x', ...COUNTS }]);
    it.advance(5);
    await pollRun(it.ports, { runId: run.id });
    expect(await it.job(run)).toMatchObject({ attempt: 2, aftercare: [{ attempt: 1, collect: true }] });
    expect(await recordOf(it, run, 0, 1)).toBeUndefined();
    await secondsToEnd(it, run);
    expect(await recordOf(it, run, 0, 1)).toMatchObject({ inputRecordCount: 10, outputRecordCount: 8 });
    expect(await it.job(run)).toMatchObject({ attempt: 2, state: 'FAILED', metrics: { inputRecordCount: 10 } });
    expect(await it.job(run)).not.toHaveProperty('aftercare');
    expect(it.engine.acknowledged.size).toBe(2);
    await expectSound(it, run);
  });

  test('by a caller has its counts recorded all the same', async () => {
    const it = await world();
    const run = await begun(it, [
      { SECONDS: 5, LATE: 15, FAIL: 'x', ...COUNTS },
      { SECONDS: 5, LATE: 500, FAIL: 'y', ...COUNTS },
    ]);
    await tickAt(it, run, 5);
    expect(await it.loadRun(run)).toMatchObject({ state: 'FAILED', collecting: true, counts: { inputRecordCount: 10 } });
    await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' });
    expect(await it.loadRun(run)).not.toHaveProperty('collecting');
    await executed(it, run);
    await secondsToEnd(it, run);
    expect(await recordOf(it, run, 0, 1)).toMatchObject({ inputRecordCount: 10 });
    expect(await recordOf(it, run, 0, 1)).not.toHaveProperty('standing');
    expect(await recordOf(it, run, 1, 1)).toMatchObject({ inputRecordCount: 5, standing: { state: 'provisional' } });
    expect((await jobsOf(it, run)).map(metricsStateOf)).toEqual(['settled', 'provisional']);
    await expectSound(it, run);
  });
});

describe('an engine job that is to be removed', () => {
  test('is removed once its counts are recorded, and not before; also those of earlier attempts', async () => {
    const it = await world({ template: { deleteAfterCompletion: true, limits: limits(ONCE) } });
    const run = await begun(it, [
      { SECONDS: 5, LATE: 15, FAIL: 'x', ...COUNTS },
      { SECONDS: 5, LATE: 15, ...COUNTS },
    ]);
    it.advance(5);
    await pollRun(it.ports, { runId: run.id });
    expect(it.engine.calls.remove).toBe(0);
    await secondsToEnd(it, run);
    expect(it.engine.jobs.size).toBe(0);
    expect(it.engine.calls.remove).toBe(3);
    expect(await recordOf(it, run, 0, 1)).toMatchObject({ inputRecordCount: 10 });
    expect((await jobsOf(it, run)).map(metricsStateOf)).toEqual(['settled', 'settled']);
    await expectSound(it, run);
  });
});

describe('trouble of the engine with what is to be done after an end', () => {
  const troubled =
    (method: 'acknowledge' | 'remove', isTroubled: (id: string) => boolean) =>
    (engine: SleepEngine): Engine => ({
      ...engine,
      [method]: (id: Parameters<Engine['remove']>[0]) => (isTroubled(id) ? Promise.reject(unavailable) : engine[method](id)),
    });

  test.each(['acknowledge', 'remove'] as const)('to %s one holds up neither its child nor the others, and is met again', async (method) => {
    const it: World = await world({
      metricsSettleSeconds: 0,
      template: { deleteAfterCompletion: method === 'remove' },
      engine: troubled(method, (id) => id.includes('_00000_') && secondsOf(it) < 100),
    });
    const run = await begun(it, [
      { SECONDS: 5, FAIL: 'x' },
      { SECONDS: 5, FAIL: 'y' },
    ]);
    it.advance(5);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    expect(it.orchestrator.released.size).toBe(2);
    expect(await it.loadRun(run)).toMatchObject({ state: 'FAILED', collecting: true });
    const taken = await secondsToEnd(it, run);
    expect(taken).toBeGreaterThan(95);
    expect(taken).toBeLessThan(200);
    if (method === 'acknowledge') expect(it.engine.acknowledged.size).toBe(2);
    else expect(it.engine.jobs.size).toBe(0);
    await expectSound(it, run);
  });

  test('that never ends is left alone after a day, and was met ever more seldom', async () => {
    const it = await world({ metricsSettleSeconds: 0, engine: troubled('acknowledge', () => true) });
    const run = await begun(it, [{ SECONDS: 5, FAIL: 'x' }]);
    it.advance(5);
    const seconds = await secondsToEnd(it, run);
    expect(seconds).toBeGreaterThanOrEqual(86_400);
    expect(seconds).toBeLessThan(26 * 3600);
    expect((await it.ports.runs.progress(run.id))?.usage.ticks).toBeLessThan(50);
    await expectSound(it, run);
  });

  test('that takes all the time of a tick leaves the rest to the next, and the run ends meanwhile', async () => {
    const it: World = await world({
      metricsSettleSeconds: 0,
      engine: (engine) => ({
        ...engine,
        acknowledge(id) {
          if (secondsOf(it) > 200) return engine.acknowledge(id);
          it.advance(15);
          return Promise.reject(unavailable);
        },
      }),
    });
    const run = await begun(
      it,
      Array.from({ length: 80 }, () => ({ SECONDS: 5, FAIL: 'x' })),
    );
    it.advance(5);
    await pollRun(it.ports, { runId: run.id });
    expect(isFinal(await it.loadRun(run))).toBe(true);
    await secondsToEnd(it, run);
    expect(it.engine.acknowledged.size).toBe(80);
    await expectSound(it, run);
  });
});

describe('a run that has ended with counts to come', () => {
  const collecting = async (): Promise<{ readonly it: World; readonly run: Run }> => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 5, LATE: 15, ...COUNTS }]);
    await tickAt(it, run, 5);
    return { it, run: await it.loadRun(run) };
  };

  test('is no stray while its loop looks at it, and is watched again where that has stopped', async () => {
    const { it, run } = await collecting();
    expect((await sweep(it.ports, { repair: false })).rows).toEqual([]);
    it.advance(600);
    it.orchestrator.executions.clear();
    const { rows } = await sweep(it.ports, { repair: true });
    expect(rows.map(({ stray }) => stray.kind)).toEqual(['watch-overdue']);
    expect([...it.orchestrator.watches]).toContain(`${run.id}-2`);
    await secondsToEnd(it, run);
    await expectSound(it, run);
    it.advance(600);
    expect((await sweep(it.ports, { repair: true })).rows).toEqual([]);
  });

  test('is not ended by its execution before the tick has marked it', async () => {
    const it = await world();
    const run = await begun(it, [{ SECONDS: 5, LATE: 15, ...COUNTS }]);
    it.advance(5);
    const runs: Ports['runs'] = { ...it.ports.runs, save: () => Promise.reject(new Crash('the process is gone')) };
    await expect(pollRun({ ...it.ports, runs }, { runId: run.id })).rejects.toThrow('gone');
    expect(await finishRun(it.ports, { runId: run.id, attempt: 1 })).toEqual({ ended: false });
    expect(isFinal(await it.loadRun(run))).toBe(false);
    await secondsToEnd(it, run);
    await expectSound(it, run);
  });
});

test('a crash after any call is repaired by the ticks that follow: each attempt is counted, acknowledged and removed once', async () => {
  const sets = [
    { SECONDS: 5, LATE: 15, ...COUNTS },
    { SECONDS: 5, LATE: 15, FAIL: 'x', ...COUNTS },
    { SECONDS: 5, FAIL: 'y', ...COUNTS },
    { SECONDS: 9, WARN: 'slow' },
  ];
  let least = 0;
  for (let nth = 0; ; nth += 1) {
    const it = await world({ template: { deleteAfterCompletion: true, limits: limits(ONCE) } });
    const run = await begun(it, sets);
    const crashing = crashingAt(it.ports, nth);
    const records = new Map<string, number>();
    const watch = async (ports: Ports): Promise<void> => {
      const jobs: Ports['jobs'] = {
        ...ports.jobs,
        async save(changes, count) {
          const outcomes = await ports.jobs.save(changes, count);
          for (const [place, { before, records: made = [] }] of changes.entries())
            if (outcomes[place]?.kind === 'saved')
              for (const { attempt } of made)
                records.set(`${before.index} a${attempt}`, (records.get(`${before.index} a${attempt}`) ?? 0) + 1);
          return outcomes;
        },
      };
      for (let ticks = 0; ticks < 60; ticks += 1) {
        const { ended, delaySeconds } = await pollRun({ ...ports, jobs }, { runId: run.id });
        if (ended) return;
        it.advance(delaySeconds);
      }
      throw new Error('the run has not ended');
    };
    const crashed = await watch(crashing.ports).catch((error: unknown) => error);
    if (crashed instanceof Crash) {
      it.advance(it.ports.policy.leaseSeconds + 1);
      await watch(it.ports);
    } else expect(crashed).toBeUndefined();
    const story = `crash ${nth}: after ${crashing.calls[nth - 1] ?? 'nothing'}`;
    expect([story, await endsOf(it, run)]).toEqual([story, ['FINISHED', 'engine-error', 'engine-error', 'FINISHED']]);
    expect([story, it.engine.jobs.size, it.engine.acknowledged.size]).toEqual([story, 0, 4]);
    expect([story, (await jobsOf(it, run)).map(standingOf)]).toEqual([story, ['settled 10', 'settled 10', 'settled 10', 'settled 100']]);
    for (const index of [1, 2])
      expect([story, await recordOf(it, run, index, 1)]).toMatchObject([story, { inputRecordCount: 10, outputRecordCount: 8 }]);
    // A record whose answer was lost in the crash is not counted here; twice is never.
    expect([story, [...records.values()].every((count) => count === 1)]).toEqual([story, true]);
    await expectSound(it, run);
    if (crashing.calls.length < nth) break;
    least = nth;
  }
  expect(least).toBeGreaterThan(60);
}, 120_000);

const standingOf = (job: Job): string => `${metricsStateOf(job) ?? 'none'} ${job.metrics?.inputRecordCount ?? 0}`;
