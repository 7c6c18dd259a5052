/**
 * API tokens: who may call, as whom, for how long. A token's name is what runs and jobs keep of who asked for them: it is
 * given to one token and never again, and no two names read alike.
 */
import { epochMs, instant, type Instant } from './ids.ts';

export const SCOPES = ['runs:read', 'runs:write', 'catalog:write', 'jobs:report', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** `slc_<id>.<secret>`; only a digest of the secret is kept. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  /** Hex SHA-256. The secret has 256 random bits, which need no slow hash. */
  readonly secretDigest: string;
  readonly scopes: readonly Scope[];
  /** Absent where an older release wrote the token. */
  readonly createdAt?: Instant;
  readonly createdBy?: string;
  /** From then on it opens nothing; absent: until it is revoked. */
  readonly validUntil?: Instant;
  readonly revoked?: Revocation;
  /** To the minute. */
  readonly lastUse?: TokenUse;
}

export interface Revocation {
  readonly at: Instant;
  readonly by: string;
}

export interface TokenUse {
  readonly at: Instant;
  /** The address of the caller, as the gateway sees it. */
  readonly from: string;
}

export type TokenState = 'active' | 'expired' | 'revoked';

export function tokenState(token: ApiToken, now: Instant): TokenState {
  if (token.revoked) return 'revoked';
  return token.validUntil !== undefined && token.validUntil <= now ? 'expired' : 'active';
}

/** `admin` includes every other scope. */
export function grants(scopes: readonly Scope[], scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin');
}

/** Who makes a token cannot give more than he has. */
export function scopesBeyond(maker: readonly Scope[], asked: readonly Scope[]): readonly Scope[] {
  return asked.filter((scope) => !grants(maker, scope));
}

/** How long a token that has ended is listed. */
const KEPT_DAYS = 90;

/** Until when an ended token is listed; undefined while nothing says that it will end. */
export function keptUntil({ revoked, validUntil }: Pick<ApiToken, 'revoked' | 'validUntil'>): Instant | undefined {
  const end = revoked && validUntil !== undefined && validUntil < revoked.at ? validUntil : (revoked?.at ?? validUntil);
  return end === undefined ? undefined : instant(epochMs(end) + KEPT_DAYS * 86_400_000);
}

export function isKept(token: ApiToken, now: Instant): boolean {
  const until = keptUntil(token);
  return until === undefined || until > now;
}

/** A write for every request would cost more than most requests do. */
const USE_RECORDED_EVERY_MS = 60_000;

/** The use as it is to be recorded; undefined where one of this minute stands already. */
export function useToRecord({ lastUse }: Pick<ApiToken, 'lastUse'>, use: TokenUse): TokenUse | undefined {
  return lastUse && epochMs(use.at) - epochMs(lastUse.at) < USE_RECORDED_EVERY_MS ? undefined : use;
}

export const TOKEN_NAME_LENGTH = 100;

/** ASCII alone, words apart by single spaces: in all of Unicode, names would be found that look like another one. */
export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+:/-]*(?: [A-Za-z0-9._@+:/-]+)*$/;

/** What stands where a token's name would: whoever had such a name could act as the service, or as nobody. */
const RESERVED = new Set(['sluice', 'system', 'anonymous', 'local', 'bootstrap']);

export const isReservedName = (name: string): boolean => RESERVED.has(nameKey(name));

/** Names with the same key are the same name. */
export const nameKey = (name: string): string => name.toLowerCase();
