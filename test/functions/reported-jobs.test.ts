import { describe, expect, test } from 'vitest';
import type { World } from '#test/operations/world';
import { bearer, pointers, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Reporting } from './reporting.ts';

let it: World;
let api: Api;
let jobs: Reporting;

eachTest((given) => {
  ({ it, api, jobs } = given);
});

const PIPELINE = '106c46ff-8186-5756-a934-071f4497b58d';
const PARENT = '102e95e6-67a8-5a06-9484-3131c6907890';

describe('registering a job', () => {
  test('answers the id and archive path of the contract, a token, and the URL to call back', async () => {
    const { status, headers, body } = await jobs.register({ pipeline: PIPELINE, parents: [PARENT], data: { alpha: 0.5 } });
    expect([status, headers['location']]).toEqual([201, '/v1/jobs/1077a959-7163-516a-8fc1-dd11bd958190']);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({
      'job-id': '1077a959-7163-516a-8fc1-dd11bd958190',
      kind: 'reported',
      attached: false,
      state: 'CREATED',
      sequence: 1,
      'last-event': 'create',
      'archive-path': '/products/v2/106c46ff81865756a934071f4497b58d/Db6rzKZnnyA8E5qvwvxjpwZ4/0p5yeV3VR3OELzgoJ5kk6Yxw',
      token: expect.stringMatching(/^slj_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}$/) as string,
      'token-expires-at': '2026-01-04T00:00:00.000Z',
    });
    expect(body['callback-url']).toBe(
      `http://sluice.example/v1/jobs/${String(body['job-id'])}/callback?token=${String(body['token'])}&status=\${STATUS}&note=\${NOTE}`,
    );
  });

  test('again with the same content attaches: the job is left as it is, and the token is not shown', async () => {
    const first = await jobs.registered({ pipeline: 'nightly', data: { a: 1, b: 2 } });
    await jobs.send(first, { name: 'run' });
    const { status, body } = await jobs.register({ pipeline: 'nightly', parents: [], data: { b: 2, a: 1 }, 'archive-prefix': '/other' });
    expect([status, body['job-id'], body['state'], body['attached'], body['token']]).toEqual([200, first.id, 'RUNNING', true, undefined]);
    expect(body['archive-path']).toMatch(/^\/products\/v2\//);
    expect(body['advice']).toContain(`/v1/jobs/${first.id}/tokens`);
    expect(JSON.stringify(body)).not.toContain(first.token);
  });

  test('again names what it asks for and the job was registered with otherwise; of what it does not ask for it says nothing', async () => {
    const content = { pipeline: 'nightly', data: { day: 3 } };
    const limits = { 'expect-update-within-seconds': 60, deadline: '2026-01-02T00:00:00Z' };
    const first = await jobs.registered({ ...content, ...limits, 'archive-prefix': '/a/b', 'archive-patterns': ['x', 'y'] });
    const again = async (more: object): Promise<readonly unknown[]> => {
      const { status, body } = await jobs.register({ ...content, ...more });
      expect([status, body['job-id'], body['attached']]).toEqual([200, first.id, true]);
      expect(body).toMatchObject({ 'archive-patterns': ['x', 'y'], ...limits, deadline: '2026-01-02T00:00:00.000Z' });
      expect(body['archive-path']).toMatch(/^\/a\/b\//);
      return (body['not-taken-over'] ?? []) as readonly unknown[];
    };
    expect(await again({})).toEqual([]);
    expect(await again({ ...limits, 'archive-prefix': '/a/b', 'archive-patterns': ['y', 'x'] })).toEqual([]);
    expect(await again({ 'archive-prefix': '/a/c' })).toEqual(['archive-prefix']);
    expect(await again({ 'archive-prefix': '/products/v2' })).toEqual(['archive-prefix']);
    expect(await again({ 'archive-patterns': [] })).toEqual(['archive-patterns']);
    expect(await again({ 'expect-update-within-seconds': 61 })).toEqual(['expect-update-within-seconds']);
    expect(await again({ 'archive-prefix': '/c', deadline: '2026-01-03T00:00:00Z' })).toEqual(['archive-prefix', 'deadline']);
    const [plain, other] = [await jobs.registered(), await jobs.register({ pipeline: 'nightly', data: { number: 1 }, ...limits })];
    expect([plain.id, other.body['job-id']]).toEqual([other.body['job-id'], plain.id]);
    expect(other.body['not-taken-over']).toEqual(['expect-update-within-seconds', 'deadline']);
    expect(other.body['advice']).toMatch(
      /^the job was registered with another expect-update-within-seconds and deadline, which it keeps: cancel it and register it again to change that\. And the token/,
    );
    await jobs.send(first, { name: 'run' });
    const { body } = await jobs.register({ ...content, 'archive-prefix': '/a/c' });
    expect(body['advice']).toMatch(/^the job was registered with another archive-prefix, which it keeps\. And the token/);
  });

  test('anew, after it was cancelled, is by what is asked for then', async () => {
    const content = { pipeline: 'nightly', data: { day: 4 } };
    const job = await jobs.registered({
      ...content,
      'archive-prefix': '/wrong',
      'archive-patterns': ['x'],
      'expect-update-within-seconds': 60,
    });
    await api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: job.id } });
    const { status, body } = await jobs.register({ ...content, 'archive-prefix': '/right', deadline: '2026-01-02T00:00:00Z' });
    expect([status, body['job-id'], body['attached'], body['not-taken-over']]).toEqual([201, job.id, false, undefined]);
    for (const view of [body, (await jobs.view(job)).body]) {
      expect(view).toMatchObject({ deadline: '2026-01-02T00:00:00.000Z', state: 'CREATED', data: { day: 4 } });
      expect(view['archive-path']).toMatch(/^\/right\//);
      expect([view['archive-patterns'], view['expect-update-within-seconds'], view['withdrawn-at']]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  test('at once by many makes one job, whose token one of them has', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => jobs.register({ pipeline: 'nightly' })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(11).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body['job-id'])).size).toBe(1);
    const { body } = await api.ask('GET /v1/jobs/{jobId}/history', { path: { jobId: String(answers[0]?.body['job-id']) } });
    expect(body['items']).toHaveLength(1);
  });

  test.each([
    [{}, ['/pipeline']],
    [{ pipeline: '' }, ['/pipeline']],
    [{ pipeline: 'p', parents: ['nobody'] }, ['/parents/0']],
    [{ pipeline: 'p', data: [] }, ['/data']],
    [{ pipeline: 'p', 'archive-prefix': 'relative' }, ['/archive-prefix']],
    [{ pipeline: 'p', 'archive-prefix': '/a/../b' }, ['/archive-prefix']],
    [{ pipeline: 'p', 'archive-prefix': '/a//b' }, ['/archive-prefix']],
    [{ pipeline: 'p', 'archive-prefix': '/a/' }, ['/archive-prefix']],
    [{ pipeline: 'p', 'expect-update-within-seconds': 0 }, ['/expect-update-within-seconds']],
    [{ pipeline: 'p', deadline: '2025-12-31T23:59:59Z' }, ['/deadline']],
    [{ pipeline: 'p', deadline: 'tomorrow' }, ['/deadline']],
    [{ pipeline: 'p', surprise: 1 }, ['']],
  ])('with %o is refused: %o', async (body, expected) => {
    const answer = await jobs.register(body);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([400, 'invalid-request', expected]);
  });

  test('needs the scope jobs:report', async () => {
    expect((await api.ask('POST /v1/jobs', { body: { pipeline: 'p' }, headers: bearer('writer') })).status).toBe(403);
  });
});

describe('an event', () => {
  test('is answered with the new state and sequence, and stands in the history', async () => {
    const job = await jobs.registered();
    expect((await jobs.send(job, { name: 'run', data: { node: 7 }, id: 'r1' })).body).toMatchObject({
      'job-id': job.id,
      'event-id': 'r1',
      name: 'run',
      state: 'RUNNING',
      sequence: 2,
    });
    it.advance(5);
    await jobs.send(job, { name: 'FAIL', data: { message: 'disk full' } });
    expect(await jobs.history(job)).toMatchObject([
      { name: 'create', from: null, to: 'CREATED', sequence: 1 },
      { name: 'run', from: 'CREATED', to: 'RUNNING', sequence: 2, data: { node: 7 }, 'event-id': 'r1' },
      { name: 'fail', from: 'RUNNING', to: 'FAILED', sequence: 3, at: '2026-01-01T00:00:05.000Z', data: { message: 'disk full' } },
    ]);
    expect((await jobs.view(job)).body).toMatchObject({ state: 'FAILED', failure: { reason: 'reported', message: 'disk full' } });
  });

  test('that its state does not allow is answered 409 with what is allowed now, and kept in its place in the history', async () => {
    const job = await jobs.registered();
    const refused = await jobs.send(job, { name: 'finish', id: 'too-early' });
    expect([refused.status, slug(refused)]).toEqual([409, 'event-refused']);
    expect(refused.body).toMatchObject({
      state: 'CREATED',
      sequence: 1,
      'allowed-events': ['create', 'run', 'update', 'resource', 'fail', 'reset'],
    });
    await jobs.send(job, { name: 'run' });
    expect(await jobs.history(job)).toMatchObject([
      { name: 'create', sequence: 1 },
      { name: 'finish', sequence: 1, refused: true, from: 'CREATED', to: 'CREATED', 'event-id': 'too-early' },
      { name: 'run', sequence: 2 },
    ]);
  });

  test('sent again under its id is answered as it was the first time, applied or refused, whatever has happened since', async () => {
    const job = await jobs.registered();
    const refused = await jobs.send(job, { name: 'finish', id: 'f' });
    const first = await jobs.send(job, { name: 'run', id: 'a' });
    await jobs.send(job, { name: 'finish' });
    const again = await jobs.send(job, { name: 'run', id: 'a' });
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([200, first.body, 'true']);
    expect([(await jobs.send(job, { name: 'finish', id: 'f' })).body]).toEqual([refused.body]);
    expect(slug(await jobs.send(job, { name: 'update', id: 'a' }))).toBe('key-reused');
    expect(slug(await jobs.send(job, { name: 'run', id: 'a', data: { other: true } }))).toBe('key-reused');
    expect(await jobs.history(job)).toHaveLength(4);
  });

  test('may have its id in the header Idempotency-Key', async () => {
    const job = await jobs.registered();
    for (const _ of [1, 2]) await jobs.send(job, { name: 'run' }, { headers: { 'idempotency-key': 'once' } });
    expect(await jobs.history(job)).toHaveLength(2);
  });

  test.each([
    [{ name: 'jump' }, '/name'],
    [{}, '/name'],
    [{ name: 'run', data: 'text' }, '/data'],
    [{ name: 'run', id: 'two words' }, '/id'],
    [{ name: 'run', extra: 1 }, ''],
  ])('%o is no event: 422', async (body, pointer) => {
    const answer = await jobs.send(await jobs.registered(), body);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([422, 'invalid-event', [pointer]]);
  });

  test('of more than 256 KB is 413, one of just that is taken', async () => {
    const job = await jobs.registered();
    const envelope = JSON.stringify({ name: 'update', data: { text: '' } }).length;
    const sized = (bytes: number): object => ({ name: 'update', data: { text: 'x'.repeat(bytes - envelope) } });
    expect((await jobs.send(job, sized(262_145))).status).toBe(413);
    expect((await jobs.send(job, sized(262_144))).status).toBe(200);
  });

  test('for an unknown job is 404 to who has an API token', async () => {
    const answer = await api.ask('POST /v1/jobs/{jobId}/events', {
      path: { jobId: '107a90b7-f083-5167-a63d-41a3bf278bf8' },
      body: { name: 'run' },
    });
    expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
  });
});
