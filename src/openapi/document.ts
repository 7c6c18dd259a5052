/**
 * The API as OpenAPI 3.1 has it. Who may call and what may be sent come from the route tables of the functions, what is answered from
 * the views in src/contract; beside them stand words and examples (operations/). A route without words is an error here, and so are
 * words without a route.
 */
import { SCOPES } from '#domain/api-token';
import type { ProblemSlug } from '#contract/problems';
import { PROBLEMS } from '#contract/problems';
import type { Json, JsonObject } from '#domain/json';
import { HEADERS } from './headers.ts';
import { namedSchemas } from './json-schema.ts';
import { operationObject, type Used } from './operation.ts';
import { DOCUMENTS, ENGINES, SWEEPING, TOKENS } from './operations/administration.ts';
import { PATTERNS, TEMPLATES } from './operations/catalog.ts';
import { JOBS, METRICS } from './operations/jobs.ts';
import { REPORTED_JOBS } from './operations/reported-jobs.ts';
import { RUNS } from './operations/runs.ts';
import { problemExample, problemResponse, problemSchema, problemSchemaName } from './problems.ts';
import { ANSWERED, SENT } from './schemas.ts';
import type { HeaderName, Resource, RouteFacts } from './words.ts';

const RESOURCES: readonly Resource[] = [RUNS, JOBS, REPORTED_JOBS, TEMPLATES, PATTERNS, METRICS, TOKENS, SWEEPING, ENGINES, DOCUMENTS];

export interface Described {
  /** Of the product. */
  readonly version: string;
  readonly routes: readonly RouteFacts[];
}

export function openApiDocument({ version, routes }: Described): JsonObject {
  const facts = new Map(routes.map((route) => [route.routeKey, route]));
  const used: Used = { problems: new Map() };
  const paths = new Map<string, Record<string, Json>>();
  for (const { tag, operations } of RESOURCES)
    for (const [routeKey, words] of Object.entries(operations)) {
      const route = facts.get(routeKey);
      if (!route) throw new Error(`no function answers ${routeKey}, which is described`);
      facts.delete(routeKey);
      const [method = '', path = ''] = routeKey.split(' ');
      const item = paths.get(templated(path)) ?? {};
      item[method.toLowerCase()] = operationObject(route, words, tag, used);
      paths.set(templated(path), item);
    }
  if (facts.size > 0) throw new Error(`not described: ${[...facts.keys()].join(', ')}`);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sluice',
      version,
      summary: 'Launches parameterised data-pipeline jobs and follows them to the end.',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The service that this document was read from.' }],
    tags: RESOURCES.map(({ tag, description }) => ({ name: tag, description })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      headers: Object.fromEntries(Object.entries(HEADERS).map(([name, { description, schema }]) => [name, { description, schema }])),
      responses: Object.fromEntries(
        [...used.problems]
          .toSorted(([one], [other]) => (one < other ? -1 : 1))
          .map(([name, slugs]) => [name, problemResponse(slugs, atTimes)]),
      ),
      schemas: {
        ...namedSchemas(SENT, 'input'),
        ...namedSchemas(ANSWERED, 'output'),
        ...perProblem(used, problemSchemaName, problemSchema),
      },
      examples: perProblem(used, (slug) => slug, problemExample),
    },
  };
}

/** OpenAPI has no word for the rest of a path. */
const templated = (path: string): string => path.replace('{proxy+}', '{proxy}');

const atTimes = (names: readonly HeaderName[]): JsonObject =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function perProblem({ problems }: Used, name: (slug: ProblemSlug) => string, made: (slug: ProblemSlug) => JsonObject): JsonObject {
  const slugs = new Set([...problems.values()].flat());
  const known = (Object.keys(PROBLEMS) as ProblemSlug[]).filter((slug) => slugs.has(slug));
  return Object.fromEntries(known.map((slug) => [name(slug), made(slug)]));
}

const DESCRIPTION =
  'Members are spelt with hyphens. Lists take `limit` and `cursor`, and end where an answer has no `next-cursor`; a short page is not ' +
  'the end. Times are ISO 8601 in UTC. What goes wrong is answered as problem details (RFC 9457): `type` is from a closed list, and ' +
  '`errors` name every field that is not valid by its JSON Pointer, or by the name of a query parameter or header. ' +
  'A service that was started with `--allow-anonymous` needs no token on its own machine.';

const SECURITY_SCHEMES: JsonObject = {
  apiToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'slc_<id>.<secret>',
    description: `An API token. An operation names the scope that it needs, of ${SCOPES.join(', ')}; \`admin\` includes them all.`,
  },
  jobToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'slj_<id>.<secret>',
    description: 'The token of the job that the path names. It opens that job, and nothing else.',
  },
  jobTokenHeader: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Sluice-Job-Token',
    description: 'The job’s token, beside another Authorization.',
  },
  jobTokenQuery: { type: 'apiKey', in: 'query', name: 'token', description: 'The job’s token, for those who can only call a URL.' },
  webhookSecret: { type: 'apiKey', in: 'header', name: 'X-Sluice-Webhook-Secret', description: 'The secret that belongs to the engine.' },
};
