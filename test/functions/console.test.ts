/** The console's files as its function serves them, by the local host's HTTP, out of the build. */
import { request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** The path as its bytes are given: fetch would mend it. */
function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes: Buffer.concat(parts) });
      });
    })
      .on('error', reject)
      .end();
  });
}

/** The files that the page names. */
async function named(): Promise<readonly string[]> {
  const html = (await get('/console/')).bytes.toString();
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
}

test('the page and what it names are there without a token', async () => {
  const page = await get('/console/');
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect((await get('/console/index.html')).bytes).toEqual(page.bytes);
  const files = await named();
  expect(files.map((file) => file.replace(/-[0-9A-Z]{8}/, '')).toSorted()).toEqual(['console.css', 'console.js', 'console.svg']);
  const types = await Promise.all(files.map(async (file) => (await get(`/console/${file}`)).headers['content-type']));
  expect(types.toSorted()).toEqual(['image/svg+xml', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8']);
});

test('without its slash it leads to the page, under whatever stage', async () => {
  const { status, headers } = await get('/console');
  expect([status, headers.location]).toEqual([302, 'console/index.html']);
});

describe('every answer', () => {
  test.each(['/console', '/console/', '/console/none.js'])('of %s forbids what the console does not need', async (path) => {
    const { headers } = await get(path);
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((part) => [part.split(' ')[0], part.split(' ').slice(1)]),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    for (const kind of ['script-src', 'style-src', 'connect-src']) expect(policy.get(kind)).toEqual(["'self'"]);
    for (const kind of ['form-action', 'frame-ancestors', 'base-uri']) expect(policy.get(kind)).toEqual(["'none'"]);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });

  test('the page itself has no script or style within, nor any other host', async () => {
    const html = (await get('/console/')).bytes.toString();
    expect([...html.matchAll(/<script[^>]*>([^]*?)<\/script>/g)].map(([, text]) => text)).toEqual(['']);
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|https?:\/\//);
  });
});

describe('caches', () => {
  test('keep what carries its hash for good, and ask again for the page', async () => {
    const page = await get('/console/');
    expect(page.headers['cache-control']).toBe('no-cache');
    const again = await get('/console/', { 'if-none-match': page.headers.etag ?? '' });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    for (const file of await named())
      expect((await get(`/console/${file}`)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('are told that who takes it zipped gets it so, and it is the same', async () => {
    for (const file of await named()) {
      const plain = await get(`/console/${file}`);
      const zipped = await get(`/console/${file}`, { 'accept-encoding': 'br, gzip' });
      const refused = await get(`/console/${file}`, { 'accept-encoding': 'gzip;q=0, identity' });
      expect([plain, zipped, refused].map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'gzip', undefined]);
      expect(gunzipSync(zipped.bytes)).toEqual(plain.bytes);
      expect(zipped.bytes.length).toBeLessThan(plain.bytes.length * (file.endsWith('.svg') ? 0.7 : 0.5));
      expect(zipped.headers.vary).toBe('accept-encoding');
    }
  });
});

test.each([
  '/console/none.js',
  '/console/../handler.js',
  '/console/%2e%2e/handler.js',
  '/console/..%2fhandler.js',
  '/console/..%5chandler.js',
  '/console/%2fetc%2fpasswd',
  '/console//etc/passwd',
  '/console/index.html/',
  '/console/index.html%00.js',
  '/console/__proto__',
  '/console/constructor',
])('there is nothing at %s, and nothing of it is told', async (path) => {
  const { status, bytes } = await get(path);
  expect(status).toBe(404);
  expect(JSON.parse(bytes.toString())).toMatchObject({ type: '/problems/not-found' });
});
