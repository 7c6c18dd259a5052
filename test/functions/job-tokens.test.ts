import { describe, expect, test } from 'vitest';
import { parseReportedJobId } from '#domain/ids';
import { installPorts } from '#hosts/wiring';
import { sendReported } from '#operations/send-event';
import type { World } from '#test/operations/world';
import type { TestDatabase } from '#test/support/dynamodb';
import { bearer, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Answer } from './http-call.ts';
import type { Registered, Reporting } from './reporting.ts';

let database: TestDatabase;
let it: World;
let api: Api;
let jobs: Reporting;

eachTest((given) => {
  ({ database, it, api, jobs } = given);
});

const UNKNOWN = '107a90b7-f083-5167-a63d-41a3bf278bf8';
const DAY = 86_400;
const update = { name: 'update' };
const issue = (job: Registered, body: object = {}): Promise<Answer> =>
  api.ask('POST /v1/jobs/{jobId}/tokens', { path: { jobId: job.id }, body });
const reissued = async (job: Registered, body: object = {}): Promise<Registered> => {
  const { body: issued } = await issue(job, body);
  return { ...job, token: String(issued['token']), tokenId: String(issued['token-id']) };
};
const listed = async (job: Registered): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await api.ask('GET /v1/jobs/{jobId}/tokens', { path: { jobId: job.id } })).body['items'] as readonly Readonly<Record<string, unknown>>[];

describe("a job's token", () => {
  test('is taken from either header, from a JSON body and from the query', async () => {
    const job = await jobs.registered();
    const path = { jobId: job.id };
    const none = { authorization: '' };
    const ways = [
      { headers: { authorization: `Bearer ${job.token}` }, body: update },
      { headers: { ...none, 'x-sluice-job-token': job.token }, body: update },
      { headers: none, query: { token: job.token }, body: update },
      { headers: none, body: { ...update, token: job.token } },
    ];
    for (const way of ways) expect((await api.ask('POST /v1/jobs/{jobId}/events', { path, ...way })).status).toBe(200);
    expect(await jobs.history(job)).toHaveLength(5);
  });

  test('that is wrong in any way, and a job that there is not, are answered alike, by one read of the store', async () => {
    const [job, other] = [await jobs.registered(), await jobs.registered()];
    const [revoked, expired, soon] = [await reissued(job), await reissued(job, { 'expires-in-seconds': 60 }), await reissued(job)];
    await api.ask('DELETE /v1/jobs/{jobId}/tokens/{tokenId}', { path: { jobId: job.id, tokenId: revoked.tokenId } });
    it.advance(60);
    const [id, secret = ''] = job.token.split('.');
    const wrong: Readonly<Record<string, Registered>> = {
      'of another job': { ...job, token: other.token },
      truncated: { ...job, token: job.token.slice(0, -1) },
      'in the wrong case': { ...job, token: `${String(id)}.${secret.replace(/[a-z]/, (letter) => letter.toUpperCase())}` },
      'with another secret': { ...job, token: `${String(id)}.${'x'.repeat(43)}` },
      'with an unknown id': { ...job, token: `slj_0123456789abcdef.${secret}` },
      expired,
      revoked,
      'of no job at all': { ...job, id: UNKNOWN },
      'of a managed job that there is not': { ...job, id: 'job_01K00000000000000000000000_00000' },
      'of what is no id': { ...job, id: 'nothing' },
    };
    const answers: (readonly [string, Answer, object])[] = [];
    for (const [what, bad] of Object.entries(wrong)) {
      database.forgetRequests();
      const answer = await jobs.send(bad, update);
      answers.push([what, answer, Object.fromEntries(database.requests)]);
    }
    for (const [what, answer, requests] of answers) {
      expect([what, answer.status, slug(answer)]).toEqual([what, 401, 'not-authenticated']);
      expect([what, answer]).toEqual([what, answers[0]?.[1]]);
      expect([what, requests]).toEqual([what, { GetItemCommand: 1 }]);
    }
    expect((await jobs.send(soon, update)).status).toBe(200);
    expect(await jobs.history(job)).toHaveLength(2);
  });

  test('that opens nothing is refused by a timer, whatever was read for it: also after a reset, which takes more reading', async () => {
    const [job, reset] = [await jobs.registered(), await jobs.registered()];
    await jobs.command(reset, 'reset');
    for (const bad of [reset, { ...job, token: reset.token }, { ...job, id: UNKNOWN }, { ...job, token: 'slj_nothing' }]) {
      const from = performance.now();
      expect((await jobs.send(bad, update)).status).toBe(401);
      expect(performance.now() - from).toBeGreaterThan(23);
    }
  });

  test('holds for 72 hours, to the second, or for as long as was asked for', async () => {
    const [job, short] = [await jobs.registered(), await reissued(await jobs.registered(), { 'expires-in-seconds': 3600 })];
    it.advance(3599);
    expect((await jobs.send(short, update)).status).toBe(200);
    it.advance(1);
    expect((await jobs.send(short, update)).status).toBe(401);
    it.advance(3 * DAY - 3600 - 1);
    expect((await jobs.send(job, update)).status).toBe(200);
    it.advance(1);
    expect((await jobs.send(job, update)).status).toBe(401);
  });

  test('ends with the attempt that it was issued for: a reset leaves nothing to those who had it', async () => {
    const job = await jobs.registered();
    await jobs.send(job, { name: 'run' });
    await jobs.command(job, 'reset');
    expect((await jobs.send(job, update)).status).toBe(401);
    const next = await reissued(job);
    expect((await jobs.send(next, update)).status).toBe(409);
    await jobs.command(job, 'ready');
    expect([(await jobs.send(job, update)).status, (await jobs.send(next, { name: 'run' })).status]).toEqual([401, 200]);
  });

  test('ends with the registration that it was issued under: what was withdrawn and registered anew is not theirs who had it before', async () => {
    const content = { pipeline: 'nightly', data: { day: 1 } };
    const job = await jobs.registered(content);
    const second = await reissued(job);
    const cancel = (by: Registered): Promise<Answer> =>
      api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: job.id }, headers: { authorization: `Bearer ${by.token}` } });
    expect((await cancel(job)).status).toBe(200);
    const between = await reissued(job);
    const anew = await jobs.registered(content);
    expect(anew.id).toBe(job.id);
    for (const old of [job, second, between]) {
      expect((await jobs.send(old, { name: 'run' })).status).toBe(401);
      expect((await jobs.callBack(old, { status: 'FAILED' })).status).toBe(401);
      expect((await cancel(old)).status).toBe(401);
      expect(
        (await api.ask('GET /v1/jobs/{jobId}', { path: { jobId: job.id }, headers: { authorization: `Bearer ${old.token}` } })).status,
      ).toBe(401);
    }
    expect((await listed(job)).map(({ state }) => state).toSorted()).toEqual(['active', 'ended', 'ended', 'ended']);
    expect((await jobs.send(anew, { name: 'run' })).body).toMatchObject({ state: 'RUNNING', sequence: 4 });
    expect((await jobs.send(await reissued(anew), update)).status).toBe(200);
    expect((await jobs.history(job)).filter(({ refused }) => refused)).toEqual([]);
  });

  test('that is looked at before a reset, and whose event comes after it, sends nothing to the next attempt', async () => {
    for (const late of ['send', 'cancel'] as const) {
      const job = await jobs.registered();
      const id = parseReportedJobId(job.id);
      if (!id) throw new Error('no id');
      let loads = 0;
      const load: World['ports']['reportedJobs']['load'] = async (asked) => {
        loads += 1;
        // The first is the token's; a reset comes between it and that of the event.
        if (loads === 2) for (const name of ['reset', 'ready'] as const) await sendReported(it.ports, { job: id, name, actor: 'boss' });
        return it.ports.reportedJobs.load(asked);
      };
      installPorts({ ...it.ports, reportedJobs: { ...it.ports.reportedJobs, load } });
      const answer =
        late === 'send'
          ? await jobs.send(job, { name: 'fail' })
          : await api.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: job.id }, headers: { authorization: `Bearer ${job.token}` } });
      installPorts(it.ports);
      expect([late, answer.status, loads]).toEqual([late, 401, 2]);
      const { body } = await jobs.view(job);
      expect([body['state'], body['attempt'], body['withdrawn-at']]).toEqual(['CREATED', 2, undefined]);
    }
  });

  test('may be for some events only, and never for those that need an administrator', async () => {
    const job = await jobs.registered();
    const narrow = await reissued(job, { events: ['update', 'resource'] });
    expect((await jobs.send(narrow, update)).status).toBe(200);
    const refused = await jobs.send(narrow, { name: 'run' });
    expect([refused.status, refused.body['detail']]).toEqual([403, 'this token may send update, resource']);
    for (const name of ['reset', 'ready']) expect((await jobs.send(job, { name })).status).toBe(403);
    expect((await issue(job, { events: ['reset'] })).status).toBe(400);
    expect(await jobs.history(job)).toHaveLength(2);
  });

  test('opens its job, and nothing else', async () => {
    const [job, other] = [await jobs.registered(), await jobs.registered()];
    const headers = { authorization: `Bearer ${job.token}` };
    const ask = async (routeKey: string, path: object): Promise<number> =>
      (await api.ask(routeKey, { headers, path: path as Record<string, string>, body: routeKey.startsWith('GET') ? undefined : {} }))
        .status;
    for (const part of ['', '/history', '/wait']) {
      const asked = {
        mine: await ask(`GET /v1/jobs/{jobId}${part}`, { jobId: job.id }),
        others: await ask(`GET /v1/jobs/{jobId}${part}`, { jobId: other.id }),
      };
      expect([part, asked]).toEqual([part, { mine: 200, others: 401 }]);
    }
    for (const route of [
      'GET /v1/jobs',
      'POST /v1/jobs',
      'GET /v1/runs',
      'GET /v1/jobs/{jobId}/tokens',
      'POST /v1/jobs/{jobId}/tokens',
      'DELETE /v1/jobs/{jobId}',
    ])
      expect([route, await ask(route, { jobId: job.id })]).toEqual([route, 401]);
  });

  test('that is issued again is in an answer that no cache keeps', async () => {
    const { status, headers } = await issue(await jobs.registered());
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
  });

  test('is listed without its secret, with its end and its last use: when, and from where', async () => {
    const job = await jobs.registered();
    it.advance(30);
    await jobs.send(job, update);
    it.advance(29);
    await jobs.send(job, update);
    expect(await listed(job)).toMatchObject([
      { 'token-id': job.tokenId, state: 'active', 'last-used-at': '2026-01-01T00:00:30.000Z', 'last-used-from': '127.0.0.1' },
    ]);
    it.advance(61);
    await jobs.view({ ...job }, {});
    await api.ask('GET /v1/jobs/{jobId}', { path: { jobId: job.id }, headers: { authorization: `Bearer ${job.token}` } });
    const [token] = await listed(job);
    expect(token).toMatchObject({ 'last-used-at': '2026-01-01T00:02:00.000Z' });
    expect(JSON.stringify(token)).not.toMatch(/digest|secret/i);
  });

  test('is revoked once, and for good; of others it is not known', async () => {
    const job = await jobs.registered();
    const revoke = (tokenId: string): Promise<Answer> =>
      api.ask('DELETE /v1/jobs/{jobId}/tokens/{tokenId}', { path: { jobId: job.id, tokenId } });
    expect([(await revoke(job.tokenId)).status, (await revoke(job.tokenId)).status]).toEqual([204, 204]);
    expect([(await revoke('0123456789abcdef')).status, (await revoke('x'.repeat(3000))).status]).toEqual([404, 404]);
    expect(await listed(job)).toMatchObject([{ state: 'ended', 'revoked-at': '2026-01-01T00:00:00.000Z', 'revoked-by': 'token of boss' }]);
  });

  test('of a caller with no right to report is not issued', async () => {
    const job = await jobs.registered();
    const answer = await api.ask('POST /v1/jobs/{jobId}/tokens', { path: { jobId: job.id }, headers: bearer('writer') });
    expect(answer.status).toBe(403);
  });
});
