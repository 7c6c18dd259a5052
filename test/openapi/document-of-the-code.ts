/** The document as the route tables of the functions and the contract make it now. */
import { readFileSync } from 'node:fs';
import type { JsonObject } from '#domain/json';
import { readServiceMap } from '#hosts/local/service-map';
import { openApiDocument } from '#openapi/document';
import type { RouteFacts } from '#openapi/words';
import { handlerOf } from '#test/functions/http-call';

export async function routeTables(): Promise<readonly RouteFacts[]> {
  const service = readServiceMap('serverless.yml');
  const resources = new Set(service.routes.map(({ functionName }) => service.handlers.get(functionName)?.split('/')[2] ?? ''));
  const handlers = await Promise.all([...resources].map(handlerOf));
  return handlers.flatMap(({ routes }): readonly RouteFacts[] => routes);
}

export async function documentOfTheCode(): Promise<JsonObject> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  return openApiDocument({ version, routes: await routeTables() });
}
