import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { closeRun } from '#operations/close-run';
import { planRun, type PlanRun, type PlanRunOutcome } from '#operations/plan-run';
import { startRun } from '#operations/start-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { Crash, crashingAt, request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const SETS = Array.from({ length: 8 }, (_, index) => ({ INDEX: index }));

async function accepted({ ports }: World): Promise<RunId> {
  const outcome = await startRun(ports, request({ sets: SETS }));
  if (outcome.kind !== 'started') throw new Error(outcome.kind);
  return outcome.run.id;
}

const driven = (runId: RunId, execution: string): PlanRun => ({ kind: 'accepted', execution, runId });
const body = (execution: string, change: Parameters<typeof request>[0] = {}): PlanRun => {
  const { requestedBy: _, ...rest } = request({ sets: SETS, ...change });
  return { kind: 'request', execution, request: rest };
};

const drivenRun = (outcome: PlanRunOutcome): Run => {
  if (outcome.kind === 'nothing-to-do') throw new Error(outcome.kind);
  return outcome.run;
};

/** Every set has one job, with its own parameters and one history entry. */
async function expectJobs({ ports }: World, id: RunId): Promise<void> {
  const run = await ports.runs.load(id);
  if (!run) throw new Error('no run');
  expect(run.plannedAt).toBeDefined();
  const jobs = await ports.jobs.loadRange(run, 0, run.count);
  expect(jobs.map(({ index, version, state }) => ({ index, version, state }))).toEqual(
    SETS.map(({ INDEX }) => ({ index: INDEX, version: 1, state: 'CREATED' })),
  );
  for (const { INDEX } of SETS) {
    expect((await ports.jobs.parameters({ runId: id, index: INDEX }))?.values).toEqual({ INDEX });
    const history = await ports.jobs.history({ runId: id, index: INDEX }, { limit: 10 });
    expect(history.kind === 'page' && history.page.items.map(({ name }) => name)).toEqual(['create']);
  }
  expect(await ports.jobs.open(run)).toHaveLength(SETS.length);
}

describe('an accepted run', () => {
  test('is claimed, has a job for each set, is watched, and may run as many at once as its template says', async () => {
    const it = await world(database, { template: { limits: { maxWaitSeconds: 60, maxParallel: 7, retries: {} } } });
    const id = await accepted(it);
    const outcome = await planRun(it.ports, driven(id, 'arn-1'));
    expect(outcome).toMatchObject({ kind: 'planned', maxParallel: 7, run: { id, state: 'RUNNING', execution: 'arn-1' } });
    expect([...it.orchestrator.watches]).toEqual([`${id}-1`]);
    await expectJobs(it, id);
  });

  test('that is larger than what is expanded at once has a job for each of its sets', async () => {
    const it = await world(database);
    const run = await it.planned(Array.from({ length: 1001 }, (_, index) => ({ INDEX: index })));
    expect((await it.ports.jobs.loadRange(run, 0, 1001)).map(({ index }) => index)).toEqual(
      Array.from({ length: 1001 }, (_, index) => index),
    );
    for (const index of [0, 999, 1000])
      expect((await it.ports.jobs.parameters({ runId: run.id, index }))?.values).toEqual({ INDEX: index });
  });

  test('of two executions that ask at once, exactly one drives it', async () => {
    const it = await world(database);
    const id = await accepted(it);
    const outcomes = await Promise.all([planRun(it.ports, driven(id, 'arn-1')), planRun(it.ports, driven(id, 'arn-2'))]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['already-driven', 'planned']);
    expect(drivenRun(outcomes[0]).execution).toBe(drivenRun(outcomes[1]).execution);
    await expectJobs(it, id);
  });

  test('a repeated PlanRun of the same execution plans nothing twice', async () => {
    const it = await world(database);
    const id = await accepted(it);
    await planRun(it.ports, driven(id, 'arn-1'));
    expect((await planRun(it.ports, driven(id, 'arn-1'))).kind).toBe('planned');
    await Promise.all([planRun(it.ports, driven(id, 'arn-1')), planRun(it.ports, driven(id, 'arn-1'))]);
    await expectJobs(it, id);
    expect(it.orchestrator.watches.size).toBe(1);
  });

  test('a crash after any of its steps: the repeated PlanRun ends with one job for each set', async () => {
    for (let nth = 0; ; nth += 1) {
      const it = await world(database);
      const id = await accepted(it);
      const crashing = crashingAt(it.ports, nth);
      const outcome = await planRun(crashing.ports, driven(id, 'arn-1')).catch((error: unknown) => error);
      if (!(outcome instanceof Crash)) {
        expect(nth).toBeGreaterThan(5);
        break;
      }
      expect((await planRun(it.ports, driven(id, 'arn-1'))).kind).toBe('planned');
      await expectJobs(it, id);
      expect(it.orchestrator.watches.size).toBe(1);
    }
  });

  test('that has ended is left alone', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }]);
    await closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'over' });
    await it.watch(run);
    expect((await planRun(it.ports, driven(run.id, 'arn'))).kind).toBe('already-driven');
  });

  test('that does not exist is refused for good', async () => {
    const { ports } = await world(database);
    const id = 'run_01K00000000000000000000009' as RunId;
    await expect(planRun(ports, driven(id, 'arn-1'))).rejects.toMatchObject({ name: 'RunRefused', retryable: false });
  });
});

describe('a request body as the input of an execution', () => {
  test('is accepted and planned by the execution itself, without a second one', async () => {
    const it = await world(database);
    const outcome = await planRun(it.ports, body('arn-console'));
    expect(outcome).toMatchObject({
      kind: 'planned',
      run: { execution: 'arn-console', requestedBy: 'step-functions', count: SETS.length },
    });
    expect(it.orchestrator.runs.size).toBe(0);
    await expectJobs(it, drivenRun(outcome).id);
  });

  test('drives the run that the API accepted with the same body, if nobody does yet', async () => {
    const it = await world(database);
    const id = await accepted(it);
    expect(await planRun(it.ports, body('arn-console'))).toMatchObject({ kind: 'planned', run: { id, execution: 'arn-console' } });
    expect((await planRun(it.ports, driven(id, 'arn-api'))).kind).toBe('already-driven');
    await expectJobs(it, id);
  });

  test('from two executions is one run that one of them drives', async () => {
    const it = await world(database);
    const first = await planRun(it.ports, body('arn-1'));
    const second = await planRun(it.ports, body('arn-2'));
    expect(second).toMatchObject({ kind: 'already-driven', run: { id: drivenRun(first).id, execution: 'arn-1' } });
  });

  test('is refused for good, in words that name what is wrong', async () => {
    const it = await world(database, { template: { parametersSchema: { required: ['CITY'] } } });
    const refusals: readonly (readonly [PlanRun, RegExp])[] = [
      [body('arn', { targetType: 'nowhere' }), /http to nowhere/],
      [body('arn', { sets: [{}] }), /\/runtime-parameters\/0\/CITY is required/],
    ];
    for (const [input, message] of refusals)
      await expect(planRun(it.ports, input)).rejects.toMatchObject({
        name: 'RunRefused',
        message: expect.stringMatching(message) as string,
      });
    const fine = await startRun(it.ports, request({ sets: [{ CITY: 'Rome' }] }));
    expect(fine.kind).toBe('started');
    await expect(planRun(it.ports, body('arn', { sets: [{ CITY: 'Oslo' }] }))).rejects.toMatchObject({
      name: 'RunRefused',
      message: expect.stringMatching(/run_.* with another body/) as string,
    });
  });
});
