import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobView } from '#contract/views';
import { jobBody, scriptedFetch } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal, type Printed } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

const job = (...words: readonly string[]): Promise<Printed> => running.sluice('job', ...words);
const jobOf = (run: string, index = 0): string => `${run.replace('run_', 'job_')}_${String(index).padStart(5, '0')}`;
const stateOf = async (id: string): Promise<string> => (JSON.parse((await job('view', id, '--json', 'state')).stdout) as JobView).state;

test('job cancel stops one job; the others of its run go on, and the run ends as they do', async () => {
  const words = ['--set', '-p', 'SECONDS=600', '--set', '-p', 'SECONDS=2'];
  const run = (await running.start(...words)).stdout.trim();
  while ((await stateOf(jobOf(run))) !== 'RUNNING') await new Promise((resolve) => setTimeout(resolve, 25));
  const { code, stdout, stderr } = await job('cancel', jobOf(run));
  expect([code, stdout]).toEqual([0, `${jobOf(run)}\n`]);
  expect(stderr).toBe(`${jobOf(run)} is being stopped. Look at it: sluice job view ${jobOf(run)}\n`);
  expect((await running.sluice('run', 'watch', run, '--exit-status')).code).toBe(1);
  const view = await job('view', jobOf(run));
  expect(view.stdout).toMatch(/^job_\S+ FAILED\n/);
  expect(view.stdout).toMatch(/^ {2}failure {3}cancelled: /m);
  expect(await stateOf(jobOf(run, 1))).toBe('FINISHED');
  const again = await job('cancel', jobOf(run));
  expect([again.code, again.stderr]).toEqual([0, `${jobOf(run)} is cancelled. Look at it: sluice job view ${jobOf(run)}\n`]);
  const ended = await job('cancel', jobOf(run, 1), '--json');
  expect([ended.code, ended.stdout]).toEqual([2, '']);
  expect(ended.stderr).toContain('Why: It has ended already; ');
});

test('job set-history lists what became of the same set, the newest run first', async () => {
  const first = await running.ended('--set', '-p', 'CITY=Oslo', '--set', '-p', 'CITY=Bergen');
  const second = await running.ended('-p', 'CITY=Bergen', '-p', 'FAIL=disk full');
  const { code, stdout, stderr } = await job('set-history', jobOf(first, 1));
  expect(code).toBe(0);
  const { 'set-key': key = '' } = JSON.parse((await job('view', jobOf(first, 1), '--json')).stdout) as JobView;
  expect(stderr).toBe(`Set ${key} of tmpl_sleep.\n`);
  const [head, ...rows] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(head).toEqual(['JOB', 'STATE', 'ATTEMPT', 'OUT', 'DURATION', 'UPDATED', 'FAILURE']);
  expect(rows.map(([id, state]) => [id, state])).toEqual([
    [jobOf(second), 'FAILED'],
    [jobOf(first, 1), 'FINISHED'],
  ]);
  expect(rows[0]?.at(-1)).toBe('engine-error: disk full');
  const one = await job('set-history', jobOf(second), '--limit', '1', '--json', 'job-id');
  expect(JSON.parse(one.stdout)).toEqual([{ 'job-id': jobOf(second) }]);
  expect(one.stderr).toContain('Shown: the newest 1; --limit shows more.');
});

test('the history of a set whose run is still making its jobs is told as too early', async () => {
  const { fetch } = scriptedFetch({ status: 200, body: jobBody({ state: 'CREATED' }) });
  const { code, stdout, stderr } = await terminal({ fetch })('job', 'set-history', 'job_1');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Why: the jobs of run_01K8ZC0ED8QZV7N5T9X1M3B2AR are still being made\nNext: send the same command again');
});

test.each([
  [{ queued: { for: 'slot' } }, '  queued   waits for a slot\n'],
  [
    { queued: { for: 'retry', 'not-before': '2026-07-14T08:05:00.000Z' } },
    '  queued   waits for its retry, not before 2026-07-14T08:05:00.000Z\n',
  ],
  [{ 'cancel-requested-at': '2026-07-14T08:05:00.000Z' }, '  cancel   asked for at 2026-07-14T08:05:00.000Z; it is being stopped\n'],
  [
    { stopping: { reason: 'timed-out', 'asked-at': '2026-07-14T08:05:00.000Z', 'forced-at': '2026-07-14T08:06:00.000Z', fault: 'no' } },
    '  stop     as timed-out, since 2026-07-14T08:05:00.000Z, by force since 2026-07-14T08:06:00.000Z\n           the engine could not be told, and is told again: no\n',
  ],
  [{ 'set-key': 'a'.repeat(32) }, `  set key  ${'a'.repeat(32)}\n`],
])('job view of a job with %j says so', async (change, line) => {
  const { fetch } = scriptedFetch({ status: 200, body: jobBody({ state: 'CREATED', links: { self: '/x' }, ...change }) });
  expect((await terminal({ fetch })('job', 'view', 'job_1')).stdout).toContain(line);
});
