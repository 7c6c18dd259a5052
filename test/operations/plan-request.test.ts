/** A plan, and the start that holds to it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { planRequest, type PlannedRun } from '#operations/plan-request';
import type { RunDemand } from '#operations/prepare-run';
import { startRun } from '#operations/start-run';
import { aTemplate, TEMPLATE_ID } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { begun, ended, secondsToEnd } from './driving.ts';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const demand = (change: Partial<RunDemand> = {}): RunDemand => {
  const { requestedBy: _, ...rest } = request(change);
  return rest;
};
async function plan(it: World, change: Partial<RunDemand> = {}, page = { from: 0, limit: 100 }): Promise<PlannedRun> {
  const outcome = await planRequest(it.ports, demand(change), page);
  if (outcome.kind !== 'prepared') throw new Error(outcome.kind);
  return outcome;
}
const cities = (...names: readonly string[]): readonly JsonObject[] => names.map((CITY) => ({ CITY, SECONDS: 1 }));

describe('a plan', () => {
  test('shows each set as its job will get it, with where each value is from, and which set it is', async () => {
    const it = await world(database, {
      template: {
        static: { sourceParameters: { MODE: 'POLLING' }, targetParameters: {}, sourceConnection: {}, targetConnection: {} },
        overridable: ['MODE'],
      },
    });
    const sets = [{ CITY: 'London' }, { CITY: 'Rome', MODE: 'BATCH' }];
    const { planned, template, skipped } = await plan(it, { sets });
    expect([template.id, template.version, skipped]).toEqual([TEMPLATE_ID, 1, []]);
    expect(planned.map(({ index, values }) => ({ index, values }))).toEqual([
      { index: 0, values: { MODE: 'POLLING', CITY: 'London' } },
      { index: 1, values: { MODE: 'BATCH', CITY: 'Rome' } },
    ]);
    const run = await begun(it, sets);
    for (const { index, values, provenance, setKey } of planned)
      expect(await it.ports.jobs.parameters({ runId: run.id, index })).toMatchObject({ values, provenance, setKey });
  });

  test('writes nothing', async () => {
    const it = await world(database);
    await ended(it, cities('Oslo'), { userRunId: 'before' });
    database.forgetRequests();
    await plan(it, { sets: cities('London', 'Oslo'), skipSucceededSince: it.ports.clock.now() });
    const commands = [...database.requests.keys()];
    expect(commands.filter((command) => !/^(GetItem|BatchGetItem|Query)Command$/.test(command))).toEqual([]);
    expect(it.orchestrator.runs.size).toBe(1);
  });

  test('of many sets is told by pages, each set once', async () => {
    const it = await world(database);
    const sets = Array.from({ length: 25 }, (_, index) => ({ INDEX: index }));
    const indexes: number[] = [];
    for (let from: number | undefined = 0; from !== undefined;) {
      const page: PlannedRun = await plan(it, { sets }, { from, limit: 10 });
      indexes.push(...page.planned.map(({ index }) => index));
      from = page.next;
    }
    expect(indexes).toEqual(sets.map(({ INDEX }) => INDEX));
  });

  test('is refused for whatever a start would be refused for', async () => {
    const it = await world(database, { template: { parametersSchema: { required: ['CITY'] } } });
    for (const change of [{ targetType: 'nowhere' }, { sets: [{}] }, { template: { id: TEMPLATE_ID, version: 9 } }]) {
      const planned = await planRequest(it.ports, demand(change), { from: 0, limit: 10 });
      const started = await startRun(it.ports, request(change));
      expect(planned.kind).not.toBe('prepared');
      expect(planned).toEqual(started);
    }
  });
});

describe('the hash of a plan', () => {
  test('lets exactly that be started', async () => {
    const it = await world(database);
    const { planHash } = await plan(it, { sets: cities('London', 'Rome') });
    expect(planHash).toMatch(/^[0-9a-f]{64}$/);
    expect(await startRun(it.ports, request({ sets: cities('London', 'Rome'), planHash }))).toMatchObject({
      kind: 'started',
      run: { count: 2 },
    });
  });

  test('is the same for the same request, however it is spelt, and on whatever page', async () => {
    const it = await world(database);
    const { planHash } = await plan(it, { sets: [{ A: 1, B: 2 }] });
    expect((await plan(it, { sets: [{ B: 2, A: 1 }] })).planHash).toBe(planHash);
    expect((await plan(it, { sets: [{ A: 1, B: 2 }] }, { from: 1, limit: 1 })).planHash).toBe(planHash);
  });

  test('is another for anything that would start something else', async () => {
    const it = await world(database);
    const hashes = [];
    for (const change of [
      {},
      { userRunId: 'r2' },
      { userId: 'bob' },
      { sets: cities('Rome') },
      { sets: cities('London', 'London') },
      { skipSucceededSince: it.ports.clock.now() },
    ])
      hashes.push((await plan(it, { sets: cities('London'), ...change })).planHash);
    await it.ports.catalog.addTemplateVersion(aTemplate({ version: 2 }));
    hashes.push((await plan(it, { sets: cities('London') })).planHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('holds no more once the template has a new version: nothing is started, and the new hash is told', async () => {
    const it = await world(database);
    const { planHash } = await plan(it);
    await it.ports.catalog.addTemplateVersion(aTemplate({ version: 2 }));
    const outcome = await startRun(it.ports, request({ planHash }));
    expect(outcome).toEqual({ kind: 'plan-changed', planHash: (await plan(it)).planHash });
    expect(it.orchestrator.runs.size).toBe(0);
    if (outcome.kind !== 'plan-changed') throw new Error(outcome.kind);
    expect(await startRun(it.ports, request({ planHash: outcome.planHash }))).toMatchObject({
      kind: 'started',
      run: { templateVersion: 2 },
    });
  });

  test('holds no more once a set has succeeded that was to be started', async () => {
    const it = await world(database);
    const change = { userRunId: 'planned', sets: cities('London', 'Rome'), skipSucceededSince: it.ports.clock.now() };
    const { planHash, skipped } = await plan(it, change);
    expect(skipped).toEqual([]);
    await ended(it, cities('Rome'), { userRunId: 'meanwhile' });
    expect((await startRun(it.ports, request({ ...change, planHash }))).kind).toBe('plan-changed');
    expect((await plan(it, change)).skipped).toEqual([1]);
  });

  test('does not stand in the way of the same request that was started with it before', async () => {
    const it = await world(database);
    const { planHash } = await plan(it);
    await startRun(it.ports, request({ planHash }));
    await it.ports.catalog.addTemplateVersion(aTemplate({ version: 2 }));
    expect((await startRun(it.ports, request({ planHash }))).kind).toBe('replayed');
  });
});

describe('what a plan expects', () => {
  test('is nothing while too few jobs of the template have finished', async () => {
    const it = await world(database);
    await ended(it, cities('a', 'b', 'c', 'd'), { userRunId: 'before' });
    expect((await plan(it)).forecast).toBeUndefined();
  });

  test('is learned from the runs before: the time of a job, of the run in its waves, and how often the engine will be asked', async () => {
    const it = await world(database, { template: { limits: { maxWaitSeconds: 1e5, maxParallel: 2, retries: {} } } });
    const taking = (seconds: number): JsonObject => ({ SECONDS: seconds });
    for (const [round, seconds] of [550, 600, 620, 580, 610].entries())
      await ended(it, [taking(seconds)], { userRunId: `before ${round}` });
    const { forecast } = await plan(it, { sets: [1, 2, 3, 4, 5].map(() => taking(600)) });
    expect(forecast).toMatchObject({ job: { p50: 600 }, runSeconds: 3 * 600 });
    expect((forecast?.statusCalls ?? 0) % 3).toBe(0);
    // One wave, lived: the forecast goes by the rule of the loop.
    const one = await plan(it, { sets: [taking(600)], userRunId: 'lived' });
    const run = await begun(it, [taking(600)], { userRunId: 'lived' });
    await secondsToEnd(it, run);
    const calls = (await it.ports.runs.progress(run.id))?.usage.statusCalls ?? 0;
    expect(Math.abs(calls - (one.forecast?.statusCalls ?? 0))).toBeLessThanOrEqual(2);
  });
});
