/** A push of an engine, from its POST to the end of its run, by way of the embedded Step Functions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#hosts/local/host-clock';
import { endedRun, registerSleep, startSleeping, until } from '#test/support/journey';
import { sleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

const folder = mkdtempSync(join(tmpdir(), 'sluice-secret-'));
const file = join(folder, 'webhook');
writeFileSync(file, 'hush hush\n');

let service: Service;
const clock = systemClock();
// An engine that tells nobody by itself: without a push the loop is the only one to look.
const sleep = sleepEngine({ nowMs: () => clock.nowMs() });
beforeAll(async () => {
  service = await startService({ engines: { sleep }, pollFloorSeconds: 60, controlHubWebhookSecret: `file:${file}` });
  await registerSleep(service);
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

test('the run is looked at a second later, and not when its loop would have come round', async () => {
  const started = await startSleeping(service, [{ SECONDS: 1 }]);
  await until(service, started['run-id'], () => sleep.jobs.size === 1);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const [name = ''] = sleep.jobs.keys();
  const event = { JOB_ID: 'x', JOB_NAME: `Sleep - ${name}`, FROM_STATUS: 'ACTIVE', TO_STATUS: 'INACTIVE' };
  const push = (secret: string): ReturnType<Service['request']> =>
    service.request('POST', '/v1/engines/control-hub/events', event, { authorization: '', 'x-sluice-webhook-secret': secret });
  expect((await push('hush')).status).toBe(401);
  const from = clock.nowMs();
  const statuses = await Promise.all(Array.from({ length: 20 }, () => push('hush hush')));
  expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([202]));
  expect(await endedRun(service, started['run-id'])).toMatchObject({ state: 'SUCCEEDED' });
  expect(clock.nowMs() - from).toBeLessThan(20_000);
});
