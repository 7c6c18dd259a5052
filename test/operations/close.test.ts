/** What ends a job or a run from outside the tick: closeJob, closeRun, finishRun, and letting settled jobs go. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { closeJob } from '#operations/close-job';
import { closeRun } from '#operations/close-run';
import { finishRun } from '#operations/finish-run';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import { startRun } from '#operations/start-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const start = (it: World, run: Run, index = 0): Promise<void> => startJob(it.ports, { runId: run.id, index, taskToken: `token ${index}` });

describe('closing a job whose start ended in a fault', () => {
  test('a job that never reached the engine fails with the fault as its message, and its run ends', async () => {
    const it = await world(database);
    const run = await it.planned([{}]);
    await closeJob(it.ports, { runId: run.id, index: 0, fault: "TypeError: can't" });
    expect((await it.job(run)).failure).toEqual({ reason: 'start-failed', message: "TypeError: can't" });
    expect((await it.loadRun(run)).state).toBe('FAILED');
    expect(await it.ports.jobs.open(run)).toEqual([]);
  });

  test('a job that the engine has after all is adopted and followed to its end', async () => {
    const it = await world(database, {
      engine: (engine) => ({
        ...engine,
        start: async (one) => {
          await engine.start(one);
          throw new Fault('EngineUnavailable', 'the answer is lost');
        },
      }),
    });
    const run = await it.planned([{ SECONDS: 10 }]);
    await expect(start(it, run)).rejects.toThrow('the answer is lost');
    await closeJob(it.ports, { runId: run.id, index: 0, fault: 'EngineUnavailable: the answer is lost' });
    expect((await it.job(run)).failure).toBeUndefined();
    it.advance(10);
    await it.watch(run);
    expect((await it.job(run)).state).toBe('FINISHED');
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });

  test('a job whose starter may live is not failed: it is followed when it is started after all', async () => {
    let go = (): void => undefined;
    const slow = new Promise<void>((resolve) => (go = resolve));
    const it = await world(database, { engine: (engine) => ({ ...engine, start: (one) => slow.then(() => engine.start(one)) }) });
    const run = await it.planned([{ SECONDS: 10 }]);
    const starting = start(it, run);
    await vi.waitFor(async () => {
      expect((await it.job(run)).start.intentAt).toBeDefined();
    });
    for (const _ of [1, 2]) await closeJob(it.ports, { runId: run.id, index: 0, fault: 'Lambda.ServiceException: no answer' });
    expect(await it.job(run)).toMatchObject({ state: 'CREATED', start: { fault: 'Lambda.ServiceException: no answer' } });
    go();
    await starting;
    expect((await it.job(run)).start).not.toHaveProperty('fault');
    await it.watch(run);
    expect((await it.job(run)).state).toBe('FINISHED');
    expect(it.engine.calls.start).toBe(1);
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });

  test('a job whose starter has died fails with the fault once no starter can live, and is not started again', async () => {
    const it = await world(database, { engine: (engine) => ({ ...engine, start: () => Promise.reject(new TypeError("can't")) }) });
    const run = await it.planned([{}]);
    await expect(start(it, run)).rejects.toThrow("can't");
    const { intentAt } = (await it.job(run)).start;
    await closeJob(it.ports, { runId: run.id, index: 0, fault: "TypeError: can't" });
    it.advance(it.ports.policy.starterSeconds - 1);
    await pollRun(it.ports, { runId: run.id });
    // Also a late try of its child does not hasten the verdict, nor starts it.
    await startJob(it.ports, { runId: run.id, index: 0, taskToken: 'late' });
    expect(await it.job(run)).toMatchObject({ state: 'CREATED', start: { intentAt } });
    await it.watch(run);
    expect((await it.job(run)).failure).toEqual({ reason: 'start-failed', message: "TypeError: can't" });
    expect((await it.job(run)).start).toMatchObject({ intentAt });
    expect([...it.orchestrator.released].toSorted()).toEqual(['late', 'token 0']);
  });

  test('a job that was started, or is settled, is left to the tick', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }, { SECONDS: 0 }]);
    await start(it, run, 1);
    await pollRun(it.ports, { runId: run.id });
    // Started, and not seen to run yet.
    await start(it, run, 0);
    const before = await it.ports.jobs.loadRange(run, 0, 2);
    for (const index of [0, 1]) await closeJob(it.ports, { runId: run.id, index, fault: 'late' });
    expect(await it.ports.jobs.loadRange(run, 0, 2)).toEqual(before);
  });

  test('one closed job does not end a run whose neighbours go on', async () => {
    const it = await world(database);
    const run = await it.planned([{}, { SECONDS: 10 }]);
    await start(it, run, 1);
    await closeJob(it.ports, { runId: run.id, index: 0, fault: 'x' });
    expect((await it.loadRun(run)).state).toBe('RUNNING');
    it.advance(10);
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('PARTIAL');
  });

  test('repeated, it fails the job once', async () => {
    const it = await world(database);
    const run = await it.planned([{}, { SECONDS: 10 }]);
    for (const _ of [1, 2]) await closeJob(it.ports, { runId: run.id, index: 0, fault: 'x' });
    expect(await it.ports.jobs.counts(run)).toMatchObject({ failed: 1 });
    expect(await it.job(run)).toMatchObject({ sequence: 2 });
  });
});

describe('closing a run whose execution gave up', () => {
  test('stops what runs, fails what waits, and the run ends as failed though no execution drives it', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 1e9 }, { SECONDS: 1 }]);
    await start(it, run);
    await closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'RunAborted: boom' });
    expect(await it.loadRun(run)).toMatchObject({ closing: { reason: 'aborted', message: 'RunAborted: boom' } });
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('FAILED');
    expect((await it.ports.jobs.loadRange(run, 0, 2)).map(({ failure }) => failure?.reason)).toEqual(['aborted', 'aborted']);
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });

  test('a run that was never planned gets its jobs, each of them failed, and is watched', async () => {
    const it = await world(database);
    const outcome = await startRun(it.ports, request({ sets: [{}, {}, {}] }));
    if (outcome.kind !== 'started') throw new Error(outcome.kind);
    await closeRun(it.ports, { execution: 'arn', driven: { userId: 'ada', userRunId: 'r1' }, message: 'x' });
    expect([...it.orchestrator.watches]).toEqual([`${outcome.run.id}-2`]);
    await it.watch(outcome.run);
    expect(await it.ports.jobs.counts(outcome.run)).toMatchObject({ failed: 3 });
  });

  test('an execution closes no run but the one it drives', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    await closeRun(it.ports, { execution: 'another', driven: { runId: run.id }, message: 'x' });
    expect((await it.loadRun(run)).closing).toBeUndefined();
  });

  test('the first closing stays: a cancelled run that is then aborted is cancelled', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    const closing = { reason: 'cancelled' as const, message: 'by ada', at: it.ports.clock.now() };
    await it.ports.runs.save({ ...run, closing }, run);
    await closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'x' });
    expect((await it.loadRun(run)).closing).toEqual(closing);
  });

  test('an ended run, and an execution that never had a run, are left alone', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }]);
    await start(it, run);
    await it.watch(run);
    const ended = await it.loadRun(run);
    it.orchestrator.watches.clear();
    await closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'x' });
    await closeRun(it.ports, { execution: 'arn', driven: { userId: 'ada', userRunId: 'no such' }, message: 'x' });
    await closeRun(it.ports, { execution: 'arn', driven: { runId: 'run_01K00000000000000000000009' as RunId }, message: 'x' });
    expect(await it.loadRun(run)).toEqual(ended);
    expect(it.orchestrator.watches.size).toBe(0);
  });
});

describe('finishing a run', () => {
  test('with open jobs leaves it to the watch loop; with none it ends, as often as it is asked', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    await start(it, run);
    expect(await finishRun(it.ports, { runId: run.id, attempt: 1 })).toEqual({ ended: false });
    expect((await it.loadRun(run)).state).toBe('RUNNING');
    it.advance(10);
    await it.watch(run);
    const ended = await it.loadRun(run);
    for (const _ of [1, 2]) expect(await finishRun(it.ports, { runId: run.id, attempt: 1 })).toEqual({ ended: true });
    expect(await it.loadRun(run)).toEqual(ended);
  });

  test('a run that is not there is gone for good', async () => {
    const it = await world(database);
    await expect(finishRun(it.ports, { runId: 'run_01K00000000000000000000009' as RunId, attempt: 1 })).rejects.toMatchObject({
      name: 'Vanished',
    });
  });
});

describe('letting settled jobs go', () => {
  test('a child whose release fails stays parked until the next tick, and then goes', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }, { SECONDS: 100 }]);
    for (const index of [0, 1]) await start(it, run, index);
    const down = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, release: () => Promise.reject(new Fault('OrchestratorUnavailable', 'throttled')) },
    };
    await expect(pollRun(down, { runId: run.id })).rejects.toMatchObject({ name: 'OrchestratorUnavailable' });
    expect((await it.job(run)).state).toBe('FINISHED');
    expect(it.orchestrator.released.size).toBe(0);
    it.advance(it.ports.policy.leaseSeconds + 1);
    await it.watch(run);
    expect([...it.orchestrator.released].toSorted()).toEqual(['token 0', 'token 1']);
  });

  test('of a child whose release fails the run does not end without it, though no other job is open', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }]);
    await start(it, run);
    const down = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, release: () => Promise.reject(new Fault('OrchestratorUnavailable', 'throttled')) },
    };
    await expect(pollRun(down, { runId: run.id })).rejects.toMatchObject({ name: 'OrchestratorUnavailable' });
    expect((await it.loadRun(run)).state).toBe('RUNNING');
    it.advance(it.ports.policy.leaseSeconds + 1);
    await it.watch(run);
    expect([...it.orchestrator.released]).toEqual(['token 0']);
  });
});
