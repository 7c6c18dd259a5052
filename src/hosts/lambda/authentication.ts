/**
 * Bearer tokens, `slc_<id>.<secret>`: looked up by id, consistently and without a cache, compared by digest in constant time. Unknown, wrong,
 * expired and revoked take the same path to the same answer. A token opens what it opens as of now: what is revoked is refused
 * from the next request on.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { grants, tokenState, useToRecord, type ApiToken, type Scope, type TokenUse } from '#domain/api-token';
import type { Instant } from '#domain/ids';
import type { Ports } from '#operations/ports';
import { log } from './log.ts';

export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Absent for whoever needs no token. */
  readonly token?: ApiToken;
}

/** 256 random bits. It is in the text of its token and stored nowhere. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
export const digestOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
export const tokenText = (id: string, secret: string): string => `slc_${id}.${secret}`;

export const isTokenId = (text: string): boolean => /^[A-Za-z0-9]{4,40}$/.test(text);

/** Of the header `Authorization`. The scheme is written in any case (RFC 9110, 11.1), the token in its own. */
export function bearerOf(authorization: string | undefined): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = /^[Bb][Ee][Aa][Rr][Ee][Rr] +slc_([A-Za-z0-9]{4,40})\.([A-Za-z0-9_-]{16,128})$/.exec(authorization ?? '') ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

const NOBODY: ApiToken = { id: '', name: '', secretDigest: digestOfSecret(''), scopes: [] };

/** What reading a token takes, and more; below what anybody notices who has mistyped one. */
const REFUSED_AFTER_MS = 25;

/** Who calls; undefined where the token opens nothing. What is no API token at all is told so at once: it says nothing of any. */
export async function authenticate(
  tokens: Pick<Ports['apiTokens'], 'find'>,
  authorization: string | undefined,
  now: Instant,
): Promise<Caller | undefined> {
  const bearer = bearerOf(authorization);
  return bearer && refusedLate(() => identified(tokens, bearer, now));
}

/**
 * An item that is there takes longer to read than none, which thousands of refusals would show: so a refusal (undefined) is
 * answered by a timer that was set before the work began, and its time says nothing of the work.
 */
export async function refusedLate<Found>(work: () => Promise<Found | undefined>): Promise<Found | undefined> {
  const refusal = timer(REFUSED_AFTER_MS);
  try {
    const found = await work();
    if (found === undefined) await refusal.over;
    return found;
  } finally {
    refusal.cancel();
  }
}

async function identified(
  tokens: Pick<Ports['apiTokens'], 'find'>,
  { id, secret }: { readonly id: string; readonly secret: string },
  now: Instant,
): Promise<Caller | undefined> {
  const token = (await tokens.find(id)) ?? NOBODY;
  const matches = timingSafeEqual(Buffer.from(digestOfSecret(secret), 'hex'), Buffer.from(token.secretDigest, 'hex'));
  const isActive = tokenState(token, now) === 'active';
  return matches && isActive && token !== NOBODY ? { name: token.name, scopes: token.scopes, token } : undefined;
}

function timer(ms: number): { readonly over: Promise<void>; cancel(): void } {
  let handle: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    handle = setTimeout(resolve, ms);
  });
  return {
    over,
    cancel() {
      clearTimeout(handle);
    },
  };
}

export const allows = (caller: Caller, scope: Scope): boolean => grants(caller.scopes, scope);

/** Never rejects: a use that cannot be recorded is told in the log, and is no reason to refuse the request. */
export async function recordUse(tokens: Pick<Ports['apiTokens'], 'recordUse'>, { token }: Caller, use: TokenUse): Promise<void> {
  const due = token && useToRecord(token, use);
  if (!due) return;
  try {
    await tokens.recordUse(token.id, due);
  } catch (error) {
    log.warn('the use of a token was not recorded', { tokenId: token.id, error: error instanceof Error ? error : String(error) });
  }
}
