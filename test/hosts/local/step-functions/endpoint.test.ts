import { request } from 'node:http';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  GetExecutionHistoryCommand,
  InvalidDefinition,
  InvalidToken,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenStepFunctions, type StepFunctionsEndpoint } from '#hosts/local/step-functions/endpoint';
import { harness, type Harness, returned } from './harness.ts';

const PARKED = JSON.stringify({
  QueryLanguage: 'JSONata',
  StartAt: 'Park',
  States: {
    Park: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'park', Payload: { token: '{% $states.context.Task.Token %}', snowman: '☃' } },
      End: true,
    },
  },
});

describe('the SDK client', () => {
  let sfn: Harness;
  let endpoint: StepFunctionsEndpoint;
  let client: SFNClient;
  let tokens: string[];

  beforeEach(async () => {
    tokens = [];
    sfn = harness((_name, payload) => {
      tokens.push((payload as { token: string }).token);
      return returned({});
    });
    endpoint = await listenStepFunctions(sfn.stepFunctions, { host: '127.0.0.1', port: 0 });
    client = new SFNClient({
      endpoint: `http://127.0.0.1:${endpoint.port}`,
      region: 'local',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
  });
  afterEach(async () => {
    client.destroy();
    await endpoint.close();
  });

  const start = async (name: string, input = '{}'): Promise<string> => {
    const { stateMachineArn } = await client.send(new CreateStateMachineCommand({ name: 'parked', definition: PARKED, roleArn: 'role' }));
    const { executionArn, startDate } = await client.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    expect(startDate).toBeInstanceOf(Date);
    await sfn.clock.settle();
    return executionArn ?? '';
  };

  test('starts, answers, describes, lists and reads the history of an execution', async () => {
    const executionArn = await start('one', '{ "spelled":  "so" }');
    await client.send(new SendTaskSuccessCommand({ taskToken: tokens[0], output: '{"ok":"☃"}' }));
    await sfn.clock.settle();
    const described = await client.send(new DescribeExecutionCommand({ executionArn }));
    expect(described).toMatchObject({ status: 'SUCCEEDED', output: '{"ok":"☃"}', input: '{ "spelled":  "so" }', name: 'one' });
    const { executions } = await client.send(
      new ListExecutionsCommand({ stateMachineArn: described.stateMachineArn, statusFilter: 'SUCCEEDED' }),
    );
    expect(executions?.map(({ name }) => name)).toEqual(['one']);
    const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 2 }));
    expect(events?.map(({ type }) => type)).toEqual(['ExecutionSucceeded', 'TaskStateExited']);
  });

  test('recognises errors by their class', async () => {
    await start('one', '{"a":1}');
    const { stateMachineArn } = await client.send(new CreateStateMachineCommand({ name: 'parked', definition: PARKED, roleArn: 'role' }));
    await expect(client.send(new StartExecutionCommand({ stateMachineArn, name: 'one', input: '{"a":2}' }))).rejects.toBeInstanceOf(
      ExecutionAlreadyExists,
    );
    await expect(client.send(new CreateStateMachineCommand({ name: 'x', definition: '{}', roleArn: 'role' }))).rejects.toBeInstanceOf(
      InvalidDefinition,
    );
    await client.send(new SendTaskFailureCommand({ taskToken: tokens[0], error: 'Broken', cause: 'because' }));
    await expect(client.send(new SendTaskSuccessCommand({ taskToken: tokens[0], output: '{}' }))).rejects.toBeInstanceOf(TaskTimedOut);
  });

  test('stops an execution, whose token is then no more', async () => {
    const executionArn = await start('one');
    const { stopDate } = await client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'asked for' }));
    expect(stopDate).toBeInstanceOf(Date);
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
      error: 'Cancelled',
      cause: 'asked for',
    });
    await expect(client.send(new SendTaskSuccessCommand({ taskToken: tokens[0], output: '{}' }))).rejects.toBeInstanceOf(TaskTimedOut);
  });

  test('keeps a parked task waiting by its heartbeats, and is told when that was too late', async () => {
    const definition = PARKED.replace('"End":true', '"HeartbeatSeconds":10,"End":true');
    const { stateMachineArn } = await client.send(new CreateStateMachineCommand({ name: 'beating', definition, roleArn: 'role' }));
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, name: 'one' }));
    await sfn.clock.settle();
    for (let beat = 0; beat < 3; beat++) {
      await sfn.clock.advanceBy(8_000);
      await client.send(new SendTaskHeartbeatCommand({ taskToken: tokens[0] }));
    }
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ status: 'RUNNING' });
    await sfn.clock.advanceBy(11_000);
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    await expect(client.send(new SendTaskHeartbeatCommand({ taskToken: tokens[0] }))).rejects.toBeInstanceOf(TaskTimedOut);
    await expect(client.send(new SendTaskHeartbeatCommand({ taskToken: 'none' }))).rejects.toBeInstanceOf(InvalidToken);
  });

  test('is answered on the loopback address alone, whoever else names it', async () => {
    const asking = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { host, 'x-amz-target': 'AWSStepFunctions.ListStateMachines' };
        const outgoing = request({ host: '127.0.0.1', port: endpoint.port, method: 'POST', headers }, (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode);
        });
        outgoing.on('error', reject);
        outgoing.end('{}');
      });
    expect(await asking(`127.0.0.1:${endpoint.port}`)).toBe(200);
    expect(await asking(`localhost:${endpoint.port}`)).toBe(200);
    expect(await asking(`elsewhere.example:${endpoint.port}`)).toBe(400);
  });
});
