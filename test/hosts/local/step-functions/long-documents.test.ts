/** What is longer than an item of DynamoDB: one document that the store refuses would keep everything behind it from being kept. */
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { documentsOf, joined, piecesOf } from '#hosts/local/step-functions/long-documents';
import { harness, outputOf, returned } from './harness.ts';
import { memoryCheckpoints } from './memory-checkpoints.ts';

const LARGEST_PAYLOAD = 262_144;
const ECHO: JsonObject = { QueryLanguage: 'JSONata', StartAt: 'Pass', States: { Pass: { Type: 'Pass', End: true } } };
const ARN = 'arn:aws:states:local:000000000000:execution:machine:one';

const INPUTS: readonly (readonly [string, Json])[] = [
  ['one long text', 'x'.repeat(LARGEST_PAYLOAD - 2)],
  ['quotes, which are twice as long in a document that has the input as text', Array.from({ length: 87_000 }, () => '')],
  ['characters of two code units, from an even place on', '😀'.repeat(65_000)],
  ['characters of two code units, from an odd place on', `x${'😀'.repeat(65_000)}`],
  ['characters of three bytes', '☃'.repeat(87_000)],
];

test.each(INPUTS)('an execution whose input and output are %s is kept, described and listed, and so is the next', async (_, input) => {
  const checkpoints = memoryCheckpoints();
  const before = harness(() => returned({}), { checkpoints });
  const machine = await before.create(ECHO);
  await before.start(machine, input, 'one');
  await before.start(machine, {}, 'two');
  await before.clock.settle();
  const after = harness(() => returned({}), { checkpoints: checkpoints.reborn() });
  await after.stepFunctions.recover();
  for (const sfn of [before, after]) {
    const described = await sfn.describe(ARN);
    expect([described['status'], described['input'], outputOf(described)]).toEqual(['SUCCEEDED', JSON.stringify(input), input]);
    expect((await sfn.history(ARN)).map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
      'ExecutionSucceeded',
    ]);
    const { executions } = await sfn.call('ListExecutions', { stateMachineArn: machine });
    expect((executions as readonly JsonObject[]).map(({ name, status }) => [name, status])).toEqual([
      ['two', 'SUCCEEDED'],
      ['one', 'SUCCEEDED'],
    ]);
  }
});

test('a process that is killed while such an execution begins or ends leaves nothing, or what the next one goes on with', async () => {
  const input = Array.from({ length: 87_000 }, () => '');
  const machine: JsonObject = { ...ECHO, States: { Pass: { Type: 'Wait', Seconds: 5, Output: '{% $states.input %}', End: true } } };
  const rehearsal = memoryCheckpoints();
  await harness(() => returned({}), { checkpoints: rehearsal }).run(machine, input);
  for (let write = 2; write <= rehearsal.writes.count; write++) {
    for (let documents = 0; documents <= 8; documents++) {
      const checkpoints = memoryCheckpoints();
      const before = harness(() => returned({}), { checkpoints });
      const arn = await before.create(machine);
      checkpoints.dieAt(write, documents);
      void before.start(arn, input, 'one');
      await before.clock.runUntilIdle({ until: () => checkpoints.writes.count >= write });
      const after = harness(() => returned({}), { checkpoints: checkpoints.reborn() });
      await after.stepFunctions.recover();
      const { executions } = await after.call('ListExecutions', { stateMachineArn: arn });
      // Where nothing was left, its name is free.
      if ((executions as readonly Json[]).length === 0) await after.start(arn, input, 'one');
      await after.clock.runUntilIdle();
      expect(outputOf(await after.describe(ARN)), `write ${write}, ${documents} documents`).toEqual(input);
    }
  }
});

test('a definition of almost a megabyte is kept, and started by the next process', async () => {
  const definition: JsonObject = { ...ECHO, Comment: '"☃'.repeat(190_000) };
  const checkpoints = memoryCheckpoints();
  await harness(() => returned({}), { checkpoints }).create(definition);
  const after = harness(() => returned({}), { checkpoints: checkpoints.reborn() });
  const stateMachineArn = 'arn:aws:states:local:000000000000:stateMachine:machine';
  expect((await after.call('DescribeStateMachine', { stateMachineArn }))['definition']).toBe(JSON.stringify(definition));
  // A shorter one leaves pieces of the longer behind, which are none of its own.
  await after.call('UpdateStateMachine', { stateMachineArn, definition: JSON.stringify(ECHO) });
  const last = harness(() => returned({}), { checkpoints: checkpoints.reborn() });
  expect((await last.call('DescribeStateMachine', { stateMachineArn }))['definition']).toBe(JSON.stringify(ECHO));
  await last.start(stateMachineArn, 'x', 'one');
  await last.clock.settle();
  expect(outputOf(await last.describe(ARN))).toBe('x');
});

test('an input or an output that is longer than it may be only as it is spelled is refused', async () => {
  const sfn = harness(() => returned({}));
  const spelled = `{}${' '.repeat(LARGEST_PAYLOAD)}`;
  await expect(sfn.call('StartExecution', { stateMachineArn: await sfn.create(ECHO), input: spelled })).rejects.toThrow(
    'InvalidExecutionInput',
  );
  await expect(sfn.call('SendTaskSuccess', { taskToken: 'any', output: spelled })).rejects.toThrow('InvalidOutput');
});

test('pieces join to what they were made of, and none of them to something else', () => {
  const document = { partition: 'p', sort: 'a', body: '😀'.repeat(200_000) };
  const short = { partition: 'p', sort: 'b', body: '{}' };
  const made = documentsOf(document);
  expect(made.length).toBeGreaterThan(3);
  expect(joined([...made, ...documentsOf(short)])).toEqual([document, short]);
  expect(joined(made.slice(0, -1))).toEqual([]);
  expect(joined(made.slice(1))).toEqual([]);
  expect(piecesOf('').length).toBe(0);
});
