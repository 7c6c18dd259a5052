/** What applying a catalog would do, found by reading alone. */
import { ApiError } from '#client/errors';
import type { SluiceClient } from '#client/sluice-client';
import { checkNamedTemplates, type Applied } from './apply-catalog.ts';
import { differences, type Difference } from './catalog-differences.ts';
import { nameOf, type Catalog, type CatalogPattern, type CatalogTemplate } from './catalog-documents.ts';

export interface Planned extends Applied {
  /** Of what is registered; none where nothing is yet. */
  readonly differences: readonly Difference[];
}

export async function planCatalog(client: SluiceClient, catalog: Catalog): Promise<readonly Planned[]> {
  await checkNamedTemplates(client, catalog);
  const planned: Planned[] = [];
  for (const document of [...catalog.templates, ...catalog.patterns]) {
    const { kind, where } = document;
    const found = await differencesOf(client, document);
    const change = found === undefined ? 'created' : found.length > 0 ? 'changed' : 'unchanged';
    planned.push({ change, kind, name: nameOf(document), where, differences: found ?? [] });
  }
  return planned;
}

/** Undefined where nothing is registered yet. */
async function differencesOf(client: SluiceClient, document: CatalogTemplate | CatalogPattern): Promise<readonly Difference[] | undefined> {
  switch (document.kind) {
    case 'template': {
      const registered = await orAbsent(client.getTemplate(document.id));
      if (registered === undefined) return undefined;
      const { 'template-id': _id, version: _version, 'created-at': _at, ...before } = registered;
      return differences(before, document.template);
    }
    case 'pattern': {
      const registered = await orAbsent(client.getPattern(document));
      if (registered === undefined) return undefined;
      return differences({ 'template-id': registered['template-id'] }, { 'template-id': document['template-id'] });
    }
  }
}

function orAbsent<Found>(found: Promise<Found>): Promise<Found | undefined> {
  return found.catch((error: unknown) => {
    if (error instanceof ApiError && error.is('not-found')) return undefined;
    throw error;
  });
}
