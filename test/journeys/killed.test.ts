import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SluiceClient } from '#client/sluice-client';
import { allOf } from '#test/support/all-of';
import { contradictions } from '#test/support/recorded-once';
import { clientOf, startServiceProcess, type ServiceProcess } from '#test/support/service-process';

let dataDir: string;
let service: ServiceProcess | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-'));
});
afterEach(() => {
  service?.process.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function serve(): Promise<SluiceClient> {
  service = startServiceProcess({ dataDir, args: ['--input-root', 'node_modules/vega-datasets/data'] });
  return clientOf(service);
}

async function killed(): Promise<void> {
  service?.process.kill('SIGKILL');
  await service?.ended;
}

async function register(client: SluiceClient): Promise<void> {
  await client.putTemplate('tmpl_copy', {
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
  await client.putPattern({ 'source-type': 'csv', 'target-type': 'parquet', 'template-id': 'tmpl_copy' });
}

// Moments chosen to fall into accepting, planning, starting, running and recording; whatever is under way then, all ends.
test.each([5, 60, 150, 300, 700])('killed %i ms after its start, a run ends with every job recorded once', async (afterMs) => {
  const client = await serve();
  await register(client);
  const sets = Array.from({ length: 12 }, (_, index) => ({ SOURCE: 'seattle-weather.csv', TARGET: `${index}.parquet` }));
  const body = { 'user-id': 'ada', 'user-run-id': 'k', 'source-type': 'csv', 'target-type': 'parquet', 'runtime-parameters': sets };
  const { 'run-id': id } = await client.startRun(body);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await killed();
  const next = await serve();
  expect((await next.startRun(body))['run-id']).toBe(id);
  const { run } = await next.waitForRun(id);
  expect(run.jobs).toEqual({ total: 12, finished: 12, failed: 0, cancelled: 0, open: 0 });
  expect(run.records.output).toBe(12 * 1461);
  const jobs = await allOf(next.jobs(id));
  expect(jobs.map(({ state }) => state)).toEqual(Array<string>(12).fill('FINISHED'));
  for (const job of jobs) expect(contradictions(job, await allOf(next.history(job['job-id'])))).toEqual([]);
  expect(readdirSync(join(dataDir, 'output')).filter((file) => file.endsWith('.parquet'))).toHaveLength(12);
});

test('a second service on the same data is refused, and says who has it', async () => {
  await serve();
  const second = startServiceProcess({ dataDir });
  expect(await second.silent).toBe(70);
  expect(second.said()).toContain(`Another Sluice (process ${service?.process.pid ?? 0})`);
});

test('a port that is taken is named, with what to do', async () => {
  await serve();
  const { port } = new URL((await service?.url) ?? '');
  const second = startServiceProcess({ dataDir: join(dataDir, 'other'), args: ['--port', port] });
  expect(await second.silent).toBe(70);
  expect(second.said()).toContain(`Port ${port} is in use`);
});
