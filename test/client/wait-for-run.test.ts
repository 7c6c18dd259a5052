import { describe, expect, test } from 'vitest';
import { sluiceClient, type SluiceClient } from '#client/sluice-client';
import { problemOf } from '#contract/problems';
import type { RunView } from '#contract/views';
import { drivenPace, refused, runBody, scriptedFetch, type Answer, type ScriptedFetch } from './scripted-fetch.ts';

const view = (state: string, open = 0): Answer => ({ status: 200, body: runBody(state, open) });

interface Holding extends ScriptedFetch {
  readonly client: SluiceClient;
  readonly waitedMs: readonly number[];
  nowMs(): number;
}

/** A service that holds an answer back as long as it is asked to, unless the run has ended by then. */
function holding(...answers: readonly Answer[]): Holding {
  const scripted = scriptedFetch(...answers);
  const pace = drivenPace();
  let heldMs = 0;
  const nowMs = (): number => pace.nowMs() + heldMs;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await scripted.fetch(input, init);
    const text = await response.clone().text();
    const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Partial<RunView>;
    const [, seconds = '0'] = /timeout-seconds=(\d+)/.exec(String(scripted.asked.at(-1)?.url)) ?? [];
    if (response.ok && body.jobs?.open !== 0) heldMs += Number(seconds) * 1000;
    return response;
  };
  return {
    ...scripted,
    fetch,
    nowMs,
    waitedMs: pace.waitedMs,
    client: sluiceClient({ url: 'http://sluice.test', fetch, pace: { nowMs, wait: (ms) => pace.wait(ms) } }),
  };
}

const paths = ({ asked }: ScriptedFetch): readonly string[] => asked.map(({ url }) => url.replace('http://sluice.test/v1/runs/run_1', ''));

test.each(['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED'])('a run that is %s is waited for no longer', async (state) => {
  const it = holding(view(state));
  expect(await it.client.waitForRun('run_1')).toMatchObject({ kind: 'ended', run: { state } });
  expect(paths(it)).toEqual(['']);
  expect(it.waitedMs).toEqual([]);
});

test('a run that goes on is asked for by answers that are held back for twenty seconds, without a pause between them', async () => {
  const it = holding(view('ACCEPTED', 2), view('RUNNING', 2), view('RUNNING', 1), view('SUCCEEDED'));
  expect(await it.client.waitForRun('run_1')).toMatchObject({ kind: 'ended', run: { state: 'SUCCEEDED' } });
  expect(paths(it)).toEqual(['', ...Array<string>(3).fill('/wait?timeout-seconds=20')]);
  expect(it.waitedMs).toEqual([]);
  expect(it.nowMs()).toBe(40_000);
});

test('for somebody who is told of changes answers are held back for two seconds', async () => {
  const it = holding(view('RUNNING', 2), view('RUNNING', 1), view('SUCCEEDED'));
  await it.client.waitForRun('run_1', { onChange: () => undefined });
  expect(paths(it)).toEqual(['', '/wait?timeout-seconds=2', '/wait?timeout-seconds=2']);
});

test.each([
  [3, ['', '/wait?timeout-seconds=3']],
  [0, ['']],
  [45, ['', '/wait?timeout-seconds=20', '/wait?timeout-seconds=20', '/wait?timeout-seconds=5']],
])('a wait of %i seconds says that it is over, with the run as it was seen last, and overstays by nothing', async (seconds, asked) => {
  const it = holding(view('CANCELLING', 1));
  const outcome = await it.client.waitForRun('run_1', { timeoutSeconds: seconds });
  expect(outcome).toMatchObject({ kind: 'timed-out', run: { state: 'CANCELLING' } });
  expect(paths(it)).toEqual(asked);
  expect(it.nowMs()).toBe(seconds * 1000);
});

test('what is left of a second is waited for by looking', async () => {
  const it = holding(view('RUNNING', 1));
  await it.client.waitForRun('run_1', { timeoutSeconds: 1.5 });
  expect(it.nowMs()).toBe(1500);
  expect(paths(it)).toEqual(['', '/wait?timeout-seconds=1', '', '', '', '']);
});

test('only a look that differs from the one before is told', async () => {
  const seen: RunView[] = [];
  const it = holding(view('ACCEPTED', 2), view('RUNNING', 2), view('RUNNING', 2), view('RUNNING', 1), view('SUCCEEDED'));
  await it.client.waitForRun('run_1', { onChange: (run) => seen.push(run) });
  expect(seen.map(({ state, jobs }) => [state, jobs.open])).toEqual([
    ['ACCEPTED', 2],
    ['RUNNING', 2],
    ['RUNNING', 1],
    ['SUCCEEDED', 0],
  ]);
});

describe('where a held answer does not come', () => {
  test.each<[string, Answer]>([
    ['the connection breaks', refused()],
    ['a proxy has given up', { status: 504, text: 'Gateway Timeout' }],
    ['the service is restarting', { status: 503, body: problemOf('unavailable', 'try again') }],
    ['too many hold on', { status: 429, body: problemOf('unavailable', 'slower') }],
  ])('because %s, the run is looked at after a pause, and held on to again', async (_, lost) => {
    const scripted = scriptedFetch(view('RUNNING', 1), lost, view('RUNNING', 1), view('SUCCEEDED'));
    const pace = drivenPace();
    const client = sluiceClient({ url: 'http://sluice.test', fetch: scripted.fetch, pace });
    expect(await client.waitForRun('run_1')).toMatchObject({ kind: 'ended' });
    expect(paths(scripted)).toEqual(['', '/wait?timeout-seconds=20', '', '/wait?timeout-seconds=20']);
    expect(pace.waitedMs).toEqual([100]);
  });

  test.each<[string, Answer, string]>([
    ['nobody listens', refused(), 'ServiceUnreachable'],
    ['a proxy says that nobody does', { status: 502, text: 'Bad Gateway' }, 'UnexpectedAnswer'],
    ['the service says that it is starting', { status: 503, body: problemOf('unavailable', 'try again') }, 'ApiError'],
  ])('and no look is answered either, because %s, it is tried for half a minute; then the wait breaks off', async (_, lost, error) => {
    const it = holding(view('RUNNING', 1), lost);
    await expect(it.client.waitForRun('run_1')).rejects.toMatchObject({ name: error });
    expect(it.nowMs()).toBeGreaterThanOrEqual(30_000);
    expect(it.nowMs()).toBeLessThan(35_000);
  });

  test('for some seconds, and then does, the wait goes on, and has half a minute again', async () => {
    const silence = Array.from({ length: 40 }, () => refused());
    const it = holding(view('RUNNING', 1), ...silence, view('RUNNING', 1), ...silence, view('SUCCEEDED'));
    expect(await it.client.waitForRun('run_1')).toMatchObject({ kind: 'ended' });
  });

  test('and the time is up meanwhile, the wait is over with the run as it was seen last', async () => {
    const it = holding(view('RUNNING', 1), refused());
    expect(await it.client.waitForRun('run_1', { timeoutSeconds: 10 })).toMatchObject({ kind: 'timed-out', run: { state: 'RUNNING' } });
    expect(it.nowMs()).toBeLessThan(13_000);
  });
});

test('a fault of the service is told at once', async () => {
  const { client, waitedMs } = holding(view('RUNNING', 1), { status: 500, body: problemOf('fault', 'because') });
  await expect(client.waitForRun('run_1')).rejects.toMatchObject({ name: 'ApiError', status: 500 });
  expect(waitedMs).toEqual([]);
});

test('a service that answers at once although it is asked to hold back is not asked without end', async () => {
  const pace = drivenPace();
  const scripted = scriptedFetch(...Array.from({ length: 12 }, () => view('RUNNING', 1)), view('SUCCEEDED'));
  await sluiceClient({ url: 'http://sluice.test', fetch: scripted.fetch, pace }).waitForRun('run_1');
  expect(pace.waitedMs).toHaveLength(11);
  expect(pace.waitedMs.slice(0, 3).map(Math.round)).toEqual([100, 150, 225]);
  expect(Math.max(...pace.waitedMs)).toBe(1000);
});

test('what the service refuses while somebody waits is told as that', async () => {
  const { client } = holding(view('RUNNING', 1), { status: 404, body: problemOf('not-found', 'there is no run run_1') });
  await expect(client.waitForRun('run_1')).rejects.toMatchObject({ name: 'ApiError', status: 404 });
});
