import { afterEach, expect, test } from 'vitest';
import { allJobs, endedRun, eventNames, registerSleep, startSleeping, until } from '#test/support/journey';
import { systemSleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

let service: Service;
afterEach(async () => {
  await service.close();
});

async function serviceWithSleep(): ReturnType<typeof startSleeping> {
  const sleep = systemSleepEngine();
  service = await startService({ engines: { sleep } });
  await registerSleep(service);
  const started = await startSleeping(service, [{ SECONDS: 600 }, { SECONDS: 600 }, { SECONDS: 0 }]);
  await until(service, started['run-id'], () => sleep.jobs.size === 3);
  return started;
}

async function stepFunctions(operation: string, input: object): Promise<Record<string, unknown>> {
  const headers = { 'x-amz-target': `AWSStepFunctions.${operation}` };
  const response = await fetch(service.host.stepFunctionsEndpoint, { method: 'POST', headers, body: JSON.stringify(input) });
  return (await response.json()) as Record<string, unknown>;
}

const execution = (name: string): string => `arn:aws:states:local:000000000000:execution:sluice-local-run:${name}`;

test('an execution that is stopped in the console has its engine jobs stopped and its run recorded', async () => {
  const started = await serviceWithSleep();
  await stepFunctions('StopExecution', { executionArn: execution(`${started['run-id']}-a1`) });
  const view = await endedRun(service, started['run-id']);
  expect(view).toMatchObject({ state: 'PARTIAL', closing: { reason: 'aborted', message: 'the execution ended as ABORTED' } });
  const jobs = await allJobs(service, started['run-id']);
  expect(jobs.map(({ state, failure }) => [state, failure?.reason])).toEqual([
    ['FAILED', 'aborted'],
    ['FAILED', 'aborted'],
    ['FINISHED', undefined],
  ]);
  expect((await eventNames(service, jobs[0]?.['job-id'] ?? '')).at(-1)).toBe('fail');
});

test('a second execution for the same run leaves at once and disturbs nothing', async () => {
  const started = await serviceWithSleep();
  const { executionArn } = await stepFunctions('StartExecution', {
    stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:sluice-local-run',
    name: 'by-hand',
    input: JSON.stringify({ runId: started['run-id'] }),
  });
  let status: unknown;
  do ({ status } = await stepFunctions('DescribeExecution', { executionArn }));
  while (status === 'RUNNING');
  expect(status).toBe('SUCCEEDED');
  const view = await service.request<{ readonly state: string }>('GET', `/v1/runs/${started['run-id']}`);
  expect(view.body.state).toBe('RUNNING');
  await stepFunctions('StopExecution', { executionArn: execution(`${started['run-id']}-a1`) });
  await endedRun(service, started['run-id']);
});

test('a request typed into the console as an execution’s input is accepted and driven like one from the API', async () => {
  await serviceWithSleep();
  const request = {
    'user-id': 'ops',
    'user-run-id': 'by-hand',
    'source-type': 'time',
    'target-type': 'nothing',
    'runtime-parameters': [{ SECONDS: 0 }],
  };
  await stepFunctions('StartExecution', {
    stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:sluice-local-run',
    input: JSON.stringify(request),
  });
  const listed = async (): Promise<readonly { readonly 'run-id': string }[]> =>
    (await service.request<{ readonly items: readonly { readonly 'run-id': string }[] }>('GET', '/v1/runs?user-run-id=by-hand')).body.items;
  while ((await listed()).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
  const view = await endedRun(service, (await listed())[0]?.['run-id'] ?? '');
  expect(view).toMatchObject({ state: 'SUCCEEDED', 'requested-by': 'step-functions', 'user-id': 'ops' });
});
