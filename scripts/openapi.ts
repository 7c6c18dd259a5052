/** Writes docs/openapi.json: the API as its functions' route tables and the contract say it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readServiceMap } from '#hosts/local/service-map';
import { openApiDocument } from '#openapi/document';
import type { RouteFacts } from '#openapi/words';

/** From `.out/app/scripts/openapi.js`, where the build puts this. */
const app = new URL('../', import.meta.url);

const service = readServiceMap('serverless.yml');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
const names = new Set(service.routes.map(({ functionName }) => functionName));
const tables = await Promise.all(
  [...names].map(async (name) => {
    const module = (await import(new URL(`${service.handlers.get(name) ?? ''}.js`, app).href)) as {
      readonly handler: { readonly routes: readonly RouteFacts[] };
    };
    return module.handler.routes;
  }),
);
writeFileSync('docs/openapi.json', `${JSON.stringify(openApiDocument({ version, routes: tables.flat() }), null, 2)}\n`);
