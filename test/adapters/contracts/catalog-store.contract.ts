/** What every catalog store promises to the operations (src/operations/ports.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import type { TemplateId } from '#domain/ids';
import type { Pattern } from '#domain/template';
import type { CatalogStore, Listed, PageRequest } from '#operations/ports';
import { aTemplate, at, TEMPLATE_ID } from '#test/domain/builders';

export function catalogStoreContract(makeStore: () => Promise<CatalogStore>): void {
  let store: CatalogStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const all = async <Item>(list: (page: PageRequest) => Promise<Listed<Item>>, limit: number): Promise<readonly Item[]> => {
    const found: Item[] = [];
    let cursor: string | undefined;
    do {
      const listed = await list({ limit, ...(cursor === undefined ? {} : { cursor }) });
      if (listed.kind !== 'page') throw new Error(listed.kind);
      found.push(...listed.page.items);
      ({ cursor } = listed.page);
    } while (cursor !== undefined);
    return found;
  };
  const registered = async (id: string): Promise<TemplateId> => {
    const templateId = id as TemplateId;
    await store.addTemplateVersion(aTemplate({ id: templateId, version: 1 }));
    return templateId;
  };

  describe('templates', () => {
    test('a template reads back as it was registered', async () => {
      const template = aTemplate({
        definition: JSON.parse('{"__proto__": 1, "stages": [{"sql": "select \'☃\'"}], "big": 1e300}') as Record<string, never>,
        static: {
          sourceParameters: { HTTP_MODE: 'POLLING' },
          targetParameters: {},
          sourceConnection: { a: null },
          targetConnection: { GCS: 'x:y' },
        },
        parametersSchema: { type: 'object', properties: { CITY: { type: 'string', default: 'London' } } },
        overridable: ['HTTP_MODE'],
        searchable: ['CITY'],
        identity: ['CITY', 'DAY'],
        limits: {
          maxWaitSeconds: 60,
          maxParallel: 3,
          maxParallelAcrossRuns: 9,
          startsPerSecond: 0.5,
          retries: { lost: { times: 2, backoffSeconds: 0 }, 'timed-out': { times: 1, backoffSeconds: 30 } },
        },
        deleteAfterCompletion: true,
      });
      expect(await store.addTemplateVersion(template)).toBe('added');
      const again = await makeStore();
      expect(JSON.stringify(await store.template(TEMPLATE_ID))).toBe(JSON.stringify(await store.template(TEMPLATE_ID, 1)));
      expect(await store.template(TEMPLATE_ID)).toEqual(template);
      expect(await again.template('tmpl_absent' as TemplateId)).toBeUndefined();
    });

    test('of two writers of the next version, exactly one wins, and every version stays', async () => {
      const id = 'tmpl_versions' as TemplateId;
      const version = (number: number, name: string): ReturnType<typeof aTemplate> => aTemplate({ id, version: number, name });
      await store.addTemplateVersion(version(1, 'first'));
      const outcomes = await Promise.all([store.addTemplateVersion(version(2, 'one')), store.addTemplateVersion(version(2, 'two'))]);
      expect(outcomes.toSorted()).toEqual(['added', 'conflict']);
      const winner = outcomes[0] === 'added' ? 'one' : 'two';
      expect((await store.template(id))?.name).toBe(winner);
      expect((await store.template(id, 2))?.name).toBe(winner);
      expect((await store.template(id, 1))?.name).toBe('first');
    });

    test('a version that does not follow the newest, or exists, is a conflict', async () => {
      const id = 'tmpl_gaps' as TemplateId;
      expect(await store.addTemplateVersion(aTemplate({ id, version: 2 }))).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 2 }), { afterDeletion: true })).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 1 }))).toBe('added');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 1, name: 'other' }))).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 3 }))).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 2 }), { afterDeletion: true })).toBe('conflict');
      expect((await store.template(id))?.version).toBe(1);
    });

    test('a newer version is seen at once by who asks for the newest', async () => {
      const id = await registered('tmpl_newer');
      expect((await store.template(id))?.version).toBe(1);
      await store.addTemplateVersion(aTemplate({ id, version: 2, name: 'newer' }));
      expect((await store.template(id))?.name).toBe('newer');
    });

    test('every template is listed once, in its newest version', async () => {
      const ids = Array.from({ length: 12 }, (_, index) => `tmpl_listed-${String(index).padStart(2, '0')}` as TemplateId);
      for (const id of ids) await store.addTemplateVersion(aTemplate({ id, version: 1 }));
      await store.addTemplateVersion(aTemplate({ id: ids[3] ?? TEMPLATE_ID, version: 2 }));
      const listed = (await all((page) => store.templates(page), 5)).filter(({ id }) => id.startsWith('tmpl_listed-'));
      expect(listed.map(({ id, version }) => `${id} ${version}`)).toEqual(ids.map((id, index) => `${id} ${index === 3 ? 2 : 1}`));
    });

    test('every version is listed once, newest first, by number and not by spelling', async () => {
      const id = 'tmpl_many-versions' as TemplateId;
      for (let version = 1; version <= 12; version += 1) await store.addTemplateVersion(aTemplate({ id, version }));
      const listed = await all((page) => store.templateVersions(id, page), 5);
      expect(listed.map(({ version }) => version)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
      expect(await store.lastTemplateVersion(id)).toBe(12);
    });

    test('a deleted template is neither found nor listed, its versions are, and the next one goes on with their numbers', async () => {
      const id = await registered('tmpl_deleted');
      const newest = aTemplate({ id, version: 2, name: 'second' });
      await store.addTemplateVersion(newest);
      expect(await store.removeTemplate(newest)).toBe('removed');
      const again = await makeStore();
      expect(await again.template(id)).toBeUndefined();
      expect((await all((page) => again.templates(page), 100)).filter((template) => template.id === id)).toEqual([]);
      expect(await again.template(id, 2)).toEqual(newest);
      expect((await all((page) => again.templateVersions(id, page), 1)).map(({ version }) => version)).toEqual([2, 1]);
      expect(await store.removeTemplate(newest)).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 1 }))).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 3 }))).toBe('conflict');
      const next = aTemplate({ id, version: 3, name: 'third' });
      expect(await store.addTemplateVersion(next, { afterDeletion: true })).toBe('added');
      expect(await store.template(id)).toEqual(next);
    });

    test('a version that is not the newest deletes nothing', async () => {
      const id = await registered('tmpl_stale');
      await store.addTemplateVersion(aTemplate({ id, version: 2 }));
      expect(await store.removeTemplate(aTemplate({ id, version: 1 }))).toBe('conflict');
      expect((await store.template(id))?.version).toBe(2);
    });
  });

  describe('patterns', () => {
    const pair = { sourceType: 'http', targetType: 'gcs', updatedAt: at(0) };

    test('a pair has one pattern, the last that was put', async () => {
      const [first, other] = [await registered('tmpl_first'), await registered('tmpl_other')];
      expect(await store.pattern('http', 'gcs')).toBeUndefined();
      const before: Pattern = { ...pair, templateId: first, version: 1 };
      expect(await store.putPattern(before)).toBe('saved');
      expect(await store.putPattern({ ...pair, templateId: other, version: 2 }, before)).toBe('saved');
      expect(await store.pattern('http', 'gcs')).toEqual({ ...pair, templateId: other, version: 2 });
      expect(await store.pattern('gcs', 'http')).toBeUndefined();
    });

    test('of two writers in one place, exactly one wins', async () => {
      const templateId = await registered('tmpl_contended');
      const put = (version: number, before?: Pattern): Promise<string> =>
        store.putPattern({ ...pair, sourceType: 'contended', templateId, version }, before);
      expect((await Promise.all([put(1), put(1)])).toSorted()).toEqual(['conflict', 'saved']);
      const before = await store.pattern('contended', 'gcs');
      expect((await Promise.all([put(2, before), put(2, before)])).toSorted()).toEqual(['conflict', 'saved']);
    });

    test('a pattern cannot name a template that is not there', async () => {
      const templateId = await registered('tmpl_was-there');
      await store.removeTemplate(aTemplate({ id: templateId }));
      const pattern: Pattern = { ...pair, sourceType: 'no-template', templateId, version: 1 };
      expect(await store.putPattern(pattern)).toBe('conflict');
      expect(await store.putPattern({ ...pattern, templateId: 'tmpl_never' as TemplateId })).toBe('conflict');
      expect(await store.pattern('no-template', 'gcs')).toBeUndefined();
      expect(await store.patternsNaming(templateId, 10)).toEqual([]);
    });

    test('a template knows the patterns that name it, and goes only when none does', async () => {
      const [id, other] = [await registered('tmpl_named'), await registered('tmpl_named-later')];
      const one: Pattern = { sourceType: 'a#b', targetType: '☃', templateId: id, version: 1, updatedAt: at(0) };
      const two: Pattern = { ...one, targetType: 'z' };
      await store.putPattern(one);
      await store.putPattern(two);
      expect(await store.patternsNaming(id, 10)).toEqual([
        { sourceType: 'a#b', targetType: '☃' },
        { sourceType: 'a#b', targetType: 'z' },
      ]);
      expect(await store.patternsNaming(id, 1)).toHaveLength(1);
      expect(await store.removeTemplate(aTemplate({ id }))).toBe('conflict');
      await store.putPattern({ ...one, templateId: other, version: 2 }, one);
      expect(await store.removeTemplate(aTemplate({ id }))).toBe('conflict');
      expect(await store.removePattern(two)).toBe('removed');
      expect(await store.patternsNaming(id, 10)).toEqual([]);
      expect(await store.removeTemplate(aTemplate({ id }))).toBe('removed');
      expect(await store.removeTemplate(aTemplate({ id: other }))).toBe('conflict');
    });

    test('a pattern that was deleted leaves its number, and its successor goes on from there', async () => {
      const templateId = await registered('tmpl_numbers');
      const first: Pattern = { ...pair, sourceType: 'numbers', templateId, version: 1 };
      expect(await store.lastPatternVersion(first)).toBe(0);
      await store.putPattern(first);
      expect(await store.removePattern({ ...first, version: 2 })).toBe('conflict');
      expect(await store.removePattern(first)).toBe('removed');
      expect(await store.removePattern(first)).toBe('conflict');
      expect(await store.pattern('numbers', 'gcs')).toBeUndefined();
      expect(await store.lastPatternVersion(first)).toBe(1);
      expect(await store.putPattern(first)).toBe('conflict');
      expect(await store.putPattern({ ...first, version: 3 })).toBe('conflict');
      expect(await store.putPattern({ ...first, version: 2 })).toBe('saved');
    });

    test('pairs hold their own patterns, however alike they are spelt, and all of them are listed once', async () => {
      const names = ['a', 'a#b', 'b', 'a/b', '#', '☃', "' or '1'='1", 'x'.repeat(256), `${'☃'.repeat(255)}1`, `${'☃'.repeat(255)}2`];
      const pairs = names.flatMap((sourceType) => names.map((targetType) => ({ sourceType, targetType })));
      const ids = await Promise.all(pairs.map((_, index) => registered(`tmpl_pair-${index}`)));
      for (const [index, one] of pairs.entries()) {
        // One of them was put by a test above.
        const before = await store.pattern(one.sourceType, one.targetType);
        const version = (before?.version ?? 0) + 1;
        const pattern = { ...one, templateId: ids[index] ?? TEMPLATE_ID, version, updatedAt: at(0) };
        expect(await store.putPattern(pattern, before)).toBe('saved');
      }
      for (const [index, { sourceType, targetType }] of pairs.entries()) {
        expect((await store.pattern(sourceType, targetType))?.templateId).toBe(ids[index]);
        expect(await store.patternsNaming(ids[index] ?? TEMPLATE_ID, 2)).toEqual([{ sourceType, targetType }]);
      }
      const listed = await all((page) => store.patterns(page), 7);
      const spelt = listed.map(({ sourceType, targetType }) => JSON.stringify([sourceType, targetType]));
      expect(new Set(spelt).size).toBe(spelt.length);
      expect(spelt).toEqual(expect.arrayContaining(pairs.map(({ sourceType, targetType }) => JSON.stringify([sourceType, targetType]))));
    });

    test('a cursor of another list is malformed', async () => {
      const templates = await store.templates({ limit: 1 });
      const cursor = templates.kind === 'page' ? (templates.page.cursor ?? '') : '';
      expect(await store.templates({ limit: 1, cursor })).toMatchObject({ kind: 'page' });
      expect(await store.patterns({ limit: 1, cursor })).toEqual({ kind: 'malformed-cursor' });
      expect(await store.templateVersions(TEMPLATE_ID, { limit: 1, cursor })).toEqual({ kind: 'malformed-cursor' });
    });
  });
}
