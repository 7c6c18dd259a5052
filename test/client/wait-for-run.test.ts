import { expect, test } from 'vitest';
import { sluiceClient } from '#client/sluice-client';
import type { RunView } from '#contract/views';
import { drivenPace, runBody, scriptedFetch } from './scripted-fetch.ts';

const looks = (...states: readonly (readonly [string, number])[]): ReturnType<typeof scriptedFetch> =>
  scriptedFetch(...states.map(([state, open]) => ({ status: 200, body: runBody(state, open) })));

test.each(['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED'])('a run that is %s is waited for no longer', async (state) => {
  const pace = drivenPace();
  const { fetch } = looks([state, 0]);
  expect(await sluiceClient({ url: 'http://sluice.test', fetch, pace }).waitForRun('run_1')).toMatchObject({
    kind: 'ended',
    run: { state },
  });
  expect(pace.waitedMs).toEqual([]);
});

test('pauses grow from a tenth of a second to one second and no further', async () => {
  const pace = drivenPace();
  const { fetch } = looks(...Array.from({ length: 12 }, () => ['RUNNING', 1] as const), ['SUCCEEDED', 0]);
  await sluiceClient({ url: 'http://sluice.test', fetch, pace }).waitForRun('run_1');
  expect(pace.waitedMs).toHaveLength(12);
  expect(pace.waitedMs.slice(0, 3).map(Math.round)).toEqual([100, 150, 225]);
  expect(Math.max(...pace.waitedMs)).toBe(1000);
});

test('a wait that is over says so, with the run as it was seen last, and overstays by nothing', async () => {
  const pace = drivenPace();
  const { fetch } = looks(['CANCELLING', 1]);
  const outcome = await sluiceClient({ url: 'http://sluice.test', fetch, pace }).waitForRun('run_1', { timeoutSeconds: 3 });
  expect(outcome).toMatchObject({ kind: 'timed-out', run: { state: 'CANCELLING' } });
  expect(pace.nowMs()).toBe(3000);
});

test('only a look that differs from the one before is told', async () => {
  const seen: RunView[] = [];
  const { fetch } = looks(['ACCEPTED', 2], ['RUNNING', 2], ['RUNNING', 2], ['RUNNING', 1], ['SUCCEEDED', 0]);
  const client = sluiceClient({ url: 'http://sluice.test', fetch, pace: drivenPace() });
  await client.waitForRun('run_1', { onChange: (run) => seen.push(run) });
  expect(seen.map(({ state, jobs }) => [state, jobs.open])).toEqual([
    ['ACCEPTED', 2],
    ['RUNNING', 2],
    ['RUNNING', 1],
    ['SUCCEEDED', 0],
  ]);
});
