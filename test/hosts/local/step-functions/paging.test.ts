import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { drivenClock } from '#hosts/local/driven-clock';
import type { Fact } from '#hosts/local/step-functions/facts';
import { BEGIN_MS, harness, type Harness, returned, textOf } from './harness.ts';
import { memoryCheckpoints, type MemoryCheckpoints } from './memory-checkpoints.ts';
import { distributed, type Parked, parked, parking } from './parked.ts';

const ARN = 'arn:aws:states:local:000000000000';
const ROOT = `${ARN}:execution:machine:one`;
const childArn = (label: string, ordinal: number): string => `${ARN}:execution:machine/${label}:one~${ordinal}`;
const mapRunArn = (label: string, run: number): string => `${ARN}:mapRun:machine/${label}:one~${run}`;

/** Every page in turn; `meanwhile` happens between two of them. */
async function pages(
  sfn: Harness,
  operation: string,
  input: JsonObject,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly (readonly JsonObject[])[]> {
  const all: (readonly JsonObject[])[] = [];
  let nextToken: Json | undefined;
  do {
    const page: JsonObject = await sfn.call(operation, { ...input, ...(nextToken !== undefined && { nextToken }) });
    all.push((page['events'] ?? page['executions']) as readonly JsonObject[]);
    nextToken = page['nextToken'];
    await meanwhile();
  } while (nextToken !== undefined);
  return all;
}

async function answerAll(sfn: Harness, seen: readonly Parked[]): Promise<void> {
  await Promise.all(seen.map(({ token }) => sfn.call('SendTaskSuccess', { taskToken: token, output: '{}' })));
  await sfn.clock.settle();
}

/** Four documents of a journal, and a part of its index. */
const MOST_CHARACTERS = 4 * 350_000 + 100_000;

describe('a page', () => {
  async function fan(count: number): Promise<{ sfn: Harness; seen: Parked[]; checkpoints: MemoryCheckpoints }> {
    const checkpoints = memoryCheckpoints();
    const { sfn, seen } = parking({ checkpoints });
    await sfn.start(await sfn.create(distributed(count, parked())), {}, 'one');
    while (seen.length < count) await sfn.clock.settle();
    await sfn.clock.settle();
    return { sfn, seen, checkpoints };
  }

  /** Documents and characters read for a page in the middle of what there is. */
  async function costs({ sfn, checkpoints }: { sfn: Harness; checkpoints: MemoryCheckpoints }, count: number) {
    const { reads } = checkpoints;
    const cost = async (operation: string, input: JsonObject): Promise<{ documents: number; characters: number }> => {
      Object.assign(reads, { count: 0, documents: 0, characters: 0 });
      await sfn.call(operation, input);
      return { documents: reads.documents, characters: reads.characters };
    };
    const middle = Buffer.from(`page|${count / 2}`).toString('base64');
    return {
      ofParent: await cost('GetExecutionHistory', { executionArn: ROOT }),
      ofChild: await cost('GetExecutionHistory', { executionArn: childArn('Jobs', count / 2) }),
      ofChildBackwards: await cost('GetExecutionHistory', { executionArn: childArn('Jobs', count / 2), reverseOrder: true }),
      child: await cost('DescribeExecution', { executionArn: childArn('Jobs', count / 2) }),
      children: await cost('ListExecutions', { mapRunArn: mapRunArn('Jobs', 1), nextToken: middle }),
      theirEnds: await cost('ListExecutions', { mapRunArn: mapRunArn('Jobs', 1), nextToken: middle, statusFilter: 'SUCCEEDED' }),
    };
  }

  test('reads the documents that have what is on it, however many children there are', async () => {
    for (const count of [1000, 8000]) {
      const world = await fan(count);
      for (const when of ['open', 'closed']) {
        if (when === 'closed') await answerAll(world.sfn, world.seen);
        const { children, theirEnds, ...histories } = await costs(world, count);
        for (const [what, { documents, characters }] of Object.entries(histories)) {
          // A child's events lie in the documents of its start (two, if it is on their border), of its task's return and of its end.
          expect(documents, `${what} of ${count}, ${when}`).toBeLessThanOrEqual(8);
          expect(characters, `${what} of ${count}, ${when}`).toBeLessThanOrEqual(MOST_CHARACTERS);
        }
        for (const { documents, characters } of [children, ...(when === 'closed' ? [theirEnds] : [])]) {
          expect(documents).toBeLessThanOrEqual(5);
          expect(characters).toBeLessThanOrEqual(100_000);
        }
      }
      const journal = (await world.checkpoints.read('journal/machine/one')).reduce((sum, { body }) => sum + body.length, 0);
      expect(journal).toBeGreaterThan(count === 8000 ? 5 * MOST_CHARACTERS : 0);
    }
  });
});

/** Map Runs within and beside each other, so that their children's ordinals interleave, and a fact that is longer than a document. */
const NESTED: JsonObject = {
  QueryLanguage: 'JSONata',
  StartAt: 'Both',
  States: {
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Outer',
          States: {
            Outer: {
              Type: 'Map',
              Label: 'Outer',
              Items: [1, 2, 3],
              ItemProcessor: {
                ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
                StartAt: 'Inner',
                States: {
                  Inner: {
                    Type: 'Map',
                    Label: 'Inner',
                    Items: [1, 2, 3, 4],
                    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...withoutLanguage(parked()) },
                    End: true,
                  },
                },
              },
              End: true,
            },
          },
        },
        {
          StartAt: 'Keep',
          States: {
            Keep: {
              Type: 'Pass',
              Assign: { a: '{% $states.input %}', b: '{% $states.input %}' },
              Output: {},
              Next: 'Beside',
            },
            Beside: {
              Type: 'Map',
              Label: 'Beside',
              Items: '{% [1..70] %}',
              MaxConcurrency: 7,
              ToleratedFailurePercentage: 100,
              ItemProcessor: {
                ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
                StartAt: 'Even',
                States: {
                  Even: {
                    Type: 'Choice',
                    Choices: [{ Condition: '{% $states.input % 2 = 0 %}', Next: 'Fine' }],
                    Default: 'Odd',
                  },
                  Fine: { Type: 'Wait', Seconds: 5, End: true },
                  Odd: { Type: 'Fail', Error: 'Odd' },
                },
              },
              Output: {},
              End: true,
            },
          },
        },
      ],
      End: true,
    },
  },
};

function withoutLanguage({ QueryLanguage: _language, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** What the journal itself says, read from its first document to its last. */
async function factsOf(checkpoints: MemoryCheckpoints): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  let piece = '';
  for (const { body } of await checkpoints.read('journal/machine/one')) {
    piece += body.replace(/^[+.]/, '');
    if (body.startsWith('+')) continue;
    facts.push(...(JSON.parse(`[${piece}]`) as Fact[]));
    piece = '';
  }
  return facts;
}

async function agreesWithJournal(sfn: Harness, checkpoints: MemoryCheckpoints): Promise<void> {
  const facts = await factsOf(checkpoints);
  const labels = new Map(facts.flatMap((fact) => (fact.type === 'MapRunStarted' ? [[fact.run, fact.label] as const] : [])));
  expect(labels.size).toBe(5);
  const children = facts.flatMap((fact) =>
    fact.type === 'ExecutionStarted' && fact.parent ? [{ ordinal: fact.x ?? 0, run: fact.parent.run }] : [],
  );
  const arns = new Map<number | undefined, string>([[undefined, ROOT]]);
  for (const fact of facts)
    if (fact.type === 'ExecutionStarted' && fact.parent) arns.set(fact.x, childArn(labels.get(fact.parent.run) ?? '', fact.x ?? 0));
  expect(arns.size).toBe(1 + 3 + 12 + 70);

  for (const [ordinal, executionArn] of arns) {
    const ids = facts.filter(({ x, id }) => x === ordinal && id !== undefined).map(({ id }) => id);
    const whole = await sfn.history(executionArn);
    expect(whole.map(({ id }) => id)).toEqual(ids);
    for (const maxResults of [1, 3, 1000]) {
      expect((await pages(sfn, 'GetExecutionHistory', { executionArn, maxResults })).flat()).toEqual(whole);
      const backwards = await pages(sfn, 'GetExecutionHistory', { executionArn, maxResults, reverseOrder: true });
      expect(backwards.flat()).toEqual(whole.toReversed());
      expect(backwards.slice(0, -1).every(({ length }) => length === maxResults)).toBe(true);
    }
  }
  for (const [run, label] of labels) {
    const ofRun = children.filter((child) => child.run === run).map(({ ordinal }) => childArn(label, ordinal));
    const statuses = new Map<string, string>();
    for (const arn of ofRun) statuses.set(arn, textOf(await sfn.describe(arn), 'status'));
    for (const maxResults of [1, 3, 1000]) {
      const listed = (await pages(sfn, 'ListExecutions', { mapRunArn: mapRunArn(label, run), maxResults })).flat();
      expect(listed.map((one) => textOf(one, 'executionArn'))).toEqual(ofRun.toReversed());
      for (const one of listed) expect(one['status']).toBe(statuses.get(textOf(one, 'executionArn')));
      const failed = await pages(sfn, 'ListExecutions', { mapRunArn: mapRunArn(label, run), maxResults, statusFilter: 'FAILED' });
      expect(failed.flat()).toEqual(listed.filter(({ status }) => status === 'FAILED'));
      expect(failed.at(-1)?.length === 0, 'the last page has something, where there is anything').toBe(failed.flat().length === 0);
    }
  }
}

describe('the pages together', () => {
  test('are what the journal holds, of every execution, in both orders, open, recovered and closed', async () => {
    const checkpoints = memoryCheckpoints();
    const before = parking({ checkpoints });
    await before.sfn.start(await before.sfn.create(NESTED), '☃'.repeat(80_000), 'one');
    await before.sfn.clock.runUntilIdle();
    expect(before.seen).toHaveLength(12);
    await agreesWithJournal(before.sfn, checkpoints);

    const next = checkpoints.reborn();
    const after = harness(() => returned({}), { checkpoints: next, clock: drivenClock(before.sfn.clock.nowMs()) });
    await after.stepFunctions.recover();
    await agreesWithJournal(after, next);

    await answerAll(after, before.seen);
    expect((await after.describe(ROOT))['status']).toBe('SUCCEEDED');
    expect(await next.read('index/machine/one')).not.toEqual([]);
    await agreesWithJournal(after, next);
  });

  test('are the same where no index was written', async () => {
    const checkpoints = memoryCheckpoints();
    const { sfn, seen } = parking({ checkpoints });
    await sfn.start(await sfn.create(NESTED), {}, 'one');
    await sfn.clock.runUntilIdle();
    await answerAll(sfn, seen);
    const index = await checkpoints.read('index/machine/one');
    await checkpoints.write([], index);
    await agreesWithJournal(sfn, checkpoints);
  });

  test('do not repeat what was on them when something happens in between', async () => {
    const { sfn, seen } = parking();
    await sfn.start(await sfn.create(distributed('$states.input', parked(), { MaxConcurrency: 4 })), [1, 2, 3, 4, 5, 6, 7, 8], 'one');
    await sfn.clock.settle();
    const answerOne = async (): Promise<void> => {
      const next = seen.shift();
      if (next !== undefined) await answerAll(sfn, [next]);
    };
    const listed = (await pages(sfn, 'ListExecutions', { mapRunArn: mapRunArn('Jobs', 1), maxResults: 1 }, answerOne)).flat();
    expect(listed.map(({ executionArn }) => executionArn)).toEqual([4, 3, 2, 1].map((ordinal) => childArn('Jobs', ordinal)));

    const executionArn = childArn('Jobs', 8);
    const answerLast = async (): Promise<void> => answerAll(sfn, seen.splice(0));
    const events = (await pages(sfn, 'GetExecutionHistory', { executionArn, maxResults: 2, reverseOrder: true }, answerLast)).flat();
    expect(events.map(({ id }) => id)).toEqual([5, 4, 3, 2, 1]);
    expect(await sfn.history(executionArn)).toHaveLength(8);
  });

  test('are those of children that exist', async () => {
    const { sfn } = parking();
    await sfn.start(await sfn.create(distributed(3, parked())), {}, 'one');
    await sfn.clock.settle();
    for (const ordinal of [0, 4, 1.5, 1e300, NaN]) {
      await expect(sfn.history(childArn('Jobs', ordinal)), String(ordinal)).rejects.toThrow('ExecutionDoesNotExist');
      await expect(sfn.describe(childArn('Jobs', ordinal)), String(ordinal)).rejects.toThrow('ExecutionDoesNotExist');
    }
    expect(await pages(sfn, 'ListExecutions', { mapRunArn: mapRunArn('Jobs', 2) })).toEqual([[]]);
  });
});

test('a process that is killed while an execution is closed leaves an index to it, or leaves it open', async () => {
  const COUNT = 200;
  const world = async (checkpoints: MemoryCheckpoints): Promise<{ sfn: Harness; seen: Parked[] }> => {
    const { sfn, seen } = parking({ checkpoints });
    await sfn.start(await sfn.create(distributed(COUNT, parked())), {}, 'one');
    while (seen.length < COUNT) await sfn.clock.settle();
    await sfn.clock.settle();
    return { sfn, seen };
  };
  const rehearsal = memoryCheckpoints();
  const { sfn, seen } = await world(rehearsal);
  const writesBefore = rehearsal.writes.count;
  await answerAll(sfn, seen);
  const whole = await sfn.history(childArn('Jobs', COUNT));
  expect(whole).toHaveLength(8);

  for (let write = writesBefore + 1; write <= rehearsal.writes.count; write++) {
    for (let documents = 0; documents <= 12; documents++) {
      const checkpoints = memoryCheckpoints();
      const before = await world(checkpoints);
      checkpoints.dieAt(write, documents);
      for (const { token } of before.seen) void before.sfn.call('SendTaskSuccess', { taskToken: token, output: '{}' });
      await before.sfn.clock.settle();
      const next = checkpoints.reborn();
      const after = harness(() => returned({}), { checkpoints: next, clock: drivenClock(BEGIN_MS) });
      await after.stepFunctions.recover();
      for (const { token } of before.seen) await after.call('SendTaskSuccess', { taskToken: token, output: '{}' }).catch(() => undefined);
      await after.clock.settle();
      expect((await after.describe(ROOT))['status']).toBe('SUCCEEDED');
      const types = (await after.history(childArn('Jobs', COUNT))).map(({ type }) => type);
      expect(types, `write ${write}, ${documents} documents`).toEqual(whole.map(({ type }) => type));
      expect((await next.read('index/machine/one')).length).toBeGreaterThanOrEqual(3);
    }
  }
});
