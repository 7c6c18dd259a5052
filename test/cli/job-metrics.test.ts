import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSummary } from '#cli/job-text';
import { instant, parseJobId } from '#domain/ids';
import { startSleepService, type SleepService } from './sleep-service.ts';
import type { Printed } from './terminal.ts';

let running: SleepService;
let good: string;
const fromMs = Date.now() - 600_000;

const metrics = (...words: readonly string[]): Promise<Printed> => running.sluice('job', 'metrics', ...words);

beforeAll(async () => {
  running = await startSleepService();
  good = (await running.ended('-p', 'CITY=Kyiv')).replace('run_', 'job_') + '_00000';
  const ref = parseJobId(good);
  if (!ref) throw new Error(good);
  await running.service.host.ports.series.add(
    Array.from({ length: 5 }, (_, minute) => ({
      ...ref,
      attempt: 1,
      at: instant(fromMs + minute * 60_000),
      engineId: 'sleep',
      inputRecordCount: 1000 * minute,
      outputRecordCount: 999,
      errorRecordCount: 0,
    })),
  );
});
afterAll(() => running.service.close());

test('what a job has counted is shown with its state, and how its counts stand', async () => {
  const { code, stdout } = await metrics(good);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${good} FINISHED\n {2}records {3}100 in, 7 out, 0 in error\n`));
  expect(JSON.parse((await metrics(good, '--json', 'metrics-state,output-record-count')).stdout)).toEqual({
    'metrics-state': 'settled',
    'output-record-count': 7,
  });
});

test('its samples come newest first, as many as asked for, or oldest first from a time on', async () => {
  const { stdout, stderr } = await metrics(good, '--series', '--limit', '2');
  const rows = stdout.trimEnd().split('\n');
  expect(rows[0]).toMatch(/^TIME +ATTEMPT +IN +OUT +ERROR$/);
  expect(rows.slice(1).map((row) => row.split(/ {2,}/)[2])).toEqual(['4,000', '3,000']);
  expect(stderr).toContain('Shown: the newest 2; --limit shows more.');
  const from = instant(fromMs + 180_000);
  const later = await metrics(good, '--series', '--from', from, '--oldest-first', '--json', 'input-record-count');
  expect(JSON.parse(later.stdout)).toEqual([{ 'input-record-count': 3000 }, { 'input-record-count': 4000 }]);
});

test('a job without samples says so, and a flag that has no meaning is refused', async () => {
  const other = (await running.ended('-p', 'CITY=Lviv')).replace('run_', 'job_') + '_00000';
  expect(await metrics(other, '--series')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('no samples') as string });
  expect((await metrics(good, '--limit', '3')).stderr).toContain('give --series as well');
  expect((await metrics(good, '--json', 'at')).stderr).toContain('without --series knows no field "at"');
});

test('a summary says what trouble the engine tells of, and how counts stand that are not settled', () => {
  const job = {
    'job-id': good,
    'run-id': good.replace('job_', 'run_').slice(0, -6),
    index: 0,
    state: 'RUNNING',
    attempt: 1,
    'created-at': instant(0),
    'updated-at': instant(0),
    links: { self: '/x' },
  } as const;
  const counts = { 'input-record-count': 5, 'output-record-count': 4, 'error-record-count': 0 };
  expect(jobSummary({ ...job, warning: 'short of resources' })).toContain('\n  warning  short of resources\n');
  expect(jobSummary({ ...job, metrics: counts, 'metrics-state': 'pending' })).toContain('5 in, 4 out, 0 in error so far\n');
  expect(jobSummary({ ...job, metrics: counts, 'metrics-state': 'provisional' })).toContain('0 in error, not confirmed by the engine\n');
  expect(jobSummary({ ...job, 'metrics-state': 'pending' })).toContain('\n  records  still to come\n');
  expect(jobSummary({ ...job, 'metrics-state': 'unavailable', 'metrics-unavailable-because': 'it is gone' })).toContain(
    '\n  records  unavailable: it is gone\n',
  );
});
