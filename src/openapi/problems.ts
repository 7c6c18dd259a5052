/** Which problems an operation may answer, and how they are described. */
import { PROBLEMS, type ProblemSlug } from '#contract/problems';
import type { JsonObject } from '#domain/json';
import { PROBLEM_EXAMPLES } from './problem-examples.ts';
import { reference } from './json-schema.ts';
import type { HeaderName, RouteFacts, Words } from './words.ts';

/** The problems of an operation, those that follow from its route and those that it names, in the order of the closed list. */
export function problemsOf(route: RouteFacts, words: Words): readonly ProblemSlug[] {
  const slugs = new Set<ProblemSlug>(words.problems);
  const add = (...more: readonly ProblemSlug[]): void => {
    for (const slug of more) slugs.add(slug);
  };
  if (route.opensTo !== 'anybody') add('not-authenticated', 'unavailable', 'fault');
  if (route.scope !== undefined) add('not-allowed');
  if (route.body) add('malformed-request', 'invalid-request', 'unsupported-media-type', 'request-too-large');
  if (words.anyBody) add('request-too-large');
  if (words.parameters?.some(({ name }) => name === 'cursor') === true) add('invalid-request', 'malformed-cursor');
  return (Object.keys(PROBLEMS) as ProblemSlug[]).filter((slug) => slugs.has(slug));
}

/** Headers of some answers of these problems. */
const PROBLEM_HEADERS: Partial<Readonly<Record<ProblemSlug, readonly HeaderName[]>>> = {
  'not-authenticated': ['WWW-Authenticate'],
  'request-in-progress': ['Retry-After'],
  'event-refused': ['Idempotent-Replayed'],
  'plan-changed': ['ETag'],
  'precondition-failed': ['ETag'],
  unavailable: ['Retry-After'],
};

export const problemSchemaName = (slug: ProblemSlug): string => `Problem.${slug}`;

/** Problem details of one type (RFC 9457). */
export function problemSchema(slug: ProblemSlug): JsonObject {
  const { status, title } = PROBLEMS[slug];
  return {
    ...reference('Problem'),
    properties: { type: { const: `/problems/${slug}` }, title: { const: title }, status: { const: status } },
  };
}

/** Answers of one status have one name in the document, by what they may be. */
export const problemResponseName = (slugs: readonly ProblemSlug[]): string => slugs.join('.');

export function problemResponse(slugs: readonly ProblemSlug[], headersOf: (names: readonly HeaderName[]) => JsonObject): JsonObject {
  const types = slugs.map((slug) => reference(problemSchemaName(slug)));
  const names = [...new Set(slugs.flatMap((slug) => PROBLEM_HEADERS[slug] ?? []))];
  return {
    description: slugs.map((slug) => PROBLEMS[slug].title).join('; or: '),
    ...(names.length === 0 ? {} : { headers: headersOf(names) }),
    content: {
      'application/problem+json': {
        schema: types.length === 1 ? (types[0] ?? {}) : { oneOf: types },
        examples: Object.fromEntries(slugs.map((slug) => [slug, { $ref: `#/components/examples/${slug}` }])),
      },
    },
  };
}

export function problemExample(slug: ProblemSlug): JsonObject {
  const { status, title } = PROBLEMS[slug];
  return { value: { type: `/problems/${slug}`, title, status, ...(PROBLEM_EXAMPLES[slug] as unknown as JsonObject) } };
}
