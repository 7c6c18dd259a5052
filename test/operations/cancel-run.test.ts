/** A run is cancelled in every state that it can be in, on engines that stop when asked, when forced, and never. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import { isFinal, type Run } from '#domain/run';
import { FORCE_STOP_AFTER_SECONDS, GIVE_UP_AFTER_SECONDS } from '#domain/tick';
import { cancelRun, type CancelRunOutcome } from '#operations/cancel-run';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { activeOn, begun, ended, endsOf, expectSound, obeying, secondsToEnd } from './driving.ts';
import { STATES } from './run-states.ts';
import { Crash, crashingAt, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const cancel = (it: World, run: Run, requestedBy = 'ada'): Promise<CancelRunOutcome> => cancelRun(it.ports, { runId: run.id, requestedBy });
const refsOf = (run: Run): readonly Pick<Run & { index: number }, 'index'>[] =>
  Array.from({ length: run.count }, (_, index) => ({ index }));
const parkedOf = async (it: World, run: Run): Promise<readonly string[]> => {
  const refs = refsOf(run).map(({ index }) => ({ runId: run.id, index }));
  return (await it.ports.jobs.taskTokens(run, refs)).map(({ taskToken }) => taskToken);
};

/** What a state may take at most: the fence of a start under way, and then what its engine needs to stop. */
const FENCE_SECONDS = 60;
const SLACK_SECONDS = 30;
const DEADLINES = {
  asked: FENCE_SECONDS + SLACK_SECONDS,
  forced: FENCE_SECONDS + FORCE_STOP_AFTER_SECONDS + SLACK_SECONDS,
  never: FENCE_SECONDS + FORCE_STOP_AFTER_SECONDS + GIVE_UP_AFTER_SECONDS + SLACK_SECONDS,
} as const;

describe.each(['asked', 'forced', 'never'] as const)('on an engine that stops its jobs when %s', (when) => {
  test.each(STATES)(
    'a run that is $name is cancelled in time, and nothing is left',
    async ({ world: options, engine: dressed, reach, ends }) => {
      const it = await world(database, {
        ...options,
        engine: (engine) => (dressed ?? ((plain) => plain))(obeying(when)(engine)),
      });
      const run = await reach(it);
      const [starts, parked] = [it.engine.calls.start, await parkedOf(it, run)];
      expect(await cancel(it, run)).toMatchObject({ kind: 'cancelling', run: { id: run.id, state: 'CANCELLING' } });
      expect([...it.orchestrator.watches]).toContain(`${run.id}-${(await it.loadRun(run)).watch}`);
      // An execution that comes only now drives nothing.
      expect(await planRun(it.ports, { kind: 'accepted', execution: 'late', runId: run.id })).toMatchObject({ kind: 'already-driven' });
      expect(await secondsToEnd(it, run)).toBeLessThanOrEqual(DEADLINES[when]);

      expect((await it.loadRun(run)).state).toBe('CANCELLED');
      expect(await endsOf(it, run)).toEqual(ends ?? Array.from({ length: run.count }, () => 'cancelled'));
      expect(it.engine.calls.start).toBe(starts);
      if (when !== 'never') expect(activeOn(it.engine, it.ports.clock.now())).toEqual([]);
      expect(parked.filter((token) => !it.orchestrator.released.has(token))).toEqual([]);
      await expectSound(it, run);
      // Nor do children that come late start anything.
      for (const { index } of refsOf(run)) await startJob(it.ports, { runId: run.id, index, taskToken: `late ${index}` });
      expect(it.engine.calls.start).toBe(starts);
      for (const { index } of refsOf(run)) expect(it.orchestrator.released).toContain(`late ${index}`);
    },
  );
});

describe('a run that has ended', () => {
  test.each([
    ['SUCCEEDED', [{ SECONDS: 1 }]],
    ['PARTIAL', [{ SECONDS: 1 }, { FAIL: 'x' }]],
    ['FAILED', [{ FAIL: 'x' }]],
  ] as const)('as %s stays as it is', async (state, sets) => {
    const it = await world(database);
    const run = await ended(it, sets);
    expect(run.state).toBe(state);
    it.orchestrator.watches.clear();
    expect(await cancel(it, run)).toEqual({ kind: 'ended', run });
    expect([await it.loadRun(run), it.orchestrator.watches.size]).toEqual([run, 0]);
  });

  test('as CANCELLED is told so, however often it is asked', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1e6 }]);
    await cancel(it, run);
    await secondsToEnd(it, run);
    const cancelled = await it.loadRun(run);
    for (const _ of [1, 2]) expect(await cancel(it, run, 'bob')).toEqual({ kind: 'cancelled', run: cancelled });
    expect(await it.loadRun(run)).toEqual(cancelled);
  });

  test('and one that is not there', async () => {
    const it = await world(database);
    const id = 'run_01K00000000000000000000009' as RunId;
    expect(await cancelRun(it.ports, { runId: id, requestedBy: 'ada' })).toEqual({ kind: 'not-found' });
  });
});

describe('a cancel', () => {
  test('that comes after every job has ended on the engine, and before anybody looked, finds a run that succeeded', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1 }, { SECONDS: 2 }]);
    it.advance(5);
    await cancel(it, run);
    await secondsToEnd(it, run);
    expect([(await it.loadRun(run)).state, ...(await endsOf(it, run))]).toEqual(['SUCCEEDED', 'FINISHED', 'FINISHED']);
    await expectSound(it, run);
  });

  test('asked for twice is the one of who came first, and one watch loop', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1e6 }]);
    it.orchestrator.watches.clear();
    const outcomes = await Promise.all(['ada', 'bob', 'eve'].map((who) => cancel(it, run, who)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['cancelling', 'cancelling', 'cancelling']);
    const { closing, watch } = await it.loadRun(run);
    expect([watch, [...it.orchestrator.watches]]).toEqual([2, [`${run.id}-2`]]);
    await cancel(it, run, 'carl');
    expect((await it.loadRun(run)).closing).toEqual(closing);
  });

  test('makes the loops that were there before leave, without a look at the engine', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1e6 }]);
    await cancel(it, run);
    const { status } = it.engine.calls;
    expect(await pollRun(it.ports, { runId: run.id, watch: 1 })).toEqual({ ended: true, delaySeconds: 0 });
    expect(it.engine.calls.status).toBe(status);
    expect(await pollRun(it.ports, { runId: run.id, watch: 2 })).toMatchObject({ ended: false });
  });

  test('of a thousand jobs asks the engine to stop each of them once', async () => {
    const it = await world(database);
    const run = await begun(
      it,
      Array.from({ length: 1000 }, () => ({ SECONDS: 1e6 })),
    );
    await cancel(it, run);
    await secondsToEnd(it, run);
    expect(it.engine.calls.stop).toBe(1000);
    expect(it.engine.calls.status).toBeLessThanOrEqual(3);
    expect((await it.loadRun(run)).counts).toMatchObject({ cancelled: 1000, failed: 0, finished: 0 });
  });
});

test('a crash at any step of a cancel and of the ticks after it: asked for again, the run ends the same', async () => {
  for (let nth = 0; ; nth += 1) {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1 }, { SECONDS: 1e6 }, { SECONDS: 1e6 }]);
    it.advance(2);
    const crashing = crashingAt(it.ports, nth);
    const act = async (ports: World['ports']): Promise<void> => {
      await cancelRun(ports, { runId: run.id, requestedBy: 'ada' });
      for (let ticks = 0; ticks < 20 && !(await pollRun(ports, { runId: run.id })).ended; ticks += 1) it.advance(5);
    };
    const crashed = await act(crashing.ports).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (crashed instanceof Crash) {
      it.advance(it.ports.policy.leaseSeconds + 1);
      await act(it.ports);
    } else expect(crashed).toBeUndefined();
    const story = `crash ${nth}: after ${crashing.calls[nth - 1] ?? 'nothing'}`;
    const after = await it.loadRun(run);
    expect([story, isFinal(after), after.state]).toEqual([story, true, 'CANCELLED']);
    expect([story, ...(await endsOf(it, run))]).toEqual([story, 'FINISHED', 'cancelled', 'cancelled']);
    expect([story, ...activeOn(it.engine, it.ports.clock.now())]).toEqual([story]);
    expect([story, it.orchestrator.released.size]).toEqual([story, 3]);
    await expectSound(it, run);
    if (crashing.calls.length < nth) {
      expect(nth).toBeGreaterThan(20);
      break;
    }
  }
});
