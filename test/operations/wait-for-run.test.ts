import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { waitForRun } from '#operations/wait-for-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { begun, ended } from './driving.ts';
import { world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const secondsOf = async (it: World, act: () => Promise<unknown>): Promise<number> => {
  const from = Date.parse(it.ports.clock.now());
  await act();
  return (Date.parse(it.ports.clock.now()) - from) / 1000;
};

test('a run that has ended is answered at once', async () => {
  const it = await world(database);
  const run = await ended(it, [{ SECONDS: 1 }]);
  expect(await secondsOf(it, () => waitForRun(it.ports, run.id, 20))).toBe(0);
  expect(await waitForRun(it.ports, run.id, 20)).toMatchObject({ run: { state: 'SUCCEEDED' }, counts: { finished: 1 } });
});

test('a run that goes on is answered as it stands when the time is up, to the moment', async () => {
  const it = await world(database);
  const run = await begun(it, [{ SECONDS: 1e6 }]);
  for (const timeout of [20, 0.25, 0]) {
    expect(await secondsOf(it, () => waitForRun(it.ports, run.id, timeout))).toBeCloseTo(timeout, 6);
    expect(await waitForRun(it.ports, run.id, 0)).toMatchObject({ run: { state: 'RUNNING' } });
  }
});

test('a run that ends meanwhile is answered within a second of its end', async () => {
  const it = await world(database);
  const run = await begun(it, [{ SECONDS: 5 }]);
  const clock: Ports['clock'] = {
    ...it.ports.clock,
    // Somebody else looks after the run while this waits.
    async pause(milliseconds) {
      await it.ports.clock.pause(milliseconds);
      await pollRun(it.ports, { runId: run.id });
    },
  };
  let state: string | undefined;
  const seconds = await secondsOf(it, async () => {
    state = (await waitForRun({ ...it.ports, clock }, run.id, 60))?.run.state;
  });
  expect(state).toBe('SUCCEEDED');
  expect(seconds).toBeGreaterThanOrEqual(5);
  expect(seconds).toBeLessThanOrEqual(6);
});

test('waiting costs two reads a second at most', async () => {
  const it = await world(database);
  const run = await begun(it, [{ SECONDS: 1e6 }]);
  database.forgetRequests();
  await waitForRun(it.ports, run.id, 30);
  const requests = [...database.requests.values()].reduce((sum, count) => sum + count, 0);
  expect(requests).toBeLessThanOrEqual(2 * (30 + 10));
});

test('a run that is not there is not waited for', async () => {
  const it = await world(database);
  const seconds = await secondsOf(it, async () => {
    expect(await waitForRun(it.ports, 'run_01K00000000000000000000009' as RunId, 20)).toBeUndefined();
  });
  expect(seconds).toBe(0);
});
