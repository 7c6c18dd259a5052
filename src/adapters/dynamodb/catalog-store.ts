/** Patterns and templates. A template's versions are items of their own; the newest stands a second time where it is listed. */
import { StoredPattern, StoredTemplate } from '#contract/stored';
import type { Pattern, Template } from '#domain/template';
import type { CatalogStore, Listed, PageRequest } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode } from './decoding.ts';
import { keys, type Key } from './keys.ts';
import type { Item, Table } from './table.ts';

/** A version never changes, so each process reads it once; every starter of a fan-out asks for the same one. */
const VERSIONS_KEPT = 100;

function remember(versions: Map<string, Template>, template: Template): void {
  const [oldest] = versions.keys();
  if (versions.size >= VERSIONS_KEPT && oldest !== undefined) versions.delete(oldest);
  versions.set(`${template.id}/${template.version}`, template);
}

export function dynamoCatalogStore(table: Table): CatalogStore {
  const versions = new Map<string, Template>();
  return {
    async pattern(sourceType, targetType) {
      const item = await table.get(keys.pattern(sourceType, targetType));
      return item && decode(StoredPattern, item);
    },
    async putPattern(pattern) {
      // Unguarded: the last author wins, as with any other setting; the pair can only ever have one pattern.
      await table.write({ kind: 'put', item: { ...keys.pattern(pattern.sourceType, pattern.targetType), ...pattern } });
    },
    patterns: (page) => listed(table, keys.patterns, page, (item): Pattern => decode(StoredPattern, item)),
    async template(id, version) {
      const known = version === undefined ? undefined : versions.get(`${id}/${version}`);
      if (known) return known;
      const item = await table.get(version === undefined ? keys.template(id) : keys.templateVersion(id, version));
      const template = item && decode(StoredTemplate, item);
      if (template) remember(versions, template);
      return template;
    },
    async addTemplateVersion(template) {
      const outcome = await table.transact([
        { kind: 'put', item: templateItem(keys.templateVersion(template.id, template.version), template), guard: ABSENT },
        {
          kind: 'put',
          item: templateItem(keys.template(template.id), template),
          guard: template.version === 1 ? ABSENT : { text: '#version = :previous', values: { ':previous': template.version - 1 } },
        },
      ]);
      return outcome.kind === 'done' ? 'added' : 'conflict';
    },
    templates: (page) => listed(table, keys.templates, page, (item): Template => decode(StoredTemplate, item)),
  };
}

const ABSENT = { text: 'attribute_not_exists(pk)' } as const;

function templateItem(key: Key, template: Template): Item {
  return {
    ...key,
    ...template,
    definition: JSON.stringify(template.definition),
    static: JSON.stringify(template.static),
    parametersSchema: JSON.stringify(template.parametersSchema),
  };
}

async function listed<Value>(table: Table, partition: string, page: PageRequest, value: (item: Item) => Value): Promise<Listed<Value>> {
  const after = page.cursor === undefined ? undefined : decodeCursor(partition, page.cursor);
  if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const { items, next } = await table.query({ pk: partition, limit: page.limit, ...(after === undefined ? {} : { after }) });
  return {
    kind: 'page',
    page: { items: items.map(value), ...(next === undefined ? {} : { cursor: encodeCursor(partition, next) }) },
  };
}
