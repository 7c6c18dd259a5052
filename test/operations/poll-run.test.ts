import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import { instant } from '#domain/ids';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import { startRun } from '#operations/start-run';
import type { Run } from '#domain/run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

async function started(it: World, sets: readonly Readonly<Record<string, number | string>>[]): Promise<Run> {
  const run = await it.planned(sets);
  await Promise.all(sets.map((_, index) => startJob(it.ports, { runId: run.id, index, taskToken: `token ${index}` })));
  return run;
}

describe('a tick', () => {
  test('asks the engine once about all open jobs, and not about those that have ended', async () => {
    const it = await world(database);
    const run = await started(it, [...Array.from({ length: 30 }, () => ({ SECONDS: 0 })), { SECONDS: 100 }]);
    await pollRun(it.ports, { runId: run.id });
    expect(it.engine.calls).toMatchObject({ status: 1, metrics: 30 });
    await pollRun(it.ports, { runId: run.id });
    expect(it.engine.calls).toMatchObject({ status: 2, metrics: 30 });
    expect(it.orchestrator.released.size).toBe(30);
  });

  test('that sees the last job settle ends the run, with the metrics of every job counted', async () => {
    const it = await world(database);
    const run = await started(it, [
      { SECONDS: 1, INPUT: 10, OUTPUT: 9, ERRORS: 1 },
      { SECONDS: 2, INPUT: 5, OUTPUT: 5 },
      { SECONDS: 3, FAIL: "disk 'on' fire" },
    ]);
    it.advance(2);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    expect((await it.loadRun(run)).state).toBe('RUNNING');
    it.advance(1);
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: true, delaySeconds: 0 });
    expect(await it.loadRun(run)).toMatchObject({ state: 'PARTIAL', finishedAt: it.ports.clock.now() });
    expect(await it.ports.jobs.counts(run)).toEqual({
      finished: 2,
      failed: 1,
      cancelled: 0,
      inputRecordCount: 115,
      outputRecordCount: 114,
      errorRecordCount: 1,
    });
    expect((await it.job(run, 2)).failure).toEqual({ reason: 'engine-error', message: "disk 'on' fire" });
  });

  test('of an ended run changes nothing', async () => {
    const it = await world(database);
    const run = await started(it, [{ SECONDS: 0 }]);
    await it.watch(run);
    const [before, job] = [await it.loadRun(run), await it.job(run)];
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: true, delaySeconds: 0 });
    expect([await it.loadRun(run), await it.job(run)]).toEqual([before, job]);
  });

  test('of a run that is not planned yet answers when to come again', async () => {
    const it = await world(database);
    const outcome = await startRun(it.ports, request());
    if (outcome.kind !== 'started') throw new Error(outcome.kind);
    expect(await pollRun(it.ports, { runId: outcome.run.id })).toEqual({ ended: false, delaySeconds: 57 });
  });

  test('that took long is followed by a rest of that length at least', async () => {
    const slow = { seconds: 0 };
    const it: World = await world(database, {
      engine: (engine) => ({
        ...engine,
        status(ids) {
          it.advance(slow.seconds);
          return engine.status(ids);
        },
      }),
    });
    const run = await it.planned([{ SECONDS: 1000 }]);
    await startJob(it.ports, { runId: run.id, index: 0, taskToken: 't' });
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: false, delaySeconds: 5 });
    slow.seconds = 21;
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: false, delaySeconds: 21 });
  });

  test('of a run that does not exist is refused for good', async () => {
    const { ports } = await world(database);
    await expect(pollRun(ports, { runId: request().userRunId as Run['id'] })).rejects.toMatchObject({ name: 'Vanished' });
  });
});

describe('two ticks at a time', () => {
  test('the second is told to come again, and the first goes round once more for it', async () => {
    let asked = 0;
    const second: unknown[] = [];
    const it: World = await world(database, {
      engine: (engine) => ({
        ...engine,
        status: async (ids) => {
          asked += 1;
          const answer = await engine.status(ids);
          // A burst of nudges while the first round is under way, after the job has ended for the engine.
          if (asked === 1) {
            it.advance(10);
            for (const _ of [1, 2, 3]) second.push(await pollRun(it.ports, { runId: run.id }));
          }
          return answer;
        },
      }),
    });
    const run = await started(it, [{ SECONDS: 10 }]);
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: true, delaySeconds: 0 });
    expect(second).toEqual(Array.from({ length: 3 }, () => ({ ended: false, delaySeconds: 5 })));
    expect(asked).toBe(2);
    expect(it.orchestrator.released.size).toBe(1);
  });

  test('a tick that died holds its run no longer than its lease', async () => {
    const it = await world(database);
    const run = await started(it, [{ SECONDS: 0 }]);
    const now = it.ports.clock.now();
    await it.ports.runs.takeTick(run.id, { host: 'test', owner: 'test/dead', now, until: instant(Date.parse(now) + 180_000) });
    expect(await pollRun(it.ports, { runId: run.id })).toEqual({ ended: false, delaySeconds: 5 });
    it.advance(181);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(true);
  });

  test('a tick that fails lets its run go, so that its retry is a tick', async () => {
    let down = true;
    const it = await world(database, {
      engine: (engine) => ({
        ...engine,
        status: (ids) => (down ? Promise.reject(new Fault('EngineUnavailable', 'no answer')) : engine.status(ids)),
      }),
    });
    const run = await started(it, [{ SECONDS: 0 }]);
    await expect(pollRun(it.ports, { runId: run.id })).rejects.toMatchObject({ name: 'EngineUnavailable', retryable: true });
    down = false;
    it.advance(2);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(true);
  });
});

describe('what an engine forgets', () => {
  const forget = ({ engine }: World): void => {
    (engine.jobs as Map<string, unknown>).clear();
  };

  test('before it began is started anew in the same attempt, as often as that happens', async () => {
    const it = await world(database);
    const run = await started(it, [{ SECONDS: 100 }]);
    for (const restarts of [1, 2, 3]) {
      forget(it);
      await pollRun(it.ports, { runId: run.id });
      expect(await it.job(run)).toMatchObject({ attempt: 1, state: 'CREATED', start: { restarts } });
      expect([...it.engine.jobs.keys()]).toEqual([(await it.job(run)).start.engineJobName]);
    }
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });

  test('while it ran is a lost job: started again at once, once, and then failed as lost', async () => {
    const it = await world(database);
    const run = await started(it, [{ SECONDS: 100 }]);
    await pollRun(it.ports, { runId: run.id });
    forget(it);
    await pollRun(it.ports, { runId: run.id });
    expect(await it.job(run)).toMatchObject({ attempt: 2, state: 'CREATED' });
    expect([...it.engine.jobs.keys()]).toEqual([(await it.job(run)).start.engineJobName]);
    expect(it.orchestrator.released.size).toBe(0);
    await pollRun(it.ports, { runId: run.id });
    forget(it);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(true);
    expect((await it.job(run)).failure).toMatchObject({ reason: 'lost' });
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });
});

describe('limits and endings', () => {
  test('a job past its limit is stopped on the engine first, and then fails as timed-out', async () => {
    const it = await world(database, { template: { limits: { maxWaitSeconds: 60, maxParallel: 1, retries: {} } } });
    const run = await started(it, [{ SECONDS: 1e9 }, { SECONDS: 50 }]);
    it.advance(60);
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    expect(it.engine.calls.stop).toBe(1);
    expect(await it.job(run)).toMatchObject({ state: 'RUNNING', start: { stop: { reason: 'timed-out' } } });
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(true);
    expect(await it.job(run)).toMatchObject({ state: 'FAILED', failure: { reason: 'timed-out' } });
    expect((await it.job(run, 1)).state).toBe('FINISHED');
    expect((await it.loadRun(run)).state).toBe('PARTIAL');
  });

  test('a run that is cancelled stops what runs, settles what waits, and keeps what has finished', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }, { SECONDS: 1e9 }, { SECONDS: 5 }]);
    for (const index of [0, 1]) await startJob(it.ports, { runId: run.id, index, taskToken: `token ${index}` });
    await pollRun(it.ports, { runId: run.id });
    const running = await it.loadRun(run);
    const closing = { reason: 'cancelled', message: 'by ada', at: it.ports.clock.now() } as const;
    const saved = await it.ports.runs.save({ ...running, closing }, running);
    expect(saved.kind).toBe('saved');
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('CANCELLED');
    expect(await it.ports.jobs.counts(run)).toMatchObject({ finished: 1, failed: 0, cancelled: 2 });
    expect((await it.job(run, 1)).failure?.message).toBe('stopped because it was cancelled');
    expect((await it.job(run, 2)).failure?.message).toBe('by ada');
    expect(it.engine.calls).toMatchObject({ start: 2, stop: 1 });
    expect([...it.orchestrator.released].toSorted()).toEqual(['token 0', 'token 1']);
  });
});

describe('starting again', () => {
  test('a retried job that the engine then refuses lets its child go before the run ends', async () => {
    const it: World = await world(database, {
      engine: (engine) => ({
        ...engine,
        start: (start) =>
          engine.calls.start === 0 ? engine.start(start) : Promise.resolve({ kind: 'refused' as const, message: 'quota' }),
      }),
    });
    const run = await started(it, [{ SECONDS: 100 }]);
    (it.engine.jobs as Map<string, unknown>).clear();
    await it.watch(run);
    expect((await it.job(run)).failure).toEqual({ reason: 'start-failed', message: 'quota' });
    expect([...it.orchestrator.released]).toEqual(['token 0']);
    expect(await it.ports.jobs.open(run)).toEqual([]);
  });

  test('a retried job whose start throws fails alone, and its neighbours are recorded in the same tick', async () => {
    const it: World = await world(database, {
      engine: (engine) => ({
        ...engine,
        start: (start) => (engine.calls.start < 2 ? engine.start(start) : Promise.reject(new TypeError('poisoned'))),
      }),
    });
    const run = await started(it, [{ SECONDS: 100 }, { SECONDS: 0 }]);
    for (const name of it.engine.jobs.keys()) if (name.includes('_00000_')) (it.engine.jobs as Map<string, unknown>).delete(name);
    await it.watch(run);
    expect((await it.job(run, 0)).failure).toEqual({ reason: 'start-failed', message: 'TypeError: poisoned' });
    expect((await it.job(run, 1)).state).toBe('FINISHED');
    expect((await it.loadRun(run)).state).toBe('PARTIAL');
  });

  test('a run that is closed while a start was interrupted starts nothing any more', async () => {
    const broken = (calls: { start: number }): Promise<never> => {
      calls.start = 1;
      return Promise.reject(new Fault('EngineUnavailable', 'no answer'));
    };
    const it: World = await world(database, {
      engine: (engine) => ({ ...engine, start: (start) => (engine.calls.start === 0 ? broken(engine.calls) : engine.start(start)) }),
    });
    const run = await it.planned([{ SECONDS: 5 }]);
    await expect(startJob(it.ports, { runId: run.id, index: 0, taskToken: 'token' })).rejects.toThrow('no answer');
    const running = await it.loadRun(run);
    const closing = { reason: 'cancelled', message: 'by ada', at: it.ports.clock.now() } as const;
    await it.ports.runs.save({ ...running, closing }, running);
    await it.watch(run);
    expect(it.engine.jobs.size).toBe(0);
    expect((await it.job(run)).failure?.reason).toBe('cancelled');
  });
});

describe('removal', () => {
  test('an engine job is removed after its metrics were kept, where the template says so, and never before', async () => {
    const removed: unknown[] = [];
    const it: World = await world(database, {
      template: { deleteAfterCompletion: true },
      engine: (engine) => ({
        ...engine,
        remove: async (id) => {
          removed.push((await it.job(run)).metrics?.inputRecordCount);
          return engine.remove(id);
        },
      }),
    });
    const run = await started(it, [{ SECONDS: 1, INPUT: 7 }]);
    await pollRun(it.ports, { runId: run.id });
    expect(removed).toEqual([]);
    it.advance(1);
    await pollRun(it.ports, { runId: run.id });
    expect(removed).toEqual([7]);
    expect(it.engine.jobs.size).toBe(0);
  });
});
