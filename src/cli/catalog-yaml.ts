/** Templates and patterns as the documents that `catalog apply` takes. What has its default is left out, as authors do. */
import { stringify } from 'yaml';
import { TemplateDocument, type PatternView, type TemplateView } from '#contract/catalog';
import { differences } from './catalog-differences.ts';

const { name: _name, engine: _engine, ...DEFAULTS } = TemplateDocument.parse({ name: 'any', engine: 'any' });

export function templateYaml(template: TemplateView): string {
  const { 'template-id': id, version, 'created-at': createdAt, ...document } = template;
  const limits = withoutDefaults(document.limits, DEFAULTS.limits);
  const authored = withoutDefaults({ ...document, limits }, { ...DEFAULTS, limits: {} });
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
