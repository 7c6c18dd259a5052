/** API tokens through the handlers: making, listing, revoking, and what each of them opens from then on. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SCOPES } from '#domain/api-token';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import { at } from '#test/domain/builders';
import type { World } from '#test/operations/world';
import type { TestDatabase } from '#test/support/dynamodb';
import { bearer, pointers, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Answer } from './http-call.ts';

let database: TestDatabase;
let it: World;
let api: Api;

eachTest((given) => {
  ({ database, it, api } = given);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const create = (body: object, headers = {}): Promise<Answer> => api.ask('POST /v1/tokens', { body, headers });
const made = async (change: object = {}): Promise<{ readonly id: string; readonly token: string }> => {
  const { status, body } = await create({ name: 'ci', scopes: ['runs:read'], ...change });
  expect(status).toBe(201);
  return { id: String(body['token-id']), token: String(body['token']) };
};
const using = (token: string): Promise<Answer> => api.ask('GET /v1/runs', { headers: { authorization: `Bearer ${token}` } });
const get = (id: string): Promise<Answer> => api.ask('GET /v1/tokens/{tokenId}', { path: { tokenId: id } });
const revoke = (id: string, query: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  api.ask('DELETE /v1/tokens/{tokenId}', { path: { tokenId: id }, query });
const list = (query: Readonly<Record<string, string>> = {}): Promise<Answer> => api.ask('GET /v1/tokens', { query });
const names = ({ body }: Answer): readonly string[] => (body['items'] as readonly { readonly name: string }[]).map(({ name }) => name);

describe('making a token', () => {
  test('answers its text once, which no cache keeps, and it opens what its scopes say', async () => {
    const answer = await create({ name: 'ci', scopes: ['runs:read'] });
    expect(answer).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    const id = String(answer.body['token-id']);
    expect(answer.headers['location']).toBe(`/v1/tokens/${id}`);
    expect(answer.body).toEqual({
      'token-id': id,
      name: 'ci',
      scopes: ['runs:read'],
      state: 'active',
      'created-at': at(0),
      'created-by': 'token of boss',
      token: expect.stringMatching(new RegExp(`^slc_${id}\\.[A-Za-z0-9_-]{43}$`)) as string,
    });
    expect((await using(String(answer.body['token']))).status).toBe(200);
    const { token: _token, ...view } = answer.body;
    expect((await get(id)).body).toMatchObject(view);
    expect((await get(id)).body).not.toHaveProperty('token');
  });

  test('two tokens have nothing in common', async () => {
    const [one, two] = [await made(), await made({ name: 'ci-2' })];
    expect(one.id).not.toBe(two.id);
    expect(one.token.split('.')[1]).not.toBe(two.token.split('.')[1]);
  });

  test.each([
    [{ scopes: ['runs:read'] }, ['/name']],
    [{ name: '', scopes: ['runs:read'] }, ['/name']],
    [{ name: 'x'.repeat(101), scopes: ['runs:read'] }, ['/name']],
    [{ name: 'ci ', scopes: ['runs:read'] }, ['/name']],
    [{ name: 'сi', scopes: ['runs:read'] }, ['/name']],
    [{ name: 'ci' }, ['/scopes']],
    [{ name: 'ci', scopes: [] }, ['/scopes']],
    [{ name: 'ci', scopes: ['runs:read', 'root'] }, ['/scopes/1']],
    [{ name: 'ci', scopes: ['runs:read', 'runs:read'] }, ['/scopes']],
    [{ name: 'ci', scopes: 'admin' }, ['/scopes']],
    [{ name: 'ci', scopes: ['admin'], 'expires-in-seconds': 59 }, ['/expires-in-seconds']],
    [{ name: 'ci', scopes: ['admin'], 'expires-in-seconds': 1e10 }, ['/expires-in-seconds']],
    [{ name: 'ci', scopes: ['admin'], 'expires-at': '2027-01-01' }, ['/expires-at']],
    [{ name: 'ci', scopes: ['admin'], 'expires-at': at(60), 'expires-in-seconds': 60 }, ['/expires-at']],
    [{ name: 'ci', scopes: ['admin'], 'expires-at': at(-1) }, ['/expires-at']],
    [{ name: 'anonymous', scopes: ['runs:read'] }, ['/name']],
    [{ name: 'Sluice', scopes: ['runs:read'] }, ['/name']],
  ])('of %j names the field %j', async (body, expected) => {
    const answer = await create(body);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([400, 'invalid-request', expected]);
    expect(names(await list())).not.toContain('ci');
  });

  test('refuses a key that it does not know: a misspelt end would be none', async () => {
    const answer = await create({ name: 'ci', scopes: ['runs:read'], 'expires-in': 60 });
    expect([answer.status, slug(answer)]).toEqual([400, 'invalid-request']);
  });

  test('under a name that somebody has or had is refused, so that who asked stays who asked', async () => {
    const { id } = await made();
    expect(await create({ name: 'CI', scopes: ['runs:read'] })).toMatchObject({ status: 409, body: { type: '/problems/name-taken' } });
    await revoke(id);
    expect((await create({ name: 'ci', scopes: ['runs:read'] })).status).toBe(409);
  });

  test.each(['reader', 'writer'] as const)('is for administrators: a %s makes none, lists none, revokes none', async (who) => {
    const { id } = await made();
    const headers = bearer(who);
    const answers = [
      await create({ name: 'mine', scopes: ['runs:read'] }, headers),
      await api.ask('GET /v1/tokens', { headers }),
      await api.ask('GET /v1/tokens/{tokenId}', { headers, path: { tokenId: id } }),
      await api.ask('DELETE /v1/tokens/{tokenId}', { headers, path: { tokenId: id } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });
});

test('a token that there is not is not found, however long its id', async () => {
  for (const id of ['NOBODY', 'a b', '../x', 'x'.repeat(3000)]) {
    expect([(await get(id)).status, (await revoke(id)).status]).toEqual([404, 404]);
  }
});

describe('a token that ended', () => {
  test('opens nothing from the request after its revocation on, and is shown as revoked; revoking it again changes nothing', async () => {
    const { id, token } = await made();
    expect((await using(token)).status).toBe(200);
    const first = await revoke(id);
    expect(first).toMatchObject({ status: 200, body: { state: 'revoked', 'revoked-at': at(0), 'revoked-by': 'token of boss' } });
    expect((await using(token)).status).toBe(401);
    it.advance(60);
    expect((await revoke(id)).body).toEqual(first.body);
    expect(names(await list())).toContain('ci');
  });

  test('by its time opens everything until the instant and nothing from then on', async () => {
    const { id, token } = await made({ 'expires-in-seconds': 60 });
    it.advance(59.999);
    expect((await using(token)).status).toBe(200);
    it.advance(0.001);
    expect((await using(token)).status).toBe(401);
    expect((await get(id)).body).toMatchObject({ state: 'expired', 'expires-at': at(60), 'kept-until': at(60 + 90 * 86_400) });
  });

  test('is listed for 90 days', async () => {
    const { id } = await made({ 'expires-at': at(60) });
    it.advance(60 + 90 * 86_400 - 1);
    expect(names(await list())).toContain('ci');
    it.advance(1);
    expect(names(await list())).not.toContain('ci');
    expect([(await get(id)).status, (await revoke(id)).status]).toEqual([404, 404]);
  });

  test('is answered as one that never was and as a wrong one are, to the letter', async () => {
    const revoked = await made({ name: 'revoked' });
    await revoke(revoked.id);
    const expired = await made({ name: 'expired', 'expires-in-seconds': 60 });
    const good = await made({ name: 'good' });
    it.advance(60);
    const [head = '', secret = ''] = good.token.split('.');
    const answers = await Promise.all(
      [
        `${head}.${'x'.repeat(43)}`,
        `slc_01K8ZC0ED8QZV7N5T9X1M3B2AR.${secret}`,
        `${head}.${secret.slice(0, -1)}`,
        `${head}.${secret}x`,
        `${head.toLowerCase()}.${secret}`,
        `${head}.${secret.toUpperCase()}`,
        `SLC_${good.id}.${secret}`,
        revoked.token,
        expired.token,
      ].map(using),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect((await using(good.token)).status).toBe(200);
  });

  test('takes the path of work that an unknown one takes: one read, and no write', async () => {
    const revoked = await made({ name: 'revoked' });
    await revoke(revoked.id);
    for (const token of [revoked.token, 'slc_nobody.ssssssssssssssssssss', `slc_${revoked.id}.ssssssssssssssssssss`]) {
      database.forgetRequests();
      expect((await using(token)).status).toBe(401);
      expect(Object.fromEntries(database.requests)).toEqual({ GetItemCommand: 1 });
    }
  });
});

describe('the last administrator', () => {
  const administrators = async (): Promise<readonly string[]> => (await it.ports.apiTokens.administrators()).map(({ id }) => id);

  test('is not revoked by accident, and the answer says what to do', async () => {
    expect(await administrators()).toEqual(['boss']);
    const answer = await revoke('boss');
    expect([answer.status, slug(answer)]).toEqual([409, 'last-administrator']);
    expect(answer.body['detail']).toContain('even-if-last=true');
    expect((await list()).status).toBe(200);
    const { token } = await made({ name: 'heir', scopes: ['admin'] });
    expect((await revoke('boss')).status).toBe(200);
    expect((await list()).status).toBe(401);
    expect((await api.ask('GET /v1/tokens', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  test('is revoked where the caller says that he means it', async () => {
    expect(pointers(await revoke('boss', { 'even-if-last': 'yes' }))).toEqual(['even-if-last']);
    expect((await revoke('boss', { 'even-if-last': 'true' })).status).toBe(200);
    expect((await list()).status).toBe(401);
  });
});

describe('the last use', () => {
  const used = async (id: string): Promise<readonly unknown[]> => {
    const { body } = await get(id);
    return [body['last-used-at'], body['last-used-from']];
  };

  test('is told with its time and address, written once a minute', async () => {
    const { id, token } = await made();
    expect(await used(id)).toEqual([undefined, undefined]);
    await using(token);
    expect(await used(id)).toEqual([at(0), '127.0.0.1']);
    it.advance(59);
    database.forgetRequests();
    await using(token);
    expect(database.requests.get('UpdateItemCommand')).toBeUndefined();
    expect(await used(id)).toEqual([at(0), '127.0.0.1']);
    it.advance(1);
    await using(token);
    expect(await used(id)).toEqual([at(60), '127.0.0.1']);
  });

  test('is a use too where the scope was not enough, and none where the secret was wrong', async () => {
    const { id, token } = await made({ scopes: ['jobs:report'] });
    await using(`slc_${id}.${'x'.repeat(43)}`);
    expect(await used(id)).toEqual([undefined, undefined]);
    expect((await using(token)).status).toBe(403);
    expect(await used(id)).toEqual([at(0), '127.0.0.1']);
  });

  test('that cannot be written does not keep the request from its answer, and is in the log', async () => {
    const { token } = await made();
    const warned = vi.spyOn(log, 'warn').mockImplementation(() => undefined);
    installPorts({ ...it.ports, apiTokens: { ...it.ports.apiTokens, recordUse: () => Promise.reject(new Error('throttled')) } });
    expect((await using(token)).status).toBe(200);
    expect(warned).toHaveBeenCalledOnce();
  });
});

test('all tokens are listed newest first, in pages; a cursor of another list is refused', async () => {
  for (const name of ['one', 'two', 'three']) await made({ name });
  const first = await list({ limit: '2' });
  expect(names(first)).toHaveLength(2);
  const seen = [...names(first)];
  let cursor = first.body['next-cursor'];
  while (typeof cursor === 'string') {
    const page = await list({ limit: '2', cursor });
    seen.push(...names(page));
    cursor = page.body['next-cursor'];
  }
  const ofTokens = (name: string): boolean => !name.startsWith('token of');
  expect(seen.filter(ofTokens)).toEqual(['three', 'two', 'one']);
  expect(seen).toHaveLength(6);
  expect(slug(await list({ cursor: 'bm9uc2Vuc2U' }))).toBe('malformed-cursor');
  expect(slug(await list({ limit: '0' }))).toBe('invalid-request');
});

describe('the first administrator on AWS', () => {
  const bootstrap = async (event: unknown): Promise<Record<string, unknown>> => {
    const { handler } = (await import(new URL('functions/event/create-admin-token/handler.ts', `file://${process.cwd()}/`).href)) as {
      readonly handler: (event: unknown) => Promise<Record<string, unknown>>;
    };
    return handler(event);
  };

  test('is who is invoked for, for a day unless more is asked for', async () => {
    const first = await bootstrap({ name: 'ada' });
    expect(first).toMatchObject({ name: 'ada', scopes: ['admin'], 'created-by': 'bootstrap', 'expires-at': at(86_400) });
    const headers = { authorization: `Bearer ${String(first['token'])}` };
    expect((await create({ name: 'ci', scopes: ['admin'] }, headers)).status).toBe(201);
    it.advance(86_400);
    expect((await api.ask('GET /v1/tokens', { headers })).status).toBe(401);
    expect(await bootstrap({ name: 'grace', 'expires-in-seconds': 3600 })).toMatchObject({ 'expires-at': at(86_400 + 3600) });
  });

  test.each([[{}], [{ name: 'a', scopes: ['admin'] }], [{ name: 'sluice' }], [null]])('of %j is refused', async (event) => {
    vi.spyOn(log, 'warn').mockImplementation(() => undefined);
    await expect(bootstrap(event)).rejects.toMatchObject({ name: 'TaskInputInvalid' });
  });
});

test('the secret of a token is in no item, no later answer and no line of the log', async () => {
  const written: string[] = [];
  const collect = (text: string | Uint8Array): boolean => written.push(String(text)) > 0;
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(collect);
  log.setLogLevel('DEBUG');

  const { id, token } = await made({ name: 'canary', scopes: [...SCOPES] });
  const [, secret = ''] = token.split('.');
  const headers = { authorization: `Bearer ${token}` };
  const answers: Answer[] = [
    await api.ask('GET /v1/runs', { headers }),
    await api.ask('POST /v1/runs', { headers, body: { 'user-id': 'a' } }),
    await api.ask('GET /v1/tokens', { headers }),
    await get(id),
    await create({ name: 'canary', scopes: ['admin'] }, headers),
  ];
  // What fails is logged with its request's id.
  installPorts({ ...it.ports, runs: { ...it.ports.runs, list: () => Promise.reject(new Error('broken')) } });
  answers.push(await api.ask('GET /v1/runs', { headers }));
  installPorts(it.ports);
  answers.push(await revoke(id), await api.ask('GET /v1/runs', { headers }));

  log.setLogLevel('SILENT');
  vi.restoreAllMocks();
  expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 200, 409, 500, 200, 401]);
  expect(written.join('')).toContain('broken');
  const items = JSON.stringify(await itemsOf());
  expect(items).toContain(digestOfSecret(secret));
  for (const text of [JSON.stringify(answers), written.join(''), items]) expect(text).not.toContain(secret);
  for (const text of [JSON.stringify(answers), written.join('')]) expect(text).not.toContain(digestOfSecret(secret));
});

async function itemsOf(): Promise<readonly unknown[]> {
  const all = await Promise.all(
    Array.from({ length: database.tables }, (_, index) => database.client.send(new ScanCommand({ TableName: `table-${index + 1}` }))),
  );
  return all.flatMap(({ Items = [] }) => Items);
}
