import { afterEach, expect, test } from 'vitest';
import { systemClock } from '#hosts/local/host-clock';
import type { JobView, PageView, RunStarted, RunView } from '#contract/views';
import { sleepEngine, type SleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

let service: Service;
afterEach(async () => {
  await service.close();
});

async function startSleeping(): Promise<SleepEngine> {
  const clock = systemClock();
  const sleep = sleepEngine({ nowMs: () => clock.nowMs(), at: clock.at.bind(clock) });
  service = await startService({ engines: { sleep } });
  await service.request('PUT', '/v1/templates/tmpl_sleep', { name: 'Sleep', engine: 'sleep' });
  await service.request('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
  return sleep;
}

async function run(sets: readonly object[]): Promise<RunView> {
  const body = { 'user-id': 'ada', 'user-run-id': 'r1', 'source-type': 'time', 'target-type': 'nothing', 'runtime-parameters': sets };
  const started = await service.request<RunStarted>('POST', '/v1/runs', body);
  expect(started.status).toBe(202);
  return ended(started.body['run-id']);
}

async function ended(id: string): Promise<RunView> {
  for (;;) {
    const { body } = await service.request<RunView>('GET', `/v1/runs/${id}`);
    if (body['finished-at'] !== undefined) return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function allJobs(id: string): Promise<readonly JobView[]> {
  const jobs: JobView[] = [];
  let cursor = '';
  do {
    const { body } = await service.request<PageView<JobView>>('GET', `/v1/runs/${id}/jobs?limit=500${cursor}`);
    jobs.push(...body.items);
    cursor = body['next-cursor'] === undefined ? '' : `&cursor=${body['next-cursor']}`;
  } while (cursor !== '');
  return jobs;
}

test('1,000 sets that all end in the same second are all recorded, none twice', async () => {
  const sleep = await startSleeping();
  const t = performance.now();
  const view = await run(Array.from({ length: 1000 }, () => ({ SECONDS: 1 })));
  console.log('1000 sets', Math.round(performance.now() - t), sleep.calls);
  expect(view.state).toBe('SUCCEEDED');
  expect(view.jobs).toEqual({ total: 1000, finished: 1000, failed: 0, cancelled: 0, open: 0 });
  const jobs = await allJobs(view['run-id']);
  expect(new Set(jobs.map((job) => job['job-id'])).size).toBe(1000);
  expect(jobs.every((job) => job.state === 'FINISHED' && job.attempt === 1)).toBe(true);
  expect(sleep.calls.start).toBe(1000);
});

test.each([40, 41])('of %i sets one poisoned start fails alone', async (count) => {
  await startSleeping();
  const view = await run(Array.from({ length: count }, (_, index) => (index === 7 ? { SECONDS: 0, POISON: true } : { SECONDS: 0 })));
  expect(view.state).toBe('PARTIAL');
  const jobs = await allJobs(view['run-id']);
  expect(jobs.filter((job) => job.state === 'FINISHED')).toHaveLength(count - 1);
  expect(jobs[7]?.failure).toEqual({ reason: 'start-failed', message: 'TypeError: poisoned' });
});
