import { afterEach, expect, test } from 'vitest';
import type { RunView } from '#contract/views';
import { drivenClock, type DrivenClock } from '#hosts/local/driven-clock';
import { allJobs, eventNames, registerSleep, startSleeping } from '#test/support/journey';
import { quiet } from '#test/support/quiet';
import { sleepEngine, type SleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

let service: Service;
afterEach(async () => {
  await service.close();
});

const START = Date.parse('2026-03-01T00:00:00.000Z');
const HOUR = 3_600_000;

/** Without `push` the engine never says anything by itself, as most engines: only the watch loop looks. */
async function driven(options: { readonly push: boolean }): Promise<{ readonly clock: DrivenClock; readonly sleep: SleepEngine }> {
  const clock = drivenClock(START, quiet);
  const at = (atMs: number, callback: () => void): (() => void) => clock.at(atMs, callback);
  const sleep = sleepEngine({ nowMs: () => clock.nowMs(), ...(options.push ? { at } : {}) });
  service = await startService({ clock, engines: { sleep }, pollFloorSeconds: 5 });
  await registerSleep(service);
  return { clock, sleep };
}

const view = async (runId: string): Promise<RunView> => (await service.request<RunView>('GET', `/v1/runs/${runId}`)).body;

test('a job that outlives its limit of four hours is stopped on the engine, then recorded as timed out', async () => {
  const { clock, sleep } = await driven({ push: false });
  const started = await startSleeping(service, [{ SECONDS: 10 * 3600 }, { SECONDS: 3600 }]);
  await clock.advanceBy(3.9 * HOUR);
  expect(await view(started['run-id'])).toMatchObject({ state: 'RUNNING', jobs: { finished: 1, open: 1 } });
  await clock.advanceBy(HOUR);
  expect(await view(started['run-id'])).toMatchObject({ state: 'PARTIAL', jobs: { finished: 1, failed: 1 } });
  const [overdue] = await allJobs(service, started['run-id']);
  expect(overdue?.failure?.reason).toBe('timed-out');
  expect(sleep.calls.stop).toBe(1);
  expect(await eventNames(service, overdue?.['job-id'] ?? '')).toEqual(['create', 'run', 'fail']);
});

test('the watch loop of a four-hour run asks the engine seldom, however long it takes', async () => {
  const { clock, sleep } = await driven({ push: false });
  const started = await startSleeping(service, [{ SECONDS: 3.5 * 3600 }]);
  await clock.advanceBy(4 * HOUR);
  expect(await view(started['run-id'])).toMatchObject({ state: 'SUCCEEDED' });
  // A fixed interval of 10 s, as the original's, would ask 1,260 times.
  expect(sleep.calls.status).toBeLessThan(250);
});

test('with an engine that pushes, the end is recorded at the moment it happens', async () => {
  const { clock, sleep } = await driven({ push: true });
  const started = await startSleeping(service, [{ SECONDS: 3600 }]);
  while (sleep.jobs.size === 0) await clock.settle();
  await clock.advanceTo(START + HOUR + 1000);
  const ended = await view(started['run-id']);
  expect(ended.state).toBe('SUCCEEDED');
  expect(Date.parse(ended['finished-at'] ?? '') - START).toBeLessThan(HOUR + 1000);
});
