/** Parameters that operations share: those of paths by their name in a route key, and those of queries and headers. */
import { HISTORY_ORDERS, PAGE, WAIT } from '#contract/queries';
import { IdempotencyKey } from '#contract/run-request';
import { JOB_STATES } from '#domain/job-state';
import type { JsonObject } from '#domain/json';
import { plainSchema } from './json-schema.ts';
import type { Parameter } from './words.ts';

/** Of lists that go on where one of their items is damaged. */
export const LEFT_OUT = 'What is stored in a way that cannot be read is left out and told in `unreadable`; the others are answered.';

export interface PathParameter {
  readonly description: string;
  readonly example: string;
  readonly schema?: JsonObject;
}

/** A name that is not so spelt is a name that nothing has: it is answered by 404, and not told to be wrong. */
export const PATH_PARAMETERS: Readonly<Record<string, PathParameter>> = {
  runId: { description: 'Of a run, as its start answered it.', example: 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR' },
  jobId: {
    description: 'Of a job of a run (`job_…`), or of one that reports itself (`107…`).',
    example: 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000',
  },
  templateId: { description: '`tmpl_`, and then lower-case letters, digits and hyphens.', example: 'tmpl_csv-to-parquet' },
  version: { description: 'Of the template: 1, 2, …', example: '1' },
  setKey: {
    description: 'The key of a parameter set, the same in every run of its template; a job says it where it tells its parameters.',
    example: 'b1f0c9a4d2e84f63a7c5d8e9f0a1b2c3',
  },
  sourceType: { description: 'As runs name it; at most 256 characters.', example: 'csv' },
  targetType: { description: 'As runs name it; at most 256 characters.', example: 'parquet' },
  tokenId: { description: 'What stands between `slc_` or `slj_` and the dot of the token.', example: '01K8ZC0ED8QZV7N5T9X1M3B2AV' },
  engine: { description: 'Which engine it is.', example: 'control-hub', schema: { type: 'string', examples: ['control-hub'] } },
  proxy: { description: 'A file of the console; empty: its page.', example: 'index.html' },
};

export const query = (name: string, description: string, schema: JsonObject, more: Partial<Parameter> = {}): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
  ...more,
});
export const header = (name: string, description: string, schema: JsonObject, more: Partial<Parameter> = {}): Parameter => ({
  name,
  in: 'header',
  description,
  schema,
  ...more,
});

export const TEXT: JsonObject = { type: 'string' };
export const TIME: JsonObject = { type: 'string', format: 'date-time' };

/** A list ends where an answer has no `next-cursor`. */
export const PAGED: readonly Parameter[] = [
  query('limit', 'How many at most.', { type: 'integer', minimum: 1, maximum: PAGE.most, default: PAGE.default }),
  query('cursor', 'The `next-cursor` of the page before. It belongs to this list and this query.', TEXT),
];

export const TIMEOUT = query('timeout-seconds', 'How long to wait; to wait longer, ask again.', {
  type: 'integer',
  minimum: 0,
  maximum: WAIT.most,
  default: WAIT.default,
});

export const AT = query('at', 'How it stood at that time, in ISO 8601 with its zone.', TIME, { example: '2026-11-21T08:00:00Z' });

export const ORDER_OF_HISTORY = query('order', 'Which entry comes first.', {
  type: 'string',
  enum: HISTORY_ORDERS,
  default: 'oldest',
});

export const JOB_STATE: JsonObject = { type: 'string', enum: JOB_STATES };

/** RFC 9110, 13.1. */
export const IF_MATCH = header('If-Match', 'Only in one of these versions, as `ETag` told them; `*`: only if it is there.', TEXT, {
  example: '"3"',
});
export const IF_NONE_MATCH = header('If-None-Match', 'Only if it is in none of these versions; `*`: only if nothing is there.', TEXT, {
  example: '*',
});
/** Of a read. */
export const IF_NEWER = header(
  'If-None-Match',
  'The versions that the caller has: 304, without a body, if it still is one of them.',
  TEXT,
  {
    example: '"3"',
  },
);

export const PLAN_HASH = header(
  'If-Match',
  'The `plan-hash` of a plan: starts exactly what was planned, or nothing (412).',
  { type: 'string', pattern: '^\\s*"?[0-9a-f]{64}"?\\s*$' },
  { example: '"9b2d1c0f5a3e47869b2d1c0f5a3e47869b2d1c0f5a3e47869b2d1c0f5a3e4786"' },
);

export const IDEMPOTENCY_KEY = header(
  'Idempotency-Key',
  'Makes the request repeatable: under the same key, the same request is answered as it was, and another one is refused (422).',
  plainSchema(IdempotencyKey),
  { example: '2026-11-21/nightly' },
);
