import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jobId } from '#domain/ids';
import { installPorts } from '#hosts/wiring';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from '#test/operations/world';
import { apiOf, bearer, pointers, requestBody, slug, type Api } from './api.ts';
import type { Answer, Call } from './http-call.ts';

let database: TestDatabase;
let it: World;
let api: Api;

beforeAll(async () => {
  database = await startTestDatabase();
  it = await world(database);
  installPorts(it.ports);
  api = await apiOf(it);
});
beforeEach(() => {
  installPorts(it.ports);
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const ULID = '01K00000000000000000000009';
const cancel = (runId: string): Promise<Answer> => api.ask('POST /v1/runs/{runId}/cancel', { path: { runId } });
const cancelJob = (id: string): Promise<Answer> => api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: id } });
const retry = (runId: string, body?: unknown, headers: Call['headers'] = {}): Promise<Answer> =>
  api.ask('POST /v1/runs/{runId}/retry', { path: { runId }, headers, ...(body === undefined ? {} : { body }) });
const clone = (runId: string, body: unknown, headers: Call['headers'] = {}): Promise<Answer> =>
  api.ask('POST /v1/runs/{runId}/clone', { path: { runId }, body, headers });
const OK = { SECONDS: 1 };
const BAD = { SECONDS: 1, FAIL: 'disk full' };

describe('who may', () => {
  test.each([
    ['POST /v1/runs/{runId}/cancel', 'reader', 'runs:write'],
    ['POST /v1/runs/{runId}/retry', 'reader', 'runs:write'],
    ['POST /v1/runs/{runId}/clone', 'reader', 'runs:write'],
    ['POST /v1/jobs/{jobId}/cancel', 'reader', 'runs:write'],
    ['POST /v1/sweep', 'writer', 'admin'],
  ] as const)('%s: not a %s, who is told that it takes the scope %s', async (routeKey, token, scope) => {
    const answer = await api.ask(routeKey, { path: { runId: `run_${ULID}`, jobId: 'x' }, headers: bearer(token), body: 'not read' });
    expect([answer.status, slug(answer)]).toEqual([403, 'not-allowed']);
    expect(answer.body['detail']).toContain(scope);
  });

  test.each([
    ['POST /v1/runs/plan', { body: { ...requestBody([OK]), 'user-run-id': 'r' } }],
    ['GET /v1/sweep', {}],
    ['GET /v1/templates/{templateId}/sets/{setKey}/jobs', { path: { templateId: 'tmpl_sleep', setKey: 'a'.repeat(32) } }],
  ] as const)('%s: whoever may read', async (routeKey, asked) => {
    expect((await api.ask(routeKey, { ...asked, headers: bearer('reader') })).status).toBe(200);
  });

  test('a cancel is written down as who asked for it', async () => {
    const run = await api.running([{ SECONDS: 600 }]);
    const asked = { path: { runId: run.id }, headers: bearer('writer') };
    expect((await api.ask('POST /v1/runs/{runId}/cancel', asked)).body['closing']).toMatchObject({
      reason: 'cancelled',
      message: 'cancelled by token of writer',
    });
  });
});

describe('what is not there', () => {
  const CLONE = { 'user-run-id': 'c' };
  test.each<[string, Call['path'], unknown]>([
    ...[`run_${ULID}`, 'plan', 'RUN#x/../y', ''].flatMap((runId): [string, Call['path'], unknown][] => [
      ['GET /v1/runs/{runId}/wait', { runId }, undefined],
      ['POST /v1/runs/{runId}/cancel', { runId }, undefined],
      ['POST /v1/runs/{runId}/retry', { runId }, {}],
      ['POST /v1/runs/{runId}/clone', { runId }, CLONE],
    ]),
    ['POST /v1/jobs/{jobId}/cancel', { jobId: `job_${ULID}_00000` }, undefined],
    ['POST /v1/jobs/{jobId}/cancel', { jobId: 'x' }, undefined],
    ['GET /v1/templates/{templateId}/sets/{setKey}/jobs', { templateId: '☃', setKey: 'a' }, undefined],
  ])('is not found: %s %o', async (routeKey, path, body) => {
    const answer = await api.ask(routeKey, { path: path ?? {}, ...(body === undefined ? {} : { body }) });
    expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
  });

  test('a job of a run that has fewer is not found, and is not cancelled', async () => {
    const run = await api.running([{ SECONDS: 600 }]);
    expect((await cancelJob(jobId(run.id, 1))).status).toBe(404);
  });
});

describe('cancelling', () => {
  test('a run under way is asked for and answered with 202, as often as it is asked; at its end with 200', async () => {
    const run = await api.running([{ SECONDS: 600 }, { SECONDS: 600 }]);
    const first = await cancel(run.id);
    expect([first.status, first.body['state']]).toEqual([202, 'CANCELLING']);
    expect(first.body['jobs']).toMatchObject({ total: 2, open: 2 });
    const again = await cancel(run.id);
    expect([again.status, again.body['closing']]).toEqual([202, first.body['closing']]);
    await it.watch(run);
    const ended = await cancel(run.id);
    expect(ended).toMatchObject({ status: 200, body: { state: 'CANCELLED', jobs: { cancelled: 2, open: 0 } } });
  });

  test('a run that ended by itself is refused by how it ended', async () => {
    const run = await api.ended([OK]);
    const answer = await cancel(run.id);
    expect([answer.status, slug(answer)]).toEqual([409, 'already-ended']);
    expect(answer.body['detail']).toContain('SUCCEEDED');
  });

  test('one job is asked for with 202, told in its view, and recorded by the next tick; the others of its run go on', async () => {
    const run = await api.running([{ SECONDS: 20 }, { SECONDS: 20 }]);
    const answer = await cancelJob(jobId(run.id, 1));
    expect(answer).toMatchObject({ status: 202, body: { state: 'RUNNING', 'cancel-requested-at': it.ports.clock.now() } });
    expect((await cancelJob(jobId(run.id, 1))).status).toBe(202);
    await it.watch(run);
    const cancelled = await cancelJob(jobId(run.id, 1));
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'FAILED', failure: { reason: 'cancelled' } } });
    expect(cancelled.body).not.toHaveProperty('cancel-requested-at');
    expect((await it.job(run, 0)).state).toBe('FINISHED');
    const ended = await cancelJob(jobId(run.id, 0));
    expect([ended.status, slug(ended)]).toEqual([409, 'already-ended']);
  });

  test('a job that its run has not made yet is refused as too early', async () => {
    const answer = await cancelJob(jobId((await api.started([OK])).id, 0));
    expect([answer.status, slug(answer)]).toEqual([409, 'not-ready']);
  });
});

describe('retrying', () => {
  test('without a body every failed job is one attempt more, and what succeeded stays', async () => {
    const run = await api.ended([OK, BAD, BAD]);
    const answer = await retry(run.id);
    expect(answer).toMatchObject({ status: 202, headers: { location: `/v1/runs/${run.id}` } });
    expect(answer.body).toMatchObject({ state: 'RUNNING', attempt: 2, 'job-ids': [1, 2].map((index) => jobId(run.id, index)) });
    await api.drive(run);
    await it.watch(run);
    const jobs = await Promise.all([0, 1, 2].map((index) => it.job(run, index)));
    expect(jobs.map(({ attempt }) => attempt)).toEqual([1, 2, 2]);
    expect(await api.ask('GET /v1/runs/{runId}', { path: { runId: run.id } })).toMatchObject({ body: { state: 'PARTIAL', attempt: 2 } });
  });

  test('under a key the same request is answered by its attempt, also when that has ended, and another one is refused', async () => {
    const run = await api.ended([BAD, BAD]);
    const key = { 'idempotency-key': 'retry-1' };
    const first = await retry(run.id, { indexes: [0] }, key);
    expect(first.status).toBe(202);
    await api.drive(run);
    await it.watch(run);
    const again = await retry(run.id, { indexes: [0] }, key);
    expect([again.status, again.body['attempt'], again.body['job-ids']]).toEqual([200, 2, first.body['job-ids']]);
    const other = await retry(run.id, { indexes: [1] }, key);
    expect([other.status, slug(other)]).toEqual([422, 'key-reused']);
    expect((await retry(run.id, { indexes: [0] }, { 'idempotency-key': 'retry-2' })).body['attempt']).toBe(3);
  });

  test('a retry is of the run as it is: the header that binds a start to its plan means nothing here', async () => {
    const run = await api.ended([BAD]);
    expect((await retry(run.id, {}, { 'if-match': 'seven' })).status).toBe(202);
  });

  test('by reasons takes the jobs that failed so; where none did, nothing is retried', async () => {
    const run = await api.ended([BAD, { REFUSE: 'no' }]);
    const none = await retry(run.id, { reasons: ['lost', 'timed-out'] });
    expect([none.status, slug(none)]).toEqual([409, 'nothing-to-retry']);
    const refused = await retry(run.id, { reasons: ['start-failed'] });
    expect(refused.body['job-ids']).toEqual([jobId(run.id, 1)]);
  });

  test('names of sets that cannot be retried are told, each by its place and why, and nothing is', async () => {
    const run = await api.ended([OK, BAD]);
    const answer = await retry(run.id, { indexes: [1, 0, 7], 'set-keys': ['0'.repeat(32)] });
    expect([answer.status, slug(answer)]).toEqual([422, 'invalid-selection']);
    expect(answer.body.errors).toEqual([
      { pointer: '/indexes', rule: 'selection', message: 'set 7: the run has 2 sets; the last index is 1' },
      { pointer: '/set-keys', rule: 'selection', message: `${'0'.repeat(32)}: no set of the run has this key` },
      { pointer: '/indexes', rule: 'selection', message: 'set 0: the job is FINISHED: only failed jobs are retried' },
    ]);
    expect((await it.loadRun(run)).attempt).toBe(1);
  });

  test('a set is named by its key as well as by its place', async () => {
    const run = await api.ended([
      { ...BAD, CITY: 'Kyiv' },
      { ...BAD, CITY: 'Lagos' },
    ]);
    const { body } = await api.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run.id, 1) } });
    expect((await retry(run.id, { 'set-keys': [body['set-key']] })).body['job-ids']).toEqual([jobId(run.id, 1)]);
  });

  test('a run whose jobs are not made yet, or that is being closed, is refused as too early', async () => {
    const accepted = await api.started([OK]);
    expect(slug(await retry(accepted.id))).toBe('not-ready');
    const run = await api.running([{ SECONDS: 600 }]);
    await cancel(run.id);
    const answer = await retry(run.id);
    expect([answer.status, slug(answer)]).toEqual([409, 'not-ready']);
    expect(answer.body['detail']).toContain('CANCELLING');
  });

  test.each<[string, unknown, readonly string[]]>([
    ['a list', [], ['']],
    ['a misspelt key', { index: [1] }, ['']],
    ['an unknown reason', { reasons: ['tired'] }, ['/reasons/0']],
    ['no reason at all', { reasons: [] }, ['/reasons']],
    ['a place before the first', { indexes: [0, -1] }, ['/indexes/1']],
    ['a place that is no whole number', { indexes: [0.5] }, ['/indexes/0']],
    ['a place beyond any run', { indexes: [10_000] }, ['/indexes/0']],
    ['no place at all', { indexes: [] }, ['/indexes']],
    ['a key that is none', { 'set-keys': ['x'] }, ['/set-keys/0']],
  ])('a selection with %s is refused by its pointer', async (_, body, at) => {
    const answer = await retry(`run_${ULID}`, body);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([400, 'invalid-request', at]);
  });
});

describe('cloning', () => {
  let names = 0;
  const named = (change: object = {}): object => ({ 'user-run-id': `clone ${(names += 1)}`, ...change });
  const setsOf = async (answer: Answer): Promise<readonly unknown[]> => {
    const { body } = await api.ask('GET /v1/runs/{runId}/jobs', {
      path: { runId: String(answer.body['run-id']) },
      query: { include: 'parameters' },
    });
    const items = body['items'] as readonly { readonly parameters: Readonly<Record<string, { readonly value: unknown }>> }[];
    return items.map(({ parameters }) => Object.fromEntries(Object.entries(parameters).map(([key, { value }]) => [key, value])));
  };
  const viewOf = async (answer: Answer): Promise<Answer['body']> =>
    (await api.ask('GET /v1/runs/{runId}', { path: { runId: String(answer.body['run-id']) } })).body;

  test('is a new run of the same sets that names the old one, and is the same run when it is sent again', async () => {
    const run = await api.ended([OK, BAD]);
    const body = named();
    const first = await clone(run.id, body);
    expect(first.status).toBe(202);
    expect(first.body['run-id']).not.toBe(run.id);
    expect(first.headers['location']).toBe(`/v1/runs/${String(first.body['run-id'])}`);
    expect(await setsOf(first)).toEqual([OK, BAD]);
    expect(await viewOf(first)).toMatchObject({ 'cloned-from': run.id, 'user-id': 'ada', attempt: 1 });
    const again = await clone(run.id, body);
    expect([again.status, again.body['run-id']]).toEqual([200, first.body['run-id']]);
    const other = await clone(run.id, { ...body, failed: {} });
    expect([other.status, slug(other)]).toEqual([422, 'key-reused']);
  });

  test('takes only the sets that failed, or others in their place, for another user', async () => {
    const run = await api.ended([OK, BAD]);
    expect(await setsOf(await clone(run.id, named({ failed: {} })))).toEqual([BAD]);
    const edited = await clone(run.id, named({ 'runtime-parameters': [{ SECONDS: 2 }], 'user-id': 'grace' }));
    expect(await setsOf(edited)).toEqual([{ SECONDS: 2 }]);
    expect((await viewOf(edited))['user-id']).toBe('grace');
  });

  test('is refused where nothing failed so, and where a named set did not', async () => {
    const run = await api.ended([OK]);
    expect(slug(await clone(run.id, named({ failed: {} })))).toBe('nothing-to-retry');
    const answer = await clone(run.id, named({ failed: { indexes: [0] } }));
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([422, 'invalid-selection', ['/failed/indexes']]);
  });

  test('leaves out the sets that have succeeded, and starts nothing where all of them have', async () => {
    const run = await api.ended([
      { SECONDS: 1, CITY: 'a set that no other test has' },
      { ...BAD, CITY: 'a set that no other test has' },
    ]);
    const since = { 'skip-succeeded-since': run.createdAt };
    const some = await clone(run.id, named(since));
    expect(some.body).toMatchObject({ 'skipped-sets': 1 });
    expect(some.body['job-ids']).toHaveLength(1);
    const none = await clone(run.id, named({ ...since, 'runtime-parameters': [{ SECONDS: 1, CITY: 'a set that no other test has' }] }));
    expect(none).toMatchObject({ status: 200, body: { status: 'OK', 'run-id': null, 'skipped-sets': 1 } });
  });

  test.each<[string, object, readonly string[]]>([
    ['no name', {}, ['/user-run-id']],
    ['a version by its number', { 'user-run-id': 'c', 'template-version': 1 }, ['/template-version']],
    ['no set', { 'user-run-id': 'c', 'runtime-parameters': [] }, ['/runtime-parameters']],
    ['a set that is none', { 'user-run-id': 'c', 'runtime-parameters': [{}, 1] }, ['/runtime-parameters/1']],
    ['an unknown reason', { 'user-run-id': 'c', failed: { reasons: ['tired'] } }, ['/failed/reasons/0']],
    ['sets and a selection', { 'user-run-id': 'c', failed: {}, 'runtime-parameters': [{}] }, ['/failed']],
    ['a time without a zone', { 'user-run-id': 'c', 'skip-succeeded-since': '2026-11-21T08:00:00' }, ['/skip-succeeded-since']],
    ['a misspelt key', { 'user-run-id': 'c', 'runtime-parameter': [{}] }, ['']],
  ])('with %s is refused by its pointer', async (_, body, at) => {
    const answer = await clone(`run_${ULID}`, body);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([400, 'invalid-request', at]);
  });
});

test.each(['', ' ', 'two words', 'ключ', 'x'.repeat(256)])(
  'an Idempotency-Key that is none is refused by every route that takes one: "%s"',
  async (key) => {
    const run = await api.ended([BAD]);
    const headers = { 'idempotency-key': key };
    const answers = [
      await retry(run.id, {}, headers),
      await clone(run.id, { 'user-run-id': `bad key ${key.length}` }, headers),
      await api.ask('POST /v1/runs', { body: { ...requestBody([OK]), 'user-run-id': 'bad key' }, headers }),
    ];
    for (const answer of answers) expect([answer.status, pointers(answer)]).toEqual([400, ['Idempotency-Key']]);
    expect((await it.loadRun(run)).attempt).toBe(1);
  },
);
