/** The API's description as its function serves it, by the local host's HTTP, out of the build. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localFunctions } from '#hosts/local/functions';
import { httpServer } from '#hosts/local/http-server';
import { readServiceMap } from '#hosts/local/service-map';

const service = readServiceMap('serverless.yml');
const app = pathToFileURL(`${process.cwd()}/.out/app/`);
const server = httpServer({
  routes: service.routes,
  functions: localFunctions(service, (path) => import(new URL(`${path}.js`, app).href) as Promise<unknown>),
  newRequestId: () => 'id',
  nowMs: () => 0,
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers });

test('the document is served as it was built, without a token, zipped for who takes it so', async () => {
  const answer = await get('/openapi.json');
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('content-encoding')]).toEqual([
    200,
    'application/json; charset=utf-8',
    'gzip',
  ]);
  const text = readFileSync('docs/openapi.json', 'utf8');
  expect(await answer.text()).toBe(text);
  expect(await (await get('/openapi.json', { 'accept-encoding': 'identity' })).text()).toBe(text);
});

test('a reader asks each time, and is told that he has it already', async () => {
  const { headers } = await get('/openapi.json');
  expect(headers.get('cache-control')).toBe('no-cache');
  const again = await get('/openapi.json', { 'if-none-match': headers.get('etag') ?? '' });
  expect([again.status, await again.text()]).toEqual([304, '']);
});
