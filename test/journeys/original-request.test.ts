/** What a caller of the original service sees (contracts/job-template-service.md): the same request, answers that hold more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '#contract/problems';
import type { HistoryEntryView, JobView, MetricsRow, PageView, RunStarted, RunView } from '#contract/views';
import { endedRun } from '#test/support/journey';
import { systemSleepEngine, type SleepEngine } from '#test/support/sleep-engine';
import { startService, type Answer, type Service } from '#test/support/service';

const PATH = '/streamsets/job-template-runner';
const LONDON = {
  HTTP_URL: 'http://api.openweathermap.org/data/2.5/weather',
  CITY: 'London',
  GCS_BUCKET: '146_gcs_bucket',
  GCS_FOLDER: 'UK',
};
const PARIS = { ...LONDON, CITY: 'Paris', GCS_FOLDER: 'FR' };
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let service: Service;
let engine: SleepEngine;

beforeAll(async () => {
  engine = systemSleepEngine();
  service = await startService({ engines: { sleep: engine } });
  await service.request('PUT', '/v1/templates/tmpl_http-to-gcs', {
    name: 'HTTP to GCS',
    engine: 'sleep',
    'source-parameters': { HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET' },
    'target-connection': { GCS_CONNECTION: '9c960db9:8030c2e9' },
  });
  await service.request('PUT', '/v1/patterns/http/gcs', { 'template-id': 'tmpl_http-to-gcs' });
});
afterAll(async () => {
  await service.close();
});

const requestBody = (userRunId: string, changes: object = {}): object => ({
  'user-id': 'mark',
  'user-run-id': userRunId,
  'source-type': 'http',
  'target-type': 'gcs',
  'runtime-parameters': [LONDON, PARIS],
  ...changes,
});
const ask = <Body = RunStarted>(body: object): Promise<Answer<Body>> => service.request<Body>('POST', PATH, body);
const metricsOf = async (userRunId: string): Promise<readonly MetricsRow[]> =>
  (await service.request<PageView<MetricsRow>>('GET', `/v1/metrics?user-run-id=${userRunId}`)).body.items;

async function runsNamed(userRunId: string): Promise<number> {
  return (await service.request<PageView<RunView>>('GET', `/v1/runs?user-run-id=${encodeURIComponent(userRunId)}`)).body.items.length;
}

test('the original request is answered 200 and OK, with the run, its jobs in the order of the sets, and where they are', async () => {
  const { status, headers, body } = await ask(requestBody('shape'));
  expect([status, body.status, body['user-run-id']]).toEqual([200, 'OK', 'shape']);
  const ulid = body['run-id'].replace('run_', '');
  expect(body['job-ids']).toEqual([`job_${ulid}_00000`, `job_${ulid}_00001`]);
  expect(headers.get('location')).toBe(`/v1/runs/${body['run-id']}`);
  const jobs = await service.request<PageView<JobView>>('GET', `${body.links['jobs'] ?? ''}?include=parameters`);
  expect(jobs.body.items.map(({ parameters }) => parameters?.['CITY'])).toEqual([
    { value: 'London', origin: 'caller' },
    { value: 'Paris', origin: 'caller' },
  ]);
  expect(jobs.body.items[0]?.parameters?.['HTTP_MODE']).toEqual({ value: 'POLLING', origin: 'source-parameters' });
  expect((await service.request('GET', body.links['self'] ?? '')).status).toBe(200);
  expect((await service.request('GET', body.links['metrics'] ?? '')).status).toBe(200);
});

test('the same request again is the same run, before and after its end, and starts nothing on the engine', async () => {
  const { body } = await ask(requestBody('again'));
  expect((await ask(requestBody('again'))).body['run-id']).toBe(body['run-id']);
  await endedRun(service, body['run-id']);
  const started = engine.calls.start;
  const later = await ask(requestBody('again'));
  expect([later.status, later.body['run-id'], later.body['job-ids']]).toEqual([200, body['run-id'], body['job-ids']]);
  expect(engine.calls.start).toBe(started);
  expect(await runsNamed('again')).toBe(1);
});

test('the same user-run-id with another body is refused and names the earlier run', async () => {
  const { body } = await ask(requestBody('other-body'));
  const { status, body: problem } = await ask<Problem>(requestBody('other-body', { 'runtime-parameters': [LONDON] }));
  expect([status, problem.type]).toEqual([422, '/problems/key-reused']);
  expect(problem.detail).toContain(body['run-id']);
});

test.each(['user-id', 'user-run-id', 'source-type', 'target-type', 'runtime-parameters'])(
  'a request without %s is refused, and the answer names it',
  async (field) => {
    const { status, headers, body } = await ask<Problem>(requestBody('missing', { [field]: undefined }));
    expect([status, body.type]).toEqual([400, '/problems/invalid-request']);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body.errors?.map(({ pointer }) => pointer)).toEqual([`/${field}`]);
  },
);

test.each<[string, object, string]>([
  ['an empty name', { 'user-id': '' }, '/user-id'],
  ['no set', { 'runtime-parameters': [] }, '/runtime-parameters'],
  ['a set that is no object', { 'runtime-parameters': [LONDON, 'Paris'] }, '/runtime-parameters/1'],
])('%s is refused by its pointer', async (_, changes, pointer) => {
  const { status, body } = await ask<Problem>(requestBody('malformed', changes));
  expect([status, body.errors?.[0]?.pointer]).toEqual([400, pointer]);
});

test.each([
  ['an unknown pair', { 'target-type': 's3' }],
  ['SQL in a type', { 'source-type': "zzz' or '1'='1" }],
])('%s has no pattern: 422, and nothing is started', async (_, changes) => {
  const started = engine.calls.start;
  const { status, body } = await ask<Problem>(requestBody('no-pattern', changes));
  expect([status, body.type]).toEqual([422, '/problems/no-pattern']);
  expect(body.errors?.map(({ pointer }) => pointer)).toEqual(['/source-type', '/target-type']);
  expect(body.detail).toContain('http to gcs');
  expect([engine.calls.start, await runsNamed('no-pattern')]).toEqual([started, 0]);
});

test('a key that the template has set is refused by its pointer, with its set, and nothing is started', async () => {
  const started = engine.calls.start;
  const sets = [{ ...LONDON, HTTP_MODE: 'STREAMING' }, PARIS];
  const { status, body } = await ask<Problem>(requestBody('locked', { 'runtime-parameters': sets }));
  expect([status, body.type]).toEqual([422, '/problems/invalid-parameters']);
  expect(body.errors).toEqual([
    {
      pointer: '/runtime-parameters/0/HTTP_MODE',
      rule: 'locked',
      message: 'is set by the template (source-parameters) and may not be given',
    },
  ]);
  expect([engine.calls.start, await runsNamed('locked')]).toEqual([started, 0]);
});

test("the metrics of a run are the original's rows, one for each set, found by the caller's own name for the run", async () => {
  const forced = "JOBRUNNER_64 - Force stopping job 'x'";
  const sets = [
    { ...LONDON, INPUT: 12_482, OUTPUT: 12_482 },
    { ...PARIS, INPUT: 1_499, OUTPUT: 1_490, ERRORS: 9, FAIL: forced },
  ];
  const { body } = await ask(requestBody('metrics', { 'runtime-parameters': sets }));
  await endedRun(service, body['run-id']);
  const rows = await metricsOf('metrics');
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as string;
  const same = {
    run_id: body['run-id'],
    job_template_id: 'tmpl_http-to-gcs',
    user_id: 'mark',
    user_run_id: 'metrics',
    engine_id: 'sleep',
    pipeline_id: '',
    start_time: time,
    finish_time: time,
  };
  const [first = '', second = ''] = body['job-ids'];
  expect(rows).toEqual([
    {
      ...same,
      job_id: first,
      job_run_id: `${first}_a1`,
      successful_run: true,
      input_record_count: 12_482,
      output_record_count: 12_482,
      error_record_count: 0,
      error_message: '',
    },
    {
      ...same,
      job_id: second,
      job_run_id: `${second}_a1`,
      successful_run: false,
      input_record_count: 1_499,
      output_record_count: 1_490,
      error_record_count: 9,
      error_message: forced,
    },
  ]);
});

test('the history of a finished job is create, run, finish, without gaps, in ISO times that do not go back', async () => {
  const { body } = await ask(requestBody('history'));
  await endedRun(service, body['run-id']);
  const history = await service.request<PageView<HistoryEntryView>>('GET', `/v1/jobs/${body['job-ids'][0] ?? ''}/history`);
  const entries = history.body.items;
  expect(entries.map(({ sequence, name, from, to }) => [sequence, name, from, to])).toEqual([
    [1, 'create', null, 'CREATED'],
    [2, 'run', 'CREATED', 'RUNNING'],
    [3, 'finish', 'RUNNING', 'FINISHED'],
  ]);
  const times = entries.map(({ at }) => at);
  for (const at of times) expect(at).toMatch(INSTANT);
  expect(times).toEqual(times.toSorted());
});

test('a caller without a token is told to send one, and starts nothing', async () => {
  const { status, headers, body } = await service.request<Problem>('POST', PATH, requestBody('no-token'), { authorization: '' });
  expect([status, body.type, headers.get('www-authenticate')]).toEqual([401, '/problems/not-authenticated', 'Bearer']);
  expect(await runsNamed('no-token')).toBe(0);
});
