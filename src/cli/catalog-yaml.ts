/** Templates and patterns as the documents that `catalog apply` takes. What has its default is left out, as authors do. */
import { stringify } from 'yaml';
import { TemplateDocument, withTimeLimit, type PatternView, type TemplateView } from '#contract/catalog';
import { differences } from './catalog-differences.ts';

/** A streaming template has no time limit by default, any other one has. */
function defaultsFor({ streaming }: Pick<TemplateView, 'streaming'>): Omit<TemplateDocument, 'name' | 'engine' | 'streaming'> {
  const bare = { name: 'any', engine: 'any', ...(streaming ? { streaming } : {}) };
  const { name: _name, engine: _engine, streaming: _streaming, ...defaults } = withTimeLimit(TemplateDocument.parse(bare));
  return defaults;
}

export function templateYaml(template: TemplateView): string {
  const { 'template-id': id, version, 'created-at': createdAt, ...document } = template;
  const defaults = defaultsFor(template);
  const limits = withoutDefaults(document.limits, defaults.limits);
  const authored = withoutDefaults({ ...document, limits }, { ...defaults, limits: {} });
  return `# version ${version}, registered ${createdAt}\n${yaml({ kind: 'template', id, ...authored })}`;
}

export function patternYaml(pattern: PatternView): string {
  const { 'source-type': source, 'target-type': target, 'template-id': templateId } = pattern;
  return yaml({ kind: 'pattern', 'source-type': source, 'target-type': target, 'template-id': templateId });
}

export const parted = (documents: readonly string[]): string => documents.join('---\n');

function withoutDefaults(value: object, defaults: object): object {
  const known = new Map<string, unknown>(Object.entries(defaults));
  return Object.fromEntries(Object.entries(value).filter(([key, field]) => differences(known.get(key), field).length > 0));
}

/** Lines are not folded: a statement reads as it was written, and a change of one word is a change of one line. */
const yaml = (document: object): string => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
