import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { BEGIN_MS, entered, harness, type Harness, outputOf, returned, textOf, threw } from './harness.ts';

const CAUGHT: JsonObject = { Type: 'Pass', End: true };

/** One task that is parked on its token, caught into `Caught`. */
function parked(fields: JsonObject = {}): JsonObject {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Park',
    States: {
      Park: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: {
          FunctionName: 'park',
          Payload: { token: '{% $states.context.Task.Token %}', tries: '{% $states.context.State.RetryCount %}' },
        },
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
        ...fields,
        End: true,
      },
      Caught: CAUGHT,
    },
  };
}

interface Parked {
  readonly token: string;
  readonly tries: number;
}

function parking(): { readonly sfn: Harness; readonly seen: Parked[] } {
  const seen: Parked[] = [];
  const sfn = harness((_name, payload) => {
    seen.push(payload as unknown as Parked);
    return returned({});
  });
  return { sfn, seen };
}

async function startParked(sfn: Harness, fields: JsonObject = {}): Promise<string> {
  const arn = await sfn.start(await sfn.create(parked(fields)), {});
  await sfn.clock.settle();
  return arn;
}

const secondsRun = (sfn: Harness): number => (sfn.clock.nowMs() - BEGIN_MS) / 1000;

describe('a task token', () => {
  test('is good for one answer', async () => {
    const { sfn, seen } = parking();
    const arn = await startParked(sfn);
    const taskToken = seen[0]?.token ?? '';
    await sfn.call('SendTaskSuccess', { taskToken, output: '{"answer":1}' });
    await expect(sfn.call('SendTaskSuccess', { taskToken, output: '{"answer":2}' })).rejects.toThrow('TaskTimedOut: Task Timed Out');
    await sfn.clock.settle();
    expect(outputOf(await sfn.describe(arn))).toEqual({ answer: 1 });
    await expect(sfn.call('SendTaskHeartbeat', { taskToken })).rejects.toThrow('TaskTimedOut');
  });

  test('that was never issued is refused by kind', async () => {
    const { sfn } = parking();
    await sfn.create(parked());
    await expect(sfn.call('SendTaskSuccess', { taskToken: 'nonsense', output: '{}' })).rejects.toThrow('InvalidToken');
    const forged = Buffer.from('machine/never||0|secret').toString('base64url');
    await expect(sfn.call('SendTaskFailure', { taskToken: forged })).rejects.toThrow('TaskDoesNotExist');
    await expect(sfn.call('SendTaskSuccess', { taskToken: forged, output: 'no json' })).rejects.toThrow('InvalidOutput');
  });

  test('with another secret does not answer the task', async () => {
    const { sfn, seen } = parking();
    const arn = await startParked(sfn);
    const parts = Buffer.from(seen[0]?.token ?? '', 'base64url')
      .toString()
      .split('|');
    const forged = Buffer.from([...parts.slice(0, 3), 'guess'].join('|')).toString('base64url');
    await expect(sfn.call('SendTaskSuccess', { taskToken: forged, output: '{}' })).rejects.toThrow('TaskTimedOut');
    expect((await sfn.describe(arn))['status']).toBe('RUNNING');
  });

  test('may be answered before its invocation returns, whose own error then counts for nothing', async () => {
    const sfn: Harness = harness(async (_name, payload) => {
      await sfn.call('SendTaskSuccess', { taskToken: (payload as unknown as Parked).token, output: '"early"' });
      return threw('TooLate');
    });
    const described = await sfn.run(parked(), {});
    expect(outputOf(described)).toBe('early');
  });

  test('is new for each try, and the one of an earlier try is over', async () => {
    const tokens: Parked[] = [];
    const sfn: Harness = harness((_name, payload) => {
      tokens.push(payload as unknown as Parked);
      return tokens.length === 1 ? threw('EngineUnavailable') : returned({});
    });
    const arn = await sfn.start(await sfn.create(parked({ Retry: [{ ErrorEquals: ['EngineUnavailable'], IntervalSeconds: 5 }] })), {});
    await sfn.clock.advanceBy(5000);
    expect(tokens.map(({ tries }) => tries)).toEqual([0, 1]);
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(2);
    await expect(sfn.call('SendTaskSuccess', { taskToken: tokens[0]?.token ?? '', output: '{}' })).rejects.toThrow('TaskTimedOut');
    await sfn.call('SendTaskSuccess', { taskToken: tokens[1]?.token ?? '', output: '{}' });
    await sfn.clock.settle();
    expect((await sfn.describe(arn))['status']).toBe('SUCCEEDED');
  });
});

describe('a deadline', () => {
  test('ends a task as States.Timeout after TimeoutSeconds', async () => {
    const { sfn } = parking();
    const described = await sfn.run(parked({ TimeoutSeconds: '{% 60 * 2 %}' }), {});
    expect(outputOf(described)).toEqual({ Error: 'States.Timeout', Cause: '' });
    expect(secondsRun(sfn)).toBe(120);
  });

  test('moves with each heartbeat, and a missed one ends the task', async () => {
    const { sfn, seen } = parking();
    const arn = await startParked(sfn, { HeartbeatSeconds: 10, Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Caught' }] });
    const taskToken = seen[0]?.token ?? '';
    for (let beat = 0; beat < 5; beat++) {
      await sfn.clock.advanceBy(9000);
      await sfn.call('SendTaskHeartbeat', { taskToken });
    }
    await sfn.clock.runUntilIdle();
    expect(secondsRun(sfn)).toBe(55);
    expect(entered(await sfn.history(arn))).toEqual(['Park', 'Caught']);
  });

  test('of the whole machine ends the execution as TIMED_OUT, children included', async () => {
    const { sfn, seen } = parking();
    const { States: states } = parked();
    const processor = { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, StartAt: 'Park', States: states ?? {} };
    const described = await sfn.run(
      {
        QueryLanguage: 'JSONata',
        TimeoutSeconds: 90,
        StartAt: 'Fan',
        States: { Fan: { Type: 'Map', Items: [1, 2], ItemProcessor: processor, End: true } },
      },
      {},
    );
    expect(described).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(secondsRun(sfn)).toBe(90);
    await expect(sfn.call('SendTaskSuccess', { taskToken: seen[1]?.token ?? '', output: '{}' })).rejects.toThrow('TaskTimedOut');
  });
});

describe('Retry', () => {
  const flaky = (retry: JsonObject): JsonObject => ({
    QueryLanguage: 'JSONata',
    StartAt: 'Try',
    States: {
      Try: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments: { FunctionName: 'f' }, Retry: [retry], End: true },
    },
  });

  async function attempts(retry: JsonObject): Promise<readonly number[]> {
    const at: number[] = [];
    const sfn: Harness = harness(() => {
      at.push(secondsRun(sfn));
      return threw('StoreBusy');
    });
    expect(await sfn.run(flaky(retry), {})).toMatchObject({ status: 'FAILED', error: 'StoreBusy' });
    return at;
  }

  test('waits longer from try to try, up to MaxDelaySeconds', async () => {
    expect(await attempts({ ErrorEquals: ['StoreBusy'], IntervalSeconds: 2, MaxAttempts: 4, BackoffRate: 3, MaxDelaySeconds: 20 })).toEqual(
      [0, 2, 8, 26, 46],
    );
  });

  test('with FULL jitter never waits longer than without', async () => {
    const at = await attempts({
      ErrorEquals: ['States.TaskFailed'],
      IntervalSeconds: 10,
      MaxAttempts: 3,
      BackoffRate: 1,
      JitterStrategy: 'FULL',
    });
    expect(at).toHaveLength(4);
    expect(at.at(-1)).toBeLessThanOrEqual(30);
  });

  test('with MaxAttempts 0 forbids what States.ALL would allow', async () => {
    expect(await attempts({ ErrorEquals: ['StoreBusy'], MaxAttempts: 0 })).toEqual([0]);
  });

  test('does not answer an error that it does not name', async () => {
    expect(await attempts({ ErrorEquals: ['Lambda.ServiceException'] })).toEqual([0]);
  });
});

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
    await sfn.call('SendTaskFailure', { taskToken: seen[0]?.token ?? '', error: 'Old' });
    await sfn.clock.settle();
    expect(entered(await sfn.history(arn))).toEqual(['Park', 'Caught']);
    const fresh = await sfn.start(stateMachineArn, {});
    await sfn.clock.settle();
    expect(outputOf(await sfn.describe(fresh))).toBe('new');
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
