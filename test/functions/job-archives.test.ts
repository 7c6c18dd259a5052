/** Indexing, outputs and resetting of reported jobs, through the handlers, over archives in a directory. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { directoryArchives } from '#adapters/archives/directory';
import { Fault } from '#domain/faults';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import type { Archives } from '#operations/archive-ports';
import type { JobOutputStore } from '#operations/job-ports';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { apiOf, bearer, pointers, slug, type Api } from './api.ts';
import type { Answer } from './http-call.ts';
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
  root = mkdtempSync(join(tmpdir(), 'sluice-outputs-'));
  install();
  api = await apiOf(it);
  jobs = reporting(api);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.restoreAllMocks();
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const install = (change: Partial<Archives> = {}): void => {
  installPorts({ ...it.ports, archives: { ...directoryArchives(root), ...change } });
};

interface Archived extends Registered {
  readonly folder: string;
}

async function archived(body: object = {}): Promise<Archived> {
  const job = await jobs.registered({ pipeline: 'nightly', data: { at: performance.now() }, ...body });
  const { body: view } = await jobs.view(job);
  return { ...job, folder: join(root, String(view['archive-path'])) };
}
/** With these files, and finished. */
async function finished(files: readonly string[], body: object = {}): Promise<Archived> {
  const job = await archived(body);
  for (const name of ['run', 'finish']) await jobs.send(job, { name });
  write(job, files);
  return job;
}
function write(job: Archived, files: readonly string[], content = 'x'): void {
  for (const file of files) {
    mkdirSync(dirname(join(job.folder, file)), { recursive: true });
    writeFileSync(join(job.folder, file), content);
  }
}

const index = (job: Registered, body?: object, headers = {}): Promise<Answer> =>
  api.ask('POST /v1/jobs/{jobId}/index', { path: { jobId: job.id }, headers, ...(body ? { body } : {}) });
const reset = (job: Registered, body?: object): Promise<Answer> =>
  api.ask('POST /v1/jobs/{jobId}/reset', { path: { jobId: job.id }, ...(body ? { body } : {}) });
const outputs = (job: Registered, query: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  api.ask('GET /v1/jobs/{jobId}/outputs', { path: { jobId: job.id }, query });
const keysOf = ({ body }: Answer): readonly string[] => (body['items'] as readonly { readonly key: string }[]).map(({ key }) => key);
const stateOf = async (job: Registered): Promise<unknown> => (await jobs.view(job)).body['state'];
const events = async (job: Registered): Promise<readonly unknown[]> => (await jobs.history(job)).map(({ name }) => name);

const X = 'sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';

describe('indexing a job', () => {
  test('records what lies in its archive as its outputs, and sends index and indexed', async () => {
    const job = await finished(['a.csv', 'deep/er/b.csv']);
    const answer = await index(job);
    expect(answer).toMatchObject({ status: 200, body: { 'job-id': job.id, state: 'FINISHED', outputs: 2, 'size-bytes': 2 } });
    expect(await outputs(job)).toMatchObject({
      status: 200,
      body: {
        outputs: 2,
        'size-bytes': 2,
        'indexed-at': '2026-01-01T00:00:00.000Z',
        items: [
          { key: 'a.csv', 'size-bytes': 1, checksum: X },
          { key: 'deep/er/b.csv', 'size-bytes': 1, checksum: X },
        ],
      },
    });
    expect(await events(job)).toEqual(['create', 'run', 'finish', 'index', 'indexed']);
    expect((await jobs.history(job)).at(-1)).toMatchObject({ actor: 'token of boss', data: { outputs: 2, 'size-bytes': 2 } });
  });

  test('takes the files whose base name one of its patterns is found in, or one of those of the request', async () => {
    const files = ['a.csv', 'b.csv.gz', 'csv/c.txt', 'd.parquet'];
    const job = await finished(files, { 'archive-patterns': ['\\.csv$', '^d'] });
    await index(job);
    expect(keysOf(await outputs(job))).toEqual(['a.csv', 'd.parquet']);
    await index(job, { patterns: ['txt'] });
    expect(keysOf(await outputs(job))).toEqual(['csv/c.txt']);
    await index(job, { patterns: [] });
    expect(keysOf(await outputs(job))).toHaveLength(4);
    expect((await jobs.view(job)).body['archive-patterns']).toEqual(['\\.csv$', '^d']);
  });

  test('again is what is there now, in place of what was there before', async () => {
    const job = await finished(['a', 'b']);
    await index(job);
    rmSync(join(job.folder, 'a'));
    write(job, ['c']);
    expect(keysOf(await outputs(job))).toEqual(['a', 'b']);
    await index(job);
    expect(keysOf(await outputs(job))).toEqual(['b', 'c']);
  });

  test('of an empty archive, or of none, finds no outputs', async () => {
    const job = await finished([]);
    expect(await index(job)).toMatchObject({ status: 200, body: { outputs: 0 } });
    expect((await outputs(job)).body).toMatchObject({ items: [], outputs: 0, 'indexed-at': '2026-01-01T00:00:00.000Z' });
  });

  test('before it has finished is refused with what is allowed, and leaves no outputs', async () => {
    const job = await archived();
    write(job, ['a']);
    const answer = await index(job);
    expect([answer.status, slug(answer)]).toEqual([409, 'event-refused']);
    expect(answer.body).toMatchObject({ state: 'CREATED', 'allowed-events': ['create', 'run', 'update', 'resource', 'fail', 'reset'] });
    const { body } = await outputs(job);
    expect(body).toEqual({ items: [], outputs: 0, 'size-bytes': 0 });
  });

  test('that fails leaves it in INDEXING with the reason in its history, the outputs of before stay, and it can be repeated', async () => {
    const job = await finished(['a']);
    await index(job);
    write(job, ['b']);
    install({ checksum: () => Promise.reject(new Fault('ArchiveUnavailable', 'the bucket did not answer')) });
    const failed = await index(job);
    expect([failed.status, slug(failed), failed.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    expect(await stateOf(job)).toBe('INDEXING');
    expect((await jobs.history(job)).at(-1)).toMatchObject({ name: 'update', data: { 'index-failed': 'the bucket did not answer' } });
    expect(keysOf(await outputs(job))).toEqual(['a']);
    install();
    expect((await index(job)).status).toBe(200);
    expect([await stateOf(job), keysOf(await outputs(job))]).toEqual(['FINISHED', ['a', 'b']]);
  });

  test('whose archive leads elsewhere is refused, and reads nothing of it', async () => {
    const job = await archived();
    for (const name of ['run', 'finish']) await jobs.send(job, { name });
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'secret'), 'secret');
    mkdirSync(dirname(job.folder), { recursive: true });
    symlinkSync(elsewhere, job.folder);
    const answer = await index(job);
    expect([answer.status, slug(answer)]).toEqual([422, 'archive-refused']);
    expect([await stateOf(job), (await outputs(job)).body['items']]).toEqual(['INDEXING', []]);
  });

  test('that is killed at any write is done again from its beginning', async () => {
    vi.spyOn(log, 'error').mockImplementation(() => undefined);
    const { jobOutputs } = it.ports;
    const killed = (): never => {
      throw new Error('killed');
    };
    const killedAfter: Readonly<Record<string, Partial<JobOutputStore>>> = {
      put: { put: (...given) => jobOutputs.put(...given).then(killed) },
      publish: { publish: (...given) => jobOutputs.publish(...given).then(killed) },
    };
    for (const [method, killing] of Object.entries(killedAfter)) {
      const job = await finished(['a', 'b']);
      installPorts({ ...it.ports, archives: directoryArchives(root), jobOutputs: { ...jobOutputs, ...killing } });
      expect((await index(job)).status).toBe(500);
      expect(await stateOf(job)).toBe('INDEXING');
      rmSync(join(job.folder, 'a'));
      install();
      expect((await index(job)).status).toBe(200);
      expect([method, keysOf(await outputs(job))]).toEqual([method, ['b']]);
      const { items } = await it.table.query({ pk: `JOB#${job.id}`, prefix: 'OUTPUT#', consistent: true });
      expect(items).toHaveLength(1);
    }
  });

  test('while it is reset is told so, and its outputs are not those of the next attempt', async () => {
    const job = await finished(['a']);
    const real = directoryArchives(root);
    install({
      async *files(path) {
        yield* real.files(path);
        expect((await reset(job)).status).toBe(200);
      },
    });
    const answer = await index(job);
    expect([answer.status, slug(answer), answer.body['state']]).toEqual([409, 'event-refused', 'CREATED']);
    expect((await jobs.view(job)).body['attempt']).toBe(2);
    expect(keysOf(await outputs(job))).toEqual([]);
  });

  test('by two at once ends with the outputs of one of them', async () => {
    const job = await finished(['a', 'b']);
    const answers = await Promise.all([index(job), index(job, { patterns: ['a'] })]);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect([['a', 'b'], ['a']]).toContainEqual(keysOf(await outputs(job)));
  });

  test.each([
    [{ patterns: ['(a'] }, ['/patterns/0']],
    [{ patterns: ['a', '(?=b)'] }, ['/patterns/1']],
    [{ patterns: 'a' }, ['/patterns']],
    [{ patterns: Array.from({ length: 21 }, () => 'a') }, ['/patterns']],
    [{ pattern: 'a' }, ['']],
  ])('with %j is refused: %j', async (body, expected) => {
    const job = await finished(['a']);
    const answer = await index(job, body);
    expect([answer.status, pointers(answer)]).toEqual([400, expected]);
    expect(await stateOf(job)).toBe('FINISHED');
  });

  test('registering refuses a pattern that is none', async () => {
    const answer = await jobs.register({ pipeline: 'p', 'archive-patterns': ['ok', '(a)\\1'] });
    expect([answer.status, pointers(answer)]).toEqual([400, ['/archive-patterns/1']]);
  });

  test('needs jobs:report, its outputs runs:read, and a reset admin', async () => {
    const job = await finished(['a']);
    const as = (routeKey: string, who: 'reader' | 'writer'): Promise<Answer> =>
      api.ask(routeKey, { path: { jobId: job.id }, headers: bearer(who) });
    expect((await as('POST /v1/jobs/{jobId}/index', 'writer')).status).toBe(403);
    expect((await as('POST /v1/jobs/{jobId}/reset', 'writer')).status).toBe(403);
    expect((await as('GET /v1/jobs/{jobId}/outputs', 'reader')).status).toBe(200);
    // The token of the job opens its events, and not these.
    expect((await index(job, undefined, { authorization: `Bearer ${job.token}` })).status).toBe(401);
  });
});

test('outputs are listed in pages; a cursor ends with the indexing that it is of', async () => {
  const names = Array.from({ length: 7 }, (_, number) => `f${number}`);
  const job = await finished(names);
  await index(job);
  const first = await outputs(job, { limit: '3' });
  const second = await outputs(job, { limit: '3', cursor: String(first.body['next-cursor']) });
  const third = await outputs(job, { limit: '3', cursor: String(second.body['next-cursor']) });
  expect([first, second, third].flatMap(keysOf)).toEqual(names);
  expect(third.body['next-cursor']).toBeUndefined();
  await index(job);
  expect(slug(await outputs(job, { limit: '3', cursor: String(first.body['next-cursor']) }))).toBe('malformed-cursor');
});

describe('resetting a job', () => {
  test('removes what lies in its archive, and makes it ready for the next attempt', async () => {
    const job = await finished(['a', 'deep/b']);
    const other = await finished(['theirs']);
    await index(job);
    expect(await reset(job)).toMatchObject({ status: 200, body: { 'job-id': job.id, state: 'CREATED', 'files-removed': 2 } });
    expect(readdirSync(job.folder)).toEqual([]);
    expect(existsSync(join(other.folder, 'theirs'))).toBe(true);
    expect((await jobs.view(job)).body).toMatchObject({ state: 'CREATED', attempt: 2 });
    expect((await outputs(job)).body).toEqual({ items: [], outputs: 0, 'size-bytes': 0 });
    expect((await events(job)).slice(-2)).toEqual(['reset', 'ready']);
    expect((await jobs.history(job)).at(-1)).toMatchObject({ data: { 'files-removed': 2 } });
  });

  test('can keep the archive', async () => {
    const job = await finished(['a']);
    expect(await reset(job, { 'keep-archive': true })).toMatchObject({ status: 200, body: { state: 'CREATED', 'files-removed': 0 } });
    expect(readdirSync(job.folder)).toEqual(['a']);
  });

  test('that cannot empty the archive leaves the job in RESET with the reason, and can be repeated', async () => {
    const job = await finished(['a', 'b']);
    install({ clear: () => Promise.reject(new Fault('ArchiveUnavailable', 'the bucket did not answer')) });
    const failed = await reset(job);
    expect([failed.status, slug(failed)]).toEqual([503, 'unavailable']);
    expect(await stateOf(job)).toBe('RESET');
    expect((await jobs.history(job)).at(-1)?.['data']).toMatchObject({
      'reset-failed': expect.stringContaining('did not answer') as string,
    });
    install();
    expect(await reset(job)).toMatchObject({ status: 200, body: { state: 'CREATED', 'files-removed': 2 } });
    expect((await jobs.view(job)).body['attempt']).toBe(2);
  });

  test('that is killed half-way through is done again from its beginning', async () => {
    vi.spyOn(log, 'error').mockImplementation(() => undefined);
    const job = await finished(['a', 'b', 'c']);
    install({
      clear() {
        rmSync(join(job.folder, 'a'));
        return Promise.reject(new Error('killed'));
      },
    });
    expect((await reset(job)).status).toBe(500);
    expect(await stateOf(job)).toBe('RESET');
    install();
    expect(await reset(job)).toMatchObject({ status: 200, body: { 'files-removed': 2 } });
    expect([await stateOf(job), readdirSync(job.folder)]).toEqual(['CREATED', []]);
  });

  test('by two at once is done by the one that came last; the other touches nothing of the next attempt', async () => {
    const job = await finished(['a', 'deep/b', 'deep/er/c']);
    const real = directoryArchives(root);
    let isFirst = true;
    install({
      clear: (path, goesOn) =>
        real.clear(path, async () => {
          if (isFirst) {
            isFirst = false;
            expect((await reset(job)).body).toMatchObject({ state: 'CREATED', 'files-removed': 3 });
            write(job, ['a', 'deep/new']);
          }
          return (await goesOn?.()) ?? true;
        }),
    });
    const overtaken = await reset(job);
    expect([overtaken.status, slug(overtaken), overtaken.body['state']]).toEqual([409, 'event-refused', 'CREATED']);
    expect(await events(job)).toEqual(['create', 'run', 'finish', 'reset', 'reset', 'ready']);
    expect((await jobs.view(job)).body['attempt']).toBe(2);
    expect([existsSync(join(job.folder, 'a')), existsSync(join(job.folder, 'deep/new'))]).toEqual([true, true]);
  });

  test('that somebody overtakes in its last moment, after it has looked, neither makes the job ready nor takes it back', async () => {
    for (const outcome of ['empties', 'fails'] as const) {
      const job = await finished(['a']);
      const clear = (): Promise<number> => Promise.reject(new Fault('ArchiveUnavailable', 'the bucket did not answer'));
      let saves = 0;
      const save: World['ports']['reportedJobs']['save'] = async (change) => {
        saves += 1;
        // The first is its `reset`; before its second write somebody moves the job.
        if (saves === 2) for (const name of outcome === 'empties' ? ['reset'] : ['ready', 'run']) await jobs.command(job, name);
        return it.ports.reportedJobs.save(change);
      };
      const archives = { ...directoryArchives(root), ...(outcome === 'fails' ? { clear } : {}) };
      installPorts({ ...it.ports, archives, reportedJobs: { ...it.ports.reportedJobs, save } });
      const answer = await reset(job);
      expect([outcome, answer.status, await stateOf(job)]).toEqual(
        outcome === 'empties' ? ['empties', 409, 'RESET'] : ['fails', 503, 'RUNNING'],
      );
    }
  });

  test('that keeps the archive does not make the job ready while another one empties it', async () => {
    const job = await finished(['a']);
    const real = directoryArchives(root);
    install({
      async clear(path, goesOn) {
        const [kept, removed] = [await reset(job, { 'keep-archive': true }), await real.clear(path, goesOn)];
        expect([kept.status, removed]).toEqual([200, 0]);
        return removed;
      },
    });
    expect((await reset(job)).status).toBe(409);
    expect(readdirSync(job.folder)).toEqual(['a']);
  });

  test('whose archive path leads through a link removes nothing', async () => {
    const job = await finished([]);
    const theirs = join(root, 'theirs');
    mkdirSync(theirs);
    writeFileSync(join(theirs, 'kept'), 'x');
    mkdirSync(dirname(job.folder), { recursive: true });
    symlinkSync(theirs, job.folder);
    const answer = await reset(job);
    expect([answer.status, slug(answer)]).toEqual([422, 'archive-refused']);
    expect([await stateOf(job), readdirSync(theirs)]).toEqual(['RESET', ['kept']]);
  });
});

describe('without archives', () => {
  beforeEach(() => {
    installPorts(it.ports);
  });

  test('nothing is indexed or emptied, and no event is sent; a reset that keeps the archive goes on', async () => {
    const job = await jobs.registered();
    for (const name of ['run', 'finish']) await jobs.send(job, { name });
    expect([slug(await index(job)), slug(await reset(job))]).toEqual(['no-archives', 'no-archives']);
    expect(await stateOf(job)).toBe('FINISHED');
    expect((await reset(job, { 'keep-archive': true })).status).toBe(200);
  });
});

test('of a job that is not there, or that belongs to a run, says so', async () => {
  const nobody = { id: '107a90b7-f083-5167-a63d-41a3bf278bf8', token: '', tokenId: '' };
  expect([await index(nobody), await reset(nobody), await outputs(nobody)].map(({ status }) => status)).toEqual([404, 404, 404]);
  const run = await api.planned([{ SECONDS: 1 }]);
  const managed = { ...nobody, id: `job_${run.id.slice(4)}_00000` };
  expect([await index(managed), await reset(managed), await outputs(managed)].map(slug)).toEqual(Array(3).fill('event-refused'));
});
