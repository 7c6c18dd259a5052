/** ListExecutions of a machine, and what a request of a list may not say. */
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { harness, type Harness, returned, textOf } from './harness.ts';
import { memoryCheckpoints, type MemoryCheckpoints } from './memory-checkpoints.ts';

/** Ends at once, fails at once, or waits for a day. */
const MACHINE: JsonObject = {
  QueryLanguage: 'JSONata',
  StartAt: 'How',
  States: {
    How: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $states.input = 'wait' %}", Next: 'Wait' },
        { Condition: "{% $states.input = 'fail' %}", Next: 'Fail' },
      ],
      Default: 'Done',
    },
    Wait: { Type: 'Wait', Seconds: 86_400, End: true },
    Fail: { Type: 'Fail', Error: 'Failed', Cause: 'x'.repeat(5_000) },
    Done: { Type: 'Succeed' },
  },
};

interface World {
  readonly sfn: Harness;
  readonly checkpoints: MemoryCheckpoints;
  readonly stateMachineArn: string;
}

async function world(): Promise<World> {
  const checkpoints = memoryCheckpoints();
  const sfn = harness(() => returned({}), { checkpoints });
  return { sfn, checkpoints, stateMachineArn: await sfn.create(MACHINE) };
}

/** Each a millisecond after the one before. */
async function started({ sfn, stateMachineArn }: World, names: readonly string[], input: Json = 'end'): Promise<void> {
  for (const name of names) {
    await sfn.start(stateMachineArn, input, name);
    await sfn.clock.advanceBy(1);
  }
}

interface Listed {
  readonly names: readonly string[];
  readonly nextToken?: Json | undefined;
}

async function page({ sfn, stateMachineArn }: World, input: JsonObject): Promise<Listed> {
  const { executions, nextToken } = await sfn.call('ListExecutions', { stateMachineArn, ...input });
  return { names: (executions as readonly JsonObject[]).map((one) => textOf(one, 'name')), nextToken };
}

async function pages(it: World, input: JsonObject, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<readonly string[]> {
  const names: string[] = [];
  let nextToken: Json | undefined;
  do {
    const next: Listed = await page(it, { ...input, ...(nextToken !== undefined && { nextToken }) });
    names.push(...next.names);
    nextToken = next.nextToken;
    await meanwhile();
  } while (nextToken !== undefined);
  return names;
}

const named = (prefix: string, count: number): readonly string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

describe('the executions of a machine', () => {
  test('are listed by the time of their start, whatever they are called, in pages that lose and repeat none', async () => {
    const it = await world();
    await started(it, ['b', 'z', 'a', 'c', 'y']);
    for (const maxResults of [1, 2, 5, 1000]) expect(await pages(it, { maxResults })).toEqual(['y', 'c', 'a', 'z', 'b']);
  });

  test('that start while they are paged through move no page', async () => {
    const it = await world();
    await started(it, named('early', 6));
    let late = 0;
    const listed = await pages(it, { maxResults: 2 }, () => started(it, [`late-${late++}`]));
    expect(listed).toEqual(named('early', 6).toReversed());
  });

  test('are listed by their status, open and ended, also by the next process', async () => {
    const it = await world();
    await started(it, named('done', 3));
    await started(it, named('failed', 3), 'fail');
    await started(it, named('open', 3), 'wait');
    const after = { ...it, sfn: harness(() => returned({}), { checkpoints: it.checkpoints.reborn() }) };
    // Before it has recovered as well: its endpoint listens by then.
    for (const recover of [() => Promise.resolve(), () => after.sfn.stepFunctions.recover()]) {
      await recover();
      for (const each of [it, after]) {
        for (const maxResults of [2, 1000]) {
          expect(await pages(each, { maxResults, statusFilter: 'SUCCEEDED' })).toEqual(named('done', 3).toReversed());
          expect(await pages(each, { maxResults, statusFilter: 'FAILED' })).toEqual(named('failed', 3).toReversed());
          expect(await pages(each, { maxResults, statusFilter: 'RUNNING' })).toEqual(named('open', 3).toReversed());
          expect(await pages(each, { maxResults, statusFilter: 'PENDING_REDRIVE' })).toEqual([]);
        }
      }
    }
    await after.sfn.call('StopExecution', { executionArn: 'arn:aws:states:local:000000000000:execution:machine:open-1' });
    expect(await pages(after, { statusFilter: 'RUNNING' })).toEqual(['open-2', 'open-0']);
    expect(await pages(after, { statusFilter: 'ABORTED' })).toEqual(['open-1']);
  });

  test('cost what a page shows or looks through, however many there were', async () => {
    const it = await world();
    const { reads } = it.checkpoints;
    const costs = async (input: JsonObject): Promise<{ readonly documents: number; readonly characters: number }> => {
      Object.assign(reads, { count: 0, documents: 0, characters: 0 });
      await page(it, input);
      return { documents: reads.documents, characters: reads.characters };
    };
    await started(it, named('open', 3), 'wait');
    for (const count of [300, 2_000]) {
      await Promise.all(named(`of-${count}`, count).map((name) => it.sfn.start(it.stateMachineArn, 'fail', name)));
      await it.sfn.clock.settle();
      const all = await costs({ maxResults: 100 });
      expect(all.documents).toBe(101);
      // Neither inputs nor outputs, and no causes.
      expect(all.characters).toBeLessThan(101 * 150);
      expect((await costs({ statusFilter: 'RUNNING' })).documents).toBe(3);
      expect((await costs({ statusFilter: 'SUCCEEDED' })).documents).toBeLessThanOrEqual(1001);
    }
    expect(await pages(it, { statusFilter: 'SUCCEEDED' })).toEqual([]);
    expect((await pages(it, { statusFilter: 'FAILED', maxResults: 1000 })).length).toBe(2_300);
  });
});

describe('a request', () => {
  test.each([-1, 1.5, 1001, '10', 1e300])('of a list with maxResults %j is refused', async (maxResults) => {
    const it = await world();
    await started(it, ['one']);
    for (const [operation, input] of [
      ['ListStateMachines', {}],
      ['ListExecutions', { stateMachineArn: it.stateMachineArn }],
      ['GetExecutionHistory', { executionArn: 'arn:aws:states:local:000000000000:execution:machine:one' }],
    ] as const)
      await expect(it.sfn.call(operation, { ...input, maxResults }), operation).rejects.toThrow(/^ValidationException: .*'maxResults'/);
  });

  test('with a token that its list did not give out is refused', async () => {
    const it = await world();
    await started(it, ['one', 'two']);
    await it.sfn.create(MACHINE, 'another');
    const executionArn = 'arn:aws:states:local:000000000000:execution:machine:one';
    const lists = [
      ['ListExecutions', { stateMachineArn: it.stateMachineArn }],
      ['ListStateMachines', {}],
      ['GetExecutionHistory', { executionArn }],
    ] as const;
    const [executions, machines, history] = await Promise.all(
      lists.map(async ([operation, input]) => (await it.sfn.call(operation, { ...input, maxResults: 1 }))['nextToken'] ?? ''),
    );
    const nonsense = ['', 'zzz', Buffer.from('page|').toString('base64'), Buffer.from('page|-1').toString('base64')];
    for (const nextToken of [...nonsense, machines ?? '', history ?? ''])
      await expect(it.sfn.call('ListExecutions', { ...lists[0][1], nextToken })).rejects.toThrow('InvalidToken');
    for (const nextToken of [...nonsense, executions ?? ''])
      for (const [operation, input] of lists.slice(1))
        await expect(it.sfn.call(operation, { ...input, nextToken })).rejects.toThrow('InvalidToken');
  });

  test('with an error or a cause that AWS does not take is refused', async () => {
    const it = await world();
    await started(it, ['one'], 'wait');
    const executionArn = 'arn:aws:states:local:000000000000:execution:machine:one';
    for (const [operation, input] of [
      ['StopExecution', { executionArn }],
      ['SendTaskFailure', { taskToken: 'any' }],
    ] as const) {
      await expect(it.sfn.call(operation, { ...input, error: 'x'.repeat(257) })).rejects.toThrow(/^ValidationException: .*'error'/);
      await expect(it.sfn.call(operation, { ...input, cause: 'x'.repeat(32_769) })).rejects.toThrow(/^ValidationException: .*'cause'/);
    }
    expect(await it.sfn.describe(executionArn)).toMatchObject({ status: 'RUNNING' });
    await it.sfn.call('StopExecution', { executionArn, error: 'x'.repeat(256), cause: 'x'.repeat(32_768) });
    expect(await it.sfn.describe(executionArn)).toMatchObject({ status: 'ABORTED', cause: 'x'.repeat(32_768) });
  });
});
