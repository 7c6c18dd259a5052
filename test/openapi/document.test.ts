/**
 * docs/openapi.json is what the code says, and is OpenAPI 3.1. The official JSON Schema lies in test/fixtures: the self-contained one of
 * https://spec.openapis.org/oas/3.1/schema (Apache-2.0), edition 2026-08-03, its dynamic references made plain ones.
 */
import { readFileSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';
import { beforeAll, describe, expect, test } from 'vitest';
import { PROBLEMS } from '#contract/problems';
import type { JsonObject } from '#domain/json';
import { readServiceMap } from '#hosts/local/service-map';
import { openApiDocument } from '#openapi/document';
import type { RouteFacts } from '#openapi/words';
import { CHECKED_IN, complaints, described, operations, resolved, type MediaType } from './described.ts';
import { documentOfTheCode, routeTables } from './document-of-the-code.ts';

const sorted = (keys: Iterable<string>): readonly string[] => [...keys].toSorted();

describe('the document that is checked in', () => {
  test('is what the code says; `npm run openapi` writes it', async () => {
    expect(readFileSync(CHECKED_IN, 'utf8')).toBe(`${JSON.stringify(await documentOfTheCode(), null, 2)}\n`);
  });
});

describe('routes', () => {
  let routes: readonly RouteFacts[];
  beforeAll(async () => {
    routes = await routeTables();
  });

  test('every route of serverless.yml and of the functions is described, and nothing else is', () => {
    const keys = sorted(operations.keys());
    expect(keys).toEqual(sorted(readServiceMap('serverless.yml').routes.map(({ routeKey }) => routeKey)));
    expect(keys).toEqual(sorted(routes.map(({ routeKey }) => routeKey)));
  });

  test('a route that is not described is told, and so is a description without a route', () => {
    const more: RouteFacts = { routeKey: 'GET /v1/new', opensTo: 'scope', scope: 'runs:read' };
    expect(() => openApiDocument({ version: '1', routes: [...routes, more] })).toThrow('not described: GET /v1/new');
    const fewer = routes.filter(({ routeKey }) => routeKey !== 'GET /v1/sweep');
    expect(() => openApiDocument({ version: '1', routes: fewer })).toThrow('no function answers GET /v1/sweep');
  });

  test('every operation needs what its route needs', () => {
    for (const { routeKey, opensTo, scope } of routes) {
      const schemes = Object.assign({}, ...(operations.get(routeKey)?.security ?? [])) as Record<string, readonly string[]>;
      const expected = {
        scope: { apiToken: [scope] },
        'scope-or-job-token': { apiToken: [scope], jobToken: [], jobTokenHeader: [], jobTokenQuery: [] },
        engine: { webhookSecret: [] },
        anybody: {},
      }[opensTo];
      expect([routeKey, schemes]).toEqual([routeKey, expected]);
    }
  });
});

describe('OpenAPI 3.1', () => {
  /** What a Schema Object may be made of here: the keywords of draft 2020-12 that the document uses. A keyword beside them is a slip. */
  const TYPE: JsonObject = { enum: ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] };
  const SCHEMA_OBJECT: JsonObject = {
    type: ['object', 'boolean'],
    properties: {
      $ref: { type: 'string', format: 'uri-reference' },
      type: { anyOf: [TYPE, { type: 'array', items: TYPE, minItems: 1, uniqueItems: true }] },
      properties: { type: 'object', additionalProperties: { $ref: '#/$defs/schema' } },
      required: { type: 'array', items: { type: 'string' }, uniqueItems: true },
      additionalProperties: { $ref: '#/$defs/schema' },
      propertyNames: { $ref: '#/$defs/schema' },
      items: { $ref: '#/$defs/schema' },
      anyOf: { type: 'array', minItems: 1, items: { $ref: '#/$defs/schema' } },
      oneOf: { type: 'array', minItems: 1, items: { $ref: '#/$defs/schema' } },
      allOf: { type: 'array', minItems: 1, items: { $ref: '#/$defs/schema' } },
      enum: { type: 'array', minItems: 1, uniqueItems: true },
      const: true,
      default: true,
      examples: { type: 'array' },
      description: { type: 'string' },
      format: { enum: ['date-time', 'uri-reference', 'binary'] },
      pattern: { type: 'string', format: 'regex' },
      minLength: { type: 'integer', minimum: 0 },
      maxLength: { type: 'integer', minimum: 0 },
      minItems: { type: 'integer', minimum: 0 },
      maxItems: { type: 'integer', minimum: 0 },
      minimum: { type: 'number' },
      maximum: { type: 'number' },
      exclusiveMinimum: { type: 'number' },
    },
    additionalProperties: false,
  };
  const official = JSON.parse(readFileSync('test/fixtures/openapi-3.1-schema.json', 'utf8')) as { readonly $defs: JsonObject };
  const schema = { ...official, $defs: { ...official.$defs, schema: SCHEMA_OBJECT } };
  const validator = new Validator(schema, '2020-12', false);
  const errorsOf = (document: unknown): readonly string[] =>
    validator.validate(document).errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`);

  test('the document is valid', () => {
    expect(errorsOf(described)).toEqual([]);
  });

  /** What is damaged, by its JSON Pointer, and what it is made; undefined: it is taken away. */
  test.each<readonly [string, readonly string[], unknown]>([
    ['no title', ['info', 'title'], undefined],
    ['an answer without a description', ['paths', '/v1/runs', 'get', 'responses', '200', 'description'], undefined],
    ['a parameter from nowhere', ['paths', '/v1/runs', 'get', 'parameters', '0', 'in'], 'air'],
    ['a path parameter that need not be given', ['paths', '/v1/runs/{runId}', 'get', 'parameters', '0', 'required'], false],
    ['a method that there is not', ['paths', '/v1/runs', 'fetch'], {}],
    ['a type that there is not', ['components', 'schemas', 'RunView', 'type'], 'run'],
    ['a keyword that there is not', ['components', 'schemas', 'RunView', 'optional'], true],
  ])('a document with %s would not be', (_what, path, value) => {
    const document = structuredClone(described) as unknown as Record<string, unknown>;
    const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, document);
    const last = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(parent, last);
    else parent[last] = value;
    expect(errorsOf(document).some((error) => error.startsWith(`#/${path[0] ?? ''}`))).toBe(true);
  });

  test('every reference leads somewhere, and everything that can be referred to is', () => {
    const references = new Set([...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to = '']) => to));
    for (const $ref of references) expect(resolved({ $ref })).toBeDefined();
    const components = ['schemas', 'responses', 'headers', 'examples'].flatMap((kind) =>
      Object.keys(described.components[kind] ?? {}).map((name) => `#/components/${kind}/${name}`),
    );
    // Headers that every answer has are written where they are required.
    expect(components.filter((name) => !references.has(name) && !name.startsWith('#/components/headers/'))).toEqual([]);
    const schemes = new Set([...operations.values()].flatMap(({ security }) => security.flatMap((one) => Object.keys(one))));
    expect(sorted(schemes)).toEqual(sorted(Object.keys(described.components['securitySchemes'] ?? {})));
  });

  test('every operation has a name of its own, and says in a few words what it is for', () => {
    const ids = [...operations.values()].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, summary } of operations.values()) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect([summary, summary.length > 10 && summary.length <= 90]).toEqual([summary, true]);
    }
  });
});

describe('problems', () => {
  test('of every type may occur somewhere', () => {
    expect(sorted(Object.keys(described.components['examples'] ?? {}))).toEqual(sorted(Object.keys(PROBLEMS)));
  });

  test('that a function names are those of one of its routes', () => {
    const service = readServiceMap('serverless.yml');
    const types = (routeKey: string): readonly string[] =>
      Object.values(operations.get(routeKey)?.responses ?? {}).flatMap(({ $ref = '' }) => $ref.split('/').at(-1)?.split('.') ?? []);
    for (const [name, module] of service.handlers) {
      const routes = service.routes.filter(({ functionName }) => functionName === name);
      if (routes.length === 0) continue;
      const source = readFileSync(`${module}.ts`, 'utf8');
      const named = [...source.matchAll(/problem\(\s*(?:mayPass \? '[^']+' : )?'([a-z-]+)'/g)].map(([, slug = '']) => slug);
      const told = new Set(routes.flatMap(({ routeKey }) => types(routeKey)));
      expect([name, named.filter((slug) => !told.has(slug))]).toEqual([name, []]);
    }
  });
});

describe('examples', () => {
  const contents = [...operations].flatMap(([key, { requestBody, responses }]) => [
    ...(requestBody ? [[`${key} takes`, requestBody.content] as const] : []),
    ...Object.entries(responses).flatMap(([status, response]) => {
      const { content } = resolved(response);
      return content ? [[`${key} answers ${status}`, content] as const] : [];
    }),
  ]);
  const shown = contents.flatMap(([what, content]) =>
    Object.entries(content).flatMap(([type, media]) =>
      examplesOf(media).map((example) => [`${what} ${type}`, media.schema, example] as const),
    ),
  );

  function examplesOf({ example, examples = {} }: MediaType): readonly unknown[] {
    const named = Object.values(examples).map((one) => (resolved(one) as unknown as { readonly value: unknown }).value);
    return example === undefined ? named : [example, ...named];
  }

  test('stand with every JSON body, and are such bodies', () => {
    const without = contents.filter(
      ([, { 'application/json': json }]) => json && !json.schema['description'] && examplesOf(json).length === 0,
    );
    expect(without.map(([what]) => what)).toEqual([]);
    const wrong = shown.flatMap(([what, schema, example]) => complaints(schema, example).map((one) => `${what}: ${one}`));
    expect(wrong).toEqual([]);
    expect(shown.length).toBeGreaterThan(200);
  });

  test('of a problem are of its type alone', () => {
    const [, schema, example] = shown.find(([what]) => what.startsWith('POST /v1/runs answers 422')) ?? [];
    expect(complaints(schema ?? {}, { ...(example as object), type: '/problems/not-found' })).not.toEqual([]);
  });

  test('of parameters are what may be given', () => {
    for (const [key, { parameters = [] }] of operations)
      for (const { name, schema, example } of parameters)
        if (example !== undefined) expect([key, name, complaints(schema, example)]).toEqual([key, name, []]);
  });
});
