/** What every catalog store promises to the operations (src/operations/ports.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import type { TemplateId } from '#domain/ids';
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
        limits: { maxWaitSeconds: 60, maxParallel: 3, retries: { lost: 2, 'engine-error': 1 } },
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
      expect(await store.addTemplateVersion(aTemplate({ id, version: 1 }))).toBe('added');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 1, name: 'other' }))).toBe('conflict');
      expect(await store.addTemplateVersion(aTemplate({ id, version: 3 }))).toBe('conflict');
      expect((await store.template(id))?.version).toBe(1);
    });

    test('a newer version is seen at once by who asks for the newest', async () => {
      const id = 'tmpl_newer' as TemplateId;
      await store.addTemplateVersion(aTemplate({ id, version: 1 }));
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
  });

  describe('patterns', () => {
    test('a pair has one pattern, the last that was put', async () => {
      const pair = { sourceType: 'http', targetType: 'gcs', updatedAt: at(0) };
      expect(await store.pattern('http', 'gcs')).toBeUndefined();
      await store.putPattern({ ...pair, templateId: TEMPLATE_ID });
      await store.putPattern({ ...pair, templateId: 'tmpl_other' as TemplateId });
      expect(await store.pattern('http', 'gcs')).toEqual({ ...pair, templateId: 'tmpl_other' });
      expect(await store.pattern('gcs', 'http')).toBeUndefined();
    });

    test('pairs hold their own patterns, however alike they are spelt, and all of them are listed once', async () => {
      const names = ['a', 'a#b', 'b', 'a/b', '#', '☃', "' or '1'='1", 'x'.repeat(256), `${'☃'.repeat(255)}1`, `${'☃'.repeat(255)}2`];
      const pairs = names.flatMap((sourceType) => names.map((targetType) => ({ sourceType, targetType })));
      for (const [index, pair] of pairs.entries())
        await store.putPattern({ ...pair, templateId: `tmpl_${index}` as TemplateId, updatedAt: at(0) });
      for (const [index, { sourceType, targetType }] of pairs.entries())
        expect((await store.pattern(sourceType, targetType))?.templateId).toBe(`tmpl_${index}`);
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
    });
  });
}
