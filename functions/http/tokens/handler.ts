/** API tokens: who may call. The text of a token is in the answer that makes it, and nowhere else. */
import { TokenRequest, tokenView, validUntilOf, type ParsedTokenRequest, type TokenCreated } from '#contract/tokens';
import { isKept, type ApiToken } from '#domain/api-token';
import { digestOfSecret, isTokenId, newSecret, tokenText } from '#hosts/lambda/authentication';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { corePorts } from '#hosts/wiring';
import { createApiToken } from '#operations/create-api-token';
import { revokeApiToken } from '#operations/revoke-api-token';

/** Whatever stands between caller and service keeps no copy of it. */
const NO_STORE = { 'cache-control': 'no-store' } as const;

async function create({ body, caller }: HttpRequest<ParsedTokenRequest>): Promise<HttpReply> {
  const { clock } = corePorts();
  const now = clock.now();
  const validUntil = validUntilOf(body, now);
  const secret = newSecret();
  const outcome = await createApiToken(corePorts(), {
    name: body.name,
    scopes: body.scopes,
    secretDigest: digestOfSecret(secret),
    ...(validUntil === undefined ? {} : { validUntil }),
    maker: caller,
  });
  switch (outcome.kind) {
    case 'created': {
      const { token } = outcome;
      const view: TokenCreated = { ...tokenView(token, now), token: tokenText(token.id, secret) };
      return reply(201, view, { location: `/v1/tokens/${token.id}`, ...NO_STORE });
    }
    case 'name-taken': {
      const message = 'is the name of another token, or was: runs and jobs keep who asked by name, so none is given twice';
      return problem('name-taken', `"${body.name}" ${message}`, [{ pointer: '/name', rule: 'unique', message }]);
    }
    case 'name-reserved':
      return invalid('/name', 'reserved', 'stands for the service itself, or for callers without a token');
    case 'over-already':
      return invalid('/expires-at', 'future', 'is over already');
    case 'beyond-maker': {
      const message = 'is more than the token has that makes this one';
      const errors = outcome.scopes.map((scope) => ({ pointer: `/scopes/${body.scopes.indexOf(scope)}`, rule: 'beyond-maker', message }));
      return problem('not-allowed', `${outcome.scopes.join(', ')} ${message}`, errors);
    }
  }
}

function invalid(pointer: string, rule: string, message: string): HttpReply {
  return problem('invalid-request', `${pointer.slice(1)} ${message}`, [{ pointer, rule, message }]);
}

async function list(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const { apiTokens, clock } = corePorts();
  const listed = await apiTokens.list(paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const now = clock.now();
  const { items, cursor } = listed.page;
  const views = items.filter((token) => isKept(token, now)).map((token) => tokenView(token, now));
  return reply(200, { items: views, ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

async function kept(id: string): Promise<ApiToken | undefined> {
  // Ids come from paths, which may be longer than any key of the table.
  if (!isTokenId(id)) return undefined;
  const { apiTokens, clock } = corePorts();
  const token = await apiTokens.find(id);
  return token && isKept(token, clock.now()) ? token : undefined;
}

const absent = (id: string): HttpReply => problem('not-found', `there is no token ${id}; one that has ended is kept for 90 days`);

async function get({ path }: HttpRequest): Promise<HttpReply> {
  const token = await kept(path('tokenId'));
  return token ? reply(200, tokenView(token, corePorts().clock.now())) : absent(path('tokenId'));
}

async function revoke({ path, query, caller }: HttpRequest): Promise<HttpReply> {
  const id = path('tokenId');
  const evenIfLast = query('even-if-last') ?? 'false';
  if (evenIfLast !== 'true' && evenIfLast !== 'false') {
    const message = 'must be true or false';
    return problem('invalid-request', `even-if-last ${message}`, [{ pointer: 'even-if-last', rule: 'boolean', message }]);
  }
  if (!(await kept(id))) return absent(id);
  const outcome = await revokeApiToken(corePorts(), { id, revokedBy: caller.name, evenIfLast: evenIfLast === 'true' });
  switch (outcome.kind) {
    case 'revoked':
      return reply(200, tokenView(outcome.token, corePorts().clock.now()));
    case 'absent':
      return absent(id);
    case 'last-administrator':
      return problem(
        'last-administrator',
        'no other token has the scope admin: make one first, or send even-if-last=true; then only createAdminToken (on AWS) or a restart (locally) makes one',
      );
  }
}

export const handler = httpHandler([
  routeWithBody('POST /v1/tokens', 'admin', TokenRequest, create),
  route('GET /v1/tokens', 'admin', list),
  route('GET /v1/tokens/{tokenId}', 'admin', get),
  route('DELETE /v1/tokens/{tokenId}', 'admin', revoke),
]);
