/** A store that refuses for good what one execution is to keep, and one that takes nothing for as long as it is in trouble. */
import { describe, expect, test } from 'vitest';
import type { Json } from '#domain/json';
import { drivenClock } from '#hosts/local/driven-clock';
import { CheckpointRefused, type Checkpoint, type CheckpointStore } from '#hosts/local/step-functions/ports';
import { BEGIN_MS, harness, outputOf, returned, textOf, type Harness } from './harness.ts';
import { memoryCheckpoints, type MemoryCheckpoints } from './memory-checkpoints.ts';

const PARKING = {
  QueryLanguage: 'JSONata',
  StartAt: 'Park',
  States: {
    Park: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'park', Payload: { token: '{% $states.context.Task.Token %}', who: '{% $states.input.who %}' } },
      Next: 'Wait',
    },
    Wait: { Type: 'Wait', Seconds: 5, Output: '{% $states.input %}', End: true },
  },
};
const WHY = 'Item size has exceeded the maximum allowed size';

interface Planted {
  readonly sfn: Harness;
  readonly machine: string;
  readonly tokens: Map<string, string>;
  readonly checkpoints: MemoryCheckpoints;
  /** What is refused from now on, and with what. */
  refuse: (document: Checkpoint) => Error | undefined;
}

async function planted(): Promise<Planted> {
  const checkpoints = memoryCheckpoints();
  const tokens = new Map<string, string>();
  const it: { refuse: Planted['refuse'] } = { refuse: () => undefined };
  const write: CheckpointStore['write'] = (puts, deletes) => {
    for (const put of puts) {
      const error = it.refuse(put);
      if (error) return Promise.reject(error);
    }
    return checkpoints.write(puts, deletes);
  };
  const sfn = harness(
    (_name, payload) => {
      const { token, who } = payload as { readonly token: string; readonly who: string };
      tokens.set(who, token);
      return returned({});
    },
    { checkpoints: { ...checkpoints, write } },
  );
  const machine = await sfn.create(PARKING);
  return Object.assign(it, { sfn, machine, tokens, checkpoints });
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const arnOf = ({ machine }: Planted, name: string): string => `${machine.replace(':stateMachine:', ':execution:')}:${name}`;
const isOf = (name: string) => (document: Checkpoint) => document.partition.endsWith(`/${name}`) || document.sort.endsWith(`/${name}`);
const parked = async (it: Planted): Promise<void> => {
  await Promise.all(NAMES.map((who) => it.sfn.start(it.machine, { who }, who)));
  await it.sfn.clock.settle();
  expect([...it.tokens.keys()].toSorted()).toEqual(NAMES);
};
const answered = (it: Planted, who: string, output: Json = {}): Promise<unknown> =>
  it.sfn
    .call('SendTaskSuccess', { taskToken: it.tokens.get(who) ?? '', output: JSON.stringify(output) })
    .catch((error: unknown) => String(error));

describe('where the store refuses for good what one of many executions is to keep', () => {
  test('that one ends as FAILED with the reason, whoever waits for it is told, and the others go on', async () => {
    const it = await planted();
    await parked(it);
    it.refuse = ({ partition, body }) =>
      partition.startsWith('journal/') && body.includes('too-large') ? new CheckpointRefused(WHY) : undefined;
    const answers = Promise.all(NAMES.map((who) => answered(it, who, who === 'd' ? 'too-large' : who)));
    await it.sfn.clock.settle();
    const told = `Error: InternalServerError: the store does not take what is to be kept: ${WHY}`;
    expect(await answers).toEqual(NAMES.map((who) => (who === 'd' ? told : {})));
    await it.sfn.clock.runUntilIdle();
    for (const who of NAMES.filter((name) => name !== 'd')) expect(outputOf(await it.sfn.describe(arnOf(it, who)))).toBe(who);
    const failed = { status: 'FAILED', error: 'States.Runtime', cause: `The store refuses what is to be kept of this execution: ${WHY}` };
    expect(await it.sfn.describe(arnOf(it, 'd'))).toMatchObject(failed);
    expect(it.sfn.ended.filter(({ status }) => status === 'FAILED').map(({ name }) => name)).toEqual(['d']);
    expect(it.sfn.ended).toHaveLength(NAMES.length);
    expect(it.sfn.told).toEqual([
      `The store refuses what execution machine/d is to keep, for good: ${WHY}. The execution ends as FAILED; the others go on.`,
    ]);
    // It is over: its token as well. And the next process finds it so.
    expect(await answered(it, 'd')).toContain('TaskTimedOut');
    const after = harness(() => returned({}), { checkpoints: it.checkpoints.reborn(), clock: drivenClock(BEGIN_MS + 60_000) });
    await after.stepFunctions.recover();
    expect(await after.describe(arnOf(it, 'd'))).toMatchObject(failed);
    const history = await after.history(arnOf(it, 'd'));
    expect([history[0]?.['type'], history.at(-1)?.['type']]).toEqual(['ExecutionStarted', 'ExecutionFailed']);
  });

  test('from its first write on, the start says so, and its function is not called', async () => {
    const it = await planted();
    it.refuse = ({ body }) => (body.includes('too-large') ? new CheckpointRefused(WHY) : undefined);
    const starts = Promise.all(
      ['x', 'y', 'z'].map((who) =>
        it.sfn.start(it.machine, { who, note: who === 'y' ? 'too-large' : '' }, who).catch((error: unknown) => String(error)),
      ),
    );
    await it.sfn.clock.settle();
    expect((await starts)[1]).toContain(WHY);
    expect([...it.tokens.keys()]).toEqual(['x', 'z']);
    // Its summary has the same input, and is refused as well: it has ended for this process alone.
    expect(await it.sfn.describe(arnOf(it, 'y'))).toMatchObject({ status: 'FAILED' });
    expect(it.sfn.ended.map(({ name, status }) => `${name} ${status}`)).toEqual(['y FAILED']);
    for (const who of ['x', 'z']) expect(await answered(it, who, who)).toEqual({});
    await it.sfn.clock.runUntilIdle();
    expect(outputOf(await it.sfn.describe(arnOf(it, 'z')))).toBe('z');
  });

  test('also its end: it ends otherwise', async () => {
    const it = await planted();
    await parked(it);
    it.refuse = (document) => (isOf('b')(document) && document.body.includes('SUCCEEDED') ? new CheckpointRefused(WHY) : undefined);
    const answers = Promise.all(NAMES.map((who) => answered(it, who, who)));
    await it.sfn.clock.settle();
    expect(await answers).toEqual(NAMES.map(() => ({})));
    await it.sfn.clock.runUntilIdle();
    expect(await it.sfn.describe(arnOf(it, 'b'))).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(outputOf(await it.sfn.describe(arnOf(it, 'g')))).toBe('g');
    const listed = await it.sfn.call('ListExecutions', { stateMachineArn: it.machine, statusFilter: 'RUNNING' });
    expect(listed['executions']).toEqual([]);
  });
});

describe('where the store is in trouble', () => {
  test('why is told once, and again where it is for another reason, and that it is over; nobody is given up', async () => {
    const it = await planted();
    await parked(it);
    let why = 'database or disk is full';
    it.refuse = () => new Error(why);
    const answer = answered(it, 'a', 'a');
    await it.sfn.clock.advanceTo(BEGIN_MS + 5_000);
    expect(await answer).toBe('Error: InternalServerError: the store does not take what is to be kept: database or disk is full');
    why = 'no such table';
    await it.sfn.clock.advanceTo(BEGIN_MS + 10_000);
    it.refuse = () => undefined;
    await it.sfn.clock.runUntilIdle();
    expect(outputOf(await it.sfn.describe(arnOf(it, 'a')))).toBe('a');
    const line = (reason: string): string =>
      `The store does not take what executions are to keep: ${reason}. It is asked again until it does; requests are answered 503.`;
    expect(it.sfn.told).toEqual([
      line('database or disk is full'),
      line('no such table'),
      'The store takes what executions are to keep again.',
    ]);
  });

  test('so that it refuses whatever it is given, that is no execution’s fault: all wait', async () => {
    const it = await planted();
    await parked(it);
    it.refuse = () => new CheckpointRefused('no such table');
    const answers = Promise.all(['a', 'b'].map((who) => answered(it, who, who)));
    await it.sfn.clock.advanceTo(BEGIN_MS + 5_000);
    expect(new Set(await answers).size).toBe(1);
    it.refuse = () => undefined;
    await it.sfn.clock.runUntilIdle();
    for (const who of ['a', 'b']) expect(textOf(await it.sfn.describe(arnOf(it, who)), 'status')).toBe('SUCCEEDED');
    expect(it.sfn.ended.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
  });
});
