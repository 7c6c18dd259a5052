/** The Job Template Service's own example on a service that simulates its Control Hub: from the request to the counts. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MetricsRow, PageView, RunStarted, RunView } from '#contract/views';
import { startServiceProcess, type ServiceProcess } from '#test/support/service-process';

let dataDir: string;
let service: ServiceProcess;
let url: string;
let token: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-control-hub-'));
  service = startServiceProcess({ dataDir, args: ['--control-hub-simulator'] });
  url = (await service.url) ?? '';
  token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
});
afterAll(async () => {
  service.process.kill('SIGTERM');
  await service.ended;
  rmSync(dataDir, { recursive: true, force: true });
});

async function ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

async function until<Body>(path: string, holds: (body: Body) => boolean): Promise<Body> {
  for (;;) {
    const body = (await ask('GET', path)).body as Body;
    if (holds(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('two sets become two instances of the job template, which end recorded with their counts', { timeout: 90_000 }, async () => {
  const template = {
    name: 'HTTP to GCS',
    engine: 'control-hub',
    definition: { 'job-template-id': 'c09f728a-2a73-4c7e-b735-2512039a9e6b:simulated-org' },
    'source-parameters': { HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET' },
  };
  expect((await ask('PUT', '/v1/templates/tmpl_http-to-gcs', template)).status).toBe(201);
  expect((await ask('PUT', '/v1/patterns/http/gcs', { 'template-id': 'tmpl_http-to-gcs' })).status).toBe(201);
  const request: unknown = JSON.parse(readFileSync('examples/control-hub/request.json', 'utf8'));
  const { status, body } = await ask('POST', '/streamsets/job-template-runner', request);
  const started = body as RunStarted;
  expect([status, started.status]).toEqual([200, 'OK']);
  const run = await until<RunView>(`/v1/runs/${started['run-id']}`, (view) => view['finished-at'] !== undefined);
  expect(run).toMatchObject({ state: 'SUCCEEDED', jobs: { total: 2, open: 0 } });
  const counted = (page: PageView<MetricsRow>): boolean => page.items.every((row) => row.input_record_count > 0);
  const { items } = await until<PageView<MetricsRow>>('/v1/metrics?user-run-id=run-123', counted);
  expect(items).toHaveLength(2);
  for (const row of items) {
    expect(row).toMatchObject({ successful_run: true, input_record_count: 1000, output_record_count: 1000, error_record_count: 0 });
    expect(row.engine_id).toBeTruthy();
    expect(row.pipeline_id).toBeTruthy();
  }
});

test('a template of a job template that Control Hub does not have is refused, and says so', async () => {
  const definition = { 'job-template-id': '00000000-0000-0000-0000-000000000000:simulated-org' };
  const { status, body } = await ask('PUT', '/v1/templates/tmpl_missing', { name: 'Missing', engine: 'control-hub', definition });
  expect(status).toBe(422);
  expect(body).toMatchObject({ errors: [{ pointer: '/definition/job-template-id', rule: 'exists' }] });
});

test("the simulator's token is for nobody else's eyes", () => {
  expect(statSync(join(dataDir, 'control-hub-simulator-token')).mode & 0o777).toBe(0o600);
});
