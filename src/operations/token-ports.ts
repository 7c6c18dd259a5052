/** The interface from the operations to the API tokens. */
import type { ApiToken, Revocation, TokenUse } from '#domain/api-token';
import type { Listed, PageRequest } from './pages.ts';

export interface ApiTokenStore {
  /** Consistent: a revocation holds from the next request on. */
  find(id: string): Promise<ApiToken | undefined>;
  /** Who has the name, or had it. Consistent. */
  named(name: string): Promise<ApiToken | undefined>;
  /** `name-taken` where a token has the name, or had it. */
  create(token: ApiToken): Promise<'created' | 'name-taken'>;
  /** Without a look at who has the name: for a host that hands out a name of its own. */
  put(token: ApiToken): Promise<void>;
  /** Newest first; those that ended long ago may still be among them. */
  list(page: PageRequest): Promise<Listed<ApiToken>>;
  /** Every token with the scope `admin` that has not been revoked. Consistent. */
  administrators(): Promise<readonly ApiToken[]>;
  /** `conflict` where it is revoked already, or is gone; or where `remaining`, which is to outlive it, is. */
  revoke(token: ApiToken, revocation: Revocation, remaining?: ApiToken): Promise<'revoked' | 'conflict'>;
  /** Unless a use that is as late is recorded already. */
  recordUse(id: string, use: TokenUse): Promise<void>;
}
