/** What of a run is retried, and what a repeated request is answered by. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { closeRun } from '#operations/close-run';
import { pollRun } from '#operations/poll-run';
import { retryRun, type JobSelection, type RetryRun, type RetryRunOutcome } from '#operations/retry-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { accepted, begun, ended, executed, secondsToEnd } from './driving.ts';
import { world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const retry = (it: World, run: Run, selection: JobSelection = {}, change: Partial<RetryRun> = {}): Promise<RetryRunOutcome> =>
  retryRun(it.ports, { runId: run.id, selection, requestedBy: 'ada', ...change });

/** One that finished, one each that failed, was refused, was poisoned, and ran past its limit. */
async function mixed(it: World): Promise<Run> {
  const run = await ended(it, [
    { NAME: 'good', SECONDS: 1 },
    { NAME: 'failed', SECONDS: 1, FAIL: 'x' },
    { NAME: 'refused', REFUSE: 'no' },
    { NAME: 'failed too', SECONDS: 2, FAIL: 'y' },
    { NAME: 'slow', SECONDS: 1e6 },
  ]);
  expect(run.state).toBe('PARTIAL');
  return run;
}
const LIMITED = { template: { limits: { maxWaitSeconds: 600, maxParallel: 10, retries: {} } } };

describe('a retry', () => {
  test.each<readonly [string, JobSelection, readonly number[]]>([
    ['of nothing in particular is of every job that failed', {}, [1, 2, 3, 4]],
    ['by a reason is of the jobs that failed for it', { reasons: ['engine-error'] }, [1, 3]],
    ['by two reasons is of both kinds', { reasons: ['start-failed', 'timed-out'] }, [2, 4]],
    ['by index is of just that one', { indexes: [3] }, [3]],
    ['by indexes is in the order of the sets, each once', { indexes: [4, 1, 4] }, [1, 4]],
    ['by index and reason holds both', { indexes: [1, 3], reasons: ['engine-error'] }, [1, 3]],
  ])('%s', async (_, selection, indexes) => {
    const it = await world(database, LIMITED);
    const run = await mixed(it);
    expect(await retry(it, run, selection)).toMatchObject({ kind: 'retried', indexes, run: { state: 'RUNNING', attempt: 2 } });
    const reopened = await it.loadRun(run);
    expect(reopened).toMatchObject({ state: 'RUNNING', attempt: 2, watch: run.watch + 1 });
    for (const gone of ['execution', 'plannedAt', 'closing', 'finishedAt']) expect(reopened).not.toHaveProperty(gone);
    expect([...it.orchestrator.runs]).toEqual([`${run.id}-a1`, `${run.id}-a2`]);
    expect(await it.ports.runs.retry(reopened)).toMatchObject({ indexes, requestedBy: 'ada' });
  });

  test('by set key is of the set that has it, together with those named by index', async () => {
    const it = await world(database, LIMITED);
    const run = await mixed(it);
    const parameters = await it.ports.jobs.parameters({ runId: run.id, index: 2 });
    expect(await retry(it, run, { setKeys: [parameters?.setKey ?? ''], indexes: [1] })).toMatchObject({ kind: 'retried', indexes: [1, 2] });
  });

  test('by a set key that several sets of the run have is of those of them that failed', async () => {
    const it = await world(database, { ...LIMITED, template: { ...LIMITED.template, identity: ['CITY'] } });
    const oslo = { CITY: 'Oslo', SECONDS: 1 };
    const run = await ended(it, [{ ...oslo, FAIL: 'x' }, { CITY: 'Rome', FAIL: 'x' }, oslo, { ...oslo, REFUSE: 'no' }]);
    const keyOf = async (index: number): Promise<string> => (await it.ports.jobs.parameters({ runId: run.id, index }))?.setKey ?? '';
    const setKeys = [await keyOf(0)];
    expect(await keyOf(2)).toBe(setKeys[0]);
    expect(await retry(it, run, { setKeys, reasons: ['lost'] })).toEqual({
      kind: 'not-selectable',
      problems: [{ setKey: setKeys[0], message: 'set 3: the job failed as start-failed, not as lost' }],
    });
    expect(await retry(it, run, { setKeys, indexes: [2] })).toMatchObject({
      problems: [{ index: 2, message: 'the job is FINISHED: only failed jobs are retried' }],
    });
    expect(await retry(it, run, { setKeys })).toMatchObject({ kind: 'retried', indexes: [0, 3] });
  });

  test('by a reason that no job failed for is of nothing, and changes nothing', async () => {
    const it = await world(database, LIMITED);
    const run = await mixed(it);
    expect(await retry(it, run, { reasons: ['lost'] })).toEqual({ kind: 'nothing-selected', run });
    expect(await it.loadRun(run)).toEqual(run);
  });

  test('of a run whose jobs have all finished is of nothing', async () => {
    const it = await world(database);
    const run = await ended(it, [{ SECONDS: 1 }]);
    expect((await retry(it, run)).kind).toBe('nothing-selected');
  });

  test('that names what cannot be retried is refused as a whole, and says for each why', async () => {
    const it = await world(database, LIMITED);
    const run = await mixed(it);
    const outcome = await retry(it, run, { indexes: [0, 1, 2, 7], setKeys: ['nothing'], reasons: ['engine-error'] });
    expect(outcome).toEqual({
      kind: 'not-selectable',
      problems: [
        { index: 7, message: 'the run has 5 sets; the last index is 4' },
        { setKey: 'nothing', message: 'no set of the run has this key' },
        { index: 0, message: 'the job is FINISHED: only failed jobs are retried' },
        { index: 2, message: 'the job failed as start-failed, not as engine-error' },
      ],
    });
    expect(await it.loadRun(run)).toEqual(run);
  });

  test('of a job that has not ended is refused, and of one that has ended in a run that goes on is not', async () => {
    const it = await world(database);
    const run = await begun(it, [{ SECONDS: 1e6 }, { SECONDS: 1, FAIL: 'x' }]);
    it.advance(2);
    await pollRun(it.ports, { runId: run.id });
    expect(await retry(it, run, { indexes: [0] })).toEqual({
      kind: 'not-selectable',
      problems: [{ index: 0, message: 'the job is RUNNING: it has not ended' }],
    });
    expect(await retry(it, run, { indexes: [1] })).toMatchObject({ kind: 'retried', indexes: [1] });
  });

  test('of a run that is not planned, that closes, or that is not there has to wait', async () => {
    const it = await world(database);
    const fresh = await accepted(it, [{ SECONDS: 1 }]);
    expect((await retry(it, fresh)).kind).toBe('not-ready');
    const closing = await begun(it, [{ SECONDS: 1, FAIL: 'x' }, { SECONDS: 1e6 }], { userRunId: 'closing' });
    it.advance(2);
    await pollRun(it.ports, { runId: closing.id });
    await closeRun(it.ports, { execution: it.orchestrator.executionOf(closing), driven: { runId: closing.id }, message: 'x' });
    expect((await retry(it, closing)).kind).toBe('not-ready');
    await secondsToEnd(it, closing);
    expect(await retry(it, closing)).toMatchObject({ kind: 'retried', indexes: [0, 1] });
    expect(await retryRun(it.ports, { runId: 'run_01K00000000000000000000009' as RunId, selection: {}, requestedBy: 'ada' })).toEqual({
      kind: 'not-found',
    });
  });
});

describe('the same request again', () => {
  const failed = (it: World): Promise<Run> => ended(it, [{ SECONDS: 1, FAIL: 'x' }, { REFUSE: 'no' }]);

  test('is the attempt that it began, for as long as that goes on, with a key or without', async () => {
    const it = await world(database);
    const run = await failed(it);
    for (const change of [{}, {}, { idempotencyKey: 'late key' }])
      expect(await retry(it, run, { reasons: ['engine-error'] }, change)).toMatchObject({ run: { attempt: 2 }, indexes: [0] });
    await executed(it, run);
    expect((await retry(it, run, { reasons: ['engine-error'] })).kind).toBe('replayed');
    expect([...it.orchestrator.runs]).toEqual([`${run.id}-a1`, `${run.id}-a2`]);
  });

  test('a hundred times at once is one attempt', async () => {
    const it = await world(database);
    const run = await failed(it);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => retry(it, run)));
    expect(outcomes.filter(({ kind }) => kind === 'retried')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'replayed')).toHaveLength(99);
    expect((await it.loadRun(run)).attempt).toBe(2);
  });

  test('with its key is that attempt also after it has ended; without one it is the next', async () => {
    const it = await world(database);
    const run = await failed(it);
    const key = { idempotencyKey: 'key' };
    await retry(it, run, {}, key);
    await executed(it, run);
    await secondsToEnd(it, run);
    expect(await retry(it, run, {}, key)).toMatchObject({ kind: 'replayed', indexes: [0, 1], run: { attempt: 2, state: 'FAILED' } });
    expect(await retry(it, run)).toMatchObject({ kind: 'retried', run: { attempt: 3 } });
  });

  test('with its key is that attempt also after others have followed', async () => {
    const it = await world(database);
    const run = await failed(it);
    for (const change of [{ idempotencyKey: 'key' }, {}]) {
      await retry(it, run, {}, change);
      await executed(it, run);
      await secondsToEnd(it, run);
    }
    expect(await retry(it, run, {}, { idempotencyKey: 'key' })).toMatchObject({ kind: 'replayed', indexes: [0, 1], run: { attempt: 2 } });
    expect(await retry(it, run, { indexes: [0] }, { idempotencyKey: 'key' })).toEqual({ kind: 'key-reused' });
    expect((await it.loadRun(run)).attempt).toBe(3);
  });

  test('under a key that stands for another selection is refused', async () => {
    const it = await world(database);
    const run = await failed(it);
    await retry(it, run, { indexes: [0] }, { idempotencyKey: 'key' });
    expect(await retry(it, run, { indexes: [1] }, { idempotencyKey: 'key' })).toEqual({ kind: 'key-reused' });
  });

  test('with another selection before the attempt is planned has to wait', async () => {
    const it = await world(database);
    const run = await failed(it);
    await retry(it, run, { indexes: [0] });
    expect((await retry(it, run, { indexes: [1] })).kind).toBe('not-ready');
    await executed(it, run);
    expect(await retry(it, run, { indexes: [1] })).toMatchObject({ kind: 'retried', run: { attempt: 3 }, indexes: [1] });
  });
});
