import { afterEach, expect, test } from 'vitest';
import { systemClock } from '#hosts/local/host-clock';
import { allJobs, endedRun, registerSleep, startSleeping } from '#test/support/journey';
import { sleepEngine, type SleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

let service: Service;
afterEach(async () => {
  await service.close();
});

async function serviceWithSleep(): Promise<SleepEngine> {
  const sleep = sleepEngine(wallClock());
  service = await startService({ engines: { sleep } });
  await registerSleep(service);
  return sleep;
}

function wallClock(): { readonly nowMs: () => number; readonly at: (atMs: number, callback: () => void) => () => void } {
  const clock = systemClock();
  return { nowMs: () => clock.nowMs(), at: (atMs, callback) => clock.at(atMs, callback) };
}

test('1,000 sets that all end in the same second are all recorded, none twice', async () => {
  const sleep = await serviceWithSleep();
  const started = await startSleeping(
    service,
    Array.from({ length: 1000 }, () => ({ SECONDS: 1 })),
  );
  const view = await endedRun(service, started['run-id']);
  expect(view.state).toBe('SUCCEEDED');
  expect(view.jobs).toEqual({ total: 1000, finished: 1000, failed: 0, cancelled: 0, open: 0 });
  expect(view.records).toEqual({ input: 100_000, output: 100_000, error: 0 });
  const jobs = await allJobs(service, view['run-id']);
  expect(jobs.map((job) => job['job-id'])).toEqual(started['job-ids']);
  expect(jobs.every((job) => job.state === 'FINISHED' && job.attempt === 1)).toBe(true);
  expect(sleep.calls.start).toBe(1000);
});

test.each([40, 41])('of %i sets one poisoned start fails alone', async (count) => {
  await serviceWithSleep();
  const sets = Array.from({ length: count }, (_, index) => (index === 7 ? { SECONDS: 0, POISON: true } : { SECONDS: 0 }));
  const view = await endedRun(service, (await startSleeping(service, sets))['run-id']);
  expect(view.state).toBe('PARTIAL');
  const jobs = await allJobs(service, view['run-id']);
  expect(jobs.filter((job) => job.state === 'FINISHED')).toHaveLength(count - 1);
  expect(jobs[7]?.failure).toEqual({ reason: 'start-failed', message: 'TypeError: poisoned' });
});

test('no run holds an execution once it has ended', async () => {
  await serviceWithSleep();
  const view = await endedRun(service, (await startSleeping(service, [{ SECONDS: 0 }, { SECONDS: 0, FAIL: 'disk full' }]))['run-id']);
  expect(view.state).toBe('PARTIAL');
  const open = async (): Promise<number> => (await runningExecutions(service)).length;
  // The watch loop may outlive its run by one Wait.
  while ((await open()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
});

async function runningExecutions(of: Service): Promise<readonly unknown[]> {
  const running = await Promise.all(
    ['run', 'watch'].map(async (name) => {
      const response = await fetch(of.host.stepFunctionsEndpoint, {
        method: 'POST',
        headers: { 'x-amz-target': 'AWSStepFunctions.ListExecutions' },
        body: JSON.stringify({
          stateMachineArn: `arn:aws:states:local:000000000000:stateMachine:sluice-local-${name}`,
          statusFilter: 'RUNNING',
        }),
      });
      return ((await response.json()) as { readonly executions: readonly unknown[] }).executions;
    }),
  );
  return running.flat();
}
