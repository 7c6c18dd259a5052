/** What is left when an execution dies of which nobody is told: found on demand, mended on demand or by the clock. */
import { afterEach, expect, test } from 'vitest';
import type { SweepView } from '#contract/sweep-view';
import type { RunView } from '#contract/views';
import { drivenClock, type DrivenClock } from '#hosts/local/driven-clock';
import { registerSleep, startSleeping } from '#test/support/journey';
import { quiet } from '#test/support/quiet';
import { startService, type Service } from '#test/support/service';
import { sleepEngine } from '#test/support/sleep-engine';

let service: Service;
let clock: DrivenClock;
afterEach(async () => {
  await service.close();
});

const MINUTE = 60_000;

/** A run of an hour, of which the engine says nothing by itself, and whose watch loop somebody has stopped. */
async function unwatched(): Promise<string> {
  clock = drivenClock(Date.parse('2026-03-01T00:00:00.000Z'), quiet);
  service = await startService({ clock, engines: { sleep: sleepEngine({ nowMs: () => clock.nowMs() }) }, pollFloorSeconds: 5 });
  await registerSleep(service);
  const { 'run-id': id } = await startSleeping(service, [{ SECONDS: 3600 }]);
  await clock.advanceBy(MINUTE / 2);
  expect((await view(id)).state).toBe('RUNNING');
  const executionArn = `arn:aws:states:local:000000000000:execution:sluice-local-watch:${id}-w1`;
  const response = await fetch(service.host.stepFunctionsEndpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'AWSStepFunctions.StopExecution' },
    body: JSON.stringify({ executionArn }),
  });
  expect(response.status).toBe(200);
  return id;
}

const view = async (id: string): Promise<RunView> => (await service.request<RunView>('GET', `/v1/runs/${id}`)).body;
const sweep = async (method: 'GET' | 'POST'): Promise<SweepView> => (await service.request<SweepView>(method, '/v1/sweep')).body;

test('a run that nobody looks at is found, and started to be looked at on demand; then it ends as others do', async () => {
  const id = await unwatched();
  expect((await sweep('GET')).findings).toEqual([]);
  // The sweep by the clock comes ten seconds later.
  await clock.advanceTo(Date.parse('2026-03-01T00:05:00.000Z'));
  expect(await sweep('GET')).toMatchObject({ 'open-runs': 1, findings: [{ kind: 'watch-overdue', 'run-id': id }] });
  expect((await sweep('POST')).findings).toMatchObject([{ kind: 'watch-overdue', 'run-id': id, outcome: 'repaired' }]);
  await clock.advanceBy(MINUTE / 12);
  expect((await sweep('GET')).findings).toEqual([]);
  await clock.advanceBy(90 * MINUTE);
  expect((await view(id)).state).toBe('SUCCEEDED');
});

test('nobody need ask: the sweep by the clock sees to it within ten minutes', async () => {
  const id = await unwatched();
  const { 'next-poll-at': due = '' } = await view(id);
  await clock.advanceBy(10 * MINUTE);
  expect(Date.parse((await view(id))['next-poll-at'] ?? '')).toBeGreaterThan(Date.parse(due) + 4 * MINUTE);
  await clock.advanceBy(90 * MINUTE);
  expect((await view(id)).state).toBe('SUCCEEDED');
  expect(await sweep('GET')).toEqual({ 'open-runs': 0, 'running-executions': 0, findings: [] });
});
