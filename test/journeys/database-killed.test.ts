/** The embedded database ends under a running service: it comes back on the same data, or the service says why it ends too. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SluiceClient } from '#client/sluice-client';
import { Problem } from '#contract/problems';
import { allOf } from '#test/support/all-of';
import { contradictions } from '#test/support/recorded-once';
import { clientOf, processTree, startServiceProcess, type ServiceProcess } from '#test/support/service-process';

const DATABASE = 'sluice.db';
const SETS = 12;

let dataDir: string;
let service: ServiceProcess;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-'));
});
afterEach(async () => {
  service.process.kill('SIGKILL');
  await service.ended;
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function serve(): Promise<SluiceClient> {
  service = startServiceProcess({ dataDir });
  const client = await clientOf(service);
  await client.putTemplate('tmpl_range', {
    name: 'Range',
    engine: 'duckdb',
    definition: { target: { path: '$TARGET', sql: 'SELECT range AS n FROM range($ROWS) WHERE hash(range) % 7 < 9', format: 'csv' } },
  });
  await client.putPattern({ 'source-type': 'range', 'target-type': 'csv', 'template-id': 'tmpl_range' });
  return client;
}

async function started(client: SluiceClient): Promise<string> {
  const sets = Array.from({ length: SETS }, (_, index) => ({ ROWS: 300_000, TARGET: `${index}.csv` }));
  const body = { 'user-id': 'ada', 'user-run-id': 'k', 'source-type': 'range', 'target-type': 'csv', 'runtime-parameters': sets };
  return (await client.startRun(body))['run-id'];
}

/** The process of the database itself, below the shell that ties it to the service. */
function databaseProcess(): number | undefined {
  return processTree(service.process.pid ?? 0).find((pid) => {
    try {
      return /dynoxide$/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '');
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

async function killDatabase(): Promise<void> {
  const pid = databaseProcess();
  if (pid === undefined) throw new Error('the service has no database');
  process.kill(pid, 'SIGKILL');
  while (databaseProcess() === pid) await pause(1);
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: unknown;
}

/** As any caller: not repeated, whatever is answered. */
async function ask(): Promise<Answer> {
  const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
  const response = await fetch(`${(await service.url) ?? ''}/v1/runs`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() };
}

/** Everything that a caller was told, until it is told enough. */
async function askedUntil(isEnough: () => boolean): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  while (!isEnough()) answers.push(await ask());
  return answers;
}

function areServedOrToldToComeAgain(answers: readonly Answer[]): void {
  for (const { status, retryAfter, body } of answers.filter((answer) => answer.status !== 200)) {
    expect([status, Problem.parse(body).type]).toEqual([503, '/problems/unavailable']);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  }
}

async function endsRecordedOnce(client: SluiceClient, id: string): Promise<void> {
  const { run } = await client.waitForRun(id);
  expect(run.jobs).toEqual({ total: SETS, finished: SETS, failed: 0, cancelled: 0, open: 0 });
  for (const job of await allOf(client.jobs(id))) {
    // The engine's own processes went on meanwhile: nothing was lost, and nothing ran twice.
    expect([job.state, job.attempt, ...contradictions(job, await allOf(client.history(job['job-id'])))]).toEqual(['FINISHED', 1]);
  }
  expect(readdirSync(join(dataDir, 'output')).filter((file) => file.endsWith('.csv'))).toHaveLength(SETS);
}

test.each([20, 200, 500])(
  'killed %i ms after the start of a run, it comes back, and the run ends with every job recorded once',
  async (afterMs) => {
    const client = await serve();
    const id = await started(client);
    await pause(afterMs);
    await killDatabase();
    areServedOrToldToComeAgain(await askedUntil(() => /answers again/.test(service.said())));
    await pause(afterMs);
    await killDatabase();
    await endsRecordedOnce(client, id);
    expect(service.said()).toMatch(/The embedded DynamoDB has ended \(SIGKILL\)\. It is started again/);
  },
);

/** The database's files, out of its way. */
function hidden(): void {
  mkdirSync(join(dataDir, 'aside'));
  for (const name of readdirSync(dataDir).filter((each) => each.startsWith(DATABASE)))
    renameSync(join(dataDir, name), join(dataDir, 'aside', name));
}

function broughtBack(): void {
  for (const name of readdirSync(join(dataDir, 'aside'))) renameSync(join(dataDir, 'aside', name), join(dataDir, name));
}

test('for as long as it does not start, requests are answered 503 with the time to come again, and what was accepted waits', async () => {
  const client = await serve();
  const id = await started(client);
  hidden();
  writeFileSync(join(dataDir, DATABASE), 'this is no database, it is a shopping list'.repeat(100));
  await killDatabase();
  const from = performance.now();
  const answers = await askedUntil(() => performance.now() - from > 2_500);
  areServedOrToldToComeAgain(answers);
  expect(answers.map(({ status }) => status)).toContain(503);
  broughtBack();
  await endsRecordedOnce(client, id);
  expect((await ask()).status).toBe(200);
});

test('where it cannot be started again, the service ends with 70 and says why, and the next one goes on', async () => {
  const id = await started(await serve());
  hidden();
  await killDatabase();
  expect(await service.silent).toBe(70);
  expect(service.said()).toContain(join(dataDir, DATABASE));
  expect(service.said()).toMatch(/is gone\. Sluice ends; what was accepted goes on at the next start\.\n$/);
  expect(service.said()).not.toMatch(/^\s+at /m);
  broughtBack();
  service = startServiceProcess({ dataDir });
  const { run } = await (await clientOf(service)).waitForRun(id);
  expect(run.jobs.open).toBe(0);
});
