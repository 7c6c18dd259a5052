/** The jobs of one set in all runs, and requests that leave out the sets that have succeeded. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instant, TemplateId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import { planRun } from '#operations/plan-run';
import { retryRun } from '#operations/retry-run';
import { listSetJobs } from '#operations/set-history';
import { startRun, type StartRun } from '#operations/start-run';
import { aTemplate, at, TEMPLATE_ID } from '#test/domain/builders';
import { applyEvent } from '#domain/job';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { ended, executed, secondsToEnd } from './driving.ts';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const good = (CITY: string): JsonObject => ({ CITY, SECONDS: 1 });
const byCity = { template: { identity: ['CITY'] } };
const keyOf = async (it: World, run: Run, index = 0): Promise<string> =>
  (await it.ports.jobs.parameters({ runId: run.id, index }))?.setKey ?? '';

describe('the history of a set', () => {
  test('is its jobs in all runs, newest run first, by pages', async () => {
    const it = await world(database, byCity);
    const runs = [];
    for (const round of [1, 2, 3, 4, 5])
      runs.push(await ended(it, [good('Oslo'), good(`only ${round}`), { CITY: 'Rome', FAIL: 'x' }], { userRunId: `r${round}` }));
    const [first] = runs;
    if (!first) throw new Error('no run');
    const setKey = await keyOf(it, first, 2);
    const found: (readonly [string, number, string])[] = [];
    let cursor: string | undefined;
    do {
      const listed = await listSetJobs(it.ports, TEMPLATE_ID, setKey, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      if (listed.kind !== 'page') throw new Error(listed.kind);
      found.push(...listed.page.items.map(({ runId, index, state }) => [runId, index, state] as const));
      ({ cursor } = listed.page);
    } while (cursor !== undefined);
    expect(found).toEqual(runs.toReversed().map(({ id }) => [id, 2, 'FAILED']));
  });

  test('goes by the keys that its template says, or by all of them', async () => {
    const it = await world(database, byCity);
    const [one, two] = [await ended(it, [{ CITY: 'Oslo', DAY: 1 }]), await ended(it, [{ CITY: 'Oslo', DAY: 2 }], { userRunId: 'r2' })];
    expect(await keyOf(it, one)).toBe(await keyOf(it, two));
    const plain = await world(database);
    const [three, four] = [
      await ended(plain, [{ CITY: 'Oslo', DAY: 1 }]),
      await ended(plain, [{ CITY: 'Oslo', DAY: 2 }], { userRunId: 'r2' }),
    ];
    expect(await keyOf(plain, three)).not.toBe(await keyOf(plain, four));
  });

  test('holds a set twice that was asked for twice', async () => {
    const it = await world(database);
    const run = await ended(it, [good('Oslo'), good('Oslo')]);
    const listed = await listSetJobs(it.ports, TEMPLATE_ID, await keyOf(it, run), { limit: 10 });
    expect(listed.kind === 'page' && listed.page.items.map(({ index }) => index)).toEqual([1, 0]);
  });
});

describe('a request that leaves out what has succeeded since', () => {
  const since = at(0);
  const again = (it: World, sets: readonly JsonObject[], change: Partial<StartRun> = {}): ReturnType<typeof startRun> =>
    startRun(it.ports, request({ userRunId: 'again', sets, skipSucceededSince: since, ...change }));
  const started = async (it: World, sets: readonly JsonObject[], change: Partial<StartRun> = {}): Promise<readonly JsonObject[]> => {
    const outcome = await again(it, sets, change);
    if (outcome.kind !== 'started') throw new Error(outcome.kind);
    const run = await it.loadRun(outcome.run);
    return it.ports.runs.sets(run, 0, run.count);
  };

  test('starts the others, in their order, and says how many it left out', async () => {
    const it = await world(database, byCity);
    await ended(it, [good('Oslo'), { CITY: 'Rome', FAIL: 'x' }, { CITY: 'Bern', REFUSE: 'no' }]);
    const sets = ['Bern', 'Oslo', 'Rome', 'Wien'].map(good);
    const outcome = await again(it, sets);
    expect(outcome).toMatchObject({ kind: 'started', run: { count: 3, skipped: 1 } });
    if (outcome.kind !== 'started') throw new Error(outcome.kind);
    const run = await it.loadRun(outcome.run);
    expect(await it.ports.runs.sets(run, 0, 3)).toEqual(['Bern', 'Rome', 'Wien'].map(good));
  });

  test('is no run where nothing is left, and none that an execution would drive', async () => {
    const it = await world(database);
    await ended(it, [good('Oslo'), good('Rome')]);
    expect(await again(it, [good('Rome'), good('Oslo')])).toEqual({ kind: 'all-skipped', skipped: 2 });
    const { requestedBy: _, ...typed } = request({ userRunId: 'console', sets: [good('Oslo')], skipSucceededSince: since });
    expect(await planRun(it.ports, { kind: 'request', execution: 'arn', request: typed })).toEqual({ kind: 'nothing-to-do' });
    expect(it.orchestrator.runs.size).toBe(1);
    const listed = await it.ports.runs.list({}, { limit: 10 });
    expect(listed.kind === 'page' && listed.page.items).toHaveLength(1);
  });

  test('counts a success by the time of its end, to the moment', async () => {
    const it = await world(database);
    const run = await ended(it, [good('Oslo')]);
    const { updatedAt } = await it.job(run);
    const later = new Date(Date.parse(updatedAt) + 1).toISOString() as Instant;
    expect((await again(it, [good('Oslo')], { skipSucceededSince: updatedAt })).kind).toBe('all-skipped');
    expect(await started(it, [good('Oslo')], { skipSucceededSince: later })).toHaveLength(1);
  });

  test('counts a success by the time of its end, whatever has become of the job after it', async () => {
    const it = await world(database);
    const run = await ended(it, [good('Oslo')]);
    const { updatedAt: endedAt } = await it.job(run);
    it.advance(100);
    const later = it.ports.clock.now();
    for (const name of ['validate', ...Array.from({ length: 12 }, () => 'validated' as const)] as const) {
      const job = await it.job(run);
      const outcome = applyEvent(job, { name, at: it.ports.clock.now(), actor: 'ada' });
      if (outcome.kind !== 'applied') throw new Error(name);
      await it.ports.jobs.save([{ before: job, after: outcome.job, entries: [outcome.entry] }], run.count);
    }
    expect(await it.job(run)).toMatchObject({ state: 'VALIDATED', updatedAt: later });
    expect((await again(it, [good('Oslo')], { skipSucceededSince: endedAt })).kind).toBe('all-skipped');
    expect(await started(it, [good('Oslo')], { skipSucceededSince: later })).toHaveLength(1);
  });

  test('counts what a retry has turned into a success', async () => {
    const it = await world(database, {
      ...byCity,
      engine: (engine) => ({
        ...engine,
        start: (start) =>
          start.engineJobName.endsWith('_a1') ? Promise.resolve({ kind: 'refused', message: 'not yet' }) : engine.start(start),
      }),
    });
    const run = await ended(it, [good('Oslo')]);
    expect(run.state).toBe('FAILED');
    await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' });
    await executed(it, run);
    await secondsToEnd(it, run);
    expect((await again(it, [good('Oslo')])).kind).toBe('all-skipped');
  });

  test('finds a success behind many failures', async () => {
    const it = await world(database, byCity);
    await ended(it, [good('Oslo')]);
    for (let round = 0; round < 10; round += 1) await ended(it, [{ CITY: 'Oslo', REFUSE: 'no' }], { userRunId: `failed ${round}` });
    expect((await again(it, [good('Oslo')])).kind).toBe('all-skipped');
  });

  test('knows nothing of what another template has done', async () => {
    const it = await world(database);
    await it.ports.catalog.addTemplateVersion(aTemplate({ id: 'tmpl_other' as TemplateId }));
    await it.ports.catalog.putPattern({
      sourceType: 'other',
      targetType: 'gcs',
      templateId: 'tmpl_other' as TemplateId,
      version: 1,
      updatedAt: at(0),
    });
    await ended(it, [good('Oslo')], { sourceType: 'other' });
    expect(await started(it, [good('Oslo')])).toEqual([good('Oslo')]);
  });

  test('asked for again is the same run, though its sets have succeeded meanwhile', async () => {
    const it = await world(database);
    const first = await again(it, [good('Oslo')]);
    if (first.kind !== 'started') throw new Error(first.kind);
    await executed(it, first.run);
    await secondsToEnd(it, first.run);
    expect(await again(it, [good('Oslo')])).toMatchObject({ kind: 'replayed', run: { id: first.run.id, state: 'SUCCEEDED' } });
  });
});
