import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { BODY_BYTES, SETS } from '#contract/run-request';
import { Fault } from '#domain/faults';
import { digestOfSecret } from '#hosts/lambda/authentication';
import type { HttpHandler } from '#hosts/lambda/http';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import type { Ports, Scope } from '#operations/ports';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { call, handlerOf, REQUEST_ID, type Answer, type Call } from './http-call.ts';

let database: TestDatabase;
let it: World;
const handlers = new Map<string, HttpHandler>();

const SECRET = 's'.repeat(43);
const bearer = (id: string, secret = SECRET): Readonly<Record<string, string>> => ({ authorization: `Bearer slc_${id}.${secret}` });

beforeAll(async () => {
  database = await startTestDatabase();
  for (const resource of ['runs', 'jobs', 'metrics', 'patterns', 'templates']) handlers.set(resource, await handlerOf(resource));
  it = await world(database);
  const tokens: Readonly<Record<string, readonly Scope[]>> = {
    reader: ['runs:read'],
    writer: ['runs:read', 'runs:write'],
    boss: ['admin'],
  };
  for (const [id, scopes] of Object.entries(tokens))
    await it.ports.apiTokens.put({ id, name: `token of ${id}`, secretDigest: digestOfSecret(SECRET), scopes });
  // What these tests provoke is not worth a line each.
  vi.spyOn(log, 'error').mockImplementation(() => undefined);
});
beforeEach(() => {
  installPorts(it.ports);
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const RESOURCES: Readonly<Record<string, string>> = {
  '/streamsets': 'runs',
  '/v1/runs': 'runs',
  '/v1/jobs': 'jobs',
  '/v1/metrics': 'metrics',
  '/v1/patterns': 'patterns',
  '/v1/templates': 'templates',
};

/** As the boss, unless the headers say otherwise. */
function ask(routeKey: string, { headers = {}, ...rest }: Call = {}): Promise<Answer> {
  const [, resource] = Object.entries(RESOURCES).find(([prefix]) => routeKey.includes(` ${prefix}`)) ?? [];
  const handler = handlers.get(resource ?? '');
  if (!handler) throw new Error(`no handler for ${routeKey}`);
  return call(handler, routeKey, { ...rest, headers: 'authorization' in headers ? headers : { ...bearer('boss'), ...headers } });
}

let names = 0;
const runBody = (change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  'user-id': 'ada',
  'user-run-id': `r${(names += 1)}`,
  'source-type': 'http',
  'target-type': 'gcs',
  'runtime-parameters': [{ SECONDS: 1 }],
  ...change,
});
const start = (body: unknown, more: Call = {}): Promise<Answer> => ask('POST /v1/runs', { ...more, body });
const pointers = ({ body }: Answer): readonly string[] => (body.errors ?? []).map(({ pointer }) => pointer);

describe('who calls', () => {
  test('without a good token is answered alike, whatever is wrong with it', async () => {
    const bad: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['none', { authorization: '' }],
      ['no bearer', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }],
      ['malformed', { authorization: 'Bearer nonsense' }],
      ['an id without a secret', { authorization: 'Bearer slc_reader' }],
      ['a wrong secret', bearer('reader', 'x'.repeat(43))],
      ['an empty secret', bearer('reader', '')],
      ['an unknown id', bearer('nobody')],
      ['an id with a key in it', bearer('reader#')],
      ['two tokens', { authorization: `Bearer slc_nobody.${SECRET} Bearer slc_reader.${SECRET}` }],
    ];
    const answers = await Promise.all(bad.map(async ([what, headers]) => [what, await ask('GET /v1/runs', { headers })] as const));
    const [, first] = answers[0] ?? [];
    for (const [what, answer] of answers) {
      expect([what, answer.status, answer.headers['www-authenticate']]).toEqual([what, 401, 'Bearer']);
      expect([what, answer]).toEqual([what, first]);
    }
  });

  test('with a token of another scope is told which one is needed', async () => {
    const answer = await start(runBody(), { headers: bearer('reader') });
    expect(answer).toMatchObject({ status: 403, body: { type: '/problems/not-allowed' } });
    expect(answer.body['detail']).toContain('runs:write');
    const put = { body: { 'template-id': 'tmpl_sleep' }, path: { sourceType: 'a', targetType: 'b' }, headers: bearer('writer') };
    expect((await ask('PUT /v1/patterns/{sourceType}/{targetType}', put)).status).toBe(403);
  });

  test('with the scope it needs is served, and is written down as who asked', async () => {
    expect((await ask('GET /v1/runs', { headers: bearer('reader') })).status).toBe(200);
    const started = await start(runBody(), { headers: bearer('writer') });
    expect(started.status).toBe(202);
    const run = await ask('GET /v1/runs/{runId}', { path: { runId: String(started.body['run-id']) } });
    expect(run.body['requested-by']).toBe('token of writer');
  });

  test('is asked before the body is looked at', async () => {
    expect((await start('not JSON', { headers: { authorization: '' } })).status).toBe(401);
  });
});

describe('a body', () => {
  test.each([
    ['text/plain', 415],
    ['', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonp', 415],
    ['application/json', 202],
    ['application/json; charset=utf-8', 202],
    ['Application/JSON', 202],
    ['application/vnd.sluice+json', 202],
  ])('of the type "%s" is answered by %i', async (type, status) => {
    expect((await start(runBody(), { headers: { 'content-type': type } })).status).toBe(status);
  });

  test.each(['', '{', '{"a":}', 'undefined', "{'a': 1}"])('that is not JSON is told: %s', async (text) => {
    expect(await ask('POST /v1/runs', { body: text, headers: { 'content-type': 'application/json' } })).toMatchObject({
      status: 400,
      body: { type: '/problems/malformed-request' },
    });
  });

  test.each(['null', '[]', '7', '"text"'])('that is no object is told: %s', async (text) => {
    expect((await start(text)).status).toBe(400);
  });

  test('may have 4 MB and not a byte more, however it is encoded', async () => {
    const padded = (bytes: number): string => {
      const body = JSON.stringify(runBody({ note: '' }));
      return body.replace(
        '"note":""',
        `"note":"${'é'.repeat(Math.floor((bytes - body.length) / 2))}${'x'.repeat((bytes - body.length) % 2)}"`,
      );
    };
    expect(Buffer.byteLength(padded(BODY_BYTES))).toBe(4 * 1024 * 1024);
    expect((await start(padded(BODY_BYTES))).status).toBe(202);
    expect(await start(padded(BODY_BYTES + 1))).toMatchObject({ status: 413, body: { type: '/problems/request-too-large' } });
    expect((await start(padded(BODY_BYTES + 1), { base64: true })).status).toBe(413);
  });

  test('in base64 is read as what it encodes', async () => {
    const answer = await start(runBody({ 'user-run-id': 'ünïcode ☃' }), { base64: true });
    expect(answer).toMatchObject({ status: 202, body: { 'user-run-id': 'ünïcode ☃' } });
  });
});

describe('a request to start a run', () => {
  test('is answered by its ids in the order of the sets, and by links that lead on', async () => {
    const answer = await start(runBody({ 'runtime-parameters': [{ A: 1 }, { A: 2 }] }));
    const id = String(answer.body['run-id']);
    expect(answer.headers['location']).toBe(`/v1/runs/${id}`);
    expect(answer.body).toMatchObject({
      status: 'OK',
      state: 'ACCEPTED',
      'job-ids': [`job_${id.slice(4)}_00000`, `job_${id.slice(4)}_00001`],
    });
    const job = await ask('GET /v1/jobs/{jobId}', { path: { jobId: `job_${id.slice(4)}_00001` } });
    expect(job).toMatchObject({ status: 200, body: { state: 'CREATED', index: 1, parameters: { A: { value: 2, origin: 'caller' } } } });
  });

  test("on the original's path is answered by 200 and the original's words", async () => {
    expect(await ask('POST /streamsets/job-template-runner', { body: runBody() })).toMatchObject({ status: 200, body: { status: 'OK' } });
  });

  test('that is repeated is the same run, and with another body is refused', async () => {
    const body = runBody();
    const first = await start(body);
    expect(await start(body)).toMatchObject({ status: 200, body: { 'run-id': first.body['run-id'] } });
    expect(await start({ ...body, 'target-type': 'nowhere' })).toMatchObject({ status: 422, body: { type: '/problems/key-reused' } });
  });

  test.each([
    ['without a field', { 'user-run-id': undefined }, '/user-run-id'],
    ['with an empty field', { 'user-id': '' }, '/user-id'],
    ['with a number for a name', { 'source-type': 7 }, '/source-type'],
    ['with a name of 257 characters', { 'target-type': 'x'.repeat(257) }, '/target-type'],
    ['with half a character in a name', { 'user-id': 'a\ud800' }, '/user-id'],
    ['without sets', { 'runtime-parameters': undefined }, '/runtime-parameters'],
    ['with no set', { 'runtime-parameters': [] }, '/runtime-parameters'],
    ['with sets that are no list', { 'runtime-parameters': { 0: {} } }, '/runtime-parameters'],
    ['with more sets than allowed', { 'runtime-parameters': Array.from({ length: SETS + 1 }, () => ({})) }, '/runtime-parameters'],
    ['with a set that is no object', { 'runtime-parameters': [{}, []] }, '/runtime-parameters/1'],
    ['with a set that is null', { 'runtime-parameters': [null] }, '/runtime-parameters/0'],
    [
      'with a set of more than 64 KB',
      { 'runtime-parameters': [{ A: 'x'.repeat(30_000), B: 'x'.repeat(30_000), C: 'x'.repeat(9_000) }] },
      '/runtime-parameters/0',
    ],
    ['with a value of more than 32 KB', { 'runtime-parameters': [{ 'A/B': 'x'.repeat(32 * 1024) }] }, '/runtime-parameters/0/A~1B'],
    ['with a value of fewer characters, but more bytes', { 'runtime-parameters': [{ A: '☃'.repeat(11_000) }] }, '/runtime-parameters/0/A'],
    [
      'with a set of fewer characters, but more bytes',
      { 'runtime-parameters': [{ A: '☃'.repeat(10_000), B: '☃'.repeat(10_000), C: '☃'.repeat(2_000) }] },
      '/runtime-parameters/0',
    ],
  ])('%s is told where', async (_, change, pointer) => {
    const answer = await start(runBody(change));
    expect(answer).toMatchObject({ status: 400, body: { type: '/problems/invalid-request' } });
    expect(pointers(answer)).toEqual([pointer]);
  });

  test('with ten thousand sets is accepted', async () => {
    const answer = await start(runBody({ 'runtime-parameters': Array.from({ length: SETS }, (_, index) => ({ INDEX: index })) }));
    expect(answer.status).toBe(202);
    expect(answer.body['job-ids']).toHaveLength(SETS);
  });

  test('for a pair without a pattern, with quotes in it, is told the pairs that there are', async () => {
    const answer = await start(runBody({ 'source-type': "zzz' or '1'='1" }));
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/no-pattern' } });
    expect(answer.body['detail']).toContain('http to gcs');
    expect(pointers(answer)).toEqual(['/source-type', '/target-type']);
  });

  test('whose values are half characters is refused, and told where', async () => {
    const answer = await start(
      '{"user-id":"u","user-run-id":"half","source-type":"http","target-type":"gcs","runtime-parameters":[{"A":"\\ud800"}]}',
    );
    expect(answer.status).toBe(400);
    expect(pointers(answer)).toEqual(['/runtime-parameters/0/A']);
  });
});

describe('reading', () => {
  test.each([
    ['GET /v1/runs/{runId}', { runId: 'plan' }],
    ['GET /v1/runs/{runId}', { runId: 'run_01K00000000000000000000009' }],
    ['GET /v1/runs/{runId}', { runId: 'RUN#x/../y' }],
    ['GET /v1/runs/{runId}/jobs', { runId: 'run_01K00000000000000000000009' }],
    ['GET /v1/jobs/{jobId}', { jobId: 'job_01K00000000000000000000009_00000' }],
    ['GET /v1/jobs/{jobId}', { jobId: 'x' }],
    ['GET /v1/jobs/{jobId}/history', { jobId: 'job_01K00000000000000000000009_00000' }],
    ['GET /v1/templates/{templateId}', { templateId: 'tmpl_absent' }],
    ['GET /v1/templates/{templateId}', { templateId: '☃' }],
    ['GET /v1/templates/{templateId}/versions/{version}', { templateId: 'tmpl_sleep', version: '2' }],
    ['GET /v1/templates/{templateId}/versions/{version}', { templateId: 'tmpl_sleep', version: 'x' }],
    ['GET /v1/patterns/{sourceType}/{targetType}', { sourceType: 'a', targetType: 'b' }],
    ['DELETE /v1/runs/{runId}', { runId: 'x' }],
  ])('what is not there is not found: %s %o', async (routeKey, path) => {
    expect(await ask(routeKey, { path })).toMatchObject({ status: 404, body: { type: '/problems/not-found' } });
  });

  test.each(['0', '501', '-1', '1.5', 'many', '', '1e2', '00501', '９'])('a list with the limit "%s" is refused', async (limit) => {
    for (const routeKey of ['GET /v1/runs', 'GET /v1/patterns', 'GET /v1/templates']) {
      const answer = await ask(routeKey, { query: { limit } });
      expect(answer.status).toBe(400);
      expect(pointers(answer)).toEqual(['limit']);
    }
  });

  test('a cursor of another list is refused, and one of this list goes on where it stopped', async () => {
    const userId = 'somebody with three runs';
    for (const _ of [1, 2, 3]) await start(runBody({ 'user-id': userId }));
    const first = await ask('GET /v1/runs', { query: { limit: '2', 'user-id': userId } });
    const cursor = String(first.body['next-cursor']);
    const second = await ask('GET /v1/runs', { query: { limit: '2', 'user-id': userId, cursor } });
    const ids = [first, second].flatMap(({ body }) =>
      (body['items'] as readonly { readonly 'run-id': string }[]).map((run) => run['run-id']),
    );
    expect(new Set(ids).size).toBe(3);
    for (const query of [{ cursor }, { cursor: 'x', 'user-id': userId }])
      expect(await ask('GET /v1/runs', { query })).toMatchObject({ status: 400, body: { type: '/problems/malformed-cursor' } });
  });

  test('metrics without the name of a run are refused, and of an unknown one are none', async () => {
    expect(pointers(await ask('GET /v1/metrics'))).toEqual(['user-run-id']);
    expect(await ask('GET /v1/metrics', { query: { 'user-run-id': 'unheard of' } })).toMatchObject({ status: 200, body: { items: [] } });
  });
});

describe('the catalog', () => {
  const template = (change: object = {}): object => ({ name: 'Sleep', engine: 'sleep', ...change });
  const put = (templateId: string, body: unknown): Promise<Answer> => ask('PUT /v1/templates/{templateId}', { path: { templateId }, body });

  test('a template is created, is unchanged by the same body, and gets a version by another', async () => {
    expect(await put('tmpl_versions', template())).toMatchObject({ status: 201, headers: { etag: '"1"', 'sluice-change': 'created' } });
    expect(await put('tmpl_versions', template())).toMatchObject({ status: 200, headers: { etag: '"1"', 'sluice-change': 'unchanged' } });
    expect(await put('tmpl_versions', template({ overridable: ['A'] }))).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const first = await ask('GET /v1/templates/{templateId}/versions/{version}', { path: { templateId: 'tmpl_versions', version: '1' } });
    expect(first.body).toMatchObject({ version: 1, overridable: [] });
  });

  test('a template that cannot be used is told everything that is wrong with it', async () => {
    const answer = await put('tmpl_bad', template({ engine: 'nosuch', 'parameters-schema': { type: 'objekt' } }));
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/invalid-template' } });
    expect(pointers(answer)).toEqual(expect.arrayContaining(['/engine', '/parameters-schema/type']));
  });

  test('a misspelt key is told, not ignored', async () => {
    const answer = await put('tmpl_misspelt', template({ overidable: [] }));
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body.errors)).toContain('overidable');
  });

  test('a pattern of a template that is not there is refused', async () => {
    const path = { sourceType: 'a', targetType: 'b/c' };
    for (const id of ['tmpl_absent', 'nonsense'])
      expect((await ask('PUT /v1/patterns/{sourceType}/{targetType}', { path, body: { 'template-id': id } })).status).toBe(422);
    expect((await ask('PUT /v1/patterns/{sourceType}/{targetType}', { path, body: { 'template-id': 'tmpl_sleep' } })).status).toBe(201);
    expect((await ask('GET /v1/patterns/{sourceType}/{targetType}', { path })).body).toMatchObject({ 'target-type': 'b/c' });
  });
});

describe('what goes wrong inside', () => {
  const failing = (error: Error): Ports => ({
    ...it.ports,
    runs: { ...it.ports.runs, list: () => Promise.reject(error) },
  });

  test('and may heal is answered by 503 and when to come again', async () => {
    installPorts(failing(new Fault('StoreBusy', 'the table is busy')));
    expect(await ask('GET /v1/runs')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2', 'content-type': 'application/problem+json; charset=utf-8' },
      body: { type: '/problems/unavailable', 'request-id': REQUEST_ID },
    });
  });

  test.each([
    ['a fault that cannot heal', new Fault('CorruptItem', 'the item RUN#secret is not what it was')],
    ['an error of anybody', new TypeError("Cannot read properties of undefined (reading 'secret')")],
  ])('and cannot heal is answered by 500 without its message: %s', async (_, error) => {
    installPorts(failing(error));
    const answer = await ask('GET /v1/runs');
    expect(answer).toMatchObject({ status: 500, body: { type: '/problems/fault', 'request-id': REQUEST_ID } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(answer.body).not.toHaveProperty('stack');
  });

  test('is logged with its cause, under the request id that the caller got', async () => {
    const logged = vi.spyOn(log, 'error');
    logged.mockClear();
    const error = new TypeError('the cause');
    installPorts(failing(error));
    await ask('GET /v1/runs');
    expect(logged).toHaveBeenCalledWith('request failed', { requestId: REQUEST_ID, routeKey: 'GET /v1/runs', error });
  });

  test('while it looks for the token is a fault as well, never a welcome', async () => {
    installPorts({ ...it.ports, apiTokens: { ...it.ports.apiTokens, find: () => Promise.reject(new Fault('StoreBusy', 'busy')) } });
    expect((await ask('GET /v1/runs')).status).toBe(503);
  });
});
