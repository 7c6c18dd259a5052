/**
 * A new API token. Its secret is made and shown by the host; what comes here, and what is kept, is its digest. Nobody can
 * give more scopes than he has.
 */
import { isReservedName, scopesBeyond, type ApiToken, type Scope } from '#domain/api-token';
import type { Instant } from '#domain/ids';
import type { Ports } from './ports.ts';

export interface CreateApiToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secretDigest: string;
  readonly validUntil?: Instant;
  readonly maker: { readonly name: string; readonly scopes: readonly Scope[] };
}

export type CreateApiTokenOutcome =
  | { readonly kind: 'created'; readonly token: ApiToken }
  | { readonly kind: 'name-taken' | 'name-reserved' | 'over-already' }
  | { readonly kind: 'beyond-maker'; readonly scopes: readonly Scope[] };

type Needs = Pick<Ports, 'clock' | 'randomness' | 'apiTokens'>;

export async function createApiToken(
  { clock, randomness, apiTokens }: Needs,
  { maker, scopes, ...asked }: CreateApiToken,
): Promise<CreateApiTokenOutcome> {
  const now = clock.now();
  const beyond = scopesBeyond(maker.scopes, scopes);
  if (beyond.length > 0) return { kind: 'beyond-maker', scopes: beyond };
  if (isReservedName(asked.name)) return { kind: 'name-reserved' };
  if (asked.validUntil !== undefined && asked.validUntil <= now) return { kind: 'over-already' };
  const token: ApiToken = { ...asked, id: randomness.newUlid(now), scopes, createdAt: now, createdBy: maker.name };
  const created = await apiTokens.create(token);
  return created === 'created' ? { kind: 'created', token } : { kind: 'name-taken' };
}
