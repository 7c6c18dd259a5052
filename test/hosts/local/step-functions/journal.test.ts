import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { drivenClock } from '#hosts/local/driven-clock';
import { BEGIN_MS, harness, type Harness, outputOf, returned } from './harness.ts';
import type { CheckpointStore, InvokeOutcome } from '#hosts/local/step-functions/ports';
import { memoryCheckpoints } from './memory-checkpoints.ts';

const CHILDREN = 1000;

const FAN: JsonObject = {
  QueryLanguage: 'JSONata',
  StartAt: 'Fan',
  States: {
    Fan: {
      Type: 'Map',
      Items: `{% [1..${CHILDREN}] %}`,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Park',
        States: {
          Park: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
            Arguments: { FunctionName: 'park', Payload: { token: '{% $states.context.Task.Token %}' } },
            Output: {},
            End: true,
          },
        },
      },
      Output: '{% $count($states.result) %}',
      End: true,
    },
  },
};

const tokenOf = (payload: Json): string => (payload as { readonly token: string }).token;

describe('the journal', () => {
  test('of a thousand children that start and end together costs a handful of writes', async () => {
    const checkpoints = memoryCheckpoints();
    const tokens: string[] = [];
    const sfn = harness(
      (_name, payload) => {
        tokens.push(tokenOf(payload));
        return returned({});
      },
      { checkpoints },
    );
    const arn = await sfn.start(await sfn.create(FAN), {});
    while (tokens.length < CHILDREN) await sfn.clock.settle();
    await sfn.clock.settle();
    await Promise.all(tokens.map((taskToken) => sfn.call('SendTaskSuccess', { taskToken, output: '{}' })));
    await sfn.clock.settle();
    expect(outputOf(await sfn.describe(arn))).toBe(CHILDREN);
    expect(checkpoints.writes.count).toBeLessThanOrEqual(10);
    expect(checkpoints.writes.documents).toBeLessThanOrEqual(30);
  });

  test('has a task before its function is invoked, and its answer before the caller has it', async () => {
    const checkpoints = memoryCheckpoints();
    const journal = async (): Promise<string> => (await checkpoints.read('journal/machine/one')).map(({ body }) => body).join();
    let [token, atInvocation] = ['', ''];
    const sfn: Harness = harness(
      async (_name, payload) => {
        token = tokenOf(payload);
        atInvocation = await journal();
        return returned({});
      },
      { checkpoints },
    );
    const park = {
      QueryLanguage: 'JSONata',
      StartAt: 'Park',
      States: {
        Park: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Arguments: { FunctionName: 'f', Payload: { token: '{% $states.context.Task.Token %}' } },
          End: true,
        },
      },
    };
    await sfn.start(await sfn.create(park), {}, 'one');
    expect(await journal()).toContain('ExecutionStarted');
    await sfn.clock.settle();
    expect(atInvocation).toContain(token);
    expect(atInvocation).toContain('TaskStarted');
    await sfn.call('SendTaskSuccess', { taskToken: token, output: '"durable"' });
    expect(await journal()).toContain('"durable"');
  });

  test('holds a fact that is larger than a document', async () => {
    const checkpoints = memoryCheckpoints();
    const large = '☃'.repeat(80_000);
    const machine = {
      QueryLanguage: 'JSONata',
      StartAt: 'Keep',
      States: {
        Keep: { Type: 'Pass', Assign: { a: '{% $states.input %}', b: '{% $states.input %}' }, Next: 'Wait' },
        Wait: { Type: 'Wait', Seconds: 5, Output: '{% $a = $b and $length($a) %}', End: true },
      },
    };
    const before = harness(() => returned({}), { checkpoints });
    const arn = await before.start(await before.create(machine), large);
    await before.clock.settle();
    for (const { body } of await checkpoints.read(`journal/machine/${arn.split(':').at(-1) ?? ''}`))
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(350_000);
    const after = harness(() => returned({}), { checkpoints: checkpoints.reborn(), clock: drivenClock(BEGIN_MS + 1000) });
    await after.stepFunctions.recover();
    await after.clock.runUntilIdle();
    expect(outputOf(await after.describe(arn))).toBe(true);
  });

  test('is written when the store is back', async () => {
    const checkpoints = memoryCheckpoints();
    let attempts = 0;
    const sfn = harness(() => returned('done'), {
      checkpoints: {
        ...checkpoints,
        write: (puts, deletes) =>
          puts.some(({ partition }) => partition === 'open') && ++attempts <= 3
            ? Promise.reject(new Error('away'))
            : checkpoints.write(puts, deletes),
      },
    });
    const machine = await sfn.create({
      QueryLanguage: 'JSONata',
      StartAt: 'Only',
      States: { Only: { Type: 'Pass', Output: 1, End: true } },
    });
    const started = sfn.start(machine, {});
    await sfn.clock.runUntilIdle();
    expect(outputOf(await sfn.describe(await started))).toBe(1);
    expect(attempts).toBe(4);
  });

  describe('on a store that takes nothing', () => {
    const ONLY = { QueryLanguage: 'JSONata', StartAt: 'Only', States: { Only: { Type: 'Pass', Output: 1, End: true } } };
    const PARKING = {
      QueryLanguage: 'JSONata',
      StartAt: 'Park',
      States: {
        Park: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Arguments: { FunctionName: 'park', Payload: { token: '{% $states.context.Task.Token %}' } },
          End: true,
        },
      },
    };
    const onFullDisk = (): { readonly sfn: Harness; readonly tokens: string[]; readonly disk: { isFull: boolean } } => {
      const checkpoints = memoryCheckpoints();
      const disk = { isFull: false };
      const tokens: string[] = [];
      const park = (_name: string, payload: Json): InvokeOutcome => {
        tokens.push(tokenOf(payload));
        return returned({});
      };
      const write: CheckpointStore['write'] = (puts, deletes) =>
        disk.isFull ? Promise.reject(new Error('database or disk is full')) : checkpoints.write(puts, deletes);
      return { sfn: harness(park, { checkpoints: { ...checkpoints, write } }), tokens, disk };
    };

    test('a start is told so within seconds, and happens once there is room', async () => {
      const { sfn, disk } = onFullDisk();
      const machine = await sfn.create(ONLY);
      disk.isFull = true;
      const told = sfn.start(machine, {}, 'one').catch((error: unknown) => String(error));
      await sfn.clock.advanceTo(BEGIN_MS + 5_000);
      expect(await told).toBe('Error: InternalServerError: the store does not take what is to be kept: database or disk is full');
      disk.isFull = false;
      await sfn.clock.runUntilIdle();
      expect(outputOf(await sfn.describe(`${machine.replace(':stateMachine:', ':execution:')}:one`))).toBe(1);
    });

    test('an answer to a token that is given once more is not taken for an old one before the first is kept', async () => {
      const { sfn, tokens, disk } = onFullDisk();
      await sfn.start(await sfn.create(PARKING), {});
      await sfn.clock.settle();
      disk.isFull = true;
      const answered = [1, 2].map(() =>
        sfn.call('SendTaskSuccess', { taskToken: tokens[0] ?? '', output: '{}' }).catch((error: unknown) => String(error)),
      );
      await sfn.clock.advanceTo(BEGIN_MS + 5_000);
      const full = 'Error: InternalServerError: the store does not take what is to be kept: database or disk is full';
      expect(await Promise.all(answered)).toEqual([full, full]);
    });

    test('the host stops, and whoever waits is told so', async () => {
      const { sfn, disk } = onFullDisk();
      const machine = await sfn.create(ONLY);
      disk.isFull = true;
      const told = sfn.start(machine, {}).catch((error: unknown) => String(error));
      const closed = sfn.stepFunctions.close();
      await sfn.clock.advanceTo(BEGIN_MS + 1_000);
      await closed;
      expect(await told).toBe('Error: InternalServerError: the local host is stopping');
      expect((await sfn.stepFunctions.call('StartExecution', { stateMachineArn: machine, input: '{}' })).status).toBe(500);
    });
  });
});
