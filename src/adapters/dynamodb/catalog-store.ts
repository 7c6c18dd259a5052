/**
 * Patterns and templates. A template's versions are items of their own; the newest stands a second time where it is listed,
 * and that item alone says that the template is there: deleting a template deletes it and nothing else.
 *
 * A pattern and the template that it names change in one transaction, so that neither can go without the other noticing:
 *
 *   put pattern        the pattern · the template is there (checked) · USEDBY row put  · USES + 1
 *   remove pattern     the pattern · what it leaves (its version)    · USEDBY row gone · USES - 1
 *   remove template    the newest version gone                                         · USES is 0 (checked)
 */
import { StoredPattern, StoredPatternEnd, StoredPatternName, StoredTemplate } from '#contract/stored';
import type { Pattern, Template } from '#domain/template';
import type { CatalogStore, Listed, PageRequest, TypePair } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode } from './decoding.ts';
import { keys, type Key } from './keys.ts';
import type { Action, Check, Expression, Item, QueryRequest, Table } from './table.ts';

/** A version never changes, so each process reads it once; every starter of a fan-out asks for the same one. */
const VERSIONS_KEPT = 100;

function remember(versions: Map<string, Template>, template: Template): void {
  const [oldest] = versions.keys();
  if (versions.size >= VERSIONS_KEPT && oldest !== undefined) versions.delete(oldest);
  versions.set(`${template.id}/${template.version}`, template);
}

export function dynamoCatalogStore(table: Table): CatalogStore {
  const versions = new Map<string, Template>();
  const patternOf = (item: Item): Pattern => decode(StoredPattern, item);
  const templateOf = (item: Item): Template => decode(StoredTemplate, item);
  const versionsOf: CatalogStore['templateVersions'] = (id, page) =>
    listed(table, { pk: keys.versionPartition(id), prefix: keys.versionPrefix, newestFirst: true, consistent: true }, page, templateOf);
  return {
    async pattern(sourceType, targetType) {
      const item = await table.get(keys.pattern(sourceType, targetType));
      return item && patternOf(item);
    },
    putPattern: async (pattern, before) => ((await isDone(table, putActions(pattern, before))) ? 'saved' : 'conflict'),
    removePattern: async (pattern) => ((await isDone(table, removeActions(pattern))) ? 'removed' : 'conflict'),
    async lastPatternVersion({ sourceType, targetType }) {
      const item = await table.get(keys.patternEnd(sourceType, targetType));
      return item ? decode(StoredPatternEnd, item).version : 0;
    },
    patterns: (page) => listed(table, { pk: keys.patterns }, page, patternOf),
    async patternsNaming(id, limit) {
      const { items } = await table.query({ pk: keys.versionPartition(id), prefix: keys.usedByPrefix, limit, consistent: true });
      return items.map((item): TypePair => decode(StoredPatternName, item));
    },
    async template(id, version) {
      const known = version === undefined ? undefined : versions.get(`${id}/${version}`);
      if (known) return known;
      const item = await table.get(version === undefined ? keys.template(id) : keys.templateVersion(id, version));
      const template = item && templateOf(item);
      if (template) remember(versions, template);
      return template;
    },
    addTemplateVersion: async (template, { afterDeletion } = { afterDeletion: false }) =>
      (await isDone(table, versionActions(template, afterDeletion))) ? 'added' : 'conflict',
    async removeTemplate({ id, version }) {
      const removed = await isDone(table, [
        { kind: 'delete', key: keys.template(id), guard: isVersion(version) },
        {
          kind: 'check',
          key: keys.uses(id),
          guard: { text: 'attribute_not_exists(#patterns) OR #patterns = :none', values: { ':none': 0 } },
        },
      ]);
      return removed ? 'removed' : 'conflict';
    },
    async lastTemplateVersion(id) {
      const last = await versionsOf(id, { limit: 1 });
      return last.kind === 'page' ? (last.page.items[0]?.version ?? 0) : 0;
    },
    templateVersions: versionsOf,
    templates: (page) => listed(table, { pk: keys.templates }, page, templateOf),
  };
}

const ABSENT = { text: 'attribute_not_exists(pk)' } as const;
const PRESENT = { text: 'attribute_exists(pk)' } as const;
const isVersion = (version: number): Expression => ({ text: '#version = :version', values: { ':version': version } });

async function isDone(table: Table, actions: readonly (Action | Check)[]): Promise<boolean> {
  return (await table.transact(actions)).kind === 'done';
}

function versionActions(template: Template, afterDeletion: boolean): readonly (Action | Check)[] {
  const { id, version } = template;
  const isFirst = version === 1 || afterDeletion;
  return [
    { kind: 'put', item: templateItem(keys.templateVersion(id, version), template), guard: ABSENT },
    { kind: 'put', item: templateItem(keys.template(id), template), guard: isFirst ? ABSENT : isVersion(version - 1) },
    // The versions of a deleted template have no gaps either.
    ...(afterDeletion ? [{ kind: 'check', key: keys.templateVersion(id, version - 1), guard: PRESENT } as const] : []),
  ];
}

function putActions(pattern: Pattern, before: Pattern | undefined): readonly (Action | Check)[] {
  const { sourceType, targetType, templateId, version } = pattern;
  const item = { ...keys.pattern(sourceType, targetType), ...pattern };
  const end = keys.patternEnd(sourceType, targetType);
  return [
    { kind: 'put', item, guard: before ? isVersion(before.version) : ABSENT },
    { kind: 'check', key: keys.template(templateId), guard: PRESENT },
    ...(before ? [] : [version === 1 ? ({ kind: 'check', key: end, guard: ABSENT } as const) : resumed(end, version)]),
    ...(before?.templateId === templateId ? [] : [...nameActions(pattern, 'put'), ...(before ? nameActions(before, 'delete') : [])]),
  ];
}

const resumed = (key: Key, version: number): Action => ({ kind: 'delete', key, guard: isVersion(version - 1) });

function removeActions(pattern: Pattern): readonly Action[] {
  const { sourceType, targetType, version } = pattern;
  return [
    { kind: 'delete', key: keys.pattern(sourceType, targetType), guard: isVersion(version) },
    // Unguarded, as are the rows below: the pattern's own guard stands for them.
    { kind: 'put', item: { ...keys.patternEnd(sourceType, targetType), version } },
    ...nameActions(pattern, 'delete'),
  ];
}

/** The template's knowledge of the pattern that names it. */
function nameActions({ sourceType, targetType, templateId }: Pattern, kind: 'put' | 'delete'): readonly Action[] {
  const key = keys.usedBy(templateId, sourceType, targetType);
  return [
    kind === 'put' ? { kind, item: { ...key, sourceType, targetType } } : { kind, key },
    {
      kind: 'update',
      key: keys.uses(templateId),
      change: { text: 'ADD #patterns :change', values: { ':change': kind === 'put' ? 1 : -1 } },
    },
  ];
}

function templateItem(key: Key, template: Template): Item {
  return {
    ...key,
    ...template,
    definition: JSON.stringify(template.definition),
    static: JSON.stringify(template.static),
    parametersSchema: JSON.stringify(template.parametersSchema),
  };
}

async function listed<Value>(
  table: Table,
  list: QueryRequest,
  { limit, cursor }: PageRequest,
  value: (item: Item) => Value,
): Promise<Listed<Value>> {
  const after = cursor === undefined ? undefined : decodeCursor(list.pk, cursor);
  if (cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const { items, next } = await table.query({ ...list, limit, ...(after === undefined ? {} : { after }) });
  return {
    kind: 'page',
    page: { items: items.map(value), ...(next === undefined ? {} : { cursor: encodeCursor(list.pk, next) }) },
  };
}
