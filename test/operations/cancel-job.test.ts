/** One job of a run is cancelled in every state of its start; its neighbours go on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { FORCE_STOP_AFTER_SECONDS, GIVE_UP_AFTER_SECONDS, UNHEARD_SECONDS } from '#domain/tick';
import { cancelJob, cancelRun, type CancelJobOutcome } from '#operations/cancel-run';
import { closeRun } from '#operations/close-run';
import { pollRun } from '#operations/poll-run';
import type { Engine } from '#operations/ports';
import { retryRun } from '#operations/retry-run';
import { startJob } from '#operations/start-job';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import {
  accepted,
  activeOn,
  begun,
  children,
  ended,
  endsOf,
  executed,
  expectSound,
  historyOf,
  obeying,
  secondsToEnd,
  tokenOf,
} from './driving.ts';
import { world, type World, type WorldOptions } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const cancel = (it: World, run: Run, index = 0): Promise<CancelJobOutcome> =>
  cancelJob(it.ports, { job: { runId: run.id, index }, requestedBy: 'ada' });
const LONG = { SECONDS: 1e6 };
const SHORT = { SECONDS: 5 };
/** The start of the first job fails; its neighbours start. */
const failingFirst =
  (start: (engine: Engine, ...given: Parameters<Engine['start']>) => ReturnType<Engine['start']>) =>
  (engine: Engine): Engine => ({
    ...engine,
    start: (given) => (given.engineJobName.includes('_00000_') ? start(engine, given) : engine.start(given)),
  });
const unreachable = (): Promise<never> => Promise.reject(new Fault('EngineUnavailable', 'no answer'));

interface State {
  readonly name: string;
  readonly world?: WorldOptions;
  readonly engine?: (engine: Engine) => Engine;
  readonly reach: (it: World) => Promise<Run>;
  /** Until the job is settled, on an engine that obeys. */
  readonly seconds: number;
}

const startedLate = async (it: World): Promise<Run> => {
  const run = await it.planned([LONG, SHORT]);
  await expect(startJob(it.ports, { runId: run.id, index: 0, taskToken: tokenOf(run, 0) })).rejects.toThrow('no answer');
  await children(it, run, [1]);
  return run;
};
const RETRIES = {
  maxWaitSeconds: 1e7,
  maxParallel: 10,
  retries: { 'engine-error': { times: 3, backoffSeconds: 1800 }, lost: { times: 3, backoffSeconds: 0 } },
};

const STATES: readonly State[] = [
  {
    name: 'waits for its starter',
    seconds: 0,
    async reach(it) {
      const run = await it.planned([LONG, SHORT]);
      await children(it, run, [1]);
      return run;
    },
  },
  { name: 'waits for a slot', seconds: 0, world: { engineLimits: { sleep: { maxParallel: 1 } } }, reach: (it) => begun(it, [LONG, SHORT]) },
  {
    name: 'waits for its retry',
    seconds: 0,
    world: { template: { limits: RETRIES } },
    async reach(it) {
      const run = await begun(it, [{ SECONDS: 1, FAIL: 'x' }, SHORT]);
      it.advance(1);
      await pollRun(it.ports, { runId: run.id });
      expect((await it.job(run)).start).toHaveProperty('notBefore');
      return run;
    },
  },
  { name: 'is being started, and the engine was never reached', seconds: 65, engine: failingFirst(unreachable), reach: startedLate },
  {
    name: 'is being started, and the answer of the engine was lost',
    seconds: 75,
    engine: failingFirst(async (engine, given) => {
      await engine.start(given);
      return unreachable();
    }),
    reach: startedLate,
  },
  { name: 'is started', seconds: 10, world: { template: { limits: RETRIES } }, reach: (it) => begun(it, [LONG, SHORT]) },
  {
    name: 'runs',
    seconds: 10,
    async reach(it) {
      const run = await begun(it, [LONG, SHORT]);
      await pollRun(it.ports, { runId: run.id });
      return run;
    },
  },
  {
    name: 'runs again, after a retry of its run',
    seconds: 10,
    engine: failingFirst((engine, given) =>
      given.engineJobName.endsWith('_a1') ? Promise.resolve({ kind: 'refused', message: 'no' }) : engine.start(given),
    ),
    async reach(it) {
      const run = await ended(it, [LONG, SHORT]);
      await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' });
      return executed(it, run);
    },
  },
];

/** Ticks until the job is settled: how long that took. */
async function settled(it: World, run: Run): Promise<number> {
  const from = Date.parse(it.ports.clock.now());
  for (let ticks = 0; ticks < 300; ticks += 1) {
    const { delaySeconds } = await pollRun(it.ports, { runId: run.id });
    if ((await it.job(run)).state === 'FAILED') return (Date.parse(it.ports.clock.now()) - from) / 1000;
    it.advance(Math.max(1, delaySeconds));
  }
  throw new Error('the job is not settled');
}

describe('a job that is cancelled', () => {
  test.each(STATES)(
    'while it $name ends as cancelled in time, and its neighbour goes on',
    async ({ world: options, engine, reach, seconds }) => {
      const it = await world(database, { ...options, ...(engine ? { engine } : {}) });
      const run = await reach(it);
      const { attempt } = await it.job(run);
      const { watch } = await it.loadRun(run);
      expect(await cancel(it, run)).toMatchObject({ kind: 'cancelling', job: { index: 0 } });
      expect((await it.loadRun(run)).watch).toBe(watch + 1);
      expect([...it.orchestrator.watches]).toContain(`${run.id}-${watch + 1}`);
      expect(await settled(it, run)).toBeLessThanOrEqual(seconds);
      expect(await it.job(run)).toMatchObject({ state: 'FAILED', attempt, failure: { reason: 'cancelled' } });
      await secondsToEnd(it, run);
      expect(await endsOf(it, run)).toEqual(['cancelled', 'FINISHED']);
      expect((await it.loadRun(run)).state).toBe('PARTIAL');
      expect(activeOn(it.engine, it.ports.clock.now())).toEqual([]);
      await expectSound(it, run);
    },
  );

  test.each([
    ['is forced', 'forced', FORCE_STOP_AFTER_SECONDS],
    ['is given up', 'never', FORCE_STOP_AFTER_SECONDS + GIVE_UP_AFTER_SECONDS],
  ] as const)('and does not stop when asked %s', async (_, when, seconds) => {
    const it = await world(database, { engine: obeying(when) });
    const run = await begun(it, [LONG, SHORT]);
    await cancel(it, run);
    const took = await settled(it, run);
    expect(took).toBeGreaterThanOrEqual(seconds);
    expect(took).toBeLessThanOrEqual(seconds + 15);
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['cancelled', 'FINISHED']);
    await expectSound(it, run);
  });

  test('on an engine that cannot be told so holds up no other job, and is told again soon', async () => {
    let isDeaf = true;
    const engine = (sleep: Engine): Engine => ({ ...sleep, stop: (id, how) => (isDeaf ? unreachable() : sleep.stop(id, how)) });
    const it = await world(database, { engine });
    const run = await begun(it, [LONG, SHORT]);
    await cancel(it, run);
    it.advance(5);
    const { delaySeconds } = await pollRun(it.ports, { runId: run.id });
    expect(delaySeconds).toBeLessThanOrEqual(10);
    expect([await it.job(run), await it.job(run, 1)]).toMatchObject([{ start: { cancel: { by: 'ada' } } }, { state: 'FINISHED' }]);
    expect((await it.job(run)).start.stop).toMatchObject({ reason: 'cancelled', fault: 'no answer' });
    isDeaf = false;
    expect(await settled(it, run)).toBeLessThanOrEqual(20);
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['cancelled', 'FINISHED']);
    expect(activeOn(it.engine, it.ports.clock.now())).toEqual([]);
    await expectSound(it, run);
  });

  test('on an engine that can never be told so is told again at a pace, however often it is looked at, and is given up after an hour', async () => {
    const told: { readonly seconds: number; readonly force: boolean }[] = [];
    const it = await world(database, {
      engine: (sleep) => ({
        ...sleep,
        stop(_, { force }) {
          told.push({ seconds: (Date.parse(it.ports.clock.now()) - from) / 1000, force });
          return Promise.reject(new Fault('EngineUnavailable', `no answer, for the ${told.length}. time`));
        },
      }),
    });
    const run = await begun(it, [LONG, SHORT]);
    await cancel(it, run);
    const from = Date.parse(it.ports.clock.now());
    let versions = 0;
    // Looked at every five seconds, as where other jobs of the run want it; later seldom, so that the test is done soon.
    const step = (seconds: number): number => (seconds < 300 ? 5 : 60);
    for (let seconds = 0; seconds < UNHEARD_SECONDS; seconds += step(seconds)) {
      const { delaySeconds } = await pollRun(it.ports, { runId: run.id });
      if (seconds > 10) expect(delaySeconds).toBeLessThanOrEqual(60);
      const { state, start, version } = await it.job(run);
      expect([state, start.stop?.fault]).toEqual(['RUNNING', `no answer, for the ${seconds < FORCE_STOP_AFTER_SECONDS ? 1 : 5}. time`]);
      versions = version;
      it.advance(step(seconds));
    }
    expect(told.filter(({ force }) => !force).map(({ seconds }) => seconds)).toEqual([0, 10, 20, 40]);
    const forced = told.filter(({ force }) => force).map(({ seconds }) => seconds - FORCE_STOP_AFTER_SECONDS);
    expect(forced.slice(0, 6)).toEqual([0, 10, 20, 40, 80, 140]);
    expect(forced.length).toBeLessThanOrEqual(UNHEARD_SECONDS / 60 + 4);
    // Made, started, cancelled; written when it was to be asked, and when it was to be forced, and not at every try.
    expect(versions).toBe(6);
    await secondsToEnd(it, run);
    const { failure } = await it.job(run);
    expect(failure).toEqual({
      reason: 'cancelled',
      message: `the engine still reports the job, and for ${UNHEARD_SECONDS} s it could not be told to force its stop: no answer, for the 5. time`,
    });
    expect(await endsOf(it, run)).toEqual(['cancelled', 'FINISHED']);
    await expectSound(it, run);
  });

  test('on an engine that hears of it late has as long to stop as if it had heard at once', async () => {
    let deafUntil = Infinity;
    const forced: number[] = [];
    const it = await world(database, {
      engine: (sleep) => ({
        ...sleep,
        stop(_, { force }) {
          const now = Date.parse(it.ports.clock.now());
          if (now < deafUntil) return unreachable();
          if (force) forced.push(now);
          return Promise.resolve();
        },
      }),
    });
    const run = await begun(it, [LONG, SHORT]);
    await cancel(it, run);
    deafUntil = Date.parse(it.ports.clock.now()) + 2000_000;
    const took = await settled(it, run);
    expect(forced).toHaveLength(1);
    expect(took).toBeGreaterThanOrEqual(2000 + GIVE_UP_AFTER_SECONDS);
    expect(took).toBeLessThanOrEqual(2000 + 60 + GIVE_UP_AFTER_SECONDS + 15);
    expect((await it.job(run)).failure?.message).toBe(
      `the engine still reports the job ${GIVE_UP_AFTER_SECONDS} s after it was told to force its stop`,
    );
  });

  test('again, or at once by many, is marked once, and whoever asked after its end is told what became of it', async () => {
    const it = await world(database);
    const run = await begun(it, [LONG, SHORT]);
    await Promise.all(Array.from({ length: 5 }, () => cancel(it, run)));
    const marked = await it.job(run);
    expect(await cancel(it, run)).toEqual({ kind: 'cancelling', job: marked });
    await secondsToEnd(it, run);
    expect(await cancel(it, run)).toMatchObject({ kind: 'cancelled', job: { state: 'FAILED' } });
    expect(await cancel(it, run, 1)).toMatchObject({ kind: 'ended', job: { state: 'FINISHED' } });
    expect((await historyOf(it, run)).map(({ name }) => name)).toEqual(['create', 'run', 'fail']);
  });

  test('together with many others has one watch loop with them, which looks when all of them are marked', async () => {
    const it = await world(database);
    const run = await begun(
      it,
      Array.from({ length: 50 }, () => LONG),
    );
    const outcomes = await Promise.all(Array.from({ length: 49 }, (_, index) => cancel(it, run, index)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => 'cancelling'));
    expect([(await it.loadRun(run)).watch, it.orchestrator.watches.size]).toEqual([2, 2]);
    // Whoever comes when that loop has looked needs another.
    it.advance(1);
    await cancel(it, run, 49);
    expect((await it.loadRun(run)).watch).toBe(3);
    await secondsToEnd(it, run);
    expect((await it.loadRun(run)).counts).toMatchObject({ cancelled: 50 });
    await expectSound(it, run);
  });

  test.each([
    ['a run that is cancelled', (it: World, run: Run) => cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' })],
    [
      'an execution that gave up',
      (it: World, run: Run) => closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'x' }),
    ],
  ])('does not take the loop of %s for one that is still to look', async (_, act) => {
    const it = await world(database);
    const run = await it.planned([LONG, LONG]);
    await children(it, run);
    await cancel(it, run);
    await act(it, run);
    await cancel(it, run, 1);
    expect((await it.loadRun(run)).watch).toBe(4);
  });

  test('again, when whoever asked first died before the loop was started, starts that loop', async () => {
    const it = await world(database);
    const run = await begun(it, [LONG]);
    const startWatch = (): Promise<never> => Promise.reject(new Fault('OrchestratorUnavailable', 'gone'));
    const ports = { ...it.ports, orchestrator: { ...it.ports.orchestrator, startWatch } };
    await expect(cancelJob(ports, { job: { runId: run.id, index: 0 }, requestedBy: 'ada' })).rejects.toThrow('gone');
    expect([...it.orchestrator.watches]).not.toContain(`${run.id}-2`);
    await cancel(it, run);
    expect([(await it.loadRun(run)).watch, it.orchestrator.watches.has(`${run.id}-2`)]).toEqual([2, true]);
  });

  test('can be retried, and then runs to its end', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 30 }]);
    await cancel(it, run);
    await secondsToEnd(it, run);
    await retryRun(it.ports, { runId: run.id, selection: { reasons: ['cancelled'] }, requestedBy: 'ada' });
    await executed(it, run);
    await secondsToEnd(it, run);
    expect([(await it.loadRun(run)).state, ...(await endsOf(it, run))]).toEqual(['SUCCEEDED', 'FINISHED']);
    await expectSound(it, run);
  });
});

test('a job that a retry has selected and not made ready yet cannot be cancelled yet, and one that it has not selected has ended', async () => {
  const it = await world(database);
  const run = await ended(it, [
    { SECONDS: 0, FAIL: 'x' },
    { SECONDS: 0, FAIL: 'x' },
  ]);
  await retryRun(it.ports, { runId: run.id, selection: { indexes: [0] }, requestedBy: 'ada' });
  expect(await cancel(it, run)).toEqual({ kind: 'not-ready' });
  expect(await cancel(it, run, 1)).toMatchObject({ kind: 'ended', job: { state: 'FAILED' } });
  await executed(it, run);
  expect(await cancel(it, run)).toMatchObject({ kind: 'cancelling' });
});

test('a job that is not made yet, and one that is not there, cannot be cancelled', async () => {
  const it = await world(database);
  const run = await accepted(it, [LONG]);
  expect(await cancel(it, run)).toEqual({ kind: 'not-ready' });
  expect(await cancel(it, run, 1)).toEqual({ kind: 'not-found' });
  expect(await cancel(it, { ...run, id: 'run_01K00000000000000000000009' as RunId })).toEqual({ kind: 'not-found' });
});
