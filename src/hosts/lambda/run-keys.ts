/** Headers that make a request repeatable, or bind it to what was planned. */
import { IdempotencyKey } from '#contract/run-request';
import type { HttpRequest } from './http.ts';
import { problem, type HttpReply } from './replies.ts';

export interface Keys {
  readonly idempotencyKey?: string;
  readonly planHash?: string;
}

/** `Idempotency-Key`, and `If-Match` with the hash of a plan; or the reply that says what is wrong with them. */
export function keyOf({ header }: Pick<HttpRequest, 'header'>): Keys | { readonly reply: HttpReply } {
  const idempotencyKey = header('idempotency-key');
  const wrong = idempotencyKey === undefined ? undefined : IdempotencyKey.safeParse(idempotencyKey).error?.issues[0];
  if (wrong) return refused('Idempotency-Key', wrong.message);
  const ifMatch = header('if-match');
  const [, planHash] = /^\s*"?([0-9a-f]{64})"?\s*$/.exec(ifMatch ?? '') ?? [];
  if (ifMatch !== undefined && planHash === undefined) return refused('If-Match', 'must be the hash of a plan: 64 hexadecimal digits');
  return { ...(idempotencyKey === undefined ? {} : { idempotencyKey }), ...(planHash === undefined ? {} : { planHash }) };
}

function refused(pointer: string, message: string): { readonly reply: HttpReply } {
  return { reply: problem('invalid-request', `${pointer} ${message}`, [{ pointer, rule: 'format', message }]) };
}
