/** `sluice catalog`: registering templates and patterns from files, and listing them. */
import { PatternView, TemplateView } from '#contract/catalog';
import { applyCatalog, catalogFiles, checkedCatalog, type Applied } from './apply-catalog.ts';
import { differenceText } from './catalog-differences.ts';
import type { Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { planCatalog, type Planned } from './plan-catalog.ts';
import { table } from './table.ts';
import { take } from './take.ts';

export const catalogApply: Command = {
  group: 'catalog',
  name: 'apply',
  summary: 'Registers every template and pattern of a directory. Doing it again changes nothing.',
  operands: ['DIR'],
  flags: { 'dry-run': { help: 'say what would be created or changed, and in what; nothing is sent' } },
  fields: ['change', 'kind', 'name', 'where', 'differences'],
  notes: `A document is a template (kind: template, id, and the keys of PUT /v1/templates/ID) or a pattern (kind: pattern, source-type,
target-type, template-id). A file (.yaml, .yml, .json) may hold several, parted by ---. All are checked before the first is sent; what only the
engine knows of is checked as it is registered, hence not by --dry-run.`,
  examples: [
    'sluice catalog apply examples/catalog',
    'sluice catalog apply examples/catalog --dry-run',
    'sluice catalog apply examples/catalog/csv-to-parquet.yaml',
  ],
  undone: 'nothing was registered',
  async run({ client, stdout }, invocation) {
    const { operands, json } = invocation;
    const catalog = checkedCatalog(catalogFiles(operands[0] ?? ''));
    if (invocation.has('dry-run')) {
      const planned = await planCatalog(client, catalog);
      stdout.write(json ? jsonText(planned, json) : planned.map(plannedLines).join(''));
      return 0;
    }
    const applied: Applied[] = [];
    await applyCatalog(client, catalog, (one) => {
      applied.push(one);
      if (!json) stdout.write(appliedLine(one));
    });
    if (json) stdout.write(jsonText(applied, json));
    return 0;
  },
};

export const appliedLine = ({ change, kind, name }: Applied): string =>
  `${change.padEnd('unchanged'.length)}  ${kind.padEnd('template'.length)}  ${name}\n`;

function plannedLines(planned: Planned): string {
  return `${appliedLine(planned)}${planned.differences.map((difference) => `           ${differenceText(difference)}\n`).join('')}`;
}

export const catalogList: Command = {
  group: 'catalog',
  name: 'list',
  summary: 'Lists the registered patterns and templates.',
  operands: [],
  flags: { limit: { short: 'L', value: 'NUMBER', help: 'how many of each (100)' } },
  fields: ['patterns', 'templates'],
  notes: `A pattern has ${Object.keys(PatternView.shape).join(', ')}.
A template has ${Object.keys(TemplateView.shape).join(', ')}.`,
  examples: ['sluice catalog list', 'sluice catalog list --json templates'],
  undone: 'the catalog cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? 100;
    const [patterns, templates] = await Promise.all([
      take(limit, (page) => client.patterns(page)),
      take(limit, (page) => client.templates(page)),
    ]);
    if (patterns.more || templates.more) stderr.write(`The first ${limit} of each; --limit shows more.\n`);
    const listed = { patterns: patterns.items, templates: templates.items };
    if (invocation.json) stdout.write(jsonText(listed, invocation.json));
    else if (listed.patterns.length + listed.templates.length > 0) stdout.write(catalogText(listed));
    else stderr.write('The catalog is empty; sluice catalog apply DIR registers templates and patterns.\n');
    return 0;
  },
};

interface Listed {
  readonly patterns: readonly PatternView[];
  readonly templates: readonly TemplateView[];
}

function catalogText({ patterns, templates }: Listed): string {
  const ofPatterns = table(
    [{ title: 'SOURCE' }, { title: 'TARGET' }, { title: 'TEMPLATE' }],
    patterns.map((pattern) => [pattern['source-type'], pattern['target-type'], pattern['template-id']]),
  );
  const ofTemplates = table(
    [{ title: 'TEMPLATE' }, { title: 'VERSION', align: 'right' }, { title: 'ENGINE' }, { title: 'NAME' }],
    templates.map((template) => [template['template-id'], String(template.version), template.engine, template.name]),
  );
  return `${ofPatterns}\n${ofTemplates}`;
}
