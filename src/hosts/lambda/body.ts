import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { ZodType } from 'zod';
import { BODY_BYTES, pointerOf } from '#contract/run-request';
import { problem, type HttpReply } from './replies.ts';

type Parsed<Body> = { readonly kind: 'parsed'; readonly body: Body } | { readonly kind: 'refused'; readonly reply: HttpReply };

/** A JSON body in the shape of `schema`, or a reply that names every field that is not. */
export function parseBody<Body>(event: APIGatewayProxyEventV2, schema: ZodType<Body>): Parsed<Body> {
  const type = event.headers['content-type'] ?? '';
  if (!/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type)) {
    return refused(problem('unsupported-media-type', `send content-type: application/json, not ${type === '' ? 'none' : type}`));
  }
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > BODY_BYTES) {
    return refused(problem('request-too-large', `the body has ${bytes.length} bytes; at most ${BODY_BYTES} are taken: split the request`));
  }
  const json = parsedJson(bytes);
  if (json.kind === 'refused') return json;
  const parsed = schema.safeParse(json.body);
  if (parsed.success) return { kind: 'parsed', body: parsed.data };
  const errors = parsed.error.issues.map(({ path, code, message }) => ({ pointer: pointerOf(path), rule: code, message }));
  return refused(problem('invalid-request', `${errors.length} fields are not valid`, errors));
}

function parsedJson(bytes: Buffer): Parsed<unknown> {
  try {
    return { kind: 'parsed', body: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch (error) {
    return refused(problem('malformed-request', `the body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`));
  }
}

const refused = (reply: HttpReply): { readonly kind: 'refused'; readonly reply: HttpReply } => ({ kind: 'refused', reply });
