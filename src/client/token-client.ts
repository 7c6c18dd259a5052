/** The administrator's part of the client: API tokens. */
import { TokenCreated, TokenView, type TokenRequest } from '#contract/tokens';
import { pageOf, type PageView } from '#contract/views';
import { itemsOf, query, type PageOptions } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

/**
 * Needs a token of an administrator.
 *
 * @example
 * const { token } = await client.createToken({ name: 'ci', scopes: ['runs:read', 'runs:write'], 'expires-in-seconds': 7_776_000 });
 */
export interface TokenClient {
  /**
   * `token` is in this answer and nowhere else. Refused as `name-taken` where a token has or had the name; so is a second try
   * where the first one's answer was lost: revoke what it made, and choose another name.
   */
  createToken(request: TokenRequest): Promise<TokenCreated>;
  getToken(tokenId: string): Promise<TokenView>;
  /** Newest first; those that have ended stay listed for 90 days. */
  listTokens(options?: PageOptions): Promise<PageView<TokenView>>;
  tokens(options?: Pick<PageOptions, 'limit'>): AsyncIterable<TokenView>;
  /** Holds from the next request on. Again is harmless. Refused as `last-administrator` where no other token could make tokens. */
  revokeToken(tokenId: string, options?: { readonly evenIfLast?: boolean }): Promise<TokenView>;
}

export function tokenMethods(call: Transport): TokenClient {
  const page = pageOf(TokenView);
  const path = '/v1/tokens';
  const listTokens: TokenClient['listTokens'] = async ({ limit, cursor } = {}) =>
    (await call(get(`${path}${query({ limit, cursor })}`), page)).body;
  return {
    // Sent once: the secret of a token whose answer was lost is lost.
    createToken: async (request) => (await call({ method: 'POST', path, body: request, repeatable: false }, TokenCreated)).body,
    getToken: async (id) => (await call(get(`${path}/${part(id)}`), TokenView)).body,
    listTokens,
    tokens: (options = {}) => itemsOf(listTokens, options),
    async revokeToken(id, { evenIfLast = false } = {}) {
      const asked = query({ 'even-if-last': evenIfLast ? 'true' : undefined });
      return (await call({ method: 'DELETE', path: `${path}/${part(id)}${asked}`, repeatable: true }, TokenView)).body;
    },
  };
}
