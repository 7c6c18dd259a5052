import { afterEach, expect, test } from 'vitest';
import type { PageView, RunView } from '#contract/views';
import { systemClock } from '#hosts/local/host-clock';
import { startRun as acceptRun } from '#operations/start-run';
import { allJobs, endedRun, eventNames, registerSleep, startRun, startSleeping, until } from '#test/support/journey';
import { sleepEngine, type SleepEngine, type SleepJob } from '#test/support/sleep-engine';
import { startService, type Service, type ServiceOptions } from '#test/support/service';

let service: Service;
afterEach(async () => {
  await service.close();
});

function sleepOn(jobs: Map<string, SleepJob>): SleepEngine {
  const clock = systemClock();
  return sleepEngine({ nowMs: () => clock.nowMs(), at: (atMs, callback) => clock.at(atMs, callback), jobs });
}

test.each([3, 60])('a run of %i sets goes on after the service was stopped and started in its middle', async (count) => {
  const jobs = new Map<string, SleepJob>();
  service = await startService({ engines: { sleep: sleepOn(jobs) } });
  await registerSleep(service);
  const started = await startSleeping(
    service,
    Array.from({ length: count }, () => ({ SECONDS: 2 })),
  );
  await until(service, started['run-id'], () => jobs.size === count);
  const next = sleepOn(jobs);
  service = await service.restart({ engines: { sleep: next } });
  const view = await endedRun(service, started['run-id']);
  expect(view.jobs).toMatchObject({ finished: count });
  expect(jobs.size).toBe(count);
  expect(next.calls.start).toBe(0);
  expect(await eventNames(service, started['job-ids'][0] ?? '')).toEqual(['create', 'run', 'finish']);
});

test('a run that was being planned when the service stopped is planned by the next one', async () => {
  const jobs = new Map<string, SleepJob>();
  service = await startService({ engines: { sleep: sleepOn(jobs) } });
  await registerSleep(service);
  const started = await startSleeping(
    service,
    Array.from({ length: 300 }, () => ({ SECONDS: 0 })),
  );
  service = await service.restart({ engines: { sleep: sleepOn(jobs) } });
  const view = await endedRun(service, started['run-id']);
  expect(view.jobs).toMatchObject({ finished: 300 });
  expect((await allJobs(service, started['run-id'])).every(({ attempt }) => attempt === 1)).toBe(true);
});

test('a run that was accepted and not started when the service ended is started by the next one, which nobody has to ask', async () => {
  const jobs = new Map<string, SleepJob>();
  service = await startService({ engines: { sleep: sleepOn(jobs) } });
  await registerSleep(service);
  const { ports } = service.host;
  const gone = new Error('the service ended here');
  const dying = { ...ports, orchestrator: { ...ports.orchestrator, startRun: () => Promise.reject(gone) } };
  const asked = { userId: 'ada', userRunId: 'r1', sourceType: 'time', targetType: 'nothing', sets: [{ SECONDS: 0 }], requestedBy: 'tests' };
  await expect(acceptRun(dying, asked)).rejects.toBe(gone);
  service = await service.restart({ engines: { sleep: sleepOn(jobs) } });
  const { body } = await service.request<PageView<RunView>>('GET', '/v1/runs');
  const view = await endedRun(service, body.items[0]?.['run-id'] ?? '');
  expect(view).toMatchObject({ state: 'SUCCEEDED', 'user-run-id': 'r1' });
});

test('a DuckDB job that was lost with the service is started again, once, as the next attempt', async () => {
  service = await startService();
  await service.request('PUT', '/v1/templates/tmpl_count', {
    name: 'Count',
    engine: 'duckdb',
    definition: {
      stages: [
        { name: 'count', role: 'input', sql: 'CREATE TABLE counted AS SELECT count(*) AS n FROM range($ROWS) WHERE hash(range) % 7 = 0' },
      ],
      target: { path: '$TARGET', sql: 'SELECT * FROM counted', format: 'csv' },
    },
    'parameters-schema': { type: 'object', required: ['ROWS', 'TARGET'] },
  });
  await service.request('PUT', '/v1/patterns/range/csv', { 'template-id': 'tmpl_count' });
  const sets = [{ ROWS: 1_500_000_000, TARGET: 'n.csv' }];
  const started = await startRun(service, { sourceType: 'range', targetType: 'csv', sets });
  const jobId = started['job-ids'][0] ?? '';
  for (;;) {
    const { body } = await service.request<{ readonly state: string }>('GET', `/v1/jobs/${jobId}`);
    if (body.state === 'RUNNING') break;
  }
  service = await service.restart();
  const view = await endedRun(service, started['run-id']);
  expect(view.state).toBe('SUCCEEDED');
  expect(await eventNames(service, jobId)).toEqual(['create', 'run', 'fail', 'reset', 'ready', 'run', 'finish']);
  const { body } = await service.request<{ readonly attempt: number }>('GET', `/v1/jobs/${jobId}`);
  expect(body.attempt).toBe(2);
});

test('what ended while no service ran is recorded soon after the start, though the watch loop would sleep for minutes', async () => {
  const jobs = new Map<string, SleepJob>();
  const clock = systemClock();
  // It pushes nothing: only a tick can see the end.
  const silent = (): SleepEngine => sleepEngine({ nowMs: () => clock.nowMs(), jobs });
  const options = (): ServiceOptions => ({ engines: { sleep: silent() }, pollFloorSeconds: 300 });
  service = await startService(options());
  await registerSleep(service);
  const started = await startSleeping(service, [{ SECONDS: 0 }]);
  await until(service, started['run-id'], () => jobs.size === 1);
  service = await service.restart(options());
  expect((await endedRun(service, started['run-id'])).state).toBe('SUCCEEDED');
});
