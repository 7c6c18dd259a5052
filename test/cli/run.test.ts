import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobView, RunStarted, RunView } from '#contract/views';
import { systemSleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';
import { terminal, terminalOf, type Printed } from './terminal.ts';

let service: Service;
let files: string;

beforeAll(async () => {
  service = await startService({ engines: { sleep: systemSleepEngine() } });
  const schema = { type: 'object', properties: { SECONDS: { type: 'number' }, CITY: { type: 'string' } } };
  await service.request('PUT', '/v1/templates/tmpl_sleep', { name: 'Sleep', engine: 'sleep', 'parameters-schema': schema });
  await service.request('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
  files = mkdtempSync(join(tmpdir(), 'sluice-sets-'));
});
afterAll(async () => {
  await service.close();
  rmSync(files, { recursive: true, force: true });
});

const start = (...words: readonly string[]): Promise<Printed> =>
  terminalOf(service)('run', 'start', '-s', 'time', '-t', 'nothing', ...words);
const viewed = async (id: string): Promise<RunView & { readonly 'job-list': readonly JobView[] }> => {
  const { stdout } = await terminalOf(service)('run', 'view', id, '--json');
  return JSON.parse(stdout) as RunView & { readonly 'job-list': readonly JobView[] };
};

/** Where nobody listens: a port that was free a moment ago. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function file(name: string, text: string): string {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
}

describe('without --wait', () => {
  test('the id alone goes to stdout; the generated name of the run is told on stderr', async () => {
    const { code, stdout, stderr } = await start('-p', 'SECONDS=0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^run_[0-9A-Z]{26}\n$/);
    const [, name = ''] = /^--user-run-id (\S+)$/m.exec(stderr) ?? [];
    expect(await viewed(stdout.trim())).toMatchObject({ 'user-id': 'ada', 'user-run-id': name });
  });

  test('--json prints the answer of the API', async () => {
    const { stdout } = await start('--set', '-p', 'SECONDS=0', '--set', '-p', 'SECONDS=0', '--json', '--user-run-id', 'as-json');
    const answer = JSON.parse(stdout) as RunStarted;
    expect(answer).toMatchObject({ status: 'OK', 'user-run-id': 'as-json' });
    expect(answer['job-ids']).toHaveLength(2);
  });

  test('the same name and the same sets are the same run; other sets are refused', async () => {
    const first = await start('-p', 'SECONDS=0', '--user-run-id', 'twice');
    const again = await start('-p', 'SECONDS=0', '--user-run-id', 'twice');
    expect(again.stdout).toBe(first.stdout);
    const other = await start('-p', 'SECONDS=1', '--user-run-id', 'twice');
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(first.stdout.trim());
  });

  test('the same idempotency key is the same run, without a name of the run as well; with other sets it is refused', async () => {
    const first = await start('-p', 'SECONDS=0', '--idempotency-key', 'k');
    expect((await start('-p', 'SECONDS=0', '--idempotency-key', 'k')).stdout).toBe(first.stdout);
    const other = await start('-p', 'SECONDS=1', '--idempotency-key', 'k', '--user-run-id', 'another');
    expect(other).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('parameter files', () => {
  test.each([
    ['sets.json', '[{"SECONDS":0,"CITY":"London"},{"SECONDS":0,"CITY":"Kyiv"}]'],
    ['sets.ndjson', '{"SECONDS":0,"CITY":"London"}\n{"SECONDS":0,"CITY":"Kyiv"}\n'],
    ['sets.csv', 'SECONDS,CITY\n0,London\n0,Kyiv\n'],
  ])('each set of %s is a job, in the order of the file, those of -p after them', async (name, text) => {
    const { code, stdout } = await start('--params-file', file(name, text), '-p', 'SECONDS=0', '-p', 'CITY=Lagos');
    expect(code).toBe(0);
    const { items } = (await service.request<{ items: readonly JobView[] }>('GET', `/v1/runs/${stdout.trim()}/jobs?include=parameters`))
      .body;
    expect(items.map(({ parameters }) => [parameters?.['SECONDS']?.value, parameters?.['CITY']?.value])).toEqual([
      [0, 'London'],
      [0, 'Kyiv'],
      [0, 'Lagos'],
    ]);
  });

  test('a set that the template refuses is named by its place in the request; nothing is started', async () => {
    const path = file('wrong.csv', 'SECONDS,CITY\n0,London\nsoon,Kyiv\n');
    const { code, stdout, stderr } = await start('--params-file', path, '--user-run-id', 'wrong-set');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: the run was not started\.\nWhy: /);
    expect(stderr).toMatch(/^ {2}\/runtime-parameters\/1\/SECONDS: .* \(type\)$/m);
    expect((await terminalOf(service)('run', 'list', '--user-run-id', 'wrong-set', '--json')).stdout).toBe('[]\n');
  });

  test("a file that is not there is the user's mistake", async () => {
    expect(await start('--params-file', join(files, 'none.json'))).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('--wait', () => {
  test('a run all of whose sets succeed exits 0 and prints its jobs', async () => {
    const { code, stdout } = await start('--set', '-p', 'SECONDS=0', '--set', '-p', 'SECONDS=0', '--wait');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^run_\S+ SUCCEEDED\n/);
    expect(stdout).toMatch(/^ {2}1 {2}FINISHED {2}100 {2}100 {6}0/m);
  });

  test('a run of which one set fails exits 1 and says why it failed', async () => {
    const { code, stdout } = await start('--set', '-p', 'SECONDS=0', '--set', '-p', 'SECONDS=0', '-p', 'FAIL=disk full', '--wait');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^run_\S+ PARTIAL\n/);
    expect(stdout).toMatch(/^ {2}1 {2}FAILED .*engine-error: disk full$/m);
  });

  test('a wait that is over exits 3, says that the run goes on, and shows how it stands', async () => {
    const { code, stdout, stderr } = await start('-p', 'SECONDS=600', '--wait', '--timeout-seconds', '0', '--user-run-id', 'long');
    expect(code).toBe(3);
    expect(stdout).toMatch(/^run_\S+ (ACCEPTED|RUNNING)\n/);
    expect(stderr).toMatch(/^sluice: the wait timed out; the run goes on\.\nWhy: 1 of 1 job of run_\S+ had not ended/m);
  });

  test('the answer comes within two seconds of the end of the last job', async () => {
    const { code, stdout } = await start('--set', '-p', 'SECONDS=1', '--set', '-p', 'SECONDS=2', '--wait', '--json');
    const returnedMs = Date.now();
    expect(code).toBe(0);
    const run = JSON.parse(stdout) as RunView & { readonly 'job-list': readonly JobView[] };
    const lastMs = Math.max(...run['job-list'].map(({ metrics }) => Date.parse(metrics?.['finished-at'] ?? '')));
    expect(returnedMs - lastMs).toBeGreaterThanOrEqual(0);
    expect(returnedMs - lastMs).toBeLessThanOrEqual(2000);
    expect(returnedMs - Date.parse(run['finished-at'] ?? '')).toBeLessThanOrEqual(2000);
  });

  test('only a terminal is shown the progress', async () => {
    const words = ['run', 'start', '-s', 'time', '-t', 'nothing', '-p', 'SECONDS=0', '--wait'];
    expect((await terminalOf(service, { isTTY: true })(...words)).stderr.replaceAll('\u001b', 'ESC')).toMatch(
      /\rESC\[2Krun_\S+ SUCCEEDED: 1 of 1 job ended/,
    );
    expect((await terminalOf(service)(...words)).stderr).not.toContain('\u001b');
  });
});

describe('what does not start', () => {
  test('a pair that nobody registered exits 2 and names the nearest registered one', async () => {
    const { code, stdout, stderr } = await terminalOf(service)('run', 'start', '-s', 'time', '-t', 'gold', '--set');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('the nearest registered pairs are: time to nothing');
    expect(stderr).toContain('\nNext: sluice catalog list');
  });

  test.each([
    ['a token that nobody made', 'slc_0000.wrong'],
    ['words that are no token', 'hello'],
  ])('%s exits 4', async (_, token) => {
    const { code, stderr } = await terminalOf(service)('run', 'list', '--token', token);
    expect(code).toBe(4);
    expect(stderr).toContain('Next: give --token or SLUICE_TOKEN');
  });

  test('a service that is not running exits 70, with its address and how to start it', async () => {
    const url = await closedPort();
    const { code, stderr } = await terminal({ environment: { SLUICE_URL: url } })('run', 'list');
    expect(code).toBe(70);
    expect(stderr).toContain(`Why: no answer from ${url} (connect ECONNREFUSED`);
    expect(stderr).toContain('Next: start the service (npm start, or sluice serve)');
  });

  test('a start that nobody answered may have happened: it is told under which name to send it again', async () => {
    const { code, stderr } = await start('--url', await closedPort(), '-p', 'SECONDS=0', '--user-run-id', 'unanswered');
    expect(code).toBe(70);
    expect(stderr).toMatch(/^sluice: no answer says that the run was started\.$/m);
    expect(stderr).toContain('Sent again with --user-run-id unanswered it is the same run.');
  });
});

test('the token of the data directory is used where no other is given', async () => {
  const local = terminal({ environment: { SLUICE_URL: service.host.url, SLUICE_DATA_DIR: service.dataDir } });
  expect((await local('run', 'list')).code).toBe(0);
  expect((await local('token', 'show')).stdout).toBe(`${service.host.token}\n`);
});

test('a list shows as many runs as asked for, the newest first, and says that there are more', async () => {
  await start('--set', '--user-run-id', 'list-1');
  await start('--set', '--user-run-id', 'list-2');
  const { stdout, stderr } = await terminalOf(service)('run', 'list', '--limit', '2', '--user-id', 'ada');
  const [head = '', ...rows] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^RUN +STATE +PATTERN +JOBS +FAILED +CREATED +DURATION +USER RUN$/);
  expect(rows.map((row) => row.split(' ').at(-1))).toEqual(['list-2', 'list-1']);
  expect(stderr).toContain('--limit shows more');
});

test('a view shows the jobs in one state, and says where there is none or more', async () => {
  const id = (await start('--set', '--set', '-p', 'FAIL=broken', '--set', '-p', 'FAIL=again', '--wait', '--json', 'run-id')).stdout;
  const run = (JSON.parse(id) as RunView)['run-id'];
  const view = (...words: readonly string[]): Promise<Printed> => terminalOf(service)('run', 'view', run, ...words);
  const sets = ({ stdout }: Printed): readonly string[] => [...stdout.matchAll(/^ {2}([0-9]) {2}[A-Z]+/gm)].map(([, set = '']) => set);
  expect([sets(await view()), sets(await view('--state', 'failed')), sets(await view('--state', 'FINISHED'))]).toEqual([
    ['0', '1', '2'],
    ['1', '2'],
    ['0'],
  ]);
  const one = await view('--state', 'failed', '--limit', '1');
  expect([sets(one), one.stderr]).toEqual([['1'], 'Shown: the first 1 of the jobs that are FAILED; --limit shows more.\n']);
  const none = await view('--state', 'running');
  expect([none.code, none.stdout.split('\n')[0], none.stderr]).toEqual([0, `${run} PARTIAL`, 'No job of the run is RUNNING.\n']);
  expect(none.stdout).not.toContain('SET ');
  const { stdout } = await view('--state', 'failed', '--json', 'job-list');
  expect((JSON.parse(stdout) as { readonly 'job-list': readonly JobView[] })['job-list'].map(({ index }) => index)).toEqual([1, 2]);
  expect(await view('--state', 'lost')).toMatchObject({ code: 2, stderr: expect.stringContaining('--state knows no "lost"') as string });
});

test('a view shows as many jobs as asked for and says that there are more', async () => {
  const started = await start('--set', '--set', '--set', '--wait', '--limit', '2');
  expect(started.stdout).toMatch(/^ {2}1 {2}FINISHED/m);
  expect(started.stdout).not.toMatch(/^ {2}2 {2}FINISHED/m);
  expect(started.stderr).toContain('Shown: the first 2 of 3 jobs');
});
