/** What Step Functions and EventBridge send is taken in every shape that they send it in, and nothing else is. */
import { describe, expect, test } from 'vitest';
import {
  CloseJobInput,
  CloseRunInput,
  ExecutionStatusChange,
  faultMessage,
  FinishRunInput,
  PlanRunInput,
  PollRunInput,
  StartJobInput,
} from '#contract/tasks';

const RUN = 'run_01K8ZQ4E2M3N4P5R6S7T8V9WXY';
const BODY = {
  'user-id': 'ada',
  'user-run-id': 'r1',
  'source-type': 'http',
  'target-type': 'gcs',
  'runtime-parameters': [{ CITY: 'London' }],
};

describe('the input of PlanRun', () => {
  test('is an accepted run or a request, told apart by what it says', () => {
    expect(PlanRunInput.parse({ execution: 'arn', input: { runId: RUN } }).input).toEqual({ runId: RUN });
    expect(PlanRunInput.parse({ execution: 'arn', input: BODY }).input).toEqual(BODY);
  });

  test.each([
    ['nothing', {}],
    ['no run id', { runId: 'plan' }],
    ['a run and more', { runId: RUN, count: 3 }],
    ['half a request', { ...BODY, 'runtime-parameters': [] }],
    ['text', 'run'],
    ['null', null],
  ])('is refused: %s', (_, input) => {
    expect(PlanRunInput.safeParse({ execution: 'arn', input }).success).toBe(false);
  });
});

test('the tasks of a job take a run, an index and what else they need, and no less', () => {
  const good = { runId: RUN, index: 0, attempt: 2, taskToken: 't' };
  expect(StartJobInput.safeParse(good).success).toBe(true);
  expect(StartJobInput.safeParse({ runId: RUN, index: 0, taskToken: 't' }).success).toBe(true);
  for (const change of [
    { runId: 'x' },
    { index: -1 },
    { index: 0.5 },
    { index: '0' },
    { attempt: 0 },
    { taskToken: '' },
    { taskToken: undefined },
  ])
    expect(StartJobInput.safeParse({ ...good, ...change }).success).toBe(false);
  expect(PollRunInput.safeParse({ runId: RUN }).success).toBe(true);
  expect(PollRunInput.safeParse({ runId: RUN, watch: 2 }).success).toBe(true);
  expect(FinishRunInput.safeParse({ runId: RUN, attempt: 1 }).success).toBe(true);
  for (const bad of [{}, { runId: RUN, watch: 0, attempt: 0 }, { watch: 1, attempt: 1 }])
    for (const schema of [PollRunInput, FinishRunInput]) expect(schema.safeParse(bad).success).toBe(false);
  expect(CloseJobInput.safeParse({ runId: RUN, index: 3, fault: { Error: 'States.Timeout' } }).success).toBe(true);
});

describe('an execution that gives up', () => {
  test.each([
    ['an accepted run', { runId: RUN }, { runId: RUN }],
    ['a request', BODY, { userId: 'ada', userRunId: 'r1' }],
    ['a request that was refused for its sets', { ...BODY, 'runtime-parameters': 'none' }, { userId: 'ada', userRunId: 'r1' }],
    ['nonsense', { a: 1 }, undefined],
    ['nothing', null, undefined],
  ])('drove what its input names: %s', (_, input, driven) => {
    expect(CloseRunInput.parse({ execution: 'arn', input, fault: null }).input).toEqual(driven);
    const detail = { executionArn: 'arn', status: 'FAILED', input: JSON.stringify(input) };
    expect(ExecutionStatusChange.parse({ detail }).detail.input).toEqual(driven);
  });

  test('with an input too large for its event drove nothing that the event could name', () => {
    for (const input of [undefined, null, ''])
      expect(ExecutionStatusChange.parse({ detail: { executionArn: 'arn', status: 'FAILED', input } }).detail.input).toBeUndefined();
  });
});

describe("a fault's message", () => {
  test.each([
    [
      'a fault of a function',
      { Error: 'StoreBusy', Cause: '{"errorType":"StoreBusy","errorMessage":"the table is busy","trace":[]}' },
      'StoreBusy: the table is busy',
    ],
    ['a time-out', { Error: 'States.Timeout', Cause: '' }, 'States.Timeout'],
    [
      'a cause that is no JSON',
      { Error: 'Lambda.Unknown', Cause: 'Task timed out after 60.00 seconds' },
      'Lambda.Unknown: Task timed out after 60.00 seconds',
    ],
    ['a cause of another shape', { Error: 'X', Cause: '{"a":1}' }, 'X: {"a":1}'],
    ['a cause that is JSON but no object', { Error: 'X', Cause: 'null' }, 'X: null'],
    ['nothing', null, 'unknown fault'],
  ])('is one line: %s', (_, caught, message) => {
    expect(faultMessage(caught)).toBe(message);
  });
});
