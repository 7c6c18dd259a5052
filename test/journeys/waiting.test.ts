/** Answers that are held back until a run has ended. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sluiceClient } from '#client/sluice-client';
import type { RunView } from '#contract/views';
import { systemClock } from '#hosts/local/host-clock';
import { registerSleep, startRun, until } from '#test/support/journey';
import { startService, type Service } from '#test/support/service';
import { sleepEngine, type SleepJob } from '#test/support/sleep-engine';

let service: Service;

/** They outlive the service, as an engine's do. */
const engineJobs = new Map<string, SleepJob>();
const options = (): Parameters<typeof startService>[0] => {
  const clock = systemClock();
  return { engines: { sleep: sleepEngine({ nowMs: () => clock.nowMs(), at: clock.at.bind(clock), jobs: engineJobs }) } };
};
beforeAll(async () => {
  service = await startService(options());
  await registerSleep(service);
});
afterAll(async () => {
  await service.close();
});

let names = 0;
const started = async (seconds: number): Promise<string> => {
  const asked = { sourceType: 'time', targetType: 'nothing', userRunId: `wait-${(names += 1)}`, sets: [{ SECONDS: seconds }] };
  return (await startRun(service, asked))['run-id'];
};
const wait = async (id: string, seconds: number): Promise<readonly [number, RunView]> => {
  const from = performance.now();
  const { body } = await service.request<RunView>('GET', `/v1/runs/${id}/wait?timeout-seconds=${seconds}`);
  return [performance.now() - from, body];
};

test('a wait is answered when the run has ended, not before and not much later', async () => {
  const id = await started(2);
  const [tookMs, run] = await wait(id, 25);
  expect(run.state).toBe('SUCCEEDED');
  expect(tookMs).toBeGreaterThan(1000);
  expect(Date.now() - Date.parse(run['finished-at'] ?? '')).toBeLessThan(2500);
});

test('a wait that is over is answered with the run as it stands; a run that has ended is answered at once', async () => {
  const id = await started(600);
  const [tookMs, run] = await wait(id, 1);
  expect(['ACCEPTED', 'RUNNING']).toContain(run.state);
  expect(tookMs).toBeGreaterThanOrEqual(1000);
  await service.request('POST', `/v1/runs/${id}/cancel`);
  expect((await wait(id, 25))[1].state).toBe('CANCELLED');
  expect((await wait(id, 25))[0]).toBeLessThan(1000);
});

test('two hundred who wait at once hold up nobody else, and are all answered', async () => {
  const id = await started(6);
  const waits = Promise.all(Array.from({ length: 200 }, () => wait(id, 25)));
  await until(service, id, ({ state }) => state !== 'ACCEPTED');
  const from = performance.now();
  await service.request('GET', `/v1/runs/${id}`);
  expect(performance.now() - from).toBeLessThan(1500);
  expect((await waits).map(([, { state }]) => state)).toEqual(Array<string>(200).fill('SUCCEEDED'));
});

test('a service that is stopped does not wait for those who wait; they see the end in the one that is started then', async () => {
  const id = await started(12);
  let { url, token } = service.host;
  const asked: string[] = [];
  // The port is another one after a restart in a test: the client's address stays, and is sent on.
  const client = sluiceClient({
    url: 'http://sluice.test',
    fetch: (input, init) => {
      const path = String(input instanceof Request ? input.url : input).replace('http://sluice.test', '');
      asked.push(path);
      return fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
    },
  });
  const waiting = client.waitForRun(id);
  // Awaited at the end: a failure before that is told by the test, not as one that nobody has seen to.
  waiting.catch(() => undefined);
  await expect.poll(() => asked.at(-1)).toContain('/wait?');
  const from = performance.now();
  service = await service.restart(options());
  const tookMs = performance.now() - from;
  ({ url, token } = service.host);
  // Without those who wait it takes a second or two; with them it would take until the end of the run.
  expect(tookMs).toBeLessThan(7_000);
  expect(await waiting).toMatchObject({ kind: 'ended', run: { 'run-id': id, state: 'SUCCEEDED' } });
});
