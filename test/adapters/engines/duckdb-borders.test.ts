import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { copyJob, duckdbFixture } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';

let fixture: DuckdbFixture;
beforeAll(async () => {
  fixture = await duckdbFixture();
  fixture.input('in.csv', 'id\n1\n');
  mkdirSync(path.join(fixture.root, 'outside'));
  writeFileSync(path.join(fixture.root, 'outside/secret.csv'), 'secret\n42\n');
  symlinkSync(path.join(fixture.root, 'outside'), path.join(fixture.root, 'in/link'));
  symlinkSync(path.join(fixture.root, 'outside'), path.join(fixture.root, 'out/link'));
  symlinkSync(path.join(fixture.root, 'nowhere'), path.join(fixture.root, 'out/dangling'));
  symlinkSync(path.join(fixture.root, 'outside/planted.csv'), path.join(fixture.root, 'out/planted.csv'));
});
afterAll(() => fixture.close());

describe('paths', () => {
  test.each([
    '../outside/x.csv',
    'a/../../outside/x.csv',
    '/etc/sluice-test.csv',
    'link/x.csv',
    'link/deep/x.csv',
    'dangling/x.csv',
    '..',
    '.',
    '',
    'folder/',
    'nul\0.csv',
    '.sluice/x.csv',
    '..\\x.csv',
  ])('a target path cannot leave the output root: %j', async (target) => {
    const { status, metrics } = await fixture.run(copyJob('csv', { SOURCE: 'in.csv', TARGET: target }));
    expect(status?.state).toBe('failed');
    expect(status?.message).toMatch(/^\$TARGET: /);
    expect(metrics?.outputRecordCount).toBe(0);
    expect(existsSync(path.join(fixture.root, 'outside/x.csv'))).toBe(false);
  });

  test.each(['../outside/secret.csv', '/etc/passwd', 'link/secret.csv', 'link', '*.csv', '', 'in.csv\0', 'http://127.0.0.1/in.csv'])(
    'an input path cannot leave the input root: %j',
    async (source) => {
      const { status } = await fixture.run(copyJob('csv', { SOURCE: source, TARGET: 'stolen.csv' }));
      expect(status?.state).toBe('failed');
      expect(status?.message).toMatch(/^\$SOURCE: /);
      expect(existsSync(path.join(fixture.root, 'out/stolen.csv'))).toBe(false);
    },
  );

  test('a link in the place of the target is replaced and not followed', async () => {
    const { status } = await fixture.run(copyJob('csv', { SOURCE: 'in.csv', TARGET: 'planted.csv' }));
    expect(status?.state).toBe('succeeded');
    expect(existsSync(path.join(fixture.root, 'outside/planted.csv'))).toBe(false);
  });

  test('absolute paths under their roots are accepted, and reported relative to them', async () => {
    const parameters = { SOURCE: path.join(fixture.root, 'in/in.csv'), TARGET: path.join(fixture.root, 'out/a/b.csv') };
    expect((await fixture.run(copyJob('csv', parameters))).metrics?.outputs).toEqual(['a/b.csv']);
  });

  test('a missing input is named as the caller wrote it', async () => {
    const { status } = await fixture.run(copyJob('csv', { SOURCE: 'data/none.csv', TARGET: 'x.csv' }));
    expect(status).toEqual({ state: 'failed', message: '$SOURCE: there is no file data/none.csv' });
  });

  test("the messages of DuckDB do not tell where this machine's folders lie", async () => {
    fixture.input('broken.parquet', 'no parquet at all, but long enough for a footer');
    const { status } = await fixture.run(
      copyJob('csv', { SOURCE: 'broken.parquet', TARGET: 'x.csv' }, 'SELECT * FROM read_parquet($source)'),
    );
    expect(status?.message).toContain('broken.parquet');
    expect(status?.message).not.toContain(fixture.root);
  });
});

describe('the lock-down of SQL', () => {
  const OTHER = "SELECT * FROM read_csv('/etc/passwd')";
  test.each([
    ['another file', OTHER],
    ['a bound path', 'SELECT * FROM read_text($PASSWD)'],
    ['a folder of other files', "SELECT * FROM glob('/etc/*')"],
    ['the network', "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')"],
    ['a path through an allowed one', "SELECT * FROM read_text($source || '/../../outside/secret.csv')"],
    ['a file by its name as a table', "SELECT * FROM '/etc/passwd'"],
    ['environment variables', "SELECT getenv('PATH')"],
  ])('a stage does not reach %s', async (_, read) => {
    const { status } = await fixture.run(copyJob('csv', { SOURCE: 'in.csv', TARGET: 'stolen.csv', PASSWD: '/etc/passwd' }, read));
    expect(status?.state).toBe('failed');
    expect(status?.message).toMatch(/^(Permission|Catalog|Binder) Error: /);
    expect(existsSync(path.join(fixture.root, 'out/stolen.csv'))).toBe(false);
  });

  test.each([
    'SET enable_external_access = true',
    "ATTACH '/tmp/x.db'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'PRAGMA threads = 1',
    "COPY (SELECT 1) TO '/tmp/x'",
    "EXPORT DATABASE '/tmp/x'",
    'CREATE TABLE a AS SELECT 1; CREATE TABLE b AS SELECT 1',
    '/* x */ CREATE /* y */ SECRET s (TYPE s3)',
    'CALL pragma_version()',
    'BEGIN',
  ])('a stage may not be %s', async (sql) => {
    const definition = { stages: [{ name: 'bad', sql }], target: { path: 'x.csv', sql: 'SELECT 1', format: 'csv' } };
    const problems = await fixture.engine.check(definition);
    expect(problems.map(({ pointer }) => pointer)).toEqual(['/stages/0/sql']);
    const ended = fixture.run({ definition, parameters: {} }).then(
      ({ status }) => status?.state,
      () => 'refused',
    );
    expect(await ended).toMatch(/refused|failed/);
  });

  test('a target query cannot close the brackets around it', async () => {
    const sql = `SELECT 1) TO '${fixture.root}/out/second.csv' (FORMAT csv); COPY (SELECT 2`;
    const definition = { target: { path: 'x.csv', sql, format: 'csv' } };
    expect(await fixture.engine.check(definition)).not.toEqual([]);
    expect((await fixture.run({ definition, parameters: {} })).status?.state).toBe('failed');
    expect(existsSync(path.join(fixture.root, 'out/second.csv'))).toBe(false);
  });
});

describe('fetching', () => {
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://x');
      if (pathname === '/redirect-out') response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
      else if (pathname === '/redirect') response.writeHead(302, { location: '/feed.json' }).end();
      else if (pathname === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (pathname === '/feed.json') response.end('[{"a":1}]');
      else if (pathname === '/large') response.end('x'.repeat(5_000));
      else if (pathname === '/broken') request.socket.destroy();
      else if (pathname !== '/silent') response.writeHead(503).end('busy');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const fetchJob = (url: string, limits: JsonObject = {}): Parameters<DuckdbFixture['run']>[0] => ({
    definition: {
      inputs: [{ name: 'feed', url: '$URL', 'allowed-hosts': ['127.0.0.1'], ...limits }],
      target: { path: 'feed.csv', sql: 'SELECT * FROM read_json($feed)', format: 'csv' },
    },
    parameters: { URL: url },
  });

  test('a redirect inside the allowed hosts is followed', async () => {
    expect((await fixture.run(fetchJob(`${base}/redirect`))).status).toEqual({ state: 'succeeded' });
  });

  test.each([
    ['a host that is not listed', () => 'http://localhost:1/x', /does not allow the host localhost:1/],
    ['a redirect to another host', () => `${base}/redirect-out`, /does not allow the host 169\.254\.169\.254/],
    ['a redirect without end', () => `${base}/loop`, /more than 5 redirects/],
    ['credentials in the URL', () => base.replace('//', '//me:pass@'), /may not hold credentials/],
    ['another scheme', () => 'file:///etc/passwd', /an http or https URL is expected/],
    ['what is no URL', () => 'nonsense', /an http or https URL is expected/],
    ['an answer other than 2xx', () => `${base}/busy?key=secret`, /\/busy answered 503$/],
    ['a broken connection', () => `${base}/broken?key=secret`, /\/broken could not be fetched: \w+/],
  ])('%s fails the job', async (_, url, message) => {
    const { status } = await fixture.run(fetchJob(url()));
    expect(status?.state).toBe('failed');
    expect(status?.message).toMatch(message);
    expect(status?.message).toMatch(/^\$URL: /);
    expect(status?.message).not.toMatch(/secret|pass@/);
  });

  test('a download has a largest size and a longest time', async () => {
    expect((await fixture.run(fetchJob(`${base}/large`, { 'max-bytes': 4_999 }))).status?.message).toContain('larger than 4999 bytes');
    expect((await fixture.run(fetchJob(`${base}/silent`, { 'timeout-seconds': 1 }))).status?.message).toContain('within 1 s');
  });

  test('a download can be stopped', async () => {
    const asked = new Promise((resolve) => server.once('request', resolve));
    const id = await fixture.start(fetchJob(`${base}/silent`));
    await asked;
    await fixture.engine.stop(id, { force: false });
    expect((await fixture.ended(id)).status).toEqual({ state: 'stopped' });
  });
});
