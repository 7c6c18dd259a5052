/** Headers of answers. */
import type { JsonObject } from '#domain/json';
import type { HeaderName } from './words.ts';

export const HEADERS: Readonly<Record<HeaderName, { readonly description: string; readonly schema: JsonObject }>> = {
  'Cache-Control': { description: '`no-store` where a token is shown.', schema: { type: 'string' } },
  ETag: {
    description: 'The version, in quotes: what `If-Match` and `If-None-Match` take. Of a plan, its hash.',
    schema: { type: 'string', examples: ['"3"'] },
  },
  'Idempotent-Replayed': {
    description: 'The same event was sent before; this is the answer that it was given then.',
    schema: { type: 'string', const: 'true' },
  },
  Location: { description: 'Where what was made can be read.', schema: { type: 'string', format: 'uri-reference' } },
  'Retry-After': { description: 'When to ask again, in seconds.', schema: { type: 'string', pattern: '^[0-9]+$' } },
  'Sluice-Change': { description: 'What the request has changed.', schema: { type: 'string', enum: ['created', 'changed', 'unchanged'] } },
  'Sluice-Next-Cursor': { description: 'The `cursor` of the next page; absent at the end of the list.', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'What to authenticate with.', schema: { type: 'string', const: 'Bearer' } },
};
