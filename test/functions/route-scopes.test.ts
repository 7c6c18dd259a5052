/**
 * Every route of serverless.yml, asked with every kind of token. The table is the handlers' own: a route that is new stands in
 * it with what it opens to, or fails the first test.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SCOPES, type Scope } from '#domain/api-token';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import { readServiceMap } from '#hosts/local/service-map';
import type { HttpHandler, Route } from '#hosts/lambda/http';
import type { FileRoute } from '#hosts/lambda/static-files';
import { at } from '#test/domain/builders';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { call, handlerOf, type Answer } from './http-call.ts';

type GuardedRoute = Extract<Route, { readonly scope: Scope }>;

/** Of a module under functions/http, whatever its routes open to. */
interface Handler {
  (...args: Parameters<HttpHandler>): ReturnType<HttpHandler>;
  readonly routes: readonly (Route | FileRoute)[];
}

const service = readServiceMap('serverless.yml');
const resources = new Set(service.routes.map(({ functionName }) => service.handlers.get(functionName)?.split('/')[2] ?? ''));
const handlers = await Promise.all([...resources].map(async (name): Promise<Handler> => handlerOf(name)));
const declared = handlers.flatMap((handler) => handler.routes.map((route) => ({ route, handler })));
type Declared = (typeof declared)[number];

const guarded = declared.flatMap(({ route, handler }) => (isGuarded(route) ? [{ route, handler }] : []));
const unguarded = declared.filter(({ route }) => !isGuarded(route));

function isGuarded(route: Route | FileRoute): route is GuardedRoute {
  return route.opensTo === 'scope' || route.opensTo === 'scope-or-job-token';
}

const keysOf = (routes: readonly { readonly routeKey: string }[]): readonly string[] => routes.map(({ routeKey }) => routeKey).toSorted();
const opening = (opensTo: (Route | FileRoute)['opensTo']): readonly string[] =>
  keysOf(declared.map(({ route }) => route).filter((route) => route.opensTo === opensTo));

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
async function ask(
  { route: { routeKey }, handler }: Declared,
  headers: Readonly<Record<string, string>>,
  names: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const path = Object.fromEntries([...routeKey.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, names[name] ?? 'nothing']));
  return call(handler as HttpHandler, routeKey, { path, headers });
}

const askAs = (of: Declared, authorization: string | undefined): Promise<Answer> =>
  ask(of, authorization === undefined ? {} : { authorization });

/** A job that reports itself, with the token that it was given. */
async function newJob(): Promise<{ readonly jobId: string; readonly token: string }> {
  const body = { pipeline: 'routes', data: { number: (jobs += 1) } };
  const registered = await call(await handlerOf('reported-jobs'), 'POST /v1/jobs', { headers: { authorization: bearer('admin') }, body });
  expect([registered.status, registered.body]).toMatchObject([201, {}]);
  return { jobId: String(registered.body['job-id']), token: String(registered.body['token']) };
}
let jobs = 0;

test('every route of serverless.yml is declared by its handler, and no other is', () => {
  expect(keysOf(declared.map(({ route }) => route))).toEqual(keysOf(service.routes));
  for (const { route } of guarded) expect([route.routeKey, SCOPES.includes(route.scope)]).toEqual([route.routeKey, true]);
});

/** That the files are served without a token is console.test.ts's and openapi.test.ts's. */
test('what needs no API token is the files of the console, the API’s description and what engines push, and nothing else', () => {
  expect(opening('anybody')).toEqual(['GET /console', 'GET /console/{proxy+}', 'GET /openapi.json']);
  expect(opening('engine')).toEqual(['POST /v1/engines/{engine}/events']);
  expect(unguarded).toHaveLength(4);
});

test('what a job’s own token opens is about that job', () => {
  const keys = opening('scope-or-job-token');
  expect(keys).toEqual([
    'GET /v1/jobs/{jobId}',
    'GET /v1/jobs/{jobId}/history',
    'GET /v1/jobs/{jobId}/wait',
    'POST /v1/jobs/{jobId}/callback',
    'POST /v1/jobs/{jobId}/cancel',
    'POST /v1/jobs/{jobId}/events',
  ]);
});

/** POST, because their question is a body. */
const READING = ['POST /v1/runs/plan'];

test('what changes something needs more than to read, and what only reads needs no right to change', () => {
  const changes = ({ routeKey }: GuardedRoute): boolean => !routeKey.startsWith('GET ') && !READING.includes(routeKey);
  const wrong = guarded
    .map(({ route }) => route)
    .filter((route) => (changes(route) ? route.scope === 'runs:read' : !['runs:read', 'admin'].includes(route.scope)));
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

describe.each(guarded.map((of) => [of.route.routeKey, of] as const))('%s', (_key, of) => {
  const { scope: needed, opensTo } = of.route;

  test('with a token that opens nothing is answered by 401, whatever is wrong with it', async () => {
    const answers = await Promise.all(REFUSED.map(async ([what, authorization]) => [what, await askAs(of, authorization)] as const));
    for (const [what, answer] of answers) {
      expect([what, answer]).toMatchObject([what, { status: 401, body: { type: '/problems/not-authenticated' } }]);
      expect([what, answer]).toEqual([what, answers[0]?.[1]]);
    }
  });

  test('with every other scope is answered by 403, which names the one that it needs', async () => {
    const ids = [...SCOPES.filter((scope) => scope !== needed && scope !== 'admin').map(idOf), `not${idOf(needed)}`];
    for (const id of ids) {
      const answer = await askAs(of, bearer(id));
      expect([id, answer.status, answer.body['type']]).toEqual([id, 403, '/problems/not-allowed']);
      expect(answer.body['detail']).toContain(needed);
    }
  });

  test('with its scope, and with that of an administrator, is let in', async () => {
    for (const scope of new Set([needed, 'admin'] as const)) {
      const { status } = await askAs(of, bearer(idOf(scope)));
      expect([scope, status < 500 && status !== 401 && status !== 403]).toEqual([scope, true]);
    }
  });

  test(`with the token of the job that it names is ${opensTo === 'scope' ? 'not ' : ''}let in, and never with that of another job`, async () => {
    const [own, other] = [await newJob(), await newJob()];
    const asked = (token: string): Promise<Answer> => ask(of, { authorization: `Bearer ${token}` }, own);
    expect((await asked(other.token)).status).toBe(401);
    const { status } = await asked(own.token);
    if (opensTo === 'scope') expect(status).toBe(401);
    else expect([status, status < 500 && status !== 401 && status !== 403]).toEqual([status, true]);
  });
});

describe('what engines push', () => {
  const routes = unguarded.filter(({ route }) => route.opensTo === 'engine').map((of) => [of.route.routeKey, of] as const);
  const names = { engine: 'control-hub' };
  const secret = { 'x-sluice-webhook-secret': 'hush' };

  test.each(routes)('%s opens to the secret of that engine', async (_key, of) => {
    const { status, body } = await ask(of, secret, names);
    expect([status, body]).toMatchObject([415, { type: '/problems/unsupported-media-type' }]);
  });

  test.each(routes)('%s opens to no other secret, to no engine without one, and to no API token', async (_key, of) => {
    const wrong = await ask(of, { 'x-sluice-webhook-secret': 'hush?' }, names);
    expect(wrong).toMatchObject({ status: 401, body: { type: '/problems/not-authenticated' } });
    expect(await ask(of, {}, names)).toEqual(wrong);
    expect(await ask(of, secret, { engine: 'duckdb' })).toEqual(wrong);
    expect(await ask(of, { 'x-sluice-webhook-secret': '' }, { engine: 'duckdb' })).toEqual(wrong);
    for (const id of SCOPES.map(idOf)) expect([id, await ask(of, { authorization: bearer(id) }, names)]).toEqual([id, wrong]);
    const job = await newJob();
    expect(await ask(of, { authorization: `Bearer ${job.token}` }, names)).toEqual(wrong);
  });
});
