/** A disk that fills up while runs are under way: what is refused is told, and what was accepted is recorded once there is room again. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SluiceClient } from '#client/sluice-client';
import type { RunRequest } from '#contract/run-request';
import { allOf } from '#test/support/all-of';
import { contradictions } from '#test/support/recorded-once';
import { clientOf, processTree, startServiceProcess, type ServiceProcess } from '#test/support/service-process';

const MOUNT_MEGABYTES = 24;
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
const mayMount = mounts();

let place: string;
let dataDir: string;
let service: ServiceProcess | undefined;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'sluice-full-'));
  dataDir = join(place, 'data');
  mkdirSync(dataDir);
});
afterEach(async () => {
  service?.process.kill('SIGKILL');
  await service?.ended;
  // The database and the workers end by themselves, a moment later; until then they hold the file system.
  for (let attempt = 0; attempt < 100 && spawnSync('umount', [dataDir]).status === 32 && isMounted(); attempt += 1) await pause(50);
  rmSync(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

const pause = (ms: number, signal?: AbortSignal): Promise<void> => setTimeout(ms, undefined, { signal });
const isMounted = (): boolean => readFileSync('/proc/self/mounts', 'utf8').includes(dataDir);

/** Whether a file system of a size of its own may be made here: root may, mostly. */
function mounts(): boolean {
  const trial = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', trial]).status === 0;
  if (made) spawnSync('umount', [trial]);
  rmSync(trial, { recursive: true, force: true });
  return made;
}

interface Disk {
  prepare(): void;
  fill(): void;
  /** While no service runs. */
  makeRoom(): void;
  /** What the service says of it besides its answers. */
  readonly told?: RegExp;
}

/** The kernel lets no file of these processes grow beyond what the largest has now, and a little more. */
const limitedFiles: Disk = {
  prepare: () => undefined,
  fill() {
    const largest = Math.max(...readdirSync(dataDir).map((name) => statSync(join(dataDir, name)).size));
    for (const pid of processTree(service?.process.pid ?? 0)) {
      spawnSync('prlimit', ['--pid', String(pid), `--fsize=${largest + 100_000}`]);
    }
  },
  makeRoom: () => undefined,
  // Whoever writes beyond the limit is ended by a signal, unlike on a disk that is full.
  told: /The embedded DynamoDB has ended/,
};

const smallFileSystem: Disk = {
  prepare() {
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${MOUNT_MEGABYTES}m`, 'none', dataDir]).status).toBe(0);
  },
  fill() {
    expect(() => {
      writeFileSync(join(dataDir, 'ballast'), Buffer.alloc(MOUNT_MEGABYTES * 1024 * 1024));
    }).toThrow('ENOSPC');
  },
  makeRoom() {
    rmSync(join(dataDir, 'ballast'));
  },
};

async function serve(): Promise<SluiceClient> {
  service = startServiceProcess({ dataDir });
  return clientOf(service);
}

const SETS = 20;
const ROWS = 500;

const request = (name: string): Omit<RunRequest, 'skip-succeeded-since'> => ({
  'user-id': 'ada',
  'user-run-id': name,
  'source-type': 'range',
  'target-type': 'csv',
  'runtime-parameters': Array.from({ length: SETS }, (_, index) => ({ ROWS, TARGET: `${name}/${index}.csv`, NOTE: 'x'.repeat(3_000) })),
});

/** A disk that is full is no reason to say nothing: what API Gateway gives every answer. */
const ANSWER_SECONDS = 29;
/** From the signal to the end. */
const STOP_SECONDS = 20;
/** Of each run, once there is room: far more than it takes. */
const RECORDED_SECONDS = 60;

/** So that a step that hangs is named. */
async function within<Result>(seconds: number, step: string, work: Promise<Result> | undefined): Promise<Result | undefined> {
  const late = new AbortController();
  const told = pause(seconds * 1000, late.signal).then(() => {
    throw new Error(`${step}: not within ${seconds} s; the service said: ${service?.said() ?? 'nothing'}`);
  });
  try {
    return await Promise.race([work, told]);
  } finally {
    late.abort();
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** As any caller: not repeated, whatever is answered. */
async function ask(method: 'GET' | 'POST', body?: RunRequest): Promise<Answer> {
  const url = (await service?.url) ?? '';
  const headers = { authorization: `Bearer ${readFileSync(join(dataDir, 'token'), 'utf8').trim()}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(ANSWER_SECONDS * 1000);
  const response = await fetch(`${url}/v1/runs`, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

function isToldToTryAgain(answer: Answer): void {
  expect(answer).toMatchObject({ status: 503, body: { type: '/problems/unavailable', status: 503, detail: expect.any(String) as string } });
}

test.skipIf(!hasPrlimit)('no file may grow: what is accepted ends recorded once, what is not is told', { timeout: 300_000 }, () =>
  fullWhileRunning(limitedFiles),
);

test.skipIf(!mayMount)('the file system is full: what is accepted ends recorded once, what is not is told', { timeout: 300_000 }, () =>
  fullWhileRunning(smallFileSystem),
);

async function fullWhileRunning(disk: Disk): Promise<void> {
  disk.prepare();
  const client = await serve();
  await client.putTemplate('tmpl_rows', {
    name: 'Rows',
    engine: 'duckdb',
    definition: { target: { path: '$TARGET', sql: 'SELECT range AS n FROM range($ROWS)', format: 'csv' } },
    limits: { retries: { lost: 3 } },
  });
  await client.putPattern({ 'source-type': 'range', 'target-type': 'csv', 'template-id': 'tmpl_rows' });
  for (const name of ['a', 'b', 'c']) expect((await ask('POST', request(name))).status).toBe(202);
  disk.fill();
  const asked = await within(180, 'posts until five are refused', postedUntilRefused());
  const read = await ask('GET');
  if (read.status !== 200) isToldToTryAgain(read);
  service?.process.kill('SIGINT');
  expect(await within(STOP_SECONDS, 'the stop', service?.silent)).toBe(0);
  if (disk.told) expect(service?.said()).toMatch(disk.told);
  disk.makeRoom();

  const again = await serve();
  for (const name of ['a', 'b', 'c', ...(asked ?? [])]) await within(RECORDED_SECONDS, `run ${name}`, endsRecorded(again, name));
  expect(readdirSync(join(dataDir, 'output', '.sluice'))).toEqual([]);
}

/** The names of all that were posted. Some are accepted still, the last five are not. */
async function postedUntilRefused(): Promise<readonly string[]> {
  const names: string[] = [];
  let refused = 0;
  while (refused < 5) {
    if (names.length > 400) throw new Error('the disk does not fill');
    const name = `full-${names.length}`;
    names.push(name);
    const answer = await ask('POST', request(name));
    if (answer.status === 202) continue;
    isToldToTryAgain(answer);
    refused += 1;
  }
  return names;
}

/** The same request again: the run that was accepted, or one that is accepted now. */
async function endsRecorded(client: SluiceClient, name: string): Promise<void> {
  const { 'run-id': id } = await client.startRun(request(name));
  const { kind, run } = await client.waitForRun(id, { timeoutSeconds: RECORDED_SECONDS });
  expect([name, kind, run.jobs.total, run.jobs.open]).toEqual([name, 'ended', SETS, 0]);
  const page = await client.listRuns({ userRunId: name });
  expect(page.items.map((item) => item['run-id'])).toEqual([id]);
  for await (const job of client.jobs(id)) {
    const history = await allOf(client.history(job['job-id']));
    expect([job['job-id'], ...contradictions(job, history)]).toEqual([job['job-id']]);
    // An output that did not fit failed its job, and says so.
    if (job.state === 'FAILED') expect(job.failure?.message).toMatch(/no space|too large|could not write/i);
    else expect(readFileSync(join(dataDir, 'output', name, `${job.index}.csv`), 'utf8').split('\n')).toHaveLength(ROWS + 2);
  }
}
