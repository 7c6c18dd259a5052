import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { BEGIN_MS, entered, harness, type Harness, outputOf, returned, textOf, threw } from './harness.ts';
import { parked, parking, secondsRun, startParked } from './parked.ts';

describe('an execution', () => {
  test('that is stopped aborts its children and takes no more answers', async () => {
    const { sfn, seen } = parking();
    const processor = {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: 'Park',
      States: parked()['States'] ?? {},
    };
    const arn = await sfn.start(
      await sfn.create({
        QueryLanguage: 'JSONata',
        StartAt: 'Fan',
        States: { Fan: { Type: 'Map', Label: 'Jobs', Items: [1, 2, 3], ItemProcessor: processor, End: true } },
      }),
      {},
      'one',
    );
    await sfn.clock.settle();
    await sfn.call('StopExecution', { executionArn: arn, error: 'Cancelled' });
    expect(await sfn.describe(arn)).toMatchObject({ status: 'ABORTED', error: 'Cancelled' });
    const { executions } = (await sfn.call('ListExecutions', {
      mapRunArn: 'arn:aws:states:local:000000000000:mapRun:machine/Jobs:one~1',
    })) as unknown as { executions: JsonObject[] };
    expect(executions.map(({ status }) => status)).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    await expect(sfn.call('SendTaskSuccess', { taskToken: seen[0]?.token ?? '', output: '{}' })).rejects.toThrow('TaskTimedOut');
    expect(sfn.ended.map(({ status }) => status)).toEqual(['ABORTED']);
    const again = await sfn.call('StopExecution', { executionArn: arn });
    expect(again['stopDate']).toBe(BEGIN_MS / 1000);
  });

  test('of four hours with a retry costs no real time', async () => {
    let polls = 0;
    const sfn = harness(() => (++polls === 100 ? threw('StoreBusy') : returned({ ended: polls > 240 })));
    const described = await sfn.run(
      {
        QueryLanguage: 'JSONata',
        StartAt: 'Wait',
        States: {
          Wait: { Type: 'Wait', Seconds: 60, Next: 'Poll' },
          Poll: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke',
            Arguments: { FunctionName: 'poll' },
            Retry: [{ ErrorEquals: ['StoreBusy'], IntervalSeconds: 30 }],
            Assign: { ended: '{% $states.result.Payload.ended %}' },
            Next: 'Ended',
          },
          Ended: { Type: 'Choice', Choices: [{ Condition: '{% $ended %}', Next: 'Done' }], Default: 'Wait' },
          Done: { Type: 'Succeed', Output: {} },
        },
      },
      {},
    );
    expect(described['status']).toBe('SUCCEEDED');
    expect(secondsRun(sfn)).toBe(4 * 3600 + 30);
  });

  test('fails when its history is full', async () => {
    const sfn = harness(() => returned({}));
    const arn = await sfn.start(
      await sfn.create({
        QueryLanguage: 'JSONata',
        StartAt: 'Again',
        States: { Again: { Type: 'Choice', Choices: [{ Condition: false, Next: 'Done' }], Default: 'Again' }, Done: { Type: 'Succeed' } },
      }),
      {},
    );
    await sfn.clock.settle();
    expect(await sfn.describe(arn)).toMatchObject({
      status: 'FAILED',
      cause: 'The execution reached the maximum number of history events (25000).',
    });
    expect(await sfn.history(arn)).toHaveLength(25_000);
  });

  test('started twice with the same name and input while it runs is one execution', async () => {
    const { sfn } = parking();
    const machine = await sfn.create(parked());
    const [first, second] = await Promise.all([sfn.start(machine, { a: 1 }, 'one'), sfn.start(machine, { a: 1 }, 'one')]);
    expect(second).toBe(first);
    await expect(sfn.start(machine, { a: 2 }, 'one')).rejects.toThrow('ExecutionAlreadyExists');
    await sfn.call('StopExecution', { executionArn: first });
    await expect(sfn.start(machine, { a: 1 }, 'one')).rejects.toThrow('ExecutionAlreadyExists');
  });

  test('goes on with the definition that it started with when the machine is updated', async () => {
    const { sfn, seen } = parking();
    const arn = await startParked(sfn);
    const stateMachineArn = textOf(await sfn.describe(arn), 'stateMachineArn');
    await sfn.call('UpdateStateMachine', {
      stateMachineArn,
      definition: JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'New', States: { New: { Type: 'Pass', Output: 'new', End: true } } }),
    });
    const startedWith = async (): Promise<Json> => {
      const { definition } = await sfn.call('DescribeStateMachineForExecution', { executionArn: arn });
      return JSON.parse(definition as string) as Json;
    };
    expect(await startedWith()).toEqual(parked());
    await sfn.call('SendTaskFailure', { taskToken: seen[0]?.token ?? '', error: 'Old' });
    await sfn.clock.settle();
    expect(entered(await sfn.history(arn))).toEqual(['Park', 'Caught']);
    const fresh = await sfn.start(stateMachineArn, {});
    await sfn.clock.settle();
    expect(outputOf(await sfn.describe(fresh))).toBe('new');
    await sfn.call('DeleteStateMachine', { stateMachineArn });
    expect(await startedWith()).toEqual(parked());
    await expect(sfn.call('DescribeStateMachineForExecution', { executionArn: `${arn}x` })).rejects.toThrow('ExecutionDoesNotExist');
  });
});

describe('a distributed Map', () => {
  const fan = (fields: JsonObject): JsonObject => ({
    QueryLanguage: 'JSONata',
    StartAt: 'Fan',
    States: {
      Fan: {
        Type: 'Map',
        Items: '{% [1..10] %}',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'Work',
          States: {
            Work: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Arguments: { FunctionName: 'work', Payload: '{% $states.input %}' },
              Output: '{% $states.result.Payload %}',
              End: true,
            },
          },
        },
        ...fields,
        End: true,
      },
    },
  });
  const even = (payload: Json): boolean => (payload as number) % 2 === 0;

  test('never has more than MaxConcurrency children at work', async () => {
    let [now, most] = [0, 0];
    const sfn: Harness = harness(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => sfn.clock.at(sfn.clock.nowMs() + 1000, resolve));
      now -= 1;
      return returned('done');
    });
    expect(outputOf(await sfn.run(fan({ MaxConcurrency: 3 }), {}))).toHaveLength(10);
    expect(most).toBe(3);
    expect(secondsRun(sfn)).toBe(4);
  });

  test('tolerates as many failures as it says', async () => {
    const sfn = harness((_name, payload) => (even(payload) ? threw('Even') : returned(payload)));
    expect(outputOf(await sfn.run(fan({ ToleratedFailurePercentage: 50 }), {}))).toEqual([1, 3, 5, 7, 9]);
  });

  test('fails beyond its tolerance and aborts what still runs', async () => {
    const sfn: Harness = harness(async (_name, payload) => {
      if (even(payload)) return threw('Even');
      await new Promise<void>((resolve) => sfn.clock.at(sfn.clock.nowMs() + 1000, resolve));
      return returned(payload);
    });
    const described = await sfn.run(fan({ ToleratedFailureCount: 4 }), {});
    expect(described).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' });
    const types = (await sfn.history(textOf(described, 'executionArn'))).map(({ type }) => type);
    expect(types.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
  });

  test('answers States.DataLimitExceeded when its results together are too large', async () => {
    const sfn = harness(() => returned('x'.repeat(30_000)));
    expect(await sfn.run(fan({}), {})).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  test('hides the variables around it from its children, which an inline one shows', async () => {
    const machine = (config: JsonObject): JsonObject => ({
      QueryLanguage: 'JSONata',
      StartAt: 'Set',
      States: {
        Set: { Type: 'Pass', Assign: { seen: 7 }, Next: 'Fan' },
        Fan: {
          Type: 'Map',
          Items: [1],
          ItemProcessor: { ...config, StartAt: 'Look', States: { Look: { Type: 'Pass', Output: '{% $exists($seen) %}', End: true } } },
          End: true,
        },
      },
    });
    expect(outputOf(await harness(() => returned({})).run(machine({}), {}))).toEqual([true]);
    expect(
      outputOf(await harness(() => returned({})).run(machine({ ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } }), {})),
    ).toEqual([false]);
  });
});
