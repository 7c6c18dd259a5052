import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TemplateId } from '#domain/ids';
import type { TemplateBody } from '#domain/template';
import { deletePattern } from '#operations/delete-pattern';
import { deleteTemplate, type DeleteTemplateOutcome } from '#operations/delete-template';
import { planRun } from '#operations/plan-run';
import type { CatalogStore, Ports } from '#operations/ports';
import { holds, type Precondition } from '#operations/precondition';
import { putPattern } from '#operations/put-pattern';
import { putTemplate, type PutTemplateOutcome } from '#operations/put-template';
import { startJob } from '#operations/start-job';
import { startRun } from '#operations/start-run';
import { aTemplate } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
let it: World;
let ports: Ports;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await world(database);
  ({ ports } = it);
});

const ID = 'tmpl_under-test' as TemplateId;
const body = (name: string): TemplateBody => {
  const { id: _id, version: _version, createdAt: _at, ...rest } = aTemplate({ name });
  return rest;
};
const put = (name: string, precondition?: Precondition): Promise<PutTemplateOutcome> => putTemplate(ports, ID, body(name), precondition);
const kinds = (outcomes: readonly { readonly kind: string }[]): Readonly<Record<string, number>> => {
  const counted: Record<string, number> = {};
  for (const { kind } of outcomes) counted[kind] = (counted[kind] ?? 0) + 1;
  return counted;
};
const pair = { sourceType: 'a', targetType: 'b' };

describe('a precondition', () => {
  test.each<[Precondition, number | undefined, boolean]>([
    [{}, undefined, true],
    [{}, 3, true],
    [{ ifMatch: [3] }, 3, true],
    [{ ifMatch: [2, 3] }, 3, true],
    [{ ifMatch: [2] }, 3, false],
    [{ ifMatch: [] }, 3, false],
    [{ ifMatch: [1] }, undefined, false],
    [{ ifMatch: 'any' }, 3, true],
    [{ ifMatch: 'any' }, undefined, false],
    [{ ifNoneMatch: 'any' }, undefined, true],
    [{ ifNoneMatch: 'any' }, 3, false],
    [{ ifNoneMatch: [2] }, 3, true],
    [{ ifNoneMatch: [3] }, 3, false],
    [{ ifMatch: [3], ifNoneMatch: 'any' }, 3, false],
  ])('%j of version %s: %s', (precondition, version, held) => {
    expect(holds(precondition, version)).toBe(held);
  });
});

describe('registering a template', () => {
  test('of 20 who change the same version at once, exactly one wins, and the others are told its version', async () => {
    await put('first');
    const names = Array.from({ length: 20 }, (_, index) => `change ${index}`);
    const outcomes = await Promise.all(names.map((name) => put(name, { ifMatch: [1] })));
    expect(kinds(outcomes)).toEqual({ changed: 1, 'precondition-failed': 19 });
    expect(outcomes.filter(({ kind }) => kind === 'precondition-failed')).toEqual(
      Array.from({ length: 19 }, () => ({ kind: 'precondition-failed', version: 2 })),
    );
    const winner = names[outcomes.findIndex(({ kind }) => kind === 'changed')];
    expect(await ports.catalog.template(ID)).toMatchObject({ version: 2, name: winner });
    expect(await ports.catalog.template(ID, 3)).toBeUndefined();
  });

  test('of 20 who create it at once, exactly one does', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => put(`${index}`, { ifNoneMatch: 'any' })));
    expect(kinds(outcomes)).toEqual({ created: 1, 'precondition-failed': 19 });
    expect(await ports.catalog.lastTemplateVersion(ID)).toBe(1);
  });

  test('who names no version does not bury one that came meanwhile, and 20 who say the same say it once', async () => {
    expect(kinds(await Promise.all(['one', 'two'].map((name) => put(name))))).toEqual({ created: 1, conflict: 1 });
    const same = await Promise.all(Array.from({ length: 20 }, () => put('same')));
    expect(kinds(same)).toEqual({ changed: 1, unchanged: 19 });
    expect(await ports.catalog.lastTemplateVersion(ID)).toBe(2);
  });

  test.each(['searchable', 'identity', 'overridable'] as const)('another list of %s keys is another version', async (list) => {
    await put('first');
    expect(await putTemplate(ports, ID, { ...body('first'), [list]: ['CITY'] })).toMatchObject({ kind: 'changed' });
  });

  test('after its deletion goes on with the next version, as something created', async () => {
    await put('first');
    await put('second');
    await deleteTemplate(ports, ID);
    expect(await put('third', { ifMatch: [2] })).toEqual({ kind: 'precondition-failed', version: undefined });
    expect(await put('second', { ifNoneMatch: 'any' })).toMatchObject({ kind: 'created', template: { version: 3, name: 'second' } });
    expect(await ports.catalog.template(ID, 1)).toMatchObject({ name: 'first' });
  });

  test('of 20 who bring a deleted template back at once, exactly one does', async () => {
    await put('first');
    await deleteTemplate(ports, ID);
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => put(`${index}`, { ifNoneMatch: 'any' })));
    expect(kinds(outcomes)).toEqual({ created: 1, 'precondition-failed': 19 });
    expect(await ports.catalog.lastTemplateVersion(ID)).toBe(2);
  });
});

describe('a pattern', () => {
  test('has a version for every template that it named, and of 20 who change one version exactly one wins', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `tmpl_choice-${index}` as TemplateId);
    for (const id of ids) await putTemplate(ports, id, body('choice'));
    await put('first');
    expect(await putPattern(ports, { ...pair, templateId: ID })).toMatchObject({ kind: 'created', pattern: { version: 1 } });
    const outcomes = await Promise.all(ids.map((templateId) => putPattern(ports, { ...pair, templateId }, { ifMatch: [1] })));
    expect(kinds(outcomes)).toEqual({ changed: 1, 'precondition-failed': 19 });
    expect(await ports.catalog.pattern('a', 'b')).toMatchObject({ version: 2 });
    expect(await ports.catalog.patternsNaming(ID, 1)).toEqual([]);
    expect((await Promise.all(ids.map((id) => ports.catalog.patternsNaming(id, 2)))).flat()).toEqual([pair]);
  });

  test('that is deleted starts nothing, and its successor is not taken for it', async () => {
    await put('first');
    await putPattern(ports, { ...pair, templateId: ID });
    expect(await deletePattern(ports, pair, { ifMatch: [2] })).toEqual({ kind: 'precondition-failed', version: 1 });
    expect(await deletePattern(ports, pair, { ifMatch: [1] })).toEqual({ kind: 'deleted' });
    expect(await deletePattern(ports, pair, { ifMatch: [1] })).toEqual({ kind: 'absent' });
    expect((await startRun(ports, request({ sourceType: 'a', targetType: 'b' }))).kind).toBe('no-pattern');
    expect(await putPattern(ports, { ...pair, templateId: ID })).toMatchObject({ kind: 'created', pattern: { version: 2 } });
    expect(await deletePattern(ports, pair, { ifMatch: [1] })).toEqual({ kind: 'precondition-failed', version: 2 });
  });
});

describe('deleting a template', () => {
  test('is refused while patterns name it, and tells which', async () => {
    await put('first');
    for (const targetType of ['c', 'b']) await putPattern(ports, { sourceType: 'a', targetType, templateId: ID });
    const patterns = [pair, { sourceType: 'a', targetType: 'c' }];
    expect(await deleteTemplate(ports, ID)).toEqual({ kind: 'in-use', patterns, runs: [] });
    for (const one of patterns) await deletePattern(ports, one);
    expect(await deleteTemplate(ports, ID)).toEqual({ kind: 'deleted' });
    expect(await deleteTemplate(ports, ID)).toEqual({ kind: 'absent' });
  });

  test('is refused while a run of it is open, whatever version that runs, and done once it has ended', async () => {
    await put('first');
    await putPattern(ports, { ...pair, templateId: ID });
    const run = await it.planned([{ SECONDS: 1 }], pair);
    await put('second');
    await deletePattern(ports, pair);
    expect(await deleteTemplate(ports, ID)).toEqual({ kind: 'in-use', patterns: [], runs: [run.id] });
    await startJob(ports, { runId: run.id, index: 0, taskToken: 'token' });
    await it.watch(run);
    expect(await deleteTemplate(ports, ID)).toEqual({ kind: 'deleted' });
    expect(await ports.catalog.template(run.templateId, run.templateVersion)).toMatchObject({ name: 'first' });
  });

  test('is refused for a run that goes from one state to the next while it is looked for', async () => {
    await put('first');
    await putPattern(ports, { ...pair, templateId: ID });
    const outcome = await startRun(ports, request(pair));
    if (outcome.kind !== 'started') throw new Error(outcome.kind);
    const { id } = outcome.run;
    let looks = 0;
    const runs: Ports['runs'] = {
      ...ports.runs,
      async list(filter, page) {
        looks += 1;
        if (looks === 1) await planRun(ports, { kind: 'accepted', execution: 'arn', runId: id });
        return ports.runs.list(filter, page);
      },
    };
    expect(await deleteTemplate({ ...ports, runs }, ID)).toEqual({ kind: 'in-use', patterns: [pair], runs: [id] });
  });

  test('happens only to the version that the caller names', async () => {
    await put('first');
    await put('second');
    expect(await deleteTemplate(ports, ID, { ifMatch: [1] })).toEqual({ kind: 'precondition-failed', version: 2 });
    expect(await deleteTemplate(ports, ID, { ifMatch: [2] })).toEqual({ kind: 'deleted' });
  });

  test('does no harm to a run that was accepted between the look and the deletion', async () => {
    await put('first');
    await putPattern(ports, { ...pair, templateId: ID });
    let id: string | undefined;
    const catalog: CatalogStore = {
      ...ports.catalog,
      async removeTemplate(template) {
        const outcome = await startRun(ports, request(pair));
        if (outcome.kind === 'started') ({ id } = outcome.run);
        await deletePattern(ports, pair);
        return ports.catalog.removeTemplate(template);
      },
      patternsNaming: () => Promise.resolve([]),
    };
    expect(await deleteTemplate({ ...ports, catalog }, ID)).toEqual({ kind: 'deleted' });
    const listed = await ports.runs.list({ templateId: ID }, { limit: 1 });
    const [run] = listed.kind === 'page' ? listed.page.items : [];
    if (!run) throw new Error('the run was not accepted');
    expect(run.id).toBe(id);
    await planRun(ports, { kind: 'accepted', execution: 'arn', runId: run.id });
    await startJob(ports, { runId: run.id, index: 0, taskToken: 'token' });
    await it.watch(run);
    expect(await it.loadRun(run)).toMatchObject({ state: 'SUCCEEDED', templateId: ID, templateVersion: 1 });
  });

  test('that is done between the look and the writing of a pattern leaves no pattern', async () => {
    await put('first');
    const catalog: CatalogStore = {
      ...ports.catalog,
      async putPattern(pattern, before) {
        await deleteTemplate(ports, ID);
        return ports.catalog.putPattern(pattern, before);
      },
    };
    expect(await putPattern({ ...ports, catalog }, { ...pair, templateId: ID })).toEqual({ kind: 'no-template' });
    expect(await ports.catalog.pattern('a', 'b')).toBeUndefined();
  });

  test('is refused by a pattern that comes between the look and the deletion', async () => {
    await put('first');
    const catalog: CatalogStore = {
      ...ports.catalog,
      async removeTemplate(template) {
        await putPattern(ports, { ...pair, templateId: ID });
        return ports.catalog.removeTemplate(template);
      },
    };
    expect(await deleteTemplate({ ...ports, catalog }, ID)).toEqual({ kind: 'in-use', patterns: [pair], runs: [] });
    expect(await ports.catalog.template(ID)).toMatchObject({ version: 1 });
  });

  test('against patterns that are put at the same time: never is there a pattern that names a deleted template', async () => {
    for (let round = 0; round < 40; round += 1) {
      const templateId = `tmpl_round-${round}` as TemplateId;
      await putTemplate(ports, templateId, body('round'));
      const pairs = Array.from({ length: 4 }, (_, index) => ({ sourceType: `round ${round}`, targetType: `${index}` }));
      const putOne = async (one: typeof pair, turns: number): Promise<void> => {
        // Later from round to round, so that the deletion is met at every step of its way.
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        const outcome = await putPattern(ports, { ...one, templateId });
        expect(['created', 'no-template']).toContain(outcome.kind);
      };
      const deletion = deleteTemplate(ports, templateId);
      await Promise.all([deletion, ...pairs.map((one, index) => putOne(one, round * (index + 1)))]);
      const template = await ports.catalog.template(templateId);
      const patterns = await Promise.all(pairs.map((one) => ports.catalog.pattern(one.sourceType, one.targetType)));
      const named = patterns.filter((pattern) => pattern !== undefined);
      if (!template) expect(named).toEqual([]);
      expect((await deletion).kind).toBe(template ? 'in-use' : 'deleted');
      expect(await ports.catalog.patternsNaming(templateId, 10)).toHaveLength(named.length);
    }
  });

  test('against a new version of it at the same time: it is either deleted or has both versions', async () => {
    for (let round = 0; round < 20; round += 1) {
      const templateId = `tmpl_versus-${round}` as TemplateId;
      await putTemplate(ports, templateId, body('one'));
      const [deleted, registered]: [DeleteTemplateOutcome, PutTemplateOutcome] = await Promise.all([
        deleteTemplate(ports, templateId, { ifMatch: [1] }),
        putTemplate(ports, templateId, body('two'), { ifMatch: [1] }),
      ]);
      expect([deleted.kind, registered.kind].toSorted()).toEqual(
        deleted.kind === 'deleted' ? ['deleted', 'precondition-failed'] : ['changed', 'precondition-failed'],
      );
      expect((await ports.catalog.template(templateId))?.version).toBe(deleted.kind === 'deleted' ? undefined : 2);
    }
  });
});
