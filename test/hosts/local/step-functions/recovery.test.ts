import { describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { drivenClock } from '#hosts/local/driven-clock';
import { BEGIN_MS, harness, type Harness, outputOf, returned, type Script, threw } from './harness.ts';
import { memoryCheckpoints } from './memory-checkpoints.ts';

/** A bit of everything that waits: a task, a retry, a wait, a distributed map of parked children, an inline map, a parallel. */
const EVERYTHING: JsonObject = {
  QueryLanguage: 'JSONata',
  StartAt: 'Plan',
  States: {
    Plan: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: { FunctionName: 'plan' },
      Assign: { items: '{% $states.result.Payload %}' },
      Output: {},
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 3 }],
      Next: 'Pause',
    },
    Pause: { Type: 'Wait', Seconds: 5, Next: 'Fan' },
    Fan: {
      Type: 'Map',
      Items: '{% $items %}',
      ItemSelector: { item: '{% $states.context.Map.Item.Value %}' },
      MaxConcurrency: 2,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Park',
        States: {
          Park: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
            Arguments: { FunctionName: 'park', Payload: { token: '{% $states.context.Task.Token %}', item: '{% $states.input.item %}' } },
            TimeoutSeconds: 600,
            End: true,
          },
        },
      },
      Assign: { parked: '{% $states.result %}' },
      Next: 'Inline',
    },
    Inline: {
      Type: 'Map',
      Items: '{% $items %}',
      ItemProcessor: { StartAt: 'Double', States: { Double: { Type: 'Pass', Output: '{% $states.input * 2 %}', End: true } } },
      Next: 'Both',
    },
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Slow',
          States: { Slow: { Type: 'Wait', Seconds: 7, Next: 'Left' }, Left: { Type: 'Pass', Output: 'left', End: true } },
        },
        { StartAt: 'Right', States: { Right: { Type: 'Pass', Output: 'right', End: true } } },
      ],
      Output: { parked: '{% $parked %}', doubled: '{% $states.input %}', both: '{% $states.result %}' },
      End: true,
    },
  },
};

const EXPECTED = { parked: ['done-1', 'done-2', 'done-3'], doubled: [2, 4, 6], both: ['left', 'right'] };

/** `plan` fails once per process, which is what its Retry is for; what is parked is answered 4 s later, whichever process then lives. */
function functionsOf(world: Map<string, number>, current: () => Harness): Script {
  let plans = 0;
  return (name, payload) => {
    if (name === 'plan') return ++plans === 1 ? threw('Flaky') : returned([1, 2, 3]);
    const { token, item } = payload as { token: string; item: number };
    world.set(token, item);
    answerLater(current(), token, item);
    return returned({});
  };
}

function answerLater(sfn: Harness, token: string, item: number): void {
  sfn.clock.at(
    sfn.clock.nowMs() + 4000,
    () => void sfn.call('SendTaskSuccess', { taskToken: token, output: JSON.stringify(`done-${item}`) }).catch(() => undefined),
  );
}

describe('a process that is killed', () => {
  test('at any of its writes is continued by the next one to the same end', async () => {
    const whole = memoryCheckpoints();
    const first: Harness = harness(
      functionsOf(new Map(), () => first),
      { checkpoints: whole },
    );
    expect(outputOf(await first.run(EVERYTHING, {}))).toEqual(EXPECTED);
    expect(whole.writes.count).toBeGreaterThan(10);

    for (let dying = 2; dying <= whole.writes.count; dying++) {
      for (const documents of [0, 1, 2, 3]) await dieAndGoOn(dying, documents);
    }
  });

  async function dieAndGoOn(dying: number, documents: number): Promise<void> {
    const what = `killed at write ${dying}, after ${documents} of its documents`;
    const checkpoints = memoryCheckpoints();
    const world = new Map<string, number>();
    const before: Harness = harness(
      functionsOf(world, () => before),
      { checkpoints },
    );
    // The machine's own document is the first write.
    const machine = await before.create(EVERYTHING);
    checkpoints.dieAt(dying, documents);
    void before.start(machine, {}, 'one');
    await before.clock.runUntilIdle({ until: () => checkpoints.writes.count >= dying });

    const clock = drivenClock(before.clock.nowMs());
    const after: Harness = harness(
      functionsOf(world, () => after),
      { checkpoints: checkpoints.reborn(), clock },
    );
    await after.stepFunctions.recover();
    for (const [token, item] of world) answerLater(after, token, item);
    await after.clock.runUntilIdle();
    // Killed before the start was durable, its caller was never answered and starts again.
    if (dying === 2) await after.start(machine, {}, 'one').catch(() => undefined);
    await after.clock.runUntilIdle();
    const arn = 'arn:aws:states:local:000000000000:execution:machine:one';
    expect(outputOf(await after.describe(arn)), what).toEqual(EXPECTED);
    const ids = (await after.history(arn)).map(({ id }) => id);
    expect(ids, what).toEqual(ids.map((_, index) => index + 1));
    const { executions } = (await after.call('ListExecutions', { stateMachineArn: machine })) as unknown as { executions: JsonObject[] };
    expect(
      executions.map(({ status }) => status),
      what,
    ).toEqual(['SUCCEEDED']);
  }

  test('leaves its tokens valid', async () => {
    const checkpoints = memoryCheckpoints();
    let token = '';
    const park: Script = (_name, payload) => {
      token = (payload as { token: string }).token;
      return returned({});
    };
    const before = harness(park, { checkpoints });
    const arn = await before.start(
      await before.create({
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
      }),
      {},
    );
    await before.clock.settle();
    const calls: string[] = [];
    const after = harness(
      (name) => {
        calls.push(name);
        return returned({});
      },
      { checkpoints: checkpoints.reborn(), clock: drivenClock(BEGIN_MS + 60_000) },
    );
    await after.stepFunctions.recover();
    await after.clock.settle();
    expect(calls).toEqual([]);
    await after.call('SendTaskSuccess', { taskToken: token, output: '"kept"' });
    await after.clock.settle();
    expect(outputOf(await after.describe(arn))).toBe('kept');
  });

  test('before the answer to StartExecution has started nothing or everything: the same call then succeeds', async () => {
    const checkpoints = memoryCheckpoints();
    const machine = { QueryLanguage: 'JSONata', StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 5, End: true } } };
    const before = harness(() => returned({}), { checkpoints });
    const stateMachineArn = await before.create(machine);
    checkpoints.dieAt(3);
    void before.start(stateMachineArn, { a: 1 }, 'one');
    await before.clock.settle();
    const after = harness(() => returned({}), { checkpoints: checkpoints.reborn() });
    await after.stepFunctions.recover();
    const arn = await after.start(stateMachineArn, { a: 1 }, 'one');
    await after.clock.runUntilIdle();
    expect((await after.describe(arn))['status']).toBe('SUCCEEDED');
  });
});
