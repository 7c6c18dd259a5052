/** `sluice catalog view` and `export`: what is registered, as the documents that `catalog apply` takes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceClient } from '#client/sluice-client';
import { PatternView, TemplateView } from '#contract/catalog';
import { parted, patternYaml, templateYaml } from './catalog-yaml.ts';
import { CommandFailure, UsageError, type Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { take } from './take.ts';

export const catalogView: Command = {
  group: 'catalog',
  name: 'view',
  summary: 'Shows a template, or the pattern of a pair of types, as the document that catalog apply takes.',
  operands: ['ID|SOURCE', '[TARGET]'],
  flags: { version: { value: 'NUMBER', help: 'this version of the template (the newest)' } },
  fields: [...new Set([...Object.keys(TemplateView.shape), ...Object.keys(PatternView.shape)])],
  notes: 'The versions of a deleted template can still be shown.',
  examples: [
    'sluice catalog view tmpl_csv-to-parquet',
    'sluice catalog view tmpl_csv-to-parquet --version 1 --json parameters-schema',
    'sluice catalog view csv parquet',
  ],
  undone: 'it cannot be shown',
  async run({ client, stdout }, invocation) {
    const [first = '', target] = invocation.operands;
    const version = numberFlag(invocation, 'version', 1);
    if (target !== undefined) {
      if (version !== undefined) throw new UsageError('--version is for templates');
      const pattern = await client.getPattern({ 'source-type': first, 'target-type': target });
      stdout.write(invocation.json ? jsonText(pattern, invocation.json) : patternYaml(pattern));
    } else {
      if (!first.startsWith('tmpl_')) throw new UsageError(`TARGET is missing: "${first}" is no template's id, which begins with tmpl_`);
      const template = await client.getTemplate(first, version);
      stdout.write(invocation.json ? jsonText(template, invocation.json) : templateYaml(template));
    }
    return 0;
  },
};

export const catalogExport: Command = {
  group: 'catalog',
  name: 'export',
  summary: 'Writes the whole catalog as files that catalog apply takes back: one per template, with its patterns.',
  operands: ['[DIR]'],
  flags: { force: { help: 'write over files that are there and differ' } },
  fields: [],
  notes: 'Prints the names of the files; without DIR, the documents themselves. Comments of the files that were applied are not kept.',
  examples: ['sluice catalog export backup', 'sluice catalog export > catalog.yaml'],
  undone: 'nothing was written',
  async run({ client, stdout, stderr }, invocation) {
    const files = await filesOf(client);
    const [folder] = invocation.operands;
    if (files.length === 0) stderr.write('The catalog is empty; sluice catalog apply DIR registers templates and patterns.\n');
    if (folder === undefined) stdout.write(parted(files.map(({ text }) => text)));
    else for (const path of written(folder, files, invocation.has('force'))) stdout.write(`${path}\n`);
    return 0;
  },
};

interface CatalogText {
  readonly name: string;
  readonly text: string;
}

/** Patterns are read first: the template of one that still stands afterwards is read as well. */
async function filesOf(client: SluiceClient): Promise<readonly CatalogText[]> {
  const { items: patterns } = await take(Infinity, (page) => client.patterns(page));
  const { items: templates } = await take(Infinity, (page) => client.templates(page));
  return templates.map((template) => {
    const id = template['template-id'];
    const own = patterns.filter((pattern) => pattern['template-id'] === id);
    return { name: `${id.replace('tmpl_', '')}.yaml`, text: parted([templateYaml(template), ...own.map(patternYaml)]) };
  });
}

/** Nothing is written where anything would be lost. */
function written(folder: string, files: readonly CatalogText[], force: boolean): readonly string[] {
  try {
    mkdirSync(folder, { recursive: true });
    const pending = files
      .map(({ name, text }) => ({ path: join(folder, name), text }))
      .map((file) => ({ ...file, differs: existsSync(file.path) && readFileSync(file.path, 'utf8') !== file.text }));
    const lost = pending.find(({ differs }) => differs);
    if (lost && !force) {
      const why = `${lost.path} is there and differs`;
      throw new CommandFailure(2, { what: catalogExport.undone, why, next: 'name another directory, or give --force.' });
    }
    for (const { path, text } of pending) writeFileSync(path, text);
    return pending.map(({ path }) => path);
  } catch (error) {
    if (error instanceof CommandFailure || !(error instanceof Error)) throw error;
    throw new CommandFailure(2, { what: 'the catalog was not written', why: error.message, next: 'name a directory that can be written.' });
  }
}
