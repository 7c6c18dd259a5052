/** One operation, from its route and its words. */
import type { ZodType } from 'zod';
import { PROBLEMS, type ProblemSlug } from '#contract/problems';
import type { Json, JsonObject } from '#domain/json';
import { HEADERS } from './headers.ts';
import { reference } from './json-schema.ts';
import { PATH_PARAMETERS } from './parameters.ts';
import { problemResponseName, problemsOf } from './problems.ts';
import { ANSWERED, SENT } from './schemas.ts';
import type { Answer, HeaderName, RouteFacts, Words } from './words.ts';

/** What operations refer to, for the components. */
export interface Used {
  readonly problems: Map<string, readonly ProblemSlug[]>;
}

export function operationObject(route: RouteFacts, words: Words, tag: string, used: Used): JsonObject {
  const parameters = [...pathParameters(route.routeKey), ...(words.parameters ?? []).map((parameter) => ({ ...parameter }))];
  const body = requestBody(route, words);
  return {
    operationId: words.operationId,
    tags: [tag],
    summary: words.summary,
    ...(words.description === undefined ? {} : { description: words.description }),
    security: securityOf(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body ? { requestBody: body } : {}),
    responses: { ...answersOf(words), ...problemAnswers(problemsOf(route, words), used) },
  };
}

function pathParameters(routeKey: string): readonly JsonObject[] {
  return [...routeKey.matchAll(/\{(\w+)\+?\}/g)].map(([, name = '']) => {
    const known = PATH_PARAMETERS[name];
    if (!known) throw new Error(`${routeKey}: the path parameter ${name} is not described`);
    const { description, example, schema = { type: 'string' } } = known;
    return { name, in: 'path', required: true, description, schema, example };
  });
}

function securityOf({ routeKey, opensTo, scope }: RouteFacts): readonly JsonObject[] {
  const byScope = (): JsonObject => {
    if (scope === undefined) throw new Error(`${routeKey} opens to a scope and names none`);
    return { apiToken: [scope] };
  };
  switch (opensTo) {
    case 'scope':
      return [byScope()];
    case 'scope-or-job-token':
      return [byScope(), { jobToken: [] }, { jobTokenHeader: [] }, { jobTokenQuery: [] }];
    case 'engine':
      return [{ webhookSecret: [] }];
    case 'anybody':
      return [];
  }
}

function requestBody({ routeKey, body }: RouteFacts, { request, anyBody }: Words): JsonObject | undefined {
  if (anyBody) {
    const { description, mostBytes, example } = anyBody;
    return {
      description: `${description} At most ${mostBytes} bytes.`,
      required: false,
      // Every type is taken; generators of clients know what to do with these.
      content: {
        'application/json': { schema: {}, example: example as Json },
        'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
      },
    };
  }
  if (!body) return undefined;
  if (!request) throw new Error(`${routeKey} takes a body, which is not described`);
  const most = `At most ${body.mostBytes} bytes.`;
  return {
    description: request.description === undefined ? most : `${request.description} ${most}`,
    required: !body.optional,
    content: { 'application/json': { schema: reference(nameOf(SENT, body.schema, routeKey)), example: request.example as Json } },
  };
}

function nameOf(named: Readonly<Record<string, ZodType>>, schema: ZodType, where: string): string {
  const [name] = Object.entries(named).find(([, each]) => each === schema) ?? [];
  if (name === undefined) throw new Error(`${where}: a schema has no name (schemas.ts)`);
  return name;
}

function answersOf({ operationId, answers }: Words): JsonObject {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseObject(answer, operationId)]));
}

function responseObject(
  { description, schema, example, content = {}, headers = [], headersAtTimes = [] }: Answer,
  where: string,
): JsonObject {
  const schemas = schema === undefined ? [] : Array.isArray(schema) ? (schema as readonly ZodType[]) : [schema as ZodType];
  const references = schemas.map((each) => reference(nameOf(ANSWERED, each, where)));
  const json: JsonObject =
    references.length === 0
      ? {}
      : {
          'application/json': {
            schema: references.length === 1 ? (references[0] ?? {}) : { anyOf: references },
            example: example as Json,
          },
        };
  const others = Object.fromEntries(Object.entries(content).map(([type, other]) => [type, otherContent(type, other)]));
  const all = { ...json, ...others };
  return {
    description,
    ...(headers.length + headersAtTimes.length === 0 ? {} : { headers: { ...always(headers), ...atTimes(headersAtTimes) } }),
    ...(Object.keys(all).length === 0 ? {} : { content: all }),
  };
}

const otherContent = (type: string, { description, example }: { readonly description: string; readonly example?: string }): JsonObject => ({
  schema: type === 'application/json' ? { type: 'object', description } : { type: 'string', description },
  ...(example === undefined ? {} : { example }),
});

const at = (name: HeaderName): JsonObject => ({ $ref: `#/components/headers/${name}` });
const atTimes = (names: readonly HeaderName[]): JsonObject => Object.fromEntries(names.map((name) => [name, at(name)]));
/** A reference cannot say that it is required. */
const always = (names: readonly HeaderName[]): JsonObject =>
  Object.fromEntries(names.map((name) => [name, { ...HEADERS[name], required: true }]));

function problemAnswers(slugs: readonly ProblemSlug[], used: Used): JsonObject {
  const statuses = [...new Set(slugs.map((slug) => PROBLEMS[slug].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const same = slugs.filter((slug) => PROBLEMS[slug].status === status);
      const name = problemResponseName(same);
      used.problems.set(name, same);
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}
