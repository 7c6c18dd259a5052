/** Looking before starting: a plan, a start of exactly that, and sets that need not run again. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PlanView } from '#contract/plan-view';
import type { Problem } from '#contract/problems';
import type { JobView, NothingStarted, PageView, RunStarted, RunView } from '#contract/views';
import { allJobs, endedRun } from '#test/support/journey';
import { startService, type Answer, type Service } from '#test/support/service';
import { systemSleepEngine, type SleepEngine } from '#test/support/sleep-engine';

let service: Service;
let engine: SleepEngine;
let name: string;
let names = 0;

beforeAll(async () => {
  engine = systemSleepEngine();
  service = await startService({ engines: { sleep: engine } });
});
afterAll(async () => {
  await service.close();
});
/** A template of its own for each test. */
beforeEach(async () => {
  name = `planned-${(names += 1)}`;
  await putTemplate({});
  await service.request('PUT', `/v1/patterns/city/${name}`, { 'template-id': `tmpl_${name}` });
});

const putTemplate = (change: object): Promise<Answer> =>
  service.request('PUT', `/v1/templates/tmpl_${name}`, { name: 'City', engine: 'sleep', identity: ['CITY'], ...change });

const request = (cities: readonly string[], change: object = {}): Record<string, unknown> => ({
  'user-id': 'ada',
  'user-run-id': name,
  'source-type': 'city',
  'target-type': name,
  'runtime-parameters': cities.map((CITY) => ({ CITY, SECONDS: 0 })),
  ...change,
});
const plan = async (body: object): Promise<PlanView> => (await service.request<PlanView>('POST', '/v1/runs/plan', body)).body;
const start = <Body = RunStarted>(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer<Body>> =>
  service.request<Body>('POST', '/v1/runs', body, headers);
async function ended(body: object): Promise<RunView> {
  return endedRun(service, (await start(body)).body['run-id']);
}

test('what a plan shows is what its jobs are started with, to the last value and key', async () => {
  await putTemplate({ 'target-parameters': { LIMIT: 5 }, overridable: ['LIMIT'] });
  const body = request(['Oslo', 'Bergen']);
  const before = engine.calls.start;
  const planned = await plan(body);
  expect([planned['set-count'], planned['template-version'], engine.calls.start - before]).toEqual([2, 2, 0]);
  const { status, body: started } = await start(body, { 'if-match': planned['plan-hash'] });
  expect(status).toBe(202);
  await endedRun(service, started['run-id']);
  const jobs = await service.request<PageView<JobView>>('GET', `/v1/runs/${started['run-id']}/jobs?include=parameters`);
  expect(jobs.body.items.map((job) => ({ index: job.index, 'set-key': job['set-key'], parameters: job.parameters }))).toEqual(planned.sets);
});

test('a template that changes between the plan and the start: refused with the hash of now, which starts it', async () => {
  const body = request(['Oslo']);
  const planned = await plan(body);
  await putTemplate({ 'target-parameters': { LIMIT: 1 } });
  const refused = await start<Problem>(body, { 'if-match': `"${planned['plan-hash']}"` });
  expect([refused.status, refused.body.type]).toEqual([412, '/problems/plan-changed']);
  const again = await plan(body);
  expect(refused.headers.get('etag')).toBe(`"${again['plan-hash']}"`);
  const started = await start(body, { 'if-match': refused.headers.get('etag') ?? '' });
  expect(started.status).toBe(202);
  expect((await endedRun(service, started.body['run-id']))['template-version']).toBe(2);
});

test('of fifty starts under one plan at once one starts it, and all are answered by its run', async () => {
  const body = request(['Oslo']);
  const headers = { 'if-match': (await plan(body))['plan-hash'] };
  const answers = await Promise.all(Array.from({ length: 50 }, () => start(body, headers)));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  expect(new Set(answers.map(({ body: answer }) => answer['run-id'])).size).toBe(1);
});

test('sets that have succeeded since a time are left out until all have; then nothing is started', async () => {
  const since = { 'skip-succeeded-since': new Date(Date.now() - 60_000).toISOString() };
  const first = await ended({
    ...request([]),
    'runtime-parameters': [
      { CITY: 'Oslo', SECONDS: 0 },
      { CITY: 'Bergen', SECONDS: 0, FAIL: 'no' },
    ],
  });
  expect(first.state).toBe('PARTIAL');
  const cities = ['Bergen', 'Oslo', 'Tromso'];
  const second = request(cities, { 'user-run-id': `${name}-2`, ...since });
  expect(await plan(second)).toMatchObject({ 'set-count': 2, 'skipped-sets': [1] });
  const run = await ended(second);
  expect(run).toMatchObject({ state: 'SUCCEEDED', 'skipped-sets': 1, jobs: { total: 2 } });
  expect(await allJobs(service, run['run-id'])).toHaveLength(2);
  const third = await start<NothingStarted>(request(cities, { 'user-run-id': `${name}-3`, ...since }));
  expect([third.status, third.body]).toEqual([200, { status: 'OK', 'run-id': null, 'skipped-sets': 3 }]);
  const listed = await service.request<PageView<RunView>>('GET', `/v1/runs?user-run-id=${name}-3`);
  expect(listed.body.items).toEqual([]);
});

test('the same request again answers its run, also when its sets have succeeded by then', async () => {
  const body = request(['Oslo'], { 'skip-succeeded-since': new Date(Date.now() - 60_000).toISOString() });
  const run = await ended(body);
  const again = await start(body);
  expect([again.status, again.body['run-id']]).toEqual([200, run['run-id']]);
});

test('the history of a set has its jobs in all runs, the newest first, whatever version of the template ran them', async () => {
  const first = await ended(request(['Oslo', 'Bergen']));
  await putTemplate({ 'target-parameters': { LIMIT: 1 } });
  const second = await ended(request(['Bergen'], { 'user-run-id': `${name}-2` }));
  const { sets } = await plan(request(['Bergen'], { 'user-run-id': `${name}-3` }));
  const path = `/v1/templates/tmpl_${name}/sets/${sets[0]?.['set-key'] ?? ''}/jobs`;
  const { body } = await service.request<PageView<JobView>>('GET', path);
  expect(body.items.map((job) => [job['run-id'], job.index])).toEqual([
    [second['run-id'], 0],
    [first['run-id'], 1],
  ]);
});

test('what five jobs of a template took is what the next plan expects', async () => {
  const cities = ['Oslo', 'Bergen', 'Tromso', 'Bodo', 'Moss'];
  expect(await plan(request(cities))).not.toHaveProperty('expected');
  await ended({ ...request([]), 'runtime-parameters': cities.map((CITY) => ({ CITY, SECONDS: 1 })) });
  const next = request(cities, { 'user-run-id': `${name}-2` });
  await expect.poll(async () => (await plan(next)).expected, { timeout: 5_000 }).toBeDefined();
  const { expected } = await plan(next);
  expect(expected).toMatchObject({ 'engine-starts': 5, 'run-seconds': 1 });
  expect(expected?.['job-seconds'].p50).toBeCloseTo(1, 0);
});
