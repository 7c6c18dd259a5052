/**
 * Restarts while most jobs of a run wait for a worker: they cost an attempt to the jobs that had begun, and to no other.
 * Every job fetches its input from here, so that we know which have begun, and keep them running until the service is gone.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SluiceClient } from '#client/sluice-client';
import { allOf } from '#test/support/all-of';
import { contradictions } from '#test/support/recorded-once';
import { clientOf, startServiceProcess, type ServiceProcess } from '#test/support/service-process';

const WORKERS = 2;
const SETS = 16;

let dataDir: string;
let service: ServiceProcess;
let source: Source;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-'));
  source = await startSource();
});
afterEach(() => {
  service.process.kill('SIGKILL');
  source.server.closeAllConnections();
  source.server.close();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

interface Source {
  readonly server: Server;
  readonly url: string;
  /** Times that each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  /** How many wait for their answer. */
  held(): number;
  /** From now on nobody waits. */
  release(): void;
}

/** Keeps whoever asks for a path first waiting, and answers those who ask for it again. */
async function startSource(): Promise<Source> {
  const asked = new Map<string, number>();
  const waiting = new Set<ServerResponse>();
  let isReleased = false;
  const answer = (response: ServerResponse): unknown => response.end('n\n1\n');
  const server = createServer(({ url = '' }, response) => {
    const times = (asked.get(url) ?? 0) + 1;
    asked.set(url, times);
    if (isReleased || times > 1) {
      answer(response);
      return;
    }
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    held: () => waiting.size,
    release() {
      isReleased = true;
      for (const response of waiting) answer(response);
    },
  };
}

async function serve(): Promise<SluiceClient> {
  service = startServiceProcess({ dataDir, args: ['--parallel', String(WORKERS)] });
  return clientOf(service);
}

/** Once every worker has a job that is held here, so that no other begins or ends, and what ended before is recorded. */
async function endedWhileHeld(runId: string, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const client = await clientOf(service);
  await expect.poll(() => source.held(), { timeout: 20_000 }).toBe(WORKERS);
  const answered = [...source.asked.values()].filter((times) => times > 1).length;
  await expect.poll(async () => (await client.getRun(runId)).jobs.finished, { timeout: 20_000 }).toBe(answered);
  service.process.kill(signal);
  expect(await service.ended).toBe(signal === 'SIGINT' ? 0 : null);
  await expect.poll(() => source.held(), { timeout: 20_000 }).toBe(0);
}

test('after two stops and a kill, the jobs that ran at one of them are at their second attempt, and all others at their first', async () => {
  const client = await serve();
  await client.putTemplate('tmpl_fetch', {
    name: 'Fetch',
    engine: 'duckdb',
    definition: {
      inputs: [{ name: 'source', url: '$URL', 'allowed-hosts': ['127.0.0.1'] }],
      stages: [{ name: 'read', role: 'input', sql: 'CREATE TABLE raw AS SELECT * FROM read_csv($source)' }],
      target: { path: '$TARGET', sql: 'SELECT * FROM raw', format: 'csv' },
    },
    'parameters-schema': { type: 'object', required: ['URL', 'TARGET'] },
  });
  await client.putPattern({ 'source-type': 'http', 'target-type': 'csv', 'template-id': 'tmpl_fetch' });
  const sets = Array.from({ length: SETS }, (_, index) => ({ URL: `${source.url}/${index}.csv`, TARGET: `${index}.csv` }));
  const { 'run-id': id } = await client.startRun({
    'user-id': 'ada',
    'user-run-id': 'restarted',
    'source-type': 'http',
    'target-type': 'csv',
    'runtime-parameters': sets,
  });

  await endedWhileHeld(id, 'SIGINT');
  await serve();
  await endedWhileHeld(id, 'SIGINT');
  await serve();
  await endedWhileHeld(id, 'SIGKILL');
  const hadBegun = new Set(source.asked.keys());
  expect(hadBegun.size).toBe(3 * WORKERS);
  source.release();

  const next = await serve();
  const { run } = await next.waitForRun(id, { timeoutSeconds: 50 });
  const jobs = await allOf(next.jobs(id));
  expect(jobs.flatMap(({ index, attempt, failure }) => (failure ? [{ index, attempt, failure }] : []))).toEqual([]);
  expect(run.jobs).toEqual({ total: SETS, finished: SETS, failed: 0, cancelled: 0, open: 0 });
  const paths = jobs.map(({ index }) => `/${index}.csv`);
  expect(jobs.map(({ attempt }) => attempt)).toEqual(paths.map((path) => (hadBegun.has(path) ? 2 : 1)));
  expect(paths.map((path) => source.asked.get(path))).toEqual(jobs.map(({ attempt }) => attempt));
  for (const job of jobs) {
    const history = await allOf(next.history(job['job-id']));
    expect(contradictions(job, history)).toEqual([]);
    expect(history.filter(({ name }) => name === 'fail')).toHaveLength(job.attempt - 1);
  }
});
