import { afterAll, beforeAll, expect, test } from 'vitest';
import { sluiceClient } from '#client/sluice-client';
import type { DayTotalsView, MetricsRow, PageView } from '#contract/views';
import { scriptedFetch } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
  const fail = ['-p', 'FAIL=disk full, says "ada"'];
  await running.ended('--set', '--set', '-p', 'OUTPUT=5', '--set', ...fail, '--user-run-id', 'nightly');
  // Runs of one name and two users come one after the other: a page ends where a run does.
  await running.ended('--set', '--user-run-id', 'nightly', '--user-id', 'bob');
  await running.sluice('run', 'start', '-s', 'time', '-t', 'little', '--set', '--user-run-id', 'other', '--wait');
});
afterAll(() => running.service.close());

const served = async (path: string): Promise<Response> =>
  fetch(`${running.service.host.url}${path}`, { headers: { authorization: `Bearer ${running.service.host.token}` } });
const csvOf = async (name: string): Promise<string> => (await running.sluice('metrics', '--user-run-id', name, '--csv')).stdout;

test('the table has a row for each job of every run of the name, with its counts or its message', async () => {
  const { code, stdout } = await running.sluice('metrics', '--user-run-id', 'nightly');
  expect(code).toBe(0);
  const [head = '', ...lines] = stdout.trimEnd().split('\n');
  expect(head.split(/ +/)).toEqual(['JOB', 'SUCCESS', 'IN', 'OUT', 'ERROR', 'STARTED', 'FINISHED', 'MESSAGE']);
  expect(lines).toHaveLength(4);
  expect(lines.filter((line) => / no .* disk full, says "ada"$/.test(line))).toHaveLength(1);
  expect(lines.filter((line) => / yes +100 +5 +0 /.test(line))).toHaveLength(1);
});

test('CSV is what the API answers page after page, without a word more', async () => {
  const pages: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await served(`/v1/metrics?user-run-id=nightly&format=csv${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    pages.push(await page.text());
    cursor = page.headers.get('sluice-next-cursor');
  }
  const { code, stdout, stderr } = await running.sluice('metrics', '--user-run-id', 'nightly', '--csv');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(pages.join(''));
  expect(stdout.split('\r\n')).toHaveLength(1 + 4 + 1);
  expect(stdout).toMatch(/^job_id,run_id,/);
  expect(stdout).toContain('"disk full, says ""ada"""');
});

test('the text pages of the client are the same file, however small the pages are', async () => {
  const { url, token } = running.service.host;
  const pages: string[] = [];
  for await (const text of sluiceClient({ url, token }).metricsCsv('nightly', { limit: 1 })) pages.push(text);
  expect(pages.length).toBeGreaterThanOrEqual(4);
  expect(pages.join('')).toBe(await csvOf('nightly'));
});

test('--json prints the rows of the API, all of them or the named columns', async () => {
  const { items } = (await (await served('/v1/metrics?user-run-id=other')).json()) as PageView<MetricsRow>;
  expect(JSON.parse((await running.sluice('metrics', '--user-run-id', 'other', '--json')).stdout)).toEqual(items);
  const named = await running.sluice('metrics', 'list', '--user-run-id', 'other', '--json', 'successful_run,user_id');
  expect(JSON.parse(named.stdout)).toEqual([{ successful_run: true, user_id: 'ada' }]);
});

test('a name that no run has is an empty table: CSV of the columns alone, or nothing', async () => {
  expect(await csvOf('none')).toMatch(/^job_id,[a-z_,]+\r\n$/);
  const { code, stdout, stderr } = await running.sluice('metrics', '--user-run-id', 'none');
  expect([code, stdout]).toEqual([0, '']);
  expect(stderr).toContain('No job of a run named none has ended.');
});

test('a day sums up what ended of the runs that were started on it, of all templates or of one', async () => {
  const { code, stdout } = await running.sluice('metrics', 'daily');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^DAY +RUNS +FINISHED +FAILED +CANCELLED +IN +OUT +ERROR\n\d{4}-\d\d-\d\d +3 +4 +1 +0 +500 +33 +0\n$/);
  const one = await running.sluice('metrics', 'daily', '--template-id', 'tmpl_doze', '--limit', '1', '--json', 'runs,jobs,records');
  expect(JSON.parse(one.stdout)).toEqual([
    { runs: 1, jobs: { finished: 1, failed: 0, cancelled: 0 }, records: { input: 100, output: 7, error: 0 } },
  ] satisfies Partial<DayTotalsView>[]);
});

test('the days of a template that never ran are none', async () => {
  const { code, stdout, stderr } = await running.sluice('metrics', 'daily', '--template-id', 'tmpl_none');
  expect([code, stdout, stderr]).toEqual([0, '', 'No run has ended.\n']);
});

test.each([
  [['metrics', '--csv'], '--user-run-id is missing'],
  [['metrics', '--user-run-id', 'a', '--csv', '--json'], '--csv and --json are two forms of the same'],
  [['metrics', '--fly'], '--fly'],
  [['metrics', 'fly'], 'there is no "metrics fly"'],
  [['run', '--limit', '5'], 'there is no "run --limit"'],
])("%j is the user's mistake: nothing is sent", async (words, message) => {
  const { fetch, asked } = scriptedFetch();
  const { code, stdout, stderr } = await terminal({ fetch })(...words);
  expect([code, stdout, asked.length]).toEqual([2, '', 0]);
  expect(stderr).toContain(message);
});

test('a page of another program is no CSV', async () => {
  const { fetch } = scriptedFetch({ status: 200, text: '<html>' });
  const { code, stdout, stderr } = await terminal({ fetch })('metrics', '--user-run-id', 'nightly', '--csv');
  expect([code, stdout]).toEqual([70, '']);
  expect(stderr).toContain('something else than text/csv');
});
