import { expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { harness, type Harness, returned, textOf } from './harness.ts';
import { distributed } from './parked.ts';

const LARGE = 20;
const CHILDREN = 200;
const IN_FLIGHT = 8;

function work(): JsonObject {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Work',
    States: {
      Work: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: 'work', Payload: { name: '{% $states.context.Execution.Name %}' } },
        End: true,
      },
    },
  };
}

/** A function that takes a second, and the names of the executions for which it was called, in the order of the calls. */
function secondsOfWork(): { readonly sfn: Harness; readonly calls: string[] } {
  const calls: string[] = [];
  const sfn: Harness = harness(
    async (_name: string, payload: Json) => {
      calls.push(textOf(payload as JsonObject, 'name').replace(/~.*/, ''));
      await new Promise<void>((resolve) => sfn.clock.at(sfn.clock.nowMs() + 1000, resolve));
      return returned({});
    },
    { mostInvocationsInFlight: IN_FLIGHT },
  );
  return { sfn, calls };
}

test('an execution that comes late is served within one round, however much was queued before it', async () => {
  const { sfn, calls } = secondsOfWork();
  const large = await sfn.create(distributed(CHILDREN, work()), 'large');
  const small = await sfn.create(work(), 'small');
  for (let index = 0; index < LARGE; index += 1) await sfn.start(large, {}, `large-${index}`);
  await sfn.clock.advanceBy(10_000);
  const before = calls.length;
  expect(before).toBe(11 * IN_FLIGHT);

  await sfn.start(small, {}, 'late');
  await sfn.clock.runUntilIdle({ until: () => calls.includes('late') });
  expect(calls).toContain('late');
  expect(calls.indexOf('late') - before).toBeLessThanOrEqual(LARGE);
});

test('the children of a Map Run have the turns of the execution that drives them', async () => {
  const { sfn, calls } = secondsOfWork();
  const many = await sfn.create(distributed(CHILDREN, work()), 'many');
  await sfn.start(many, {}, 'first');
  await sfn.start(many, {}, 'second');
  await sfn.start(await sfn.create(distributed(2, work()), 'few'), {}, 'few');
  await sfn.clock.advanceBy(1000);
  expect(calls.slice(IN_FLIGHT).filter((name) => name === 'few')).toEqual(['few', 'few']);
  await sfn.clock.advanceBy(20_000);
  const served = (name: string): number => calls.slice(IN_FLIGHT).filter((one) => one === name).length;
  expect(served('first') + served('second')).toBe(21 * IN_FLIGHT - 2);
  expect(Math.abs(served('first') - served('second'))).toBeLessThanOrEqual(1);
});
