/** Registers a catalog, templates before the patterns that name them. Applying it again changes nothing. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError } from '#client/errors';
import type { Change } from '#client/catalog-client';
import type { SluiceClient } from '#client/sluice-client';
import { nameOf, readCatalog, type Catalog, type CatalogFile, type CatalogPattern, type CatalogTemplate } from './catalog-documents.ts';
import { CommandFailure } from './command.ts';
import { failureOf } from './failures.ts';
import { readText } from './read-text.ts';

export interface Applied {
  readonly change: Change;
  readonly kind: 'template' | 'pattern';
  readonly name: string;
  readonly where: string;
}

/** The documents of a directory (or of one file), in the order of the file names. */
export function catalogFiles(path: string): readonly CatalogFile[] {
  const unreadable = (why: string): CommandFailure =>
    new CommandFailure(2, { what: 'nothing was registered', why, next: 'name a directory that holds .yaml, .yml or .json files.' });
  try {
    if (!statSync(path).isDirectory()) return [{ path, text: readText(path) }];
    const names = readdirSync(path).filter((name) => /\.(ya?ml|json)$/i.test(name));
    if (names.length === 0) throw unreadable(`${path} holds no .yaml, .yml or .json file`);
    return names.sort().map((name) => ({ path: join(path, name), text: readText(join(path, name)) }));
  } catch (error) {
    throw error instanceof Error && error.name !== 'CommandFailure' ? unreadable(error.message) : error;
  }
}

export function checkedCatalog(files: readonly CatalogFile[]): Catalog {
  const read = readCatalog(files);
  if (read.kind === 'catalog') return read.catalog;
  const [first = '', ...others] = read.problems;
  const why = others.length === 0 ? first : read.problems.map((problem) => `\n  ${problem}`).join('');
  throw new CommandFailure(2, { what: 'nothing was registered', why, next: 'correct what is named, and apply the catalog again.' });
}

/** `onApplied` is told of each document once the service has it. */
export async function applyCatalog(client: SluiceClient, catalog: Catalog, onApplied: (applied: Applied) => void): Promise<void> {
  await checkNamedTemplates(client, catalog);
  let registered = 0;
  for (const document of [...catalog.templates, ...catalog.patterns]) {
    const { kind, where } = document;
    const name = nameOf(document);
    try {
      onApplied({ change: await put(client, document), kind, name, where });
      registered += 1;
    } catch (error) {
      const before = registered === 1 ? '1 document before it was' : `${registered} documents before it were`;
      throw failureOf(error, { what: `${where}: ${kind} ${name} was not registered; ${before}`, help: 'sluice catalog apply --help' });
    }
  }
}

async function put(client: SluiceClient, document: CatalogTemplate | CatalogPattern): Promise<Change> {
  switch (document.kind) {
    case 'template':
      return (await client.putTemplate(document.id, document.template)).change;
    case 'pattern':
      return (await client.putPattern(document)).change;
  }
}

/** A pattern may name a template that is registered already; one that nobody knows is found before anything is changed. */
export async function checkNamedTemplates(client: SluiceClient, { templates, patterns }: Catalog): Promise<void> {
  const own = new Set(templates.map(({ id }) => id));
  for (const { 'template-id': id, where } of patterns) {
    if (own.has(id)) continue;
    await client.getTemplate(id).catch((error: unknown) => {
      if (!(error instanceof ApiError) || !error.is('not-found')) throw error;
      const why = `${where}: /template-id: ${id} is neither in this catalog nor registered`;
      throw new CommandFailure(2, { what: 'nothing was registered', why, next: 'add the template to the catalog, or correct the id.' });
    });
  }
}
