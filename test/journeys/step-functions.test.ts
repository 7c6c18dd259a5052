/** Machines of other people on the local host's Step Functions, by the SDK's own client: kept in the real store, over restarts. */
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ExecutionAlreadyExists,
  InvalidExecutionInput,
  paginateGetExecutionHistory,
  paginateListExecutions,
  paginateListStateMachines,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
  StopExecutionCommand,
  UpdateStateMachineCommand,
  type DescribeExecutionCommandOutput,
} from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startService, type Service } from '#test/support/service';

let service: Service;
let client: SFNClient;

const connect = (): SFNClient =>
  new SFNClient({
    endpoint: service.host.stepFunctionsEndpoint,
    region: 'local',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  });

beforeEach(async () => {
  service = await startService();
  client = connect();
});
afterEach(async () => {
  client.destroy();
  await service.close();
});

async function restarted(): Promise<void> {
  client.destroy();
  service = await service.restart();
  client = connect();
}

const machine = (states: object): string =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'First', States: { First: { ...states, End: true } } });
const ECHO = machine({ Type: 'Pass' });
const PAUSE = machine({ Type: 'Wait', Seconds: 4 });

async function created(name: string, definition: string): Promise<string> {
  const { stateMachineArn = '' } = await client.send(new CreateStateMachineCommand({ name, definition, roleArn: 'any' }));
  return stateMachineArn;
}

async function started(stateMachineArn: string, name: string, input: unknown = {}): Promise<string> {
  const { executionArn = '' } = await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  return executionArn;
}

async function ended(executionArn: string): Promise<DescribeExecutionCommandOutput> {
  for (;;) {
    const described = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status !== 'RUNNING') return described;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function eventTypes(executionArn: string, reverseOrder: boolean): Promise<readonly unknown[]> {
  const types: unknown[] = [];
  for await (const { events = [] } of paginateGetExecutionHistory({ client }, { executionArn, reverseOrder, maxResults: 3 }))
    types.push(...events.map(({ type }) => type));
  return types;
}

async function listed(stateMachineArn: string, statusFilter?: 'RUNNING' | 'SUCCEEDED'): Promise<readonly unknown[]> {
  const names: unknown[] = [];
  const filter = statusFilter === undefined ? {} : { statusFilter };
  for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn, maxResults: 3, ...filter }))
    names.push(...executions.map(({ name }) => name));
  return names;
}

test('an execution that ends as soon as it has begun is kept, and what comes after it', async () => {
  const arn = await created('echo', ECHO);
  const names = Array.from({ length: 10 }, (_, index) => `run-${index}`);
  const executions = await Promise.all(names.map((name) => started(arn, name, { name })));
  for (const [index, executionArn] of executions.entries())
    expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: JSON.stringify({ name: names[index] }) });
  await restarted();
  expect((await listed(arn)).toSorted()).toEqual(names.toSorted());
  expect(await listed(arn, 'RUNNING')).toEqual([]);
  await expect(started(arn, 'run-0', { name: 'run-0' })).rejects.toBeInstanceOf(ExecutionAlreadyExists);
  expect(await ended(await started(arn, 'later'))).toMatchObject({ status: 'SUCCEEDED' });
});

test.each([
  ['quotes', Array.from({ length: 87_000 }, () => '')],
  ['snow', '☃'.repeat(87_000)],
])('the largest input and output of %s are kept, as are those that come after', async (_, input) => {
  const arn = await created('echo', ECHO);
  const executionArn = await started(arn, 'large', input);
  expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED', input: JSON.stringify(input), output: JSON.stringify(input) });
  await expect(started(arn, 'larger', 'x'.repeat(262_143))).rejects.toBeInstanceOf(InvalidExecutionInput);
  await restarted();
  const described = await client.send(new DescribeExecutionCommand({ executionArn }));
  expect([described.input, described.output]).toEqual([JSON.stringify(input), JSON.stringify(input)]);
  expect(await ended(await started(arn, 'later'))).toMatchObject({ status: 'SUCCEEDED' });
});

test('what is under way goes on after a restart; machines are updated, described, listed and deleted', async () => {
  const arn = await created('pausing', PAUSE);
  const executionArn = await started(arn, 'paused', { a: 1 });
  const stopped = await started(arn, 'stopped');
  await client.send(new StopExecutionCommand({ executionArn: stopped, error: 'Enough' }));
  expect(await listed(arn, 'RUNNING')).toEqual(['paused']);
  const definition = JSON.stringify({ ...(JSON.parse(ECHO) as object), Comment: '"☃'.repeat(190_000) });
  await client.send(new UpdateStateMachineCommand({ stateMachineArn: arn, definition }));
  await restarted();
  expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '{"a":1}' });
  expect(await ended(stopped)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
  const events = ['ExecutionStarted', 'WaitStateEntered', 'WaitStateExited', 'ExecutionSucceeded'];
  expect(await eventTypes(executionArn, false)).toEqual(events);
  expect(await eventTypes(executionArn, true)).toEqual(events.toReversed());
  expect((await client.send(new DescribeStateMachineCommand({ stateMachineArn: arn }))).definition).toBe(definition);
  expect(await ended(await started(arn, 'updated', 'echo'))).toMatchObject({ status: 'SUCCEEDED', output: '"echo"' });
  const names: unknown[] = [];
  for await (const { stateMachines = [] } of paginateListStateMachines({ client }, { maxResults: 1 }))
    names.push(...stateMachines.map(({ name }) => name));
  expect(names).toEqual(['sluice-local-run', 'sluice-local-watch', 'sluice-local-nudge', 'pausing']);
  await client.send(new DeleteStateMachineCommand({ stateMachineArn: arn }));
  await expect(started(arn, 'gone')).rejects.toBeInstanceOf(StateMachineDoesNotExist);
});
