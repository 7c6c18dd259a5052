/** What becomes of reported jobs: withdrawn, deleted, silent, late; and how one looks at them. */
import { describe, expect, test } from 'vitest';
import { keys } from '#adapters/dynamodb/keys';
import { parseReportedJobId } from '#domain/ids';
import { installPorts } from '#hosts/wiring';
import type { World } from '#test/operations/world';
import type { TestDatabase } from '#test/support/dynamodb';
import { bearer, pointers, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import { handlerOf, type Answer } from './http-call.ts';
import type { Registered, Reporting } from './reporting.ts';

let database: TestDatabase;
let it: World;
let api: Api;
let jobs: Reporting;

eachTest((given) => {
  ({ database, it, api, jobs } = given);
});

const DAY = 86_400;
const list = async (query: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> => {
  const { body } = await api.ask('GET /v1/jobs', { query });
  return (body['items'] as readonly Readonly<Record<string, unknown>>[]).map((job) => job['job-id']);
};
const cancel = (job: Registered): Promise<Answer> => api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: job.id } });
const remove = (job: Registered): Promise<Answer> => api.ask('DELETE /v1/jobs/{jobId}', { path: { jobId: job.id } });
const sweepJobs = async (): Promise<unknown> =>
  ((await handlerOf('../event/sweep-jobs')) as unknown as (event: unknown) => Promise<unknown>)({});
const itemsOf = async (job: Registered): Promise<number> => {
  const id = parseReportedJobId(job.id);
  return id ? (await it.table.queryAll({ pk: keys.jobItems(id) })).length : 0;
};

describe('cancelling', () => {
  test('before it runs withdraws the job: kept, in no list, taking no events', async () => {
    const job = await jobs.registered();
    const answer = await cancel(job);
    expect(answer).toMatchObject({ status: 200, body: { state: 'CREATED', 'withdrawn-at': '2026-01-01T00:00:00.000Z' } });
    expect((await cancel(job)).body).toEqual({ ...answer.body });
    expect([await list(), await list({ state: 'CREATED' }), await list({ pipeline: 'nightly' })]).toEqual([[], [], []]);
    const refused = await jobs.send(job, { name: 'run' });
    expect([refused.status, refused.body['allowed-events'], refused.body['detail']]).toEqual([
      409,
      [],
      expect.stringContaining('withdrawn'),
    ]);
    expect(await jobs.history(job)).toMatchObject([
      { name: 'create' },
      { name: 'update', data: { withdrawn: true }, actor: 'token of boss' },
      { name: 'run', refused: true },
    ]);
  });

  test('is open to the holder of its token, and registering it again brings it back with another', async () => {
    const job = await jobs.registered({ pipeline: 'nightly', data: { day: 1 } });
    const headers = { authorization: `Bearer ${job.token}` };
    expect((await api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: job.id }, headers })).status).toBe(200);
    const again = await jobs.registered({ pipeline: 'nightly', data: { day: 1 } });
    expect([again.id, again.token === job.token]).toEqual([job.id, false]);
    expect(await list({ pipeline: 'nightly', state: 'CREATED' })).toEqual([job.id]);
    expect((await jobs.send(again, { name: 'run' })).body).toMatchObject({ state: 'RUNNING', sequence: 4 });
  });

  test('is open to who may report jobs, and to who may change runs, and to nobody else', async () => {
    const { body: made } = await api.ask('POST /v1/tokens', { body: { name: 'reporter', scopes: ['jobs:report'] } });
    const reporter = { authorization: `Bearer ${String(made['token'])}` };
    const cancelAs = async (jobId: string, headers: Readonly<Record<string, string>>): Promise<number> =>
      (await api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId }, headers })).status;
    const [first, second] = [await jobs.registered(), await jobs.registered()];
    expect(await cancelAs(first.id, bearer('reader'))).toBe(403);
    expect([await cancelAs(first.id, reporter), await cancelAs(second.id, bearer('writer'))]).toEqual([200, 200]);
    const run = await api.planned([{ SECONDS: 1 }]);
    expect(await cancelAs(`job_${run.id.slice(4)}_00000`, reporter)).toBe(403);
  });

  test('once it runs is refused with the advice to send fail; after its end there is nothing to cancel', async () => {
    const job = await jobs.registered();
    await jobs.send(job, { name: 'run' });
    const refused = await cancel(job);
    expect([refused.status, slug(refused), refused.body['detail']]).toEqual([
      409,
      'job-at-work',
      expect.stringContaining('send the event fail'),
    ]);
    await jobs.send(job, { name: 'fail' });
    expect(slug(await cancel(job))).toBe('already-ended');
  });
});

describe('deleting', () => {
  test('takes the job out of the lists at once, and out of the table when its time is over', async () => {
    const [job, other] = [await jobs.registered(), await jobs.registered()];
    for (const name of ['run', 'finish']) await jobs.send(job, { name });
    expect((await remove(job)).body).toMatchObject({ 'deleted-at': '2026-01-01T00:00:00.000Z', 'purge-at': '2026-01-31T00:00:00.000Z' });
    expect((await remove(job)).status).toBe(200);
    expect(await list()).toEqual([other.id]);
    expect((await jobs.view(job)).body).toMatchObject({ state: 'FINISHED', 'deleted-at': '2026-01-01T00:00:00.000Z' });
    expect([(await jobs.send(job, { name: 'finish' })).status, (await jobs.command(job, 'reset')).status]).toEqual([401, 409]);
    it.advance(30 * DAY - 1);
    expect(await sweepJobs()).toEqual({ findings: 0 });
    it.advance(1);
    expect(await sweepJobs()).toEqual({ findings: 1 });
    expect([(await jobs.view(job)).status, await itemsOf(job), await sweepJobs()]).toEqual([404, 0, { findings: 0 }]);
    expect((await jobs.view(other)).status).toBe(200);
  });

  test('leaves its children what they are, and takes a deleted child from its parent', async () => {
    const parent = await jobs.registered();
    const [one, two] = [
      await jobs.registered({ pipeline: 'c', parents: [parent.id], data: { n: 1 } }),
      await jobs.registered({ pipeline: 'c', parents: [parent.id], data: { n: 2 } }),
    ];
    await remove(one);
    expect(await list({ parent: parent.id })).toEqual([two.id]);
    await remove(parent);
    expect([await list({ parent: parent.id }), (await jobs.view(two)).body['parents']]).toEqual([[two.id], [parent.id]]);
  });

  test('of a job at work, of a job of a run, and without the scope admin is refused', async () => {
    const job = await jobs.registered();
    await jobs.send(job, { name: 'run' });
    expect(slug(await remove(job))).toBe('job-at-work');
    const run = await api.planned([{ SECONDS: 1 }]);
    expect(slug(await api.ask('DELETE /v1/jobs/{jobId}', { path: { jobId: `job_${run.id.slice(4)}_00000` } }))).toBe('in-use');
    expect((await api.ask('DELETE /v1/jobs/{jobId}', { path: { jobId: job.id }, headers: bearer('writer') })).status).toBe(403);
  });

  test('keeps its content: registering it again is refused until it is gone', async () => {
    const body = { pipeline: 'nightly', data: { day: 2 } };
    const job = await jobs.registered(body);
    await remove(job);
    const refused = await jobs.register(body);
    expect([refused.status, slug(refused)]).toEqual([409, 'job-deleted']);
    it.advance(30 * DAY);
    await sweepJobs();
    expect((await jobs.register(body)).status).toBe(201);
  });
});

describe('a job that promised to be heard of', () => {
  const state = async (job: Registered): Promise<unknown> => (await jobs.view(job)).body['state'];
  const promised = (limits: object): Promise<Registered> => jobs.registered({ pipeline: 'watched', ...limits });

  test('is lost when it is silent for too long, and not before, however its updates fall between the sweeps', async () => {
    const job = await promised({ 'expect-update-within-seconds': 300 });
    await jobs.send(job, { name: 'run' });
    for (let minute = 0; minute < 20; minute += 1) {
      it.advance(60);
      if (minute % 4 === 3) await jobs.send(job, { name: 'update' });
      expect(await sweepJobs()).toEqual({ findings: 0 });
    }
    expect((await jobs.view(job)).body['due-at']).toBe('2026-01-01T00:25:00.000Z');
    it.advance(299);
    await sweepJobs();
    expect(await state(job)).toBe('RUNNING');
    it.advance(1);
    expect(await sweepJobs()).toEqual({ findings: 1 });
    const message =
      'nothing was heard for 300 s, where an update was to come within 300 s: the last sign of life was update at 2026-01-01T00:20:00.000Z';
    expect((await jobs.view(job)).body).toMatchObject({ state: 'FAILED', failure: { reason: 'lost', message } });
    expect((await jobs.history(job, { order: 'newest', limit: '1' }))[0]).toMatchObject({
      name: 'fail',
      actor: 'sluice',
      data: { reason: 'lost', message },
    });
    expect(await sweepJobs()).toEqual({ findings: 0 });
    expect((await jobs.send(job, { name: 'finish' })).status).toBe(409);
  });

  test('has timed out at its deadline, however lively it is; one that has ended is left alone', async () => {
    const limits = { deadline: '2026-01-01T00:10:00Z' };
    const [late, done] = [await promised({ ...limits, data: { n: 1 } }), await promised({ ...limits, data: { n: 2 } })];
    for (const job of [late, done]) await jobs.send(job, { name: 'run' });
    await jobs.send(done, { name: 'finish' });
    it.advance(600);
    await jobs.send(late, { name: 'update' });
    expect(await sweepJobs()).toEqual({ findings: 1 });
    expect((await jobs.view(late)).body).toMatchObject({ state: 'FAILED', failure: { reason: 'timed-out' } });
    expect(await state(done)).toBe('FINISHED');
  });

  test('is held to it again when it goes back to work, and after a reset, but not to a deadline that is past', async () => {
    const job = await promised({ 'expect-update-within-seconds': 60, deadline: '2026-01-01T01:00:00Z' });
    for (const name of ['run', 'finish']) await jobs.send(job, { name });
    it.advance(600);
    expect([await sweepJobs(), await state(job)]).toEqual([{ findings: 0 }, 'FINISHED']);
    await jobs.send(job, { name: 'index' });
    it.advance(60);
    expect([await sweepJobs(), await state(job)]).toEqual([{ findings: 1 }, 'FAILED']);
    it.advance(3600);
    for (const name of ['reset', 'ready']) await jobs.command(job, name);
    expect((await jobs.view(job)).body).toMatchObject({ state: 'CREATED', attempt: 2, 'due-at': '2026-01-01T01:12:00.000Z' });
    expect([await sweepJobs(), await state(job)]).toEqual([{ findings: 0 }, 'CREATED']);
    it.advance(60);
    expect([await sweepJobs(), await state(job)]).toEqual([{ findings: 1 }, 'FAILED']);
  });

  test('is found by the sweep on demand too: told by GET, failed by POST', async () => {
    const job = await promised({ 'expect-update-within-seconds': 60 });
    it.advance(61);
    for (const _ of [1, 2]) {
      const { body } = await api.ask('GET /v1/sweep');
      expect(body['findings']).toMatchObject([{ kind: 'job-lost', 'job-id': job.id, repair: 'fail the job: it is lost' }]);
    }
    expect((await api.ask('POST /v1/sweep')).body['findings']).toMatchObject([{ kind: 'job-lost', outcome: 'repaired' }]);
    expect(await state(job)).toBe('FAILED');
  });

  test('costs the sweep one query while nothing is due, however many there are', async () => {
    for (let n = 0; n < 20; n += 1) await promised({ 'expect-update-within-seconds': 3600, data: { n } });
    database.forgetRequests();
    await sweepJobs();
    expect(Object.fromEntries(database.requests)).toEqual({ QueryCommand: 2 });
  });
});

describe('lists', () => {
  test('have the newest first, in pages, by pipeline, by state, by both', async () => {
    const made: Registered[] = [];
    for (let n = 0; n < 6; n += 1) {
      made.push(await jobs.registered({ pipeline: n % 2 === 0 ? 'even' : 'odd', data: { n } }));
      it.advance(1);
    }
    const ids = made.map(({ id }) => id).toReversed();
    for (const job of made.slice(0, 3)) await jobs.send(job, { name: 'run' });
    expect(await list()).toEqual(ids);
    expect(await list({ pipeline: 'even' })).toEqual([ids[1], ids[3], ids[5]]);
    expect(await list({ state: 'RUNNING' })).toEqual(ids.slice(3));
    expect(await list({ state: 'RUNNING', pipeline: 'odd' })).toEqual([ids[4]]);
    const pages: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { body } = await api.ask('GET /v1/jobs', { query: { limit: '4', ...(cursor === undefined ? {} : { cursor }) } });
      pages.push((body['items'] as readonly unknown[]).length);
      cursor = body['next-cursor'] as string | undefined;
    } while (cursor !== undefined);
    expect(pages).toEqual([4, 2]);
  });

  test.each([
    ['state', 'LOST'],
    ['parent', 'x'.repeat(3000)],
    ['limit', '0'],
  ])('%s=%s is refused', async (name, value) => {
    const answer = await api.ask('GET /v1/jobs', { query: { [name]: value } });
    expect([answer.status, pointers(answer)]).toEqual([400, [name]]);
  });
});

describe('looking at a job', () => {
  test('as it was at a time is what its events made of it by then', async () => {
    const job = await jobs.registered();
    for (const name of ['run', 'update', 'fail']) {
      it.advance(60);
      await jobs.send(job, { name, data: { message: name } });
    }
    await jobs.command(job, 'retire');
    it.advance(60);
    for (const name of ['reset', 'ready']) await jobs.command(job, name);
    const at = async (time: string): Promise<Answer> => jobs.view(job, { at: `2026-01-01T00:${time}Z` });
    expect((await jobs.view(job, { at: '2025-12-31T23:59:59Z' })).status).toBe(404);
    const failure = { reason: 'reported', message: 'fail' };
    const states: readonly (readonly [string, object])[] = [
      ['00:00', { state: 'CREATED', sequence: 1, attempt: 1 }],
      ['00:59', { state: 'CREATED', sequence: 1 }],
      ['01:00', { state: 'RUNNING', sequence: 2, 'last-event': 'run' }],
      ['02:30', { state: 'RUNNING', sequence: 3, 'updated-at': '2026-01-01T00:02:00.000Z' }],
      ['03:59', { state: 'RETIRED', sequence: 5, failure }],
      ['04:00', { state: 'CREATED', sequence: 7, attempt: 2 }],
    ];
    for (const [time, expected] of states) expect([time, (await at(time)).body]).toMatchObject([time, expected]);
    expect((await at('04:00')).body['failure']).toBeUndefined();
    expect((await jobs.history(job, { at: '2026-01-01T00:02:30Z' })).map(({ name }) => name)).toEqual(['create', 'run', 'update']);
    expect((await jobs.view(job, { at: 'noon' })).status).toBe(400);
  });

  test('reads its history in pages, either end first, also of a job of a run', async () => {
    const job = await jobs.registered();
    await jobs.send(job, { name: 'finish' });
    for (const name of ['run', 'update', 'finish']) await jobs.send(job, { name });
    const run = await api.ended([{ SECONDS: 1 }]);
    const managed: Registered = { id: `job_${run.id.slice(4)}_00000`, token: '', tokenId: '' };
    for (const each of [job, managed]) {
      const all = await jobs.history(each);
      expect(all.length).toBeGreaterThanOrEqual(3);
      expect((await jobs.history(each, { order: 'newest' })).toReversed()).toEqual(all);
      for (const order of ['oldest', 'newest'])
        for (const limit of ['1', '2', String(all.length)]) {
          const read: unknown[] = [];
          let cursor: string | undefined;
          do {
            const query = { order, limit, ...(cursor === undefined ? {} : { cursor }) };
            const { body } = await api.ask('GET /v1/jobs/{jobId}/history', { path: { jobId: each.id }, query });
            read.push(...(body['items'] as readonly unknown[]));
            cursor = body['next-cursor'] as string | undefined;
          } while (cursor !== undefined);
          expect([order, limit, order === 'oldest' ? read : read.toReversed()]).toEqual([order, limit, all]);
        }
    }
    expect((await api.ask('GET /v1/jobs/{jobId}/history', { path: { jobId: job.id }, query: { order: 'any' } })).status).toBe(400);
  });

  test('waits for its end, or for a state, or for as long as was asked for', async () => {
    const job = await jobs.registered();
    const wait = (query: Readonly<Record<string, string>>): Promise<Answer> =>
      api.ask('GET /v1/jobs/{jobId}/wait', { path: { jobId: job.id }, query });
    const from = it.ports.clock.now();
    expect((await wait({ 'timeout-seconds': '7' })).body['state']).toBe('CREATED');
    expect(Date.parse(it.ports.clock.now()) - Date.parse(from)).toBe(7000);
    let pauses = 0;
    const pause: World['ports']['clock']['pause'] = async (ms) => {
      await it.ports.clock.pause(ms);
      pauses += 1;
      if (pauses === 3) for (const name of ['run', 'finish']) await jobs.send(job, { name });
    };
    installPorts({ ...it.ports, clock: { ...it.ports.clock, pause } });
    expect([(await wait({ until: 'terminal' })).body['state'], pauses]).toEqual(['FINISHED', 3]);
    expect((await wait({ until: 'FINISHED' })).body['state']).toBe('FINISHED');
    expect([(await wait({ until: 'happy' })).status, (await wait({ 'timeout-seconds': '26' })).status]).toEqual([400, 400]);
  });
});
