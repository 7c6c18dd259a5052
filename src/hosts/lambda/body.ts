import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { ZodType } from 'zod';
import { BODY_BYTES, pointerOf } from '#contract/run-request';
import { jsonFaults } from '#contract/strict-json';
import { counted } from '#domain/counted';
import { problem, type HttpReply } from './replies.ts';

type Parsed<Body> = { readonly kind: 'parsed'; readonly body: Body } | { readonly kind: 'refused'; readonly reply: HttpReply };

/** An answer names this many faults at most; it says how many there are. */
const ERRORS_SHOWN = 1000;

export interface BodyOptions {
  /** No body at all stands for an empty object. */
  readonly optional?: boolean;
  readonly mostBytes?: number;
  /** What a body of another shape is answered. */
  readonly invalid?: 'invalid-request' | 'invalid-event';
}

/** A JSON body in the shape of `schema`, or a reply that names every field that is not. */
export function parseBody<Body>(
  event: Pick<APIGatewayProxyEventV2, 'headers' | 'body' | 'isBase64Encoded'>,
  schema: ZodType<Body>,
  { optional = false, mostBytes = BODY_BYTES, invalid = 'invalid-request' }: BodyOptions = {},
): Parsed<Body> {
  if (optional && (event.body ?? '') === '') return { kind: 'parsed', body: schema.parse({}) };
  const type = event.headers['content-type'] ?? '';
  if (!/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type)) {
    return refused(problem('unsupported-media-type', `send content-type: application/json, not ${type === '' ? 'none' : type}`));
  }
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > mostBytes) {
    return refused(problem('request-too-large', `the body has ${bytes.length} bytes; at most ${mostBytes} are taken: split the request`));
  }
  const json = parsedJson(bytes);
  if (json.kind === 'refused') return json;
  const parsed = schema.safeParse(json.body);
  if (parsed.success) return { kind: 'parsed', body: parsed.data };
  const errors = parsed.error.issues.map(({ path, code, message }) => ({ pointer: pointerOf(path), rule: code, message }));
  return refused(problem(invalid, `${counted(errors.length, 'field is', 'fields are')} not valid`, errors.slice(0, ERRORS_SHOWN)));
}

/** Fatal: with the replacement character in its place, a byte that is no UTF-8 would be another value. A BOM is skipped. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsedJson(bytes: Buffer): Parsed<unknown> {
  const text = decoded(bytes);
  if (text === undefined) return refused(problem('malformed-request', 'the body is not UTF-8'));
  try {
    const body = JSON.parse(text) as unknown;
    const faults = jsonFaults(text);
    if (faults.length === 0) return { kind: 'parsed', body };
    return refused(problem('invalid-request', 'the body holds what would not be kept as it was sent', faults));
  } catch (error) {
    return refused(problem('malformed-request', `the body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`));
  }
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const refused = (reply: HttpReply): { readonly kind: 'refused'; readonly reply: HttpReply } => ({ kind: 'refused', reply });
