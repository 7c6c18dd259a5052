/** What becomes of a run that is retried: its jobs, its counts, its children; and of a retry that died on the way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFinal, type Run } from '#domain/run';
import { cancelJob } from '#operations/cancel-run';
import { closeJob } from '#operations/close-job';
import { finishRun } from '#operations/finish-run';
import { letGo } from '#operations/let-go';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Engine, Ports } from '#operations/ports';
import { retryRun, type JobSelection } from '#operations/retry-run';
import { startJob } from '#operations/start-job';
import { sweep } from '#operations/sweep';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { memoryDatabase } from '#test/support/memory-table';
import { begun, children, ended, endsOf, executed, expectSound, historyOf, secondsToEnd, tokenOf } from './driving.ts';
import { Crash, crashingAt, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const retry = async (it: World, run: Run, selection: JobSelection = {}): Promise<void> => {
  const outcome = await retryRun(it.ports, { runId: run.id, selection, requestedBy: 'ada' });
  if (outcome.kind !== 'retried') throw new Error(outcome.kind);
};
const retriedToItsEnd = async (it: World, run: Run, selection: JobSelection = {}): Promise<Run> => {
  await retry(it, run, selection);
  await executed(it, run);
  await secondsToEnd(it, run);
  await expectSound(it, run);
  return it.loadRun(run);
};

/** First attempts are refused, of the sets that say so; later ones start. */
const refusingFirst = (engine: Engine): Engine => ({
  ...engine,
  start: (start) =>
    start.parameters['FLAKY'] === true && start.engineJobName.endsWith('_a1')
      ? Promise.resolve({ kind: 'refused', message: 'not yet' })
      : engine.start(start),
});
const FLAKY = { FLAKY: true, SECONDS: 1, INPUT: 10, OUTPUT: 8, ERRORS: 2 };
const GOOD = { SECONDS: 1, INPUT: 5, OUTPUT: 5 };

describe('a run that is retried', () => {
  test('starts just the jobs that were selected, under names of their own, and can turn SUCCEEDED', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [GOOD, FLAKY, FLAKY]);
    expect(run.state).toBe('PARTIAL');
    const starts = it.engine.calls.start;
    const after = await retriedToItsEnd(it, run);
    expect(after).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 2,
      counts: { finished: 3, failed: 0, inputRecordCount: 25, errorRecordCount: 4 },
    });
    expect(it.engine.calls.start).toBe(starts + 2);
    expect([...it.engine.jobs.keys()].map((name) => name.slice(-8)).toSorted()).toEqual(['00000_a1', '00001_a2', '00002_a2']);
    expect((await historyOf(it, run, 1)).map(({ name, actor, attempt }) => `${name} ${actor} ${attempt}`)).toEqual([
      'create tests 1',
      'fail sluice 1',
      'reset ada 1',
      'ready ada 2',
      'run sluice 2',
      'finish sluice 2',
    ]);
    expect(await it.job(run, 1)).toMatchObject({ attempt: 2, runAttempt: 2, retries: 0 });
    expect(await it.job(run, 0)).toMatchObject({ attempt: 1, runAttempt: 1 });
  });

  test('a part at a time turns from FAILED to PARTIAL to SUCCEEDED, and its totals are never doubled', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY, FLAKY]);
    const states = [run.state];
    for (const index of [0, 1]) states.push((await retriedToItsEnd(it, run, { indexes: [index] })).state);
    expect(states).toEqual(['FAILED', 'PARTIAL', 'SUCCEEDED']);
    const totals = await it.ports.runs.totals({}, { limit: 10 });
    expect(totals.kind === 'page' && totals.page.items).toMatchObject([{ runs: 1, finished: 2, failed: 0, inputRecordCount: 20 }]);
  });

  test('begins each attempt with the automatic retries that its template grants', async () => {
    const it = await world(database, {
      template: { limits: { maxWaitSeconds: 600, maxParallel: 9, retries: { 'engine-error': { times: 1, backoffSeconds: 0 } } } },
    });
    const run = await ended(it, [{ SECONDS: 1, FAIL: 'x' }]);
    expect(await it.job(run)).toMatchObject({ attempt: 2, retries: 1 });
    await retriedToItsEnd(it, run);
    expect(await it.job(run)).toMatchObject({ attempt: 4, retries: 1, runAttempt: 2, state: 'FAILED' });
  });

  test('has nothing left to do about the attempts before, whose failures were acknowledged', async () => {
    const it = await world(database);
    const run = await ended(it, [{ SECONDS: 1, FAIL: 'no' }]);
    await retry(it, run);
    await executed(it, run);
    while (!isFinal(await it.loadRun(run))) {
      it.advance(5);
      await pollRun(it.ports, { runId: run.id });
    }
    expect((await it.loadRun(run)).collecting).toBeUndefined();
    expect(it.engine.calls.acknowledge).toBe(2);
  });

  test('while other jobs of it still run leaves those alone', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await begun(it, [{ SECONDS: 100 }, FLAKY]);
    await pollRun(it.ports, { runId: run.id });
    const running = await it.job(run, 0);
    await retry(it, run);
    expect((await it.ports.runs.load(run.id))?.plannedAt).toBeUndefined();
    // The loop of the attempt before leaves; a nudge in between ends nothing, and starts nothing.
    expect(await pollRun(it.ports, { runId: run.id, watch: 1 })).toEqual({ ended: true, delaySeconds: 0 });
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    await executed(it, run);
    expect(await it.job(run, 0)).toEqual(running);
    await secondsToEnd(it, run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
    expect(
      [tokenOf({ ...run, attempt: 1 }, 0), tokenOf({ ...run, attempt: 2 }, 1)].every((token) => it.orchestrator.released.has(token)),
    ).toBe(true);
    await expectSound(it, run);
  });

  test('is not touched by the end of the execution of the attempt before', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await begun(it, [{ SECONDS: 100 }, FLAKY]);
    await pollRun(it.ports, { runId: run.id });
    await retry(it, run);
    expect(await finishRun(it.ports, { runId: run.id, attempt: 1 })).toEqual({ ended: false });
    expect(await planRun(it.ports, { kind: 'accepted', execution: it.orchestrator.executionOf(run), runId: run.id })).toBeDefined();
    expect(isFinal(await it.loadRun(run))).toBe(false);
  });

  test('many times is planned, started and counted each time', async () => {
    const it = await world(database);
    const run = await ended(it, [{ SECONDS: 1, FAIL: 'x' }, GOOD]);
    for (const attempt of [2, 3, 4, 5])
      expect(await retriedToItsEnd(it, run)).toMatchObject({ attempt, state: 'PARTIAL', counts: { finished: 1, failed: 1 } });
    expect(await endsOf(it, run)).toEqual(['engine-error', 'FINISHED']);
    expect(it.engine.calls.start).toBe(2 + 4);
  });

  test('of thousands of sets makes ready just those that failed', async () => {
    const it = await world(memoryDatabase, { engine: refusingFirst });
    const run = await ended(
      it,
      Array.from({ length: 1200 }, (_, index) => (index % 2 === 0 ? FLAKY : GOOD)),
    );
    expect(run.counts).toMatchObject({ finished: 600, failed: 600 });
    expect((await retriedToItsEnd(it, run)).counts).toMatchObject({ finished: 1200, failed: 0 });
  }, 300_000);
});

describe('a retry that died', () => {
  test('after it was saved and before its execution was started is finished by the same request', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY]);
    const lost: Ports = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, startRun: () => Promise.reject(new Crash('the process is gone')) },
    };
    await expect(retryRun(lost, { runId: run.id, selection: {}, requestedBy: 'ada' })).rejects.toThrow('gone');
    expect([...it.orchestrator.runs]).toEqual([`${run.id}-a1`]);
    expect(await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' })).toMatchObject({
      kind: 'replayed',
      run: { attempt: 2 },
    });
    expect([...it.orchestrator.runs]).toEqual([`${run.id}-a1`, `${run.id}-a2`]);
    await executed(it, run);
    await secondsToEnd(it, run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
  });

  test('at the same place, and nobody asks again: the sweep starts its execution', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY]);
    const lost: Ports = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, startRun: () => Promise.reject(new Crash('the process is gone')) },
    };
    await expect(retryRun(lost, { runId: run.id, selection: {}, requestedBy: 'ada' })).rejects.toThrow('gone');
    it.advance(120);
    const { rows } = await sweep(it.ports, { repair: true });
    expect(rows.map(({ stray }) => stray.kind)).toContain('run-not-started');
    expect([...it.orchestrator.runs]).toContain(`${run.id}-a2`);
  });

  test('after its jobs were made ready and before that was noted makes none of them ready twice', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY, FLAKY]);
    await retry(it, run);
    const plan = { kind: 'accepted', execution: it.orchestrator.executionOf({ ...run, attempt: 2 }), runId: run.id } as const;
    const runs: Ports['runs'] = {
      ...it.ports.runs,
      save: (next, before) =>
        next.plannedAt === undefined ? it.ports.runs.save(next, before) : Promise.reject(new Crash('the process is gone')),
    };
    await expect(planRun({ ...it.ports, runs }, plan)).rejects.toThrow('gone');
    // One of them comes to an end before the others are begun.
    await cancelJob(it.ports, { job: { runId: run.id, index: 0 }, requestedBy: 'ada' });
    expect((await pollRun(it.ports, { runId: run.id })).ended).toBe(false);
    await executed(it, run);
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['cancelled', 'FINISHED']);
    expect((await it.job(run, 0)).attempt).toBe(2);
    await expectSound(it, run);
  });

  test('at any step, up to the end of its attempt: asked for again, it ends once and the same', async () => {
    for (let nth = 0; ; nth += 1) {
      const it = await world(memoryDatabase, { engine: refusingFirst });
      const run = await ended(it, [GOOD, FLAKY, FLAKY]);
      const crashing = crashingAt(it.ports, nth);
      let tries = 0;
      const act = async (ports: Ports): Promise<void> => {
        tries += 1;
        const request = { runId: run.id, selection: {}, requestedBy: 'ada', idempotencyKey: 'key' };
        expect(['retried', 'replayed']).toContain((await retryRun(ports, request)).kind);
        const outcome = await planRun(ports, {
          kind: 'accepted',
          execution: it.orchestrator.executionOf({ id: run.id, attempt: 2 }),
          runId: run.id,
        });
        for (const index of outcome.kind === 'planned' ? (outcome.indexes ?? []) : [])
          await startJob(ports, { runId: run.id, index, taskToken: `${index} try ${tries}` });
        for (let ticks = 0; ticks < 20 && !(await pollRun(ports, { runId: run.id })).ended; ticks += 1) it.advance(5);
      };
      const crashed = await act(crashing.ports).catch((error: unknown) => error);
      if (crashed instanceof Crash) {
        it.advance(it.ports.policy.leaseSeconds + 1);
        await act(it.ports);
      } else expect(crashed).toBeUndefined();
      const story = `crash ${nth}: after ${crashing.calls[nth - 1] ?? 'nothing'}`;
      const after = await it.loadRun(run);
      expect([story, after.state, after.attempt]).toEqual([story, 'SUCCEEDED', 2]);
      expect([story, it.engine.jobs.size]).toEqual([story, 3]);
      expect([story, (await it.job(run, 1)).attempt]).toEqual([story, 2]);
      await expectSound(it, run);
      if (crashing.calls.length < nth) {
        expect(nth).toBeGreaterThan(30);
        break;
      }
    }
  }, 120_000);
});

test('a child that comes before its job is ready again is let go at once', async () => {
  const it = await world(database, { engine: refusingFirst });
  const run = await ended(it, [FLAKY]);
  await retry(it, run);
  await children(it, { ...run, attempt: 2 });
  expect(it.orchestrator.released).toContain(tokenOf({ ...run, attempt: 2 }, 0));
});

describe('the children of two attempts', () => {
  test('a tick that saw a job settled before it was retried lets the child of the retry be', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await begun(it, [{ SECONDS: 100 }, FLAKY]);
    await pollRun(it.ports, { runId: run.id });
    const settled = await it.job(run, 1);
    await retry(it, run);
    const retried = await executed(it, run);
    await letGo(it.ports, run, [settled]);
    expect(it.orchestrator.released).toContain(tokenOf(run, 1));
    expect(it.orchestrator.released).not.toContain(tokenOf(retried, 1));
    await secondsToEnd(it, run);
    expect(it.orchestrator.released).toContain(tokenOf(retried, 1));
    await expectSound(it, run);
  });

  test('one of the attempt before that comes late starts nothing, fails nothing, and is let go', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY]);
    await retry(it, run);
    const execution = it.orchestrator.executionOf({ id: run.id, attempt: 2 });
    expect((await planRun(it.ports, { kind: 'accepted', execution, runId: run.id })).kind).toBe('planned');
    const ready = await it.job(run);
    await startJob(it.ports, { runId: run.id, index: 0, attempt: 1, taskToken: 'late' });
    await closeJob(it.ports, { runId: run.id, index: 0, attempt: 1, fault: 'late' });
    expect(await it.job(run)).toEqual(ready);
    expect(it.orchestrator.released).toContain('late');
    await children(it, await it.loadRun(run));
    await secondsToEnd(it, run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
    await expectSound(it, run);
  });

  test('the repair of an execution that was left over lets the child of a retry be', async () => {
    const it = await world(database, { engine: refusingFirst });
    const run = await ended(it, [FLAKY]);
    // It was not told that its run had ended, and the run is retried between the look and the repair.
    const runs = {
      ...it.ports.runs,
      async load(id: Run['id']) {
        const found = await it.ports.runs.load(id);
        if (found && isFinal(found)) {
          await retry(it, run);
          await executed(it, run);
        }
        return found;
      },
    };
    it.advance(3600);
    const swept = await sweep({ ...it.ports, runs }, { repair: true });
    expect(swept.rows.map(({ stray }) => stray.kind)).toContain('execution-left-over');
    expect(it.orchestrator.released).not.toContain(tokenOf(await it.loadRun(run), 0));
  });
});
