import { describe, expect, test } from 'vitest';
import type { World } from '#test/operations/world';
import { pollRun } from '#operations/poll-run';
import { pointers, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Answer } from './http-call.ts';
import type { Registered, Reporting } from './reporting.ts';

let it: World;
let api: Api;
let jobs: Reporting;
let job: Registered;

eachTest(async (given) => {
  ({ it, api, jobs } = given);
  job = await jobs.registered();
});

const lastData = async (): Promise<unknown> => (await jobs.history(job, { order: 'newest', limit: '1' }))[0]?.['data'];

describe('a callback', () => {
  test('of nothing but a URL maps the foreign status and keeps it with the note', async () => {
    const answer = await jobs.callBack(job, { status: 'running', note: 'node 7 & more' });
    expect(answer).toMatchObject({ status: 200, body: { name: 'run', state: 'RUNNING', sequence: 2 } });
    expect(await lastData()).toEqual({ status: 'running', note: 'node 7 & more' });
  });

  test('keeps the whole body of a foreign job as the data of its event; what the query says besides is not lost', async () => {
    const body = { appId: 'app-1', status: 'STAGED', owner: 'ada', _links: { self: 'x' }, retries: 0, inputs: [1, { deep: [true] }] };
    expect((await jobs.callBack(job, { status: 'RUNNING', note: 'n' }, { body })).body).toMatchObject({ name: 'run' });
    expect(await lastData()).toEqual({ ...body, 'callback-status': 'RUNNING', note: 'n' });
  });

  test.each([
    ['event in the query', { event: 'Update' }, undefined, 'update'],
    ['state in the query', { state: 'QUEUED' }, undefined, 'resource'],
    ['status in the body', {}, { status: 'PENDING' }, 'resource'],
    ['a status that nobody knows', { status: 'JUGGLING' }, undefined, 'update'],
    ['a name in the body', {}, { name: 'run', data: { a: 1 } }, 'run'],
  ])('says what has happened by %s', async (_what, query, body, name) => {
    expect((await jobs.callBack(job, query, body ? { body } : {})).body).toMatchObject({ name });
  });

  test('whose status was left empty says what its body says, and nothing where that says nothing', async () => {
    const body = { appId: 'a', status: 'RUNNING' };
    expect((await jobs.callBack(job, { status: '', note: '' }, { body })).body).toMatchObject({ name: 'run', state: 'RUNNING' });
    expect((await jobs.callBack(job, { status: '', state: 'FINISHED' })).body).toMatchObject({ name: 'finish' });
    const answer = await jobs.callBack(job, { status: '', event: '' });
    expect([answer.status, slug(answer)]).toEqual([422, 'invalid-event']);
    expect(await jobs.history(job)).toHaveLength(3);
  });

  test('of an event that there is not is 422, whatever else it says: it is not taken for another one', async () => {
    const answer = await jobs.callBack(job, { event: 'finsh', status: 'RUNNING' }, { body: { status: 'FAILED', name: 'fail' } });
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([422, 'invalid-event', ['event']]);
    expect(await jobs.history(job)).toHaveLength(1);
  });

  test('that says nothing is 422, and leaves no trace', async () => {
    for (const body of [undefined, { appId: 'a' }]) {
      const answer = await jobs.callBack(job, { note: 'hello' }, body ? { body } : {});
      expect([answer.status, slug(answer)]).toEqual([422, 'invalid-event']);
    }
    expect(await jobs.history(job)).toHaveLength(1);
  });

  test.each([
    ['text', 'text/plain', 'finished with 3 warnings', { 'content-type': 'text/plain', body: 'finished with 3 warnings' }],
    ['a form', 'application/x-www-form-urlencoded', 'a=1&b=2', { 'content-type': 'application/x-www-form-urlencoded', body: 'a=1&b=2' }],
    ['a list', 'application/json', '[1,2]', { 'content-type': 'application/json', body: [1, 2] }],
    ['broken JSON', 'application/json', '{"half":', { 'content-type': 'application/json', body: '{"half":' }],
    [
      'JSON that would be changed by reading it',
      'application/json',
      '{"a":12345678901234567890}',
      { 'content-type': 'application/json', body: '{"a":12345678901234567890}' },
    ],
  ])('takes %s, and keeps it', async (_what, contentType, body, expected) => {
    expect((await jobs.callBack(job, { event: 'update' }, { body, headers: { 'content-type': contentType } })).status).toBe(200);
    expect(await lastData()).toEqual(expected);
  });

  test('takes bytes that are no text, and keeps them as base64', async () => {
    const path = { jobId: job.id };
    const handler = 'POST /v1/jobs/{jobId}/callback';
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    const answer = await api.ask(handler, {
      path,
      query: { token: job.token, event: 'update' },
      headers: { authorization: '', 'content-type': 'application/octet-stream' },
      body: bytes.toString('latin1'),
      encoding: 'latin1',
      base64: true,
    });
    expect(answer.status).toBe(200);
    expect(await lastData()).toEqual({ 'content-type': 'application/octet-stream', 'body-base64': bytes.toString('base64') });
  });

  test.each([
    ['letters', 'x'],
    ['control characters, whose JSON is six times as long', '\u0001'],
  ])('of 256 KB of %s is taken, of more is 413', async (_what, character) => {
    const send = (bytes: number): Promise<Answer> =>
      jobs.callBack(job, { event: 'update' }, { body: character.repeat(bytes), headers: { 'content-type': 'text/plain' } });
    expect([(await send(262_144)).status, (await send(262_145)).status]).toEqual([200, 413]);
    const { body, 'body-base64': base64 } = (await lastData()) as Readonly<Record<string, string | undefined>>;
    expect(body ?? Buffer.from(base64 ?? '', 'base64').toString()).toBe(character.repeat(262_144));
  });

  test('of numbers that grow when they are written out is kept as it came', async () => {
    const text = `{"n":[${Array<string>(40_000).fill('1e20').join(',')}]}`;
    expect((await jobs.callBack(job, { event: 'update' }, { body: text })).status).toBe(200);
    const { 'body-base64': base64 = '' } = (await lastData()) as Readonly<Record<string, string | undefined>>;
    expect(Buffer.from(base64, 'base64').toString()).toBe(text);
  });

  test('keeps no token, wherever in it that stands', async () => {
    await jobs.callBack(
      job,
      { status: 'RUNNING', note: `see ?token=${job.token}` },
      { body: { url: `https://x/?token=${job.token}`, token: job.token } },
    );
    expect(await lastData()).toEqual({ url: 'https://x/?token=[token]', token: '[token]', status: 'RUNNING', note: 'see ?token=[token]' });
  });

  test('keeps none that is written with escapes, and none that came beside the one that was taken', async () => {
    const escaped = `\\u0073${job.token.slice(1)}`;
    await jobs.callBack(job, { status: 'RUNNING' }, { body: `{"token":"${escaped}","see":["${escaped}"]}` });
    expect(await lastData()).toEqual({ token: '[token]', see: ['[token]'], status: 'RUNNING' });
    const other = await jobs.registered();
    await jobs.callBack(job, { status: 'RUNNING', id: job.token }, { body: { token: other.token } });
    expect(await lastData()).toEqual({ token: '[token]', status: 'RUNNING' });
    await jobs.send(job, `{"name":"update","data":{"see":"${escaped}"}}`);
    expect(await lastData()).toEqual({ see: '[token]' });
    const page = JSON.stringify(await jobs.history(job));
    expect([page.includes(job.token), page.includes(other.token)]).toEqual([false, false]);
  });

  test('that comes again under its id is answered as it was', async () => {
    const first = await jobs.callBack(job, { status: 'RUNNING', id: 'e1' });
    expect((await jobs.callBack(job, { status: 'RUNNING', id: 'e1' })).body).toEqual(first.body);
    expect(await jobs.history(job)).toHaveLength(2);
  });

  test('that comes too late is told so', async () => {
    for (const status of ['RUNNING', 'FINISHED']) await jobs.callBack(job, { status });
    const late = await jobs.callBack(job, { status: 'HEARTBEAT' });
    expect(late).toMatchObject({
      status: 409,
      body: { state: 'FINISHED', 'allowed-events': ['finish', 'index', 'indexed', 'validate', 'retire', 'reset'] },
    });
  });
});

describe('a job of a run', () => {
  test('has tokens and callbacks too: what is claimed of its running is kept as an update, and its engine is asked soon', async () => {
    const run = await api.running([{ SECONDS: 60 }]);
    const id = `job_${run.id.slice(4)}_00000`;
    const { body: issued } = await api.ask('POST /v1/jobs/{jobId}/tokens', { path: { jobId: id } });
    const managed: Registered = { id, token: String(issued['token']), tokenId: String(issued['token-id']) };
    expect((await jobs.send(managed, { name: 'resource', data: { host: 'a' } })).body).toMatchObject({ state: 'RUNNING' });
    const early = await jobs.callBack(managed, { status: 'FINISHED' });
    expect(early).toMatchObject({ status: 200, body: { name: 'finish', 'recorded-as': 'update', state: 'RUNNING' } });
    expect((await it.loadRun(run)).state).toBe('RUNNING');
    it.advance(60);
    expect((await jobs.callBack(managed, { status: 'FINISHED' })).body).toMatchObject({ 'recorded-as': 'update', state: 'RUNNING' });
    // A look for each of the two, a second later: it sees the engine's own end of it.
    expect([...it.orchestrator.nudges].filter((name) => name.startsWith(`${run.id}-n`))).toHaveLength(2);
    await pollRun(it.ports, { runId: run.id });
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
    const names = (await jobs.history(managed)).map(({ name, data }) => [
      name,
      (data as Readonly<Record<string, unknown>> | undefined)?.['reported-event'],
    ]);
    expect(names).toEqual([
      ['create', undefined],
      ['run', undefined],
      ['resource', undefined],
      ['update', 'finish'],
      ['update', 'finish'],
      ['finish', undefined],
    ]);
    expect((await jobs.callBack(managed, { status: 'FINISHED' })).body).toMatchObject({ name: 'finish', state: 'FINISHED' });
    expect((await jobs.callBack(managed, { status: 'FAILED' })).status).toBe(409);
    expect((await it.loadRun(run)).counts).toMatchObject({ finished: 1, failed: 0 });
    const reset = await jobs.command(managed, 'reset');
    expect([reset.status, reset.body['detail']]).toEqual([409, expect.stringContaining(`/v1/runs/${run.id}/retry`)]);
  });

  test("is not failed by its token: the engine's word counts", async () => {
    const run = await api.running([{ SECONDS: 60 }]);
    const id = `job_${run.id.slice(4)}_00000`;
    const { body } = await api.ask('POST /v1/jobs/{jobId}/tokens', { path: { jobId: id } });
    const answer = await jobs.callBack({ id, token: String(body['token']), tokenId: '' }, { status: 'FAILED' });
    expect(answer.body).toMatchObject({ name: 'fail', 'recorded-as': 'update', state: 'RUNNING' });
    it.advance(60);
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
  });
});
