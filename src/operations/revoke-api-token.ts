/**
 * A token is revoked: from the next request on it opens nothing. The last one that may make others is not revoked by
 * accident: another must be there, and still be there when this one goes, unless the caller says that he means it.
 */
import { tokenState, type ApiToken } from '#domain/api-token';
import { Fault } from '#domain/faults';
import type { Ports } from './ports.ts';

export interface RevokeApiToken {
  readonly id: string;
  readonly revokedBy: string;
  /** Also the last one with the scope `admin`. */
  readonly evenIfLast: boolean;
}

export type RevokeApiTokenOutcome =
  { readonly kind: 'revoked'; readonly token: ApiToken } | { readonly kind: 'absent' | 'last-administrator' };

const RACES = 3;

export async function revokeApiToken(
  { clock, apiTokens }: Pick<Ports, 'clock' | 'apiTokens'>,
  { id, revokedBy, evenIfLast }: RevokeApiToken,
): Promise<RevokeApiTokenOutcome> {
  for (let race = 0; race < RACES; race += 1) {
    const now = clock.now();
    const token = await apiTokens.find(id);
    if (!token) return { kind: 'absent' };
    if (token.revoked) return { kind: 'revoked', token };
    const isAdministrator = token.scopes.includes('admin') && tokenState(token, now) === 'active';
    const needsAnother = isAdministrator && !evenIfLast;
    const remaining = needsAnother
      ? (await apiTokens.administrators()).find((other) => other.id !== id && tokenState(other, now) === 'active')
      : undefined;
    if (needsAnother && !remaining) return { kind: 'last-administrator' };
    const revoked = { at: now, by: revokedBy };
    if ((await apiTokens.revoke(token, revoked, remaining)) === 'revoked') return { kind: 'revoked', token: { ...token, revoked } };
  }
  throw new Fault('StoreBusy', `${id} was changed ${RACES} times meanwhile`);
}
