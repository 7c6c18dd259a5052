import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemOf } from '#contract/problems';
import { runBody, scriptedFetch, type Answer } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal, terminalOf } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

const started = async (...words: readonly string[]): Promise<string> => (await running.start(...words)).stdout.trim();
const look = (state: string, open = 0): Answer => ({ status: 200, body: { ...runBody(state, open), items: [] } });
/** Before the looks of the watch itself comes one that asks whether the run is there. */
const watching = (...looks: readonly Answer[]): ReturnType<typeof terminal> =>
  terminal({ fetch: scriptedFetch(look('ACCEPTED', 2), ...looks).fetch });

test('a run is followed to its end, and then shown as a view shows it', async () => {
  const id = await started('--set', '-p', 'SECONDS=1', '--set', '-p', 'FAIL=disk full');
  const { code, stdout, stderr } = await running.sluice('run', 'watch', id);
  expect(code).toBe(0);
  expect(stdout).toBe((await running.sluice('run', 'view', id)).stdout);
  expect(stdout).toMatch(/^run_\S+ PARTIAL\n/);
  expect(stderr).toContain(`${id} PARTIAL: 2 of 2 jobs ended, 1 failed, `);
});

test.each([
  ['SUCCEEDED', 0],
  ['PARTIAL', 1],
  ['FAILED', 1],
  ['CANCELLED', 5],
])('with --exit-status a run that ends %s exits %i, else 0', async (state, code) => {
  expect((await watching(look(state))('run', 'watch', 'run_1', '--exit-status')).code).toBe(code);
  expect((await watching(look(state))('run', 'watch', 'run_1')).code).toBe(0);
});

test('a watch that is over before the run exits 3, and shows how the run stands', async () => {
  const id = await started('-p', 'SECONDS=600');
  const { code, stdout, stderr } = await running.sluice('run', 'watch', id, '--timeout-seconds', '0');
  expect(code).toBe(3);
  expect(stdout).toMatch(/^run_\S+ (ACCEPTED|RUNNING)\n/);
  expect(stderr).toMatch(/^sluice: the wait timed out; the run goes on\.\nWhy: 1 of 1 job of run_\S+ had not ended/m);
});

test('without a terminal each change of the counts is a line on stderr, and what stays the same is none', async () => {
  const { stderr } = await watching(look('RUNNING', 2), look('RUNNING', 2), look('RUNNING', 1), look('SUCCEEDED'))('run', 'watch', 'run_1');
  const run = 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR';
  expect(stderr.split('\n')).toEqual([
    `${run} RUNNING: 0 of 2 jobs ended, 10 records out`,
    `${run} RUNNING: 1 of 2 jobs ended, 10 records out`,
    `${run} SUCCEEDED: 2 of 2 jobs ended, 10 records out`,
    '',
  ]);
});

test('in a terminal the progress is one line, which is gone at the end', async () => {
  const id = await started('-p', 'SECONDS=1');
  const { stderr } = await terminalOf(running.service, { isTTY: true })('run', 'watch', id);
  expect(stderr).not.toContain('\n');
  expect(stderr.replaceAll('\u001b', 'ESC')).toMatch(/\rESC\[2Krun_\S+ SUCCEEDED: 1 of 1 job ended, 7 records out\rESC\[2K$/);
});

test('--json prints the run as it ended, with the named fields', async () => {
  const id = await started('-p', 'SECONDS=0');
  const { stdout } = await running.sluice('run', 'watch', id, '--json', 'state,jobs');
  expect(JSON.parse(stdout)).toEqual({ state: 'SUCCEEDED', jobs: { total: 1, finished: 1, failed: 0, cancelled: 0, open: 0 } });
});

test('a run that is not there is told as that; one that can no longer be read, as a wait that broke off', async () => {
  const missing = await running.sluice('run', 'watch', 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR');
  expect([missing.code, missing.stdout]).toEqual([2, '']);
  expect(missing.stderr).toMatch(/^sluice: the run cannot be watched\.\nWhy: /);
  const broken = await watching(look('RUNNING', 1), { status: 500, body: problemOf('fault', 'because') })('run', 'watch', 'run_1');
  expect(broken.code).toBe(70);
  expect(broken.stderr).toContain('sluice: the wait broke off; run_1 goes on.\n');
});
