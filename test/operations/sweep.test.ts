/** Each of the six things that no execution looks after any more: made, found, mended, and not found again. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import type { Run } from '#domain/run';
import { findStrays } from '#operations/find-strays';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { retryRun } from '#operations/retry-run';
import { startRun } from '#operations/start-run';
import { sweep } from '#operations/sweep';
import { at } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { accepted, begun, children, ended, endsOf, executed, expectSound, secondsToEnd } from './driving.ts';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const LONG = { SECONDS: 1e6 };
const SHORT = { SECONDS: 5 };
const kinds = async (it: World): Promise<readonly string[]> => (await findStrays(it.ports)).strays.map(({ kind }) => kind);
const mended = async (it: World): Promise<readonly string[]> => {
  const { rows } = await sweep(it.ports, { repair: true });
  expect(rows.map(({ outcome }) => outcome)).toEqual(rows.map(() => ({ kind: 'repaired' })));
  return rows.map(({ stray }) => stray.kind);
};
/** What Step Functions says of the run's execution from now on. */
const executionEnds = (it: World, run: Pick<Run, 'id' | 'attempt'>, status = 'SUCCEEDED'): void => {
  const execution = it.orchestrator.executions.get(it.orchestrator.executionOf(run));
  if (!execution) throw new Error(`${run.id} has no execution`);
  execution.status = status;
};
/** The run is looked at until it has ended, and its execution ends with it. */
const broughtToItsEnd = async (it: World, run: Run): Promise<Run> => {
  await secondsToEnd(it, run);
  executionEnds(it, run);
  await expectSound(it, run);
  return it.loadRun(run);
};

describe('a run that was accepted, and whose execution was never started', () => {
  const lost = async (it: World): Promise<Run> => {
    const down: Ports = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, startRun: () => Promise.reject(new Fault('OrchestratorUnavailable', 'down')) },
    };
    await expect(startRun(down, request({ sets: [SHORT] }))).rejects.toThrow('down');
    const listed = await it.ports.runs.list({}, { limit: 1 });
    const [run] = listed.kind === 'page' ? listed.page.items : [];
    if (!run) throw new Error('no run');
    return run;
  };

  test('is left to its caller for a minute, then started, and ends', async () => {
    const it = await world(database);
    const run = await lost(it);
    it.advance(60);
    expect(await kinds(it)).toEqual([]);
    it.advance(1);
    expect(await kinds(it)).toEqual(['run-not-started']);
    expect(it.orchestrator.runs.size).toBe(0);
    expect(await mended(it)).toEqual(['run-not-started']);
    expect([...it.orchestrator.runs]).toEqual([`${run.id}-a1`]);
    expect(await kinds(it)).toEqual([]);
    expect((await broughtToItsEnd(it, await executed(it, run))).state).toBe('SUCCEEDED');
    expect(await kinds(it)).toEqual([]);
  });
});

describe('a run whose execution has ended without it', () => {
  test.each(['FAILED', 'ABORTED', 'TIMED_OUT'])('as %s is closed: its jobs are stopped, and the rest is settled', async (status) => {
    const it = await world(database);
    const run = await begun(it, [LONG, LONG]);
    await pollRun(it.ports, { runId: run.id });
    executionEnds(it, run, status);
    it.advance(61);
    await pollRun(it.ports, { runId: run.id });
    expect(await kinds(it)).toEqual(['execution-failed']);
    expect(await mended(it)).toEqual(['execution-failed']);
    expect((await it.loadRun(run)).closing).toMatchObject({ reason: 'aborted', message: `the execution ended as ${status}` });
    expect(await kinds(it)).toEqual([]);
    await secondsToEnd(it, run);
    expect([(await it.loadRun(run)).state, ...(await endsOf(it, run))]).toEqual(['FAILED', 'aborted', 'aborted']);
    await expectSound(it, run);
    expect(await kinds(it)).toEqual([]);
  });

  test('before it claimed the run, the same', async () => {
    const it = await world(database);
    const run = await accepted(it, [SHORT]);
    executionEnds(it, run, 'FAILED');
    it.advance(61);
    expect(await mended(it)).toEqual(['execution-failed']);
    await secondsToEnd(it, run);
    expect(await endsOf(it, run)).toEqual(['aborted']);
    expect(await kinds(it)).toEqual([]);
  });

  test('and without starting all its jobs: those are queued, and the loop starts them', async () => {
    const it = await world(database);
    const fresh = await accepted(it, [SHORT, SHORT, SHORT]);
    await planRun(it.ports, { kind: 'accepted', execution: it.orchestrator.executionOf(fresh), runId: fresh.id });
    const run = await it.loadRun(fresh);
    await children(it, run, [1]);
    executionEnds(it, run);
    it.advance(61);
    await pollRun(it.ports, { runId: run.id });
    const { strays } = await findStrays(it.ports);
    expect(strays).toMatchObject([{ kind: 'jobs-not-started', detail: `2 jobs of ${run.id} never started, and its execution has ended` }]);
    expect(await mended(it)).toEqual(['jobs-not-started']);
    expect(await kinds(it)).toEqual([]);
    expect((await broughtToItsEnd(it, run)).state).toBe('SUCCEEDED');
  });
});

describe('a run that was to be looked at long ago', () => {
  test('gets a watch loop anew', async () => {
    const it = await world(database);
    const run = await begun(it, [LONG]);
    const { delaySeconds } = await pollRun(it.ports, { runId: run.id });
    it.advance(delaySeconds + 240);
    expect(await kinds(it)).toEqual([]);
    it.advance(1);
    expect(await mended(it)).toEqual(['watch-overdue']);
    const { watch } = await it.loadRun(run);
    expect(watch).toBe(run.watch + 1);
    expect([...it.orchestrator.watches]).toContain(`${run.id}-${watch}`);
    await pollRun(it.ports, { runId: run.id, watch });
    expect(await kinds(it)).toEqual([]);
  });

  test('also where its loop died before its first look, and where it is being cancelled', async () => {
    const it = await world(database);
    const run = await begun(it, [LONG]);
    const saved = await it.ports.runs.save(
      { ...run, state: 'CANCELLING', closing: { reason: 'cancelled', message: 'by ada', at: at(0) } },
      run,
    );
    if (saved.kind !== 'saved') throw new Error(saved.kind);
    it.advance(241);
    expect(await mended(it)).toEqual(['watch-overdue']);
    expect((await broughtToItsEnd(it, run)).state).toBe('CANCELLED');
  });

  test('and one that has ended meanwhile gets none', async () => {
    const it = await world(database);
    const run = await begun(it, [SHORT]);
    await pollRun(it.ports, { runId: run.id });
    it.advance(500);
    const { strays } = await findStrays(it.ports);
    expect(strays.map(({ kind }) => kind)).toEqual(['watch-overdue']);
    await broughtToItsEnd(it, run);
    it.orchestrator.watches.clear();
    expect(await mended(it)).toEqual([]);
    expect(it.orchestrator.watches.size).toBe(0);
  });
});

describe('an execution that goes on', () => {
  test('though its run has ended has its children let go, and is stopped if it stays', async () => {
    const it = await world(database);
    const run = await ended(it, [SHORT, SHORT]);
    // A child whose release was lost.
    await it.ports.jobs.addTaskToken({ runId: run.id, index: 1 }, run.count, { taskToken: 'left', runAttempt: 1 });
    it.advance(120);
    expect(await kinds(it)).toEqual([]);
    it.advance(1);
    expect(await mended(it)).toEqual(['execution-left-over']);
    expect(it.orchestrator.released).toContain('left');
    expect(it.orchestrator.stopped.size).toBe(0);
    it.advance(900);
    expect(await mended(it)).toEqual(['execution-left-over']);
    expect([...it.orchestrator.stopped]).toEqual([it.orchestrator.executionOf(run)]);
    expect(await kinds(it)).toEqual([]);
  });

  test('and drives no run is stopped after a quarter of an hour', async () => {
    const it = await world(database);
    const [arn, name] = ['arn:run:typed', 'typed'];
    it.orchestrator.executions.set(arn, {
      arn,
      name,
      startedAt: at(0),
      status: 'RUNNING',
      input: JSON.stringify({ 'user-id': 'nobody', 'user-run-id': 'nothing' }),
    });
    it.advance(900);
    expect(await kinds(it)).toEqual([]);
    it.advance(1);
    expect((await findStrays(it.ports)).strays).toMatchObject([{ kind: 'execution-left-over', detail: 'typed drives no run' }]);
    expect(await mended(it)).toEqual(['execution-left-over']);
    expect([...it.orchestrator.stopped]).toEqual([arn]);
    expect(await kinds(it)).toEqual([]);
  });

  test('under a name of its own is known by the request that it was started with', async () => {
    const it = await world(database);
    const [arn, name] = ['arn:run:typed', 'typed'];
    it.orchestrator.executions.set(arn, {
      arn,
      name,
      startedAt: at(0),
      status: 'RUNNING',
      input: JSON.stringify({ 'user-id': 'ada', 'user-run-id': 'r1' }),
    });
    const { requestedBy: _, ...typed } = request({ sets: [SHORT] });
    const outcome = await planRun(it.ports, { kind: 'request', execution: arn, request: typed });
    if (outcome.kind !== 'planned') throw new Error(outcome.kind);
    await children(it, outcome.run);
    await secondsToEnd(it, outcome.run);
    it.advance(121);
    expect((await findStrays(it.ports)).strays).toMatchObject([
      { kind: 'execution-left-over', execution: arn, run: { id: outcome.run.id } },
    ]);
  });

  test('of the attempt before, while the next one runs, is left alone', async () => {
    const it = await world(database);
    const run = await ended(it, [{ SECONDS: 1, FAIL: 'x' }]);
    it.advance(2000);
    await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' });
    await executed(it, run);
    expect(await mended(it)).toEqual([]);
    expect([...it.orchestrator.executions.values()].map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
  });
});
