/**
 * Every route of serverless.yml, asked with every kind of token. The table is the handlers' own: a route that is new stands in
 * it with its scope, or fails the first test.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SCOPES, type Scope } from '#domain/api-token';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import { readServiceMap } from '#hosts/local/service-map';
import type { HttpHandler } from '#hosts/lambda/http';
import { at } from '#test/domain/builders';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { call, handlerOf, type Answer } from './http-call.ts';

interface Declared {
  readonly routeKey: string;
  readonly scope: Scope;
  readonly handler: HttpHandler;
}

const service = readServiceMap('serverless.yml');
/** Static files, which hold nothing of anybody: what they show comes by the API. */
const OPEN = ['console'];
const guarded = service.routes.filter(({ functionName }) => !OPEN.includes(functionName));
const resourceOf = (name: string): string => service.handlers.get(name)?.split('/')[2] ?? '';
const handlers = new Map(
  await Promise.all(
    [...new Set(guarded.map(({ functionName }) => functionName))].map(async (name) => [name, await handlerOf(resourceOf(name))] as const),
  ),
);
const declared: readonly Declared[] = [...handlers.values()].flatMap((handler) => handler.routes.map((route) => ({ ...route, handler })));

let database: TestDatabase;
let it: World;

const SECRET = 's'.repeat(43);

beforeAll(async () => {
  database = await startTestDatabase();
  it = await world(database);
  installPorts(it.ports);
  vi.spyOn(log, 'error').mockImplementation(() => undefined);
  const put = (id: string, scopes: readonly Scope[], change: object = {}): Promise<void> =>
    it.ports.apiTokens.put({ id, name: id, secretDigest: digestOfSecret(SECRET), scopes, ...change });
  for (const scope of SCOPES) await put(idOf(scope), [scope]);
  for (const scope of SCOPES)
    await put(
      `not${idOf(scope)}`,
      SCOPES.filter((other) => other !== scope && other !== 'admin'),
    );
  await put('expired', SCOPES, { validUntil: at(0) });
  await put('revoked', SCOPES, { revoked: { at: at(0), by: 'tests' } });
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const idOf = (scope: Scope): string => scope.replace(':', '');
const bearer = (id: string, secret = SECRET): string => `Bearer slc_${id}.${secret}`;

/** Names that nothing has, and no body: what is let in is told that, and changes nothing. */
async function ask({ routeKey, handler }: Declared, authorization: string | undefined): Promise<Answer> {
  const path = Object.fromEntries([...routeKey.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, 'nothing']));
  return call(handler, routeKey, { path, headers: authorization === undefined ? {} : { authorization } });
}

test('every route of serverless.yml is declared by its handler with a scope, and no other is', () => {
  const keys = (routes: readonly { readonly routeKey: string }[]): readonly string[] => routes.map(({ routeKey }) => routeKey).toSorted();
  expect(keys(declared)).toEqual(keys(guarded));
  for (const { routeKey, scope } of declared) expect([routeKey, SCOPES.includes(scope)]).toEqual([routeKey, true]);
});

/** POST, because their question is a body. */
const READING = ['POST /v1/runs/plan'];

test('what changes something needs more than to read, and what only reads needs no right to change', () => {
  const changes = ({ routeKey }: Declared): boolean => !routeKey.startsWith('GET ') && !READING.includes(routeKey);
  const wrong = declared.filter((route) => (changes(route) ? route.scope === 'runs:read' : !['runs:read', 'admin'].includes(route.scope)));
  expect(wrong.map(({ routeKey, scope }) => `${routeKey} ${scope}`)).toEqual([]);
});

const REFUSED: readonly (readonly [string, string | undefined])[] = [
  ['no token', undefined],
  ['no bearer', `Basic ${Buffer.from('a:b').toString('base64')}`],
  ['an unknown token', bearer('nobody')],
  ['a wrong secret', bearer('admin', 'x'.repeat(43))],
  ['an expired token', bearer('expired')],
  ['a revoked token', bearer('revoked')],
];

describe.each(declared.map((route) => [route.routeKey, route] as const))('%s', (_key, route) => {
  test('with a token that opens nothing is answered by 401, whatever is wrong with it', async () => {
    const answers = await Promise.all(REFUSED.map(async ([what, authorization]) => [what, await ask(route, authorization)] as const));
    for (const [what, answer] of answers) {
      expect([what, answer]).toMatchObject([what, { status: 401, body: { type: '/problems/not-authenticated' } }]);
      expect([what, answer]).toEqual([what, answers[0]?.[1]]);
    }
  });

  test('with every other scope is answered by 403, which names the one that it needs', async () => {
    const ids = [...SCOPES.filter((scope) => scope !== route.scope && scope !== 'admin').map(idOf), `not${idOf(route.scope)}`];
    for (const id of ids) {
      const answer = await ask(route, bearer(id));
      expect([id, answer.status, answer.body['type']]).toEqual([id, 403, '/problems/not-allowed']);
      expect(answer.body['detail']).toContain(route.scope);
    }
  });

  test('with its scope, and with that of an administrator, is let in', async () => {
    for (const scope of new Set([route.scope, 'admin'] as const)) {
      const { status } = await ask(route, bearer(idOf(scope)));
      expect([scope, status < 500 && status !== 401 && status !== 403]).toEqual([scope, true]);
    }
  });
});
