/**
 * Bearer tokens: `slc_<id>.<secret>`, looked up by id, compared by digest in constant time. Unknown id and wrong secret
 * answer alike and take the same path.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiToken, ApiTokenStore, Scope } from '#operations/ports';

export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

const BEARER = /^Bearer +slc_([A-Za-z0-9]{4,40})\.([A-Za-z0-9_-]{16,128})$/i;
const NOBODY: ApiToken = { id: '', name: '', secretDigest: createHash('sha256').update('').digest('hex'), scopes: [] };

export const digestOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export async function authenticate(tokens: ApiTokenStore, authorization: string | undefined): Promise<Caller | undefined> {
  const [, id, secret] = BEARER.exec(authorization ?? '') ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const token = (await tokens.find(id)) ?? NOBODY;
  const matches = timingSafeEqual(Buffer.from(digestOfSecret(secret), 'hex'), Buffer.from(token.secretDigest, 'hex'));
  return matches && token !== NOBODY ? { name: token.name, scopes: token.scopes } : undefined;
}

export function allows(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes(scope) || caller.scopes.includes('admin');
}
