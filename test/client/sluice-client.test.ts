import { expect, test } from 'vitest';
import { ApiError } from '#client/errors';
import { sluiceClient, type SluiceClient } from '#client/sluice-client';
import type { CloneRequest } from '#contract/run-request';
import { problemOf } from '#contract/problems';
import { drivenPace, jobBody, refused, runBody, scriptedFetch, type Answer, type ScriptedFetch } from './scripted-fetch.ts';

const REQUEST = {
  'user-id': 'ada',
  'user-run-id': 'nightly',
  'source-type': 'csv',
  'target-type': 'parquet',
  'runtime-parameters': [{ SOURCE_PATH: 'a.csv' }],
};
const STARTED = {
  status: 'OK',
  'run-id': 'run_1',
  state: 'ACCEPTED',
  'user-run-id': 'nightly',
  'job-ids': ['job_1_00000'],
  links: { self: '/v1/runs/run_1' },
};

type Driven = ScriptedFetch & { readonly client: SluiceClient; readonly waitedMs: readonly number[] };

function clientOf(...answers: readonly Answer[]): Driven {
  const scripted = scriptedFetch(...answers);
  const pace = drivenPace();
  return {
    ...scripted,
    waitedMs: pace.waitedMs,
    client: sluiceClient({ url: 'http://sluice.test/dev/', token: 'slc_a.b', fetch: scripted.fetch, pace, newKey: () => 'made' }),
  };
}

const pageOfRuns = (count: number, cursor?: string): Answer => ({
  status: 200,
  body: { items: Array.from({ length: count }, () => runBody('RUNNING', 1)), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) },
});

test('a start carries the token, the key and the body, below the path of the address', async () => {
  const { client, asked } = clientOf({ status: 202, body: STARTED });
  expect(await client.startRun(REQUEST, { idempotencyKey: 'k1' })).toEqual(STARTED);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    method: 'POST',
    url: 'http://sluice.test/dev/v1/runs',
    headers: { authorization: 'Bearer slc_a.b', 'idempotency-key': 'k1', 'content-type': 'application/json' },
    body: REQUEST,
  });
});

test.each<[string, (client: SluiceClient) => Promise<unknown>, string]>([
  ['runs by user', (client) => client.listRuns({ userId: 'a b', limit: 5 }), '/v1/runs?user-id=a+b&limit=5'],
  ['runs by name', (client) => client.listRuns({ userRunId: 'r&1', cursor: 'x=' }), '/v1/runs?user-run-id=r%261&cursor=x%3D'],
  [
    'runs by what they are, how they ended and when',
    (client) =>
      client.listRuns({
        templateId: 'tmpl_x',
        state: 'FAILED',
        from: '2026-11-21T09:00:00+01:00',
        before: '2026-11-22T00:00:00Z',
        parameter: { key: 'CITY', text: 'a=b&c' },
      }),
    '/v1/runs?template-id=tmpl_x&state=FAILED&from=2026-11-21T09%3A00%3A00%2B01%3A00&before=2026-11-22T00%3A00%3A00Z&parameter=CITY%3Da%3Db%26c',
  ],
  ['jobs', (client) => client.listJobs('run_1', { include: 'parameters' }), '/v1/runs/run_1/jobs?include=parameters'],
  ['jobs in a state', (client) => client.listJobs('run_1', { state: 'FAILED', limit: 5 }), '/v1/runs/run_1/jobs?state=FAILED&limit=5'],
  ['history', (client) => client.listHistory('job_1'), '/v1/jobs/job_1/history'],
  ['metrics', (client) => client.listMetrics('r 1'), '/v1/metrics?user-run-id=r+1'],
  ['sums by day', (client) => client.listDailyTotals({ templateId: 'tmpl_x', limit: 7 }), '/v1/metrics/daily?template-id=tmpl_x&limit=7'],
  ['jobs of a set', (client) => client.listSetJobs('tmpl_x', 'a/b', { limit: 3 }), '/v1/templates/tmpl_x/sets/a%2Fb/jobs?limit=3'],
  ['templates', (client) => client.listTemplates(), '/v1/templates'],
  ['patterns', (client) => client.listPatterns({ limit: 2 }), '/v1/patterns?limit=2'],
])('the address of a list of %s holds what was asked for, escaped', async (_, call, path) => {
  const { client, asked } = clientOf({ status: 200, body: { items: [] } });
  await call(client);
  expect(asked[0]?.url).toBe(`http://sluice.test/dev${path}`);
});

const PLAN = {
  'plan-hash': 'f'.repeat(64),
  'template-id': 'tmpl_x',
  'template-version': 2,
  engine: 'sleep',
  'set-count': 1,
  'skipped-sets': [1],
  sets: [{ index: 0, 'set-key': 'a'.repeat(32), parameters: { CITY: { value: 'Kyiv', origin: 'caller' } } }],
};

test('a plan sends the request of a start, and asks for as many sets as are wanted', async () => {
  const { client, asked } = clientOf({ status: 200, body: PLAN });
  expect(await client.planRun(REQUEST, { limit: 7 })).toEqual(PLAN);
  expect(asked[0]).toMatchObject({ method: 'POST', url: 'http://sluice.test/dev/v1/runs/plan?limit=7', body: REQUEST });
});

test('a start of what was planned names the plan', async () => {
  const { client, asked } = clientOf({ status: 202, body: STARTED });
  await client.startRun(REQUEST, { planHash: PLAN['plan-hash'] });
  expect(asked[0]?.headers['if-match']).toBe(`"${PLAN['plan-hash']}"`);
  expect(asked[0]?.headers).not.toHaveProperty('idempotency-key');
});

test('a start that has nothing to start is answered by no run', async () => {
  const body = { status: 'OK', 'run-id': null, 'skipped-sets': 2 };
  const { client } = clientOf({ status: 200, body });
  const started = await client.startRun({ ...REQUEST, 'skip-succeeded-since': '2026-07-14T00:00:00Z' });
  expect(started).toEqual(body);
});

const RETRIED = { 'run-id': 'run_1', state: 'RUNNING', attempt: 2, 'job-ids': ['job_1_00003'], links: {} };

test('a retry is sent again under one key when its answer is lost, and under another when it is called again', async () => {
  const scripted = scriptedFetch(refused(), { status: 202, body: RETRIED });
  let keys = 0;
  const client = sluiceClient({ ...scripted, url: 'http://sluice.test', pace: drivenPace(), newKey: () => `key ${(keys += 1)}` });
  expect(await client.retryRun('run/1', { indexes: [3] })).toEqual(RETRIED);
  await client.retryRun('run/1', { indexes: [3] });
  await client.retryRun('run/1', { reasons: ['lost'] }, { idempotencyKey: 'mine' });
  expect(scripted.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['key 1', 'key 1', 'key 2', 'mine']);
  expect(scripted.asked[0]).toMatchObject({ method: 'POST', url: 'http://sluice.test/v1/runs/run%2F1/retry', body: { indexes: [3] } });
});

test('the key that is made where none is given is one that no other retry has', async () => {
  const scripted = scriptedFetch({ status: 202, body: RETRIED });
  const client = sluiceClient({ ...scripted, url: 'http://sluice.test', pace: drivenPace() });
  for (const _ of [1, 2]) await client.retryRun('run_1');
  const [first, second] = scripted.asked.map(({ headers }) => headers['idempotency-key'] ?? '');
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).not.toBe(first);
  expect(scripted.asked[0]?.body).toEqual({});
});

test('a clone carries what is to be different', async () => {
  const { client, asked } = clientOf({ status: 202, body: STARTED });
  const request: CloneRequest = { 'user-run-id': 'again', 'template-version': 'current', failed: { reasons: ['lost'] } };
  expect(await client.cloneRun('run_1', request, { idempotencyKey: 'k' })).toEqual(STARTED);
  expect(asked[0]).toMatchObject({ url: 'http://sluice.test/dev/v1/runs/run_1/clone', body: request, headers: { 'idempotency-key': 'k' } });
});

test.each<[string, (client: SluiceClient) => Promise<unknown>, string, unknown]>([
  ['of a run', (client) => client.cancelRun('run_1'), '/v1/runs/run_1/cancel', runBody('CANCELLING', 1)],
  [
    'of a job',
    (client) => client.cancelJob('job_1'),
    '/v1/jobs/job_1/cancel',
    jobBody({ 'cancel-requested-at': '2026-07-14T08:00:01.000Z' }),
  ],
])('a cancel %s has no body, and is sent again when its answer is lost', async (_, call, path, body) => {
  const { client, asked } = clientOf(refused(), { status: 202, body });
  expect(await call(client)).toEqual(body);
  expect(asked).toHaveLength(2);
  expect(asked[1]).toMatchObject({ method: 'POST', url: `http://sluice.test/dev${path}`, body: undefined });
});

const SWEPT = {
  'open-runs': 3,
  'running-executions': 4,
  findings: [{ kind: 'watch-overdue', 'run-id': 'run_1', since: '2026-07-14T08:00:00.000Z', detail: 'd', repair: 'r' }],
};

test('a sweep that only looks is sent again; one that repairs is sent once, because another answer would be of something else', async () => {
  const looking = clientOf(refused(), { status: 200, body: SWEPT });
  expect(await looking.client.sweep()).toEqual(SWEPT);
  expect(looking.asked.map(({ method, url }) => `${method} ${url}`)).toEqual(Array<string>(2).fill('GET http://sluice.test/dev/v1/sweep'));
  const repairing = clientOf(refused(), { status: 200, body: SWEPT });
  await expect(repairing.client.repair()).rejects.toMatchObject({ name: 'ServiceUnreachable' });
  expect(repairing.asked.map(({ method }) => method)).toEqual(['POST']);
});

test('a run id from outside stays one part of the path', async () => {
  const { client, asked } = clientOf({ status: 200, body: runBody('SUCCEEDED') });
  await client.getRun('a/b?c');
  expect(asked[0]?.url).toBe('http://sluice.test/dev/v1/runs/a%2Fb%3Fc');
});

test('an iteration follows cursors to the end, over empty pages', async () => {
  const { client, asked } = clientOf(pageOfRuns(2, 'c1'), pageOfRuns(0, 'c2'), pageOfRuns(1));
  let count = 0;
  for await (const run of client.runs({ userId: 'ada' })) count += run['user-id'] === 'ada' ? 1 : 0;
  expect(count).toBe(3);
  expect(asked.map(({ url }) => url.replace(/.*\?/, ''))).toEqual(['user-id=ada', 'user-id=ada&cursor=c1', 'user-id=ada&cursor=c2']);
});

test('text pages follow the cursor of the header, and ask for CSV', async () => {
  const page = (text: string, cursor?: string): Response =>
    new Response(text, {
      headers: { 'content-type': 'text/csv; charset=utf-8', ...(cursor === undefined ? {} : { 'sluice-next-cursor': cursor }) },
    });
  const pages = [page('a\r\n1\r\n', 'c=1'), page('', 'c2'), page('2\r\n')];
  const asked: string[] = [];
  const client = sluiceClient({
    url: 'http://sluice.test',
    fetch: (input, init) => {
      asked.push(`${input instanceof Request ? input.url : String(input)} ${new Headers(init?.headers).get('accept') ?? ''}`);
      return Promise.resolve(pages.shift() ?? Response.error());
    },
  });
  let text = '';
  for await (const part of client.metricsCsv('r 1', { limit: 1 })) text += part;
  expect(text).toBe('a\r\n1\r\n2\r\n');
  expect(asked).toEqual(
    ['', '&cursor=c%3D1', '&cursor=c2'].map(
      (cursor) => `http://sluice.test/v1/metrics?user-run-id=r+1&format=csv&limit=1${cursor} text/csv, application/problem+json`,
    ),
  );
});

test('a comparison without an earlier success names none', async () => {
  const body = { 'job-id': 'job_1', 'compared-with': null, differences: [] };
  const { client, asked } = clientOf({ status: 200, body });
  expect(await client.compareJob('job/1')).toEqual(body);
  expect(asked[0]?.url).toBe('http://sluice.test/dev/v1/jobs/job%2F1/comparison');
});

test('an iteration that is left early asks for no further page', async () => {
  const { client, asked } = clientOf(pageOfRuns(2, 'c1'));
  for await (const _ of client.runs()) break;
  expect(asked).toHaveLength(1);
});

test('a refusal is an ApiError that carries the problem document', async () => {
  const errors = [{ pointer: '/runtime-parameters/0/X', rule: 'locked', message: 'may not be given' }];
  const { client } = clientOf({ status: 422, body: problemOf('invalid-parameters', '1 value is not valid', errors) });
  const error = await client.startRun(REQUEST).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ name: 'ApiError', status: 422, problem: { type: '/problems/invalid-parameters' }, errors });
  expect((error as ApiError).is('invalid-parameters')).toBe(true);
});

test.each<[string, Answer]>([
  ['the network fails', refused()],
  ['the service is restarting', { status: 503, body: problemOf('unavailable', 'try again') }],
  ['there are too many requests', { status: 429, body: problemOf('unavailable', 'slower') }],
  ['the same start is being accepted', { status: 409, body: problemOf('request-in-progress', 'in a moment') }],
])('a start is repeated when %s', async (_, first) => {
  const { client, asked, waitedMs } = clientOf(first, { status: 200, body: STARTED });
  expect((await client.startRun(REQUEST))['run-id']).toBe('run_1');
  expect(asked).toHaveLength(2);
  expect(waitedMs).toEqual([100]);
});

test('a repeat waits as long as the service asks', async () => {
  const busy: Answer = { status: 503, body: problemOf('unavailable', 'try again'), headers: { 'retry-after': '2' } };
  const { client, waitedMs } = clientOf(busy, { status: 200, body: runBody('SUCCEEDED') });
  await client.getRun('run_1');
  expect(waitedMs).toEqual([2000]);
});

test('a service that asks to come back in an hour is not waited for', async () => {
  const { client, asked } = clientOf({ status: 429, body: problemOf('unavailable', 'later'), headers: { 'retry-after': '3600' } });
  await expect(client.getRun('run_1')).rejects.toMatchObject({ name: 'ApiError', problem: { detail: 'later' } });
  expect(asked).toHaveLength(1);
});

test('repeats end: after four tries the last answer is reported', async () => {
  const { client, asked, waitedMs } = clientOf({ status: 503, body: problemOf('unavailable', 'try again') });
  await expect(client.getRun('run_1')).rejects.toMatchObject({ name: 'ApiError', status: 503 });
  expect(asked).toHaveLength(4);
  expect(waitedMs).toEqual([100, 300, 900]);
});

test('a registration is sent once, whatever happens', async () => {
  const { client, asked } = clientOf(refused());
  const pattern = { 'source-type': 'a', 'target-type': 'b', 'template-id': 'tmpl_x' };
  await expect(client.putPattern(pattern)).rejects.toMatchObject({ name: 'ServiceUnreachable' });
  expect(asked).toHaveLength(1);
});

test('a refused start is not repeated', async () => {
  const { client, asked } = clientOf({ status: 409, body: problemOf('version-conflict', 'changed') });
  await expect(client.startRun(REQUEST)).rejects.toMatchObject({ name: 'ApiError', status: 409 });
  expect(asked).toHaveLength(1);
});

test('a service that does not answer is named by its address, with what to do', async () => {
  const { client } = clientOf(refused());
  await expect(client.listRuns()).rejects.toMatchObject({
    name: 'ServiceUnreachable',
    url: 'http://sluice.test/dev',
    message: 'no answer from http://sluice.test/dev (connect ECONNREFUSED 127.0.0.1:8888); is the service running? npm start',
  });
});

test.each<[string, Answer]>([
  ['a page of another program', { status: 200, text: '<html>' }],
  ['an error page of a proxy', { status: 502, text: 'Bad Gateway' }],
  ['a run in a state that this client does not know', { status: 200, body: runBody('PAUSED') }],
])('%s is an answer that is not understood, not a run', async (_, answer) => {
  const { client } = clientOf(answer);
  await expect(client.getRun('run_1')).rejects.toMatchObject({ name: 'UnexpectedAnswer' });
});

test('what registering did is read from the answer', async () => {
  const body = { 'source-type': 'a', 'target-type': 'b', 'template-id': 'tmpl_x', version: 1, 'updated-at': '2026-07-14T08:00:00.000Z' };
  const { client, asked } = clientOf({ status: 201, body, headers: { 'sluice-change': 'created' } });
  const pattern = { 'source-type': 'a/b', 'target-type': 'b', 'template-id': 'tmpl_x' };
  expect((await client.putPattern(pattern)).change).toBe('created');
  expect(asked[0]).toMatchObject({ url: 'http://sluice.test/dev/v1/patterns/a%2Fb/b', body: { 'template-id': 'tmpl_x' } });
});
