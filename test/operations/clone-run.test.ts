import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { cloneRun, type CloneRun, type CloneRunOutcome } from '#operations/clone-run';
import { expandRun } from '#operations/expand-run';
import { retryRun } from '#operations/retry-run';
import { aTemplate, at } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { accepted, ended, expectSound } from './driving.ts';
import { world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const clone = (it: World, run: Run, change: Partial<CloneRun> = {}): Promise<CloneRunOutcome> =>
  cloneRun(it.ports, { runId: run.id, userRunId: 'copy', requestedBy: 'bob', templateVersion: 'same', ...change });
const copyOf = async (it: World, outcome: CloneRunOutcome): Promise<Run> => {
  if (outcome.kind !== 'started') throw new Error(outcome.kind);
  return it.loadRun(outcome.run);
};
const setsOf = (it: World, run: Run): ReturnType<World['ports']['runs']['sets']> => it.ports.runs.sets(run, 0, run.count);
const SETS = [
  { CITY: 'London', SECONDS: 1 },
  { CITY: 'Rome', SECONDS: 1, FAIL: 'x' },
  { CITY: 'Oslo', REFUSE: 'no' },
];

describe('a clone', () => {
  test('is a run of its own with the same sets, that says where it is from', async () => {
    const it = await world(database);
    const run = await ended(it, SETS);
    const copy = await copyOf(it, await clone(it, run));
    expect(copy).toMatchObject({
      clonedFrom: run.id,
      userId: 'ada',
      userRunId: 'copy',
      requestedBy: 'bob',
      count: 3,
      attempt: 1,
      state: 'ACCEPTED',
    });
    expect(await setsOf(it, copy)).toEqual(SETS);
    expect([...it.orchestrator.runs]).toContain(`${copy.id}-a1`);
    expect(await it.loadRun(run)).toEqual(run);
    await expectSound(it, run);
  });

  test('keeps the version of then, or takes the one of now, as it is told', async () => {
    const it = await world(database);
    const run = await accepted(it, SETS);
    await it.ports.catalog.addTemplateVersion(aTemplate({ version: 2, name: 'Newer' }));
    const [then, now] = [
      await copyOf(it, await clone(it, run)),
      await copyOf(it, await clone(it, run, { userRunId: 'now', templateVersion: 'current' })),
    ];
    expect([then.templateVersion, now.templateVersion]).toEqual([1, 2]);
  });

  test('of the version of now goes where the pattern leads now', async () => {
    const it = await world(database);
    const run = await accepted(it, SETS);
    const other = aTemplate({ id: 'tmpl_other' as Run['templateId'] });
    await it.ports.catalog.addTemplateVersion(other);
    const pattern = await it.ports.catalog.pattern('http', 'gcs');
    if (!pattern) throw new Error('no pattern');
    await it.ports.catalog.putPattern({ ...pattern, templateId: other.id, version: 2, updatedAt: at(1) }, pattern);
    expect((await copyOf(it, await clone(it, run, { templateVersion: 'current' }))).templateId).toBe('tmpl_other');
    expect((await copyOf(it, await clone(it, run, { userRunId: 'then' }))).templateId).toBe(run.templateId);
  });

  test('may be of other sets, and on behalf of another user', async () => {
    const it = await world(database);
    const run = await accepted(it, SETS);
    const copy = await copyOf(it, await clone(it, run, { sets: [{ CITY: 'Bern' }], userId: 'eve' }));
    expect(copy).toMatchObject({ count: 1, userId: 'eve', clonedFrom: run.id });
    expect(await setsOf(it, copy)).toEqual([{ CITY: 'Bern' }]);
  });

  test('may be of just the sets that failed, or failed for a reason', async () => {
    const it = await world(database);
    const run = await ended(it, SETS);
    expect(await setsOf(it, await copyOf(it, await clone(it, run, { selection: {} })))).toEqual(SETS.slice(1));
    const refused = await copyOf(it, await clone(it, run, { userRunId: 'refused', selection: { reasons: ['start-failed'] } }));
    expect(await setsOf(it, refused)).toEqual(SETS.slice(2));
  });

  test('of nothing, of what did not fail, or of no run, is none', async () => {
    const it = await world(database);
    const run = await ended(it, SETS);
    expect(await clone(it, run, { selection: { reasons: ['lost'] } })).toEqual({ kind: 'nothing-selected', run });
    expect(await clone(it, run, { selection: { indexes: [0] } })).toMatchObject({ kind: 'not-selectable', problems: [{ index: 0 }] });
    expect(await clone(it, { ...run, id: 'run_01K00000000000000000000009' as RunId })).toEqual({ kind: 'not-found' });
    expect(it.orchestrator.runs.size).toBe(1);
  });

  test('is held against its template as every request', async () => {
    const it = await world(database);
    const run = await accepted(it, SETS);
    await it.ports.catalog.addTemplateVersion(aTemplate({ version: 2, parametersSchema: { required: ['COUNTRY'] } }));
    expect(await clone(it, run, { templateVersion: 'current' })).toMatchObject({ kind: 'invalid-sets', total: 3 });
    expect((await clone(it, run)).kind).toBe('started');
  });

  test('of what failed is the same run when it is asked for again, whatever the old run has come to since', async () => {
    const it = await world(database);
    const run = await ended(it, SETS);
    const copy = await copyOf(it, await clone(it, run, { selection: {} }));
    await retryRun(it.ports, { runId: run.id, selection: { indexes: [1] }, requestedBy: 'ada' });
    await expandRun(it.ports, await it.loadRun(run));
    expect(await clone(it, run, { selection: {} })).toMatchObject({ kind: 'replayed', run: { id: copy.id } });
    expect((await clone(it, run, { selection: { reasons: ['start-failed'] } })).kind).toBe('key-reused');
    expect((await clone(it, run)).kind).toBe('key-reused');
    expect(await clone(it, run, { userRunId: 'now', selection: {} })).toMatchObject({ kind: 'started', run: { count: 1 } });
  });

  test('asked for again is the same run; under its name with other sets, or of another run, it is refused', async () => {
    const it = await world(database);
    const [run, other] = [await accepted(it, SETS), await accepted(it, SETS, { userRunId: 'other' })];
    const copy = await copyOf(it, await clone(it, run));
    expect(await clone(it, run)).toMatchObject({ kind: 'replayed', run: { id: copy.id } });
    expect((await clone(it, run, { sets: [{ CITY: 'Bern' }] })).kind).toBe('key-reused');
    expect((await clone(it, other)).kind).toBe('key-reused');
  });
});
