import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobView, PageView, RunStarted, RunView } from '#contract/views';

/** The service as a process of its own, which can be killed like one. */
interface Running {
  readonly process: ChildProcess;
  readonly url: string;
  request<Body>(method: string, path: string, body?: unknown): Promise<Body>;
}

let dataDir: string;
let running: Running | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-'));
});
afterEach(() => {
  running?.process.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function serve(): Promise<Running> {
  const args = [
    '.out/app/src/hosts/local/main.js',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--input-root',
    'node_modules/vega-datasets/data',
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SLUICE_POLL_FLOOR_SECONDS: '1' },
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      const [, found] = /listens on (\S+)/.exec(text.toString()) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => {
      reject(new Error(`the service ended with ${String(code)}`));
    });
  });
  const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
  return {
    process: child,
    url,
    async request<Body>(method: string, path: string, body?: unknown) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return (await response.json()) as Body;
    },
  };
}

async function killed(service: Running): Promise<void> {
  const gone = new Promise((resolve) => service.process.once('exit', resolve));
  service.process.kill('SIGKILL');
  await gone;
}

async function register(service: Running): Promise<void> {
  await service.request('PUT', '/v1/templates/tmpl_copy', {
    name: 'Copy',
    engine: 'duckdb',
    definition: {
      inputs: [{ name: 'source', path: '$SOURCE' }],
      stages: [{ name: 'read', role: 'input', sql: 'CREATE TABLE raw AS SELECT * FROM read_csv($source)' }],
      target: { path: '$TARGET', sql: 'SELECT * FROM raw', format: 'parquet' },
    },
    'parameters-schema': { type: 'object', required: ['SOURCE', 'TARGET'] },
    limits: { retries: { lost: 5 } },
  });
  await service.request('PUT', '/v1/patterns/csv/parquet', { 'template-id': 'tmpl_copy' });
}

// Moments chosen to fall into accepting, planning, starting, running and recording; whatever is under way then, all ends.
test.each([5, 60, 150, 300, 700])('killed %i ms after its start, a run ends with every job recorded once', async (afterMs) => {
  running = await serve();
  await register(running);
  const sets = Array.from({ length: 12 }, (_, index) => ({ SOURCE: 'seattle-weather.csv', TARGET: `${index}.parquet` }));
  const body = { 'user-id': 'ada', 'user-run-id': 'k', 'source-type': 'csv', 'target-type': 'parquet', 'runtime-parameters': sets };
  const started = await running.request<RunStarted>('POST', '/v1/runs', body);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await killed(running);
  running = await serve();
  const again = await running.request<RunStarted>('POST', '/v1/runs', body);
  expect(again['run-id']).toBe(started['run-id']);
  let view: RunView;
  do view = await running.request<RunView>('GET', `/v1/runs/${started['run-id']}`);
  while (view['finished-at'] === undefined);
  expect(view.jobs).toEqual({ total: 12, finished: 12, failed: 0, cancelled: 0, open: 0 });
  expect(view.records.output).toBe(12 * 1461);
  const jobs = await running.request<PageView<JobView>>('GET', `/v1/runs/${started['run-id']}/jobs`);
  expect(jobs.items.map(({ state }) => state)).toEqual(Array<string>(12).fill('FINISHED'));
  expect(readdirSync(join(dataDir, 'output')).filter((file) => file.endsWith('.parquet'))).toHaveLength(12);
});

test('a second service on the same data is refused, and says who has it', async () => {
  running = await serve();
  const args = ['.out/app/src/hosts/local/main.js', '--port', '0', '--data-dir', dataDir];
  const second = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  second.stderr.on('data', (text: Buffer) => (told += text.toString()));
  const code = await new Promise((resolve) => second.once('exit', resolve));
  expect(code).toBe(70);
  expect(told).toContain(`Another Sluice (process ${String(running.process.pid)})`);
});

test('a port that is taken is named, with what to do', async () => {
  running = await serve();
  const port = new URL(running.url).port;
  const args = ['.out/app/src/hosts/local/main.js', '--port', port, '--data-dir', join(dataDir, 'other')];
  const second = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  second.stderr.on('data', (text: Buffer) => (told += text.toString()));
  expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(70);
  expect(told).toContain(`Port ${port} is in use`);
});
