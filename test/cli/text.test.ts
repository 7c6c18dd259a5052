import { expect, test } from 'vitest';
import { planSets, planSummary } from '#cli/plan-text';
import { jobTable, progress, runSummary } from '#cli/run-text';
import { duration, table } from '#cli/table';
import type { PlanView } from '#contract/plan-view';
import { RunView, type JobView } from '#contract/views';
import { runBody } from '#test/client/scripted-fetch';

test.each([
  [0, '0.00 s'],
  [44, '0.04 s'],
  [9_994, '9.99 s'],
  [9_996, '10.0 s'],
  [59_949, '59.9 s'],
  [59_960, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [3_599_600, '1 h 00 min'],
  [7_620_000, '2 h 07 min'],
])('%i ms read as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('columns are as wide as their widest cell, numbers stand to the right, lines have no blanks at the end', () => {
  const text = table(
    [{ title: 'A' }, { title: 'N', align: 'right' }, { title: 'B' }],
    [
      ['long one', '5', ''],
      ['x', '1,000', 'y'],
    ],
  );
  expect(text).toBe('A             N  B\nlong one      5\nx         1,000  y\n');
});

const job = (index: number, rest: Partial<JobView>): JobView => ({
  'job-id': `job_1_0000${index}`,
  'run-id': 'run_1',
  index,
  state: 'CREATED',
  attempt: 1,
  'created-at': '',
  'updated-at': '',
  links: {},
  ...rest,
});

test('a job is one line: what it counted, how long it took, what it wrote or why it failed', () => {
  const metrics = {
    'input-record-count': 12_482,
    'output-record-count': 12_000,
    'error-record-count': 482,
    'duration-ms': 1_234,
    outputs: ['a.csv'],
  };
  const text = jobTable([
    job(0, { state: 'FINISHED', metrics }),
    job(1, { state: 'FAILED', failure: { reason: 'engine-error', message: 'first line\n  second line' } }),
    job(2, {}),
  ]);
  expect(text).toBe(`SET  STATE         IN     OUT  ERROR  DURATION  OUTPUT OR FAILURE
  0  FINISHED  12,482  12,000    482    1.23 s  a.csv
  1  FAILED                                     engine-error: first line second line
  2  CREATED
`);
});

test('a run is summed up with its counts and its duration', () => {
  expect(runSummary(RunView.parse(runBody('SUCCEEDED')))).toBe(`run_01K8ZC0ED8QZV7N5T9X1M3B2AR SUCCEEDED
  user run  nightly of ada
  pattern   csv to parquet, tmpl_csv-to-parquet version 1
  attempt   1
  jobs      2: 2 finished
  records   10 in, 10 out, 0 in error
  created   2026-07-14T08:00:00.000Z
  finished  2026-07-14T08:00:01.000Z (1.00 s)
`);
  expect(progress(RunView.parse(runBody('RUNNING', 1)))).toBe('run_01K8ZC0ED8QZV7N5T9X1M3B2AR RUNNING: 1 of 2 jobs ended, 10 records out');
  const collecting = RunView.parse({ ...(runBody('SUCCEEDED') as object), collecting: true });
  expect(runSummary(collecting)).toContain('records   10 in, 10 out, 0 in error, and counts may still come\n');
});

test('a run that goes on says what queued jobs wait for, when it is looked at next, what was left out and what it is a clone of', () => {
  const more = {
    attempt: 3,
    'skipped-sets': 1,
    'cloned-from': 'run_0',
    waiting: { jobs: 1, since: '2026-07-14T08:00:00.000Z', reason: 'engine:sleep may have 2 jobs under way, and has 2' },
    'engine-trouble': { since: '2026-07-14T08:00:02.000Z', message: 'Control Hub answered 401:\nwho?' },
    'next-poll-at': '2026-07-14T08:00:05.000Z',
  };
  const run = RunView.parse({ ...runBody('RUNNING', 1), ...more });
  expect(runSummary(run).split('\n').slice(3, -1)).toEqual([
    '  clone of   run_0',
    '  attempt    3',
    '  jobs       2: 1 finished, 1 open',
    '  left out   1 set that had succeeded before',
    '  waiting    1 job since 2026-07-14T08:00:00.000Z: engine:sleep may have 2 jobs under way, and has 2',
    '  engine     in trouble since 2026-07-14T08:00:02.000Z: Control Hub answered 401: who?',
    '  records    10 in, 10 out, 0 in error',
    '  created    2026-07-14T08:00:00.000Z',
    '  next look  2026-07-14T08:00:05.000Z, or sooner when the engine tells of a change',
  ]);
  expect(progress(run)).toBe(
    'run_01K8ZC0ED8QZV7N5T9X1M3B2AR RUNNING: 1 of 2 jobs ended, 10 records out; 1 job waiting: engine:sleep may have 2 jobs under way, and has 2; the engine is in trouble: Control Hub answered 401: who?',
  );
});

const FORCED = { reason: 'cancelled', 'asked-at': '2026-07-14T08:00:00.000Z' } as const;

test('jobs say what they wait for; their attempts are a column where one has had a second', () => {
  const text = jobTable([
    job(0, { queued: { for: 'slot' } }),
    job(1, { attempt: 2, queued: { for: 'retry', 'not-before': '2026-07-14T08:00:30.000Z' } }),
    job(2, { state: 'RUNNING', 'cancel-requested-at': '2026-07-14T08:00:00.000Z' }),
    job(3, { state: 'RUNNING', stopping: { reason: 'timed-out', 'asked-at': '2026-07-14T08:00:00.000Z' } }),
    job(4, { state: 'RUNNING', stopping: { ...FORCED, 'forced-at': '2026-07-14T08:01:00.000Z' } }),
    job(5, { state: 'RUNNING', stopping: { ...FORCED, fault: 'it answered 500:\nno' } }),
  ]);
  expect(text).toBe(`SET  STATE    ATTEMPT  IN  OUT  ERROR  DURATION  OUTPUT OR FAILURE
  0  CREATED        1                            waits for a slot
  1  CREATED        2                            waits for its retry, not before 2026-07-14T08:00:30.000Z
  2  RUNNING        1                            is being cancelled
  3  RUNNING        1                            is being stopped (timed-out)
  4  RUNNING        1                            is being stopped by force (cancelled)
  5  RUNNING        1                            cannot be stopped yet: it answered 500: no
`);
});

const PLAN: PlanView = {
  'plan-hash': 'f'.repeat(64),
  'template-id': 'tmpl_x',
  'template-version': 2,
  engine: 'sleep',
  'set-count': 1000,
  'skipped-sets': Array.from({ length: 23 }, (_, place) => place * 2),
  sets: [{ index: 1, 'set-key': 'a'.repeat(32), parameters: {} }],
  expected: { 'job-seconds': { p10: 2, p50: 60, p90: 600 }, 'run-seconds': 3600, 'engine-starts': 1000, 'engine-status-calls': 1 },
};

test('a plan says how long it takes, how often the engine is asked, and the first of the sets that are left out', () => {
  const request = {
    'user-id': 'ada',
    'user-run-id': 'nightly',
    'source-type': 'csv',
    'target-type': 'parquet',
    'runtime-parameters': [],
    'skip-succeeded-since': '2026-07-14T00:00:00Z',
  };
  expect(planSummary(PLAN, request)).toBe(`nightly of ada: 1,000 jobs
  pattern    csv to parquet
  template   tmpl_x version 2, on sleep
  left out   sets 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, … and 3 more: they have succeeded since 2026-07-14T00:00:00Z
  expected   about 1 h 00 min; half of the jobs took 1 min 00 s or less, one in ten 2.00 s or less, nine in ten 10 min 00 s or less
  calls      1,000 starts and about 1 look at how the jobs stand
  plan hash  ${'f'.repeat(64)}
`);
  expect(planSummary({ ...PLAN, 'skipped-sets': [4] }, request)).toContain('left out   set 4: it has succeeded since');
  expect(planSummary({ ...PLAN, 'skipped-sets': [] }, request)).toContain('left out   no set: none has succeeded since');
  expect(planSets(PLAN)).toBe(`set 1, key ${'a'.repeat(32)}\nno parameters\n`);
});
