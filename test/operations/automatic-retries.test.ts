/** Failed attempts that are followed by others without anybody's asking, for each reason that a template may name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { epochMs } from '#domain/ids';
import type { FailureReason } from '#domain/job';
import { RETRIED_REASONS, type RetryRule } from '#domain/template';
import { cancelRun } from '#operations/cancel-run';
import { pollRun } from '#operations/poll-run';
import type { Engine } from '#operations/ports';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import type { SleepEngine } from '#test/support/sleep-engine';
import { begun, endsOf, expectSound, historyOf, secondsToEnd } from './driving.ts';
import { world, type World, type WorldOptions } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

type Reason = (typeof RETRIED_REASONS)[number];
const MAX_WAIT_SECONDS = 200;
const LONG = { SECONDS: 1e6 };

/** Each of its jobs is seen to run once, and never again. */
function forgettingWhatRuns(engine: SleepEngine): Engine {
  const seen = new Set<string>();
  return {
    ...engine,
    async status(ids) {
      const known = await engine.status(ids.filter((id) => !seen.has(id)));
      for (const id of ids) seen.add(id);
      return known;
    },
  };
}

/** An engine on which every attempt fails for the one reason. */
const FAILING: Readonly<
  Record<Reason, { readonly set: Readonly<Record<string, string | number>>; readonly engine?: (engine: SleepEngine) => Engine }>
> = {
  lost: { set: LONG, engine: forgettingWhatRuns },
  'engine-error': { set: { SECONDS: 1, FAIL: 'x' } },
  'start-failed': { set: { REFUSE: 'no' } },
  'timed-out': { set: LONG },
};

const failingFor = (reason: Reason, rule: RetryRule | undefined): Promise<World> => {
  const { engine } = FAILING[reason];
  const limits = { maxWaitSeconds: MAX_WAIT_SECONDS, maxParallel: 10, retries: rule ? { [reason]: rule } : {} };
  const options: WorldOptions = { template: { limits }, ...(engine ? { engine } : {}) };
  return world(database, options);
};

describe.each(RETRIED_REASONS)('a job that fails as %s', (reason) => {
  test('is tried as often again as its template says, after waits that double', async () => {
    const it = await failingFor(reason, { times: 3, backoffSeconds: 40 });
    const run = await begun(it, [FAILING[reason].set]);
    await secondsToEnd(it, run);
    const history = await historyOf(it, run);
    expect(history.map(({ name }) => name).filter((name) => name !== 'run')).toEqual([
      'create',
      ...[1, 2, 3].flatMap(() => ['fail', 'reset', 'ready']),
      'fail',
    ]);
    expect(await it.job(run)).toMatchObject({ state: 'FAILED', attempt: 4, retries: 3, failure: { reason } });
    const attempts = await attemptsOf(it, run.id);
    for (const [place, wait] of [40, 80, 160].entries()) {
      const gap = (attempts[place + 1]?.began ?? 0) - (attempts[place]?.ended ?? 0);
      expect(gap).toBeGreaterThanOrEqual(wait);
      // The tick comes when the retry is due, and not when the loop would have come round.
      expect(gap).toBeLessThanOrEqual(wait + 6);
    }
    expect((await it.loadRun(run)).state).toBe('FAILED');
    await expectSound(it, run);
  });

  test('is not tried again without a rule, nor for another reason', async () => {
    for (const rule of [undefined, { times: 0, backoffSeconds: 0 }]) {
      const it = await failingFor(reason, rule);
      const run = await begun(it, [FAILING[reason].set]);
      await secondsToEnd(it, run);
      expect(await it.job(run)).toMatchObject({ attempt: 1, failure: { reason } });
    }
  });

  test('and is cancelled while it waits for its retry is not tried again', async () => {
    const it = await failingFor(reason, { times: 3, backoffSeconds: 3600 });
    const run = await begun(it, [FAILING[reason].set]);
    for (let ticks = 0; (await it.job(run)).attempt === 1; ticks += 1) {
      if (ticks > 100) throw new Error('no retry');
      const { delaySeconds } = await pollRun(it.ports, { runId: run.id });
      it.advance(delaySeconds);
    }
    await cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' });
    expect(await secondsToEnd(it, run)).toBeLessThanOrEqual(10);
    expect(await endsOf(it, run)).toEqual(['cancelled']);
    await expectSound(it, run);
  });
});

/** Seconds of the world's time at which each attempt began on the engine (or was refused by it), and ended. */
async function attemptsOf(
  it: World,
  runId: Parameters<typeof historyOf>[1]['id'],
): Promise<readonly { readonly began: number; readonly ended: number }[]> {
  const history = await historyOf(it, { id: runId });
  const attempts: { began: number; ended: number }[] = [];
  for (const { name, at, attempt } of history) {
    if (name !== 'fail') continue;
    const started = it.engine.jobs.get([...it.engine.jobs.keys()].find((key) => key.endsWith(`_a${attempt}`)) ?? '');
    attempts.push({ began: (started?.startedAtMs ?? epochMs(at)) / 1000, ended: epochMs(at) / 1000 });
  }
  return attempts;
}

test('jobs that failed together come back one after the other', async () => {
  const it = await world(database, {
    template: { limits: { maxWaitSeconds: 600, maxParallel: 100, retries: { 'engine-error': { times: 1, backoffSeconds: 600 } } } },
  });
  const run = await begun(
    it,
    Array.from({ length: 20 }, () => ({ SECONDS: 1, FAIL: 'x' })),
  );
  it.advance(2);
  await pollRun(it.ports, { runId: run.id });
  const due = (await it.ports.jobs.loadRange(run, 0, 20)).map(({ start }) => start.notBefore);
  expect(new Set(due).size).toBe(20);
  await secondsToEnd(it, run);
  expect(it.engine.jobs.size).toBe(40);
  const starts = [...it.engine.jobs.values()].filter(({ name }) => name.endsWith('_a2')).map(({ startedAtMs }) => startedAtMs);
  expect(new Set(starts).size).toBeGreaterThan(10);
});

test('reasons are counted together: a job has as many retries as the rule of the reason that it fails for at last', async () => {
  const rules: Readonly<Partial<Record<FailureReason, RetryRule>>> = {
    lost: { times: 1, backoffSeconds: 0 },
    'engine-error': { times: 2, backoffSeconds: 0 },
  };
  let asked = 0;
  const it = await world(database, {
    template: { limits: { maxWaitSeconds: 600, maxParallel: 9, retries: rules } },
    engine: (engine) => ({
      ...engine,
      status: (ids) => {
        asked += 1;
        return asked === 2 ? Promise.resolve(new Map()) : engine.status(ids);
      },
    }),
  });
  const run = await begun(it, [{ SECONDS: 1, FAIL: 'x' }]);
  await secondsToEnd(it, run);
  const reasons = (await historyOf(it, run)).flatMap(({ name, data }) => (name === 'fail' ? [data?.['reason']] : []));
  expect(reasons).toEqual(['lost', 'engine-error', 'engine-error']);
  expect(await it.job(run)).toMatchObject({ attempt: 3, retries: 2, failure: { reason: 'engine-error' } });
});
