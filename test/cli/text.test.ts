import { expect, test } from 'vitest';
import { jobTable, progress, runSummary } from '#cli/run-text';
import { duration, table } from '#cli/table';
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
  jobs      2: 2 finished
  records   10 in, 10 out, 0 in error
  created   2026-07-14T08:00:00.000Z
  finished  2026-07-14T08:00:01.000Z (1.00 s)
`);
  expect(progress(RunView.parse(runBody('RUNNING', 1)))).toBe('run_01K8ZC0ED8QZV7N5T9X1M3B2AR RUNNING: 1 of 2 jobs ended, 10 records out');
});
