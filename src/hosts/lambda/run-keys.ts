/** Headers that make a request repeatable, or bind it to what was planned. */
import { IdempotencyKey } from '#contract/run-request';
import { problem, type HttpReply } from './replies.ts';

export interface Keys {
  readonly idempotencyKey?: string;
  readonly planHash?: string;
}

interface WithHeaders {
  header(name: string): string | undefined;
}

/** `Idempotency-Key`, and `If-Match` with the hash of a plan; or the reply that says what is wrong with them. */
export function keysOf(request: WithHeaders): Keys | { readonly reply: HttpReply } {
  const key = idempotencyKeyOf(request);
  if ('reply' in key) return key;
  const ifMatch = request.header('if-match');
  if (ifMatch === undefined) return key;
  const [, planHash] = /^\s*"?([0-9a-f]{64})"?\s*$/.exec(ifMatch) ?? [];
  return planHash === undefined ? refused('If-Match', 'must be the hash of a plan: 64 hexadecimal digits') : { ...key, planHash };
}

/** Alone, for what is not planned. */
export function idempotencyKeyOf(request: WithHeaders): Pick<Keys, 'idempotencyKey'> | { readonly reply: HttpReply } {
  const idempotencyKey = request.header('idempotency-key');
  if (idempotencyKey === undefined) return {};
  const wrong = IdempotencyKey.safeParse(idempotencyKey).error?.issues[0];
  return wrong ? refused('Idempotency-Key', wrong.message) : { idempotencyKey };
}

function refused(pointer: string, message: string): { readonly reply: HttpReply } {
  return { reply: problem('invalid-request', `${pointer} ${message}`, [{ pointer, rule: 'format', message }]) };
}
