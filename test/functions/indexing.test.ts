/** `index` as an event: it is carried out at once where that is quick, and by the sweep of every minute where it is not. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { directoryArchives } from '#adapters/archives/directory';
import { Fault } from '#domain/faults';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import type { Archives } from '#operations/archive-ports';
import type { Ports } from '#operations/ports';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { apiOf, type Api } from './api.ts';
import { handlerOf, type Answer } from './http-call.ts';
import { reporting, type Registered, type Reporting } from './reporting.ts';

let database: TestDatabase;
let it: World;
let api: Api;
let jobs: Reporting;
let root: string;

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  it = await world(database);
  root = mkdtempSync(join(tmpdir(), 'sluice-indexing-'));
  install();
  api = await apiOf(it);
  jobs = reporting(api);
  vi.spyOn(log, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.restoreAllMocks();
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const install = (archives: Partial<Archives> = {}, ports: Partial<Ports> = {}): void => {
  installPorts({ ...it.ports, ...ports, archives: { ...directoryArchives(root), ...archives } });
};

interface Archived extends Registered {
  readonly folder: string;
}

/** With these files, and finished. */
async function finished(files: readonly string[], body: object = {}): Promise<Archived> {
  const job = await jobs.registered({ pipeline: 'nightly', data: { at: performance.now() }, ...body });
  const { body: view } = await jobs.view(job);
  const archived = { ...job, folder: join(root, String(view['archive-path'])) };
  for (const name of ['run', 'finish']) await jobs.send(job, { name });
  for (const file of files) {
    mkdirSync(dirname(join(archived.folder, file)), { recursive: true });
    writeFileSync(join(archived.folder, file), 'x');
  }
  return archived;
}

const sendIndex = (job: Registered, more: object = {}): Promise<Answer> => jobs.send(job, { name: 'index', ...more });
const outputs = async (job: Registered): Promise<readonly string[]> => {
  const { body } = await api.ask('GET /v1/jobs/{jobId}/outputs', { path: { jobId: job.id } });
  return (body['items'] as readonly { readonly key: string }[]).map(({ key }) => key);
};
const stateOf = async (job: Registered): Promise<unknown> => (await jobs.view(job)).body['state'];
const events = async (job: Registered): Promise<readonly unknown[]> => (await jobs.history(job)).map(({ name }) => name);
const last = async (job: Registered): Promise<Readonly<Record<string, unknown>> | undefined> => (await jobs.history(job)).at(-1);
const sweep = async (): Promise<unknown> => {
  const handler = (await handlerOf('../event/sweep-jobs')) as unknown as (event: unknown) => Promise<{ readonly findings: number }>;
  return (await handler({})).findings;
};
async function sweptFor(minutes: number): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    it.advance(60);
    found.push(await sweep());
  }
  return found;
}
const died = (): never => {
  throw new Error('the process has died');
};

describe('the event index', () => {
  test('lists what lies in the archive, records it and sends indexed; the answer is the state after the event', async () => {
    const job = await finished(['a.csv', 'deep/b.csv', 'c.txt'], { 'archive-patterns': ['csv'] });
    expect(await sendIndex(job)).toMatchObject({ status: 200, body: { state: 'INDEXING', sequence: 4 } });
    expect([await stateOf(job), await outputs(job)]).toEqual(['FINISHED', ['a.csv', 'deep/b.csv']]);
    expect(await events(job)).toEqual(['create', 'run', 'finish', 'index', 'indexed']);
    expect(await last(job)).toMatchObject({ actor: `job token ${job.tokenId}`, data: { outputs: 2, 'size-bytes': 2 } });
    expect(await sweptFor(3)).toEqual([0, 0, 0]);
  });

  test('does so as a callback, which can only name it', async () => {
    const job = await finished(['a']);
    expect((await jobs.callBack(job, { event: 'index' })).status).toBe(200);
    expect([await stateOf(job), await outputs(job)]).toEqual(['FINISHED', ['a']]);
  });

  test('sent again under its id is answered alike, and indexes nothing', async () => {
    const job = await finished(['a']);
    const first = await sendIndex(job, { id: 'once' });
    writeFileSync(join(job.folder, 'b'), 'x');
    expect((await sendIndex(job, { id: 'once' })).body).toEqual(first.body);
    expect([await stateOf(job), await outputs(job)]).toEqual(['FINISHED', ['a']]);
  });

  test('may name patterns; those that are none leave it in INDEXING with the reason', async () => {
    const job = await finished(['a', 'b']);
    await sendIndex(job, { data: { patterns: ['b'] } });
    expect(await outputs(job)).toEqual(['b']);
    await sendIndex(job, { data: { patterns: ['(b'] } });
    expect([await stateOf(job), await last(job)]).toMatchObject([
      'INDEXING',
      { name: 'update', data: { 'index-failed': expect.stringContaining('(b') as string } },
    ]);
    expect(await sweptFor(3)).toEqual([0, 0, 0]);
  });

  test('without archives moves the state alone, for whoever indexes elsewhere', async () => {
    installPorts(it.ports);
    const job = await finished([]);
    expect((await sendIndex(job)).body).toMatchObject({ state: 'INDEXING' });
    expect([await sweptFor(3), await events(job)]).toEqual([
      [0, 0, 0],
      ['create', 'run', 'finish', 'index'],
    ]);
    expect((await jobs.send(job, { name: 'indexed' })).body).toMatchObject({ state: 'FINISHED' });
  });
});

describe('an indexing that its sender’s request did not bring to its end', () => {
  test('because the process died is begun anew by the sweep, a minute after and not before', async () => {
    const job = await finished(['a', 'b'], { 'archive-patterns': ['a'] });
    install({ files: died });
    expect((await sendIndex(job)).body).toMatchObject({ state: 'INDEXING' });
    install();
    it.advance(59);
    expect([await sweep(), await stateOf(job)]).toEqual([0, 'INDEXING']);
    it.advance(1);
    expect((await api.ask('GET /v1/sweep')).body['findings']).toMatchObject([{ kind: 'job-not-indexed', 'job-id': job.id }]);
    expect([await sweep(), await stateOf(job), await outputs(job)]).toEqual([1, 'FINISHED', ['a']]);
    const history = await jobs.history(job);
    expect(history.slice(-2)).toMatchObject([
      { name: 'index', actor: 'sluice', data: { try: 2 } },
      { name: 'indexed', actor: 'sluice', data: { outputs: 1 } },
    ]);
    expect(await sweptFor(8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test.each(['put', 'publish'] as const)('because it died after %s leaves nothing of that behind', async (method) => {
    const job = await finished(['a', 'b']);
    const { jobOutputs } = it.ports;
    const dying = {
      put: { put: (...given: Parameters<typeof jobOutputs.put>) => jobOutputs.put(...given).then(died) },
      publish: { publish: (...given: Parameters<typeof jobOutputs.publish>) => jobOutputs.publish(...given).then(died) },
    };
    install({}, { jobOutputs: { ...jobOutputs, ...dying[method] } });
    await sendIndex(job);
    install();
    rmSync(join(job.folder, 'a'));
    expect([await sweptFor(1), await stateOf(job), await outputs(job)]).toEqual([[1], 'FINISHED', ['b']]);
    const { items } = await it.table.query({ pk: `JOB#${job.id}`, prefix: 'OUTPUT#', consistent: true });
    expect(items).toHaveLength(1);
  });

  test('because it takes more than a few seconds is answered all the same, and done by the sweep', async () => {
    const job = await finished(['a', 'b']);
    const real = directoryArchives(root);
    install({
      async *files(path) {
        for await (const file of real.files(path)) {
          it.advance(2);
          yield file;
        }
      },
    });
    expect((await sendIndex(job)).body).toMatchObject({ state: 'INDEXING' });
    expect([await stateOf(job), await outputs(job)]).toEqual(['INDEXING', []]);
    expect([await sweptFor(1), await stateOf(job), await outputs(job)]).toEqual([[1], 'FINISHED', ['a', 'b']]);
  });

  test('because the store does not answer is answered all the same, and done by the sweep', async () => {
    const job = await finished(['a']);
    install({ checksum: () => new Promise(() => undefined) });
    expect((await sendIndex(job)).body).toMatchObject({ state: 'INDEXING' });
    install();
    expect([await sweptFor(1), await stateOf(job), await outputs(job)]).toEqual([[1], 'FINISHED', ['a']]);
  }, 15_000);

  test('of POST …/index is answered by 202, and done by the sweep', async () => {
    const job = await finished(['a']);
    const real = directoryArchives(root);
    install({
      async *files(path) {
        it.advance(25);
        yield* real.files(path);
      },
    });
    const answer = await api.ask('POST /v1/jobs/{jobId}/index', { path: { jobId: job.id }, body: { patterns: ['a'] } });
    expect(answer).toMatchObject({ status: 202, body: { 'job-id': job.id, state: 'INDEXING' } });
    expect([await sweptFor(1), await stateOf(job), await outputs(job)]).toEqual([[1], 'FINISHED', ['a']]);
  });

  test('is begun by one of two sweeps', async () => {
    const job = await finished(['a']);
    install({ files: died });
    await sendIndex(job);
    install();
    it.advance(60);
    await Promise.all([sweep(), sweep()]);
    expect(await events(job)).toEqual(['create', 'run', 'finish', 'index', 'index', 'indexed']);
  });

  test('is no silence of the job’s', async () => {
    const job = await finished(['a'], { 'expect-update-within-seconds': 20 });
    install({ files: died });
    await sendIndex(job);
    install();
    expect([await sweptFor(1), await stateOf(job)]).toEqual([[1], 'FINISHED']);
  });

  test('is left alone once somebody else has moved the job', async () => {
    const job = await finished(['a']);
    install({ files: died });
    await sendIndex(job);
    await jobs.send(job, { name: 'indexed' });
    install();
    expect([await sweptFor(3), await stateOf(job), await outputs(job)]).toEqual([[0, 0, 0], 'FINISHED', []]);
  });
});

describe('an indexing that fails', () => {
  test('because the archive does not answer says so, and is tried again ever later, until it succeeds', async () => {
    const job = await finished(['a']);
    install({ files: () => failing(new Fault('ArchiveUnavailable', 'the bucket did not answer')) });
    expect((await sendIndex(job)).status).toBe(200);
    expect([await stateOf(job), await last(job)]).toMatchObject([
      'INDEXING',
      { name: 'update', data: { 'index-failed': 'the bucket did not answer', 'tried-again-at': '2026-01-01T00:01:00.000Z' } },
    ]);
    expect(await sweptFor(3)).toEqual([1, 0, 1]);
    install();
    expect([await sweptFor(4), await stateOf(job), await outputs(job)]).toEqual([[0, 0, 0, 1], 'FINISHED', ['a']]);
  });

  test('every time is given up after five, and begun anew when it is asked for', async () => {
    const job = await finished(['a']);
    install({ files: () => failing(new Fault('ArchiveUnavailable', 'the bucket did not answer')) });
    await sendIndex(job);
    await sweptFor(30);
    expect((await events(job)).filter((name) => name === 'index')).toHaveLength(5);
    expect((await last(job))?.['data']).toEqual({ 'index-failed': 'the bucket did not answer' });
    install();
    expect([await sweptFor(2), await stateOf(job)]).toEqual([[0, 0], 'INDEXING']);
    await sendIndex(job);
    expect([await stateOf(job), await outputs(job)]).toEqual(['FINISHED', ['a']]);
  });

  test('by dying every time ends with that as its reason', async () => {
    const job = await finished(['a']);
    install({ files: died });
    await sendIndex(job);
    await sweptFor(40);
    expect((await events(job)).filter((name) => name === 'index')).toHaveLength(5);
    expect([await stateOf(job), await last(job)]).toMatchObject([
      'INDEXING',
      { actor: 'sluice', data: { 'index-failed': 'it was begun 5 times, and came to no end' } },
    ]);
    expect(await sweptFor(2)).toEqual([0, 0]);
  });

  test('because it is too big for any sweep ends with that as its reason, after one', async () => {
    const job = await finished(['a', 'b', 'c']);
    const real = directoryArchives(root);
    install({
      async *files(path) {
        for await (const file of real.files(path)) {
          it.advance(100);
          yield file;
        }
      },
    });
    await sendIndex(job);
    expect(await sweep()).toBe(1);
    expect([await stateOf(job), await last(job)]).toMatchObject([
      'INDEXING',
      { data: { 'index-failed': 'it took longer than 200 s: leave fewer files below its archive path' } },
    ]);
    expect(await sweptFor(8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await outputs(job)).toEqual([]);
  });

  test('because the archive may not be read is not tried again until it is asked for', async () => {
    const job = await finished([]);
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(dirname(job.folder), { recursive: true });
    symlinkSync(elsewhere, job.folder);
    expect((await sendIndex(job)).status).toBe(200);
    expect(await last(job)).toMatchObject({ name: 'update', data: { 'index-failed': expect.stringContaining('link') as string } });
    rmSync(job.folder);
    expect([await sweptFor(3), await stateOf(job)]).toEqual([[0, 0, 0], 'INDEXING']);
    await sendIndex(job);
    expect(await stateOf(job)).toBe('FINISHED');
  });
});

test('the event reset moves the state alone, and removes nothing', async () => {
  const job = await finished(['a']);
  expect((await jobs.command(job, 'reset')).body).toMatchObject({ state: 'RESET' });
  expect([await sweptFor(2), await stateOf(job), existsSync(join(job.folder, 'a'))]).toEqual([[0, 0], 'RESET', true]);
});

/** A listing that fails at its first file. */
function failing(fault: Fault): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(fault) }) };
}
