import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DayTotalsView, JobComparison, JobView, PageView, RunStarted, RunView } from '#contract/views';
import { systemClock } from '#hosts/local/host-clock';
import { endedRun, registerSleep, startRun } from '#test/support/journey';
import { sleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';

let service: Service;
let oslo: RunStarted;
let bergen: RunStarted;
let failed: RunStarted;

/** A template that declares a searchable parameter and what identifies a set, and three runs of it. */
beforeAll(async () => {
  const clock = systemClock();
  service = await startService({
    engines: { sleep: sleepEngine({ nowMs: () => clock.nowMs(), at: (atMs, done) => clock.at(atMs, done) }) },
  });
  await registerSleep(service);
  await putTemplate({ LIMIT: 10 });
  await service.request('PUT', '/v1/patterns/city/table', { 'template-id': 'tmpl_city' });
  oslo = await ended('oslo', [
    { CITY: 'Oslo', INPUT: 5 },
    { CITY: 'Bergen', INPUT: 7 },
  ]);
  bergen = await ended('bergen', [{ CITY: 'Bergen' }]);
  await putTemplate({ LIMIT: 20 });
  failed = await ended('again', [{ CITY: 'Oslo', FAIL: 'disk full', ERRORS: 3 }]);
});
afterAll(async () => {
  await service.close();
});

async function putTemplate(parameters: object): Promise<void> {
  const body = { name: 'City', engine: 'sleep', 'source-parameters': parameters, searchable: ['CITY'], identity: ['CITY'] };
  await service.request('PUT', '/v1/templates/tmpl_city', body);
}

async function ended(userRunId: string, sets: readonly object[]): Promise<RunStarted> {
  const started = await startRun(service, { sourceType: 'city', targetType: 'table', userRunId, sets });
  await endedRun(service, started['run-id']);
  return started;
}

async function listed(query: string): Promise<readonly string[]> {
  const { status, body } = await service.request<PageView<RunView>>('GET', `/v1/runs?${query}`);
  expect(status).toBe(200);
  return body.items.map((run) => run['run-id']);
}

const ids = (...runs: readonly RunStarted[]): readonly string[] => runs.map((run) => run['run-id']);

describe('the list of runs', () => {
  test('is narrowed by state, template, user, name and searchable parameter, newest first', async () => {
    expect(await listed('template-id=tmpl_city')).toEqual(ids(failed, bergen, oslo));
    expect(await listed('state=FAILED')).toEqual(ids(failed));
    expect(await listed('state=SUCCEEDED&template-id=tmpl_city')).toEqual(ids(bergen, oslo));
    expect(await listed('state=RUNNING')).toEqual([]);
    expect(await listed('parameter=CITY%3DBergen')).toEqual(ids(bergen, oslo));
    expect(await listed('parameter=CITY%3DOslo&state=FAILED')).toEqual(ids(failed));
    expect(await listed('parameter=CITY%3DTromso')).toEqual([]);
    expect(await listed('user-id=ada&user-run-id=bergen')).toEqual(ids(bergen));
    expect(await listed('user-id=grace')).toEqual([]);
  });

  test('is narrowed to a range of time, its beginning included and its end not', async () => {
    const { body } = await service.request<RunView>('GET', `/v1/runs/${bergen['run-id']}`);
    const at = encodeURIComponent(body['created-at']);
    expect(await listed(`from=${at}`)).toEqual(ids(failed, bergen));
    expect(await listed(`before=${at}`)).toEqual(ids(oslo));
    expect(await listed(`from=${at}&before=${at}`)).toEqual([]);
    expect(await listed('before=2020-01-01T00:00:00Z')).toEqual([]);
  });

  test('reaches every run by pages of one, whatever it is narrowed by', async () => {
    const found: string[] = [];
    let cursor = '';
    do {
      const { body } = await service.request<PageView<RunView>>('GET', `/v1/runs?limit=1&state=SUCCEEDED&template-id=tmpl_city${cursor}`);
      found.push(...body.items.map((run) => run['run-id']));
      cursor = body['next-cursor'] === undefined ? '' : `&cursor=${body['next-cursor']}`;
    } while (cursor !== '');
    expect(found).toEqual(ids(bergen, oslo));
  });

  test.each(['state=DONE', 'from=yesterday', 'from=2026-01-01T00:00:00', 'parameter=CITY', 'template-id=x'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await service.request<{ readonly errors: readonly { readonly pointer: string }[] }>(
        'GET',
        `/v1/runs?${query}`,
      );
      expect(status).toBe(400);
      expect(body.errors[0]?.pointer).toBe(query.split('=')[0]);
    },
  );
});

describe('a job', () => {
  const comparison = async (started: RunStarted, index: number): Promise<JobComparison> =>
    (await service.request<JobComparison>('GET', `/v1/jobs/${started['job-ids'][index] ?? ''}/comparison`)).body;

  test('is compared with the last success of the same set, in whatever run that was', async () => {
    expect(await comparison(failed, 0)).toMatchObject({
      'compared-with': { 'job-id': oslo['job-ids'][0] },
      differences: [
        { key: 'ERRORS', after: 3 },
        { key: 'FAIL', after: 'disk full' },
        { key: 'INPUT', before: 5 },
        { key: 'LIMIT', before: 10, after: 20 },
      ],
    });
    expect(await comparison(bergen, 0)).toMatchObject({ 'compared-with': { 'job-id': oslo['job-ids'][1] } });
  });

  test('that is the first of its set is compared with nothing', async () => {
    expect(await comparison(oslo, 0)).toEqual({ 'job-id': oslo['job-ids'][0], 'compared-with': null, differences: [] });
  });

  test('shows its parameters and where each came from, in a page of its run too', async () => {
    const { body } = await service.request<PageView<JobView>>('GET', `/v1/runs/${oslo['run-id']}/jobs?include=parameters`);
    expect(body.items.map(({ parameters }) => parameters)).toEqual([
      {
        LIMIT: { value: 10, origin: 'source-parameters' },
        CITY: { value: 'Oslo', origin: 'caller' },
        INPUT: { value: 5, origin: 'caller' },
      },
      {
        LIMIT: { value: 10, origin: 'source-parameters' },
        CITY: { value: 'Bergen', origin: 'caller' },
        INPUT: { value: 7, origin: 'caller' },
      },
    ]);
  });
});

describe('metrics', () => {
  test('are summed by run, by day, and by day and template', async () => {
    const { body: run } = await service.request<RunView>('GET', `/v1/runs/${oslo['run-id']}`);
    expect(run.records).toEqual({ input: 12, output: 200, error: 0 });
    const ofTemplate = await service.request<PageView<DayTotalsView>>('GET', '/v1/metrics/daily?template-id=tmpl_city');
    const sum = ofTemplate.body.items.reduce((total, day) => total + day.runs, 0);
    expect(sum).toBe(3);
    const records = ofTemplate.body.items.reduce((total, day) => total + day.records.input + day.records.error, 0);
    expect(records).toBe(12 + 100 + 100 + 3);
    const all = await service.request<PageView<DayTotalsView>>('GET', '/v1/metrics/daily');
    expect(all.body.items).toEqual(ofTemplate.body.items);
    expect(ofTemplate.body.items[0]?.day).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  test('of a name that several users gave are paged without a repeat, also when another user takes the name meanwhile', async () => {
    const byUser = async (user: string): Promise<string> => {
      const body = {
        'user-id': user,
        'user-run-id': 'shared',
        'source-type': 'city',
        'target-type': 'table',
        'runtime-parameters': [{ CITY: user }],
      };
      const { body: started } = await service.request<RunStarted>('POST', '/v1/runs', body);
      await endedRun(service, started['run-id']);
      return started['job-ids'][0] ?? '';
    };
    const earlier = [await byUser('first'), await byUser('second')];
    const page = async (cursor: string): Promise<PageView<{ readonly job_id: string }>> =>
      (await service.request<PageView<{ readonly job_id: string }>>('GET', `/v1/metrics?user-run-id=shared&limit=1${cursor}`)).body;
    const first = await page('');
    await byUser('third');
    const second = await page(`&cursor=${first['next-cursor'] ?? ''}`);
    expect([...first.items, ...second.items].map((row) => row.job_id)).toEqual(earlier.toReversed());
    expect(second['next-cursor']).toBeUndefined();
  });

  test('come as CSV with the original’s columns, page by page', async () => {
    const csv = async (cursor: string): Promise<Response> =>
      fetch(`${service.host.url}/v1/metrics?user-run-id=oslo&format=csv&limit=1${cursor}`, {
        headers: { authorization: `Bearer ${service.host.token}` },
      });
    const first = await csv('');
    const second = await csv(`&cursor=${first.headers.get('sluice-next-cursor') ?? ''}`);
    expect(second.headers.get('sluice-next-cursor')).toBeNull();
    const lines = `${await first.text()}${await second.text()}`.split('\r\n');
    expect(lines[0]).toContain('job_run_id,job_template_id,user_id,user_run_id,engine_id,pipeline_id,successful_run');
    expect(lines.slice(1, 3).map((line) => line.split(',')[0])).toEqual(oslo['job-ids']);
    expect(lines).toHaveLength(4);
  });
});
