import { describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { entered, harness, type Harness, outputOf, returned, threw } from './harness.ts';
import { parked, type Parked, parking, secondsRun, startParked } from './parked.ts';

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
