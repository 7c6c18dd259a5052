/** Views as the API answers them. */
import type { ReportedJobView } from '#contract/job-views';
import type { CostView, HistoryEntryView, JobView, RunView } from '#contract/views';

export const RUN_ID = 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR';

export const COST: CostView = {
  usd: 0.000534,
  'usd-by-kind': {
    'step-functions': 0.000325,
    lambda: 0.00008,
    'dynamodb-writes': 0.000108,
    'dynamodb-reads': 0.00002,
    'api-requests': 0.000001,
  },
  'state-transitions': 13,
  'lambda-invocations': 9,
  'lambda-milliseconds': 4321,
  'lambda-gigabyte-seconds': 5.4,
  'dynamodb-write-units': 172,
  'dynamodb-read-units': 160,
  'api-requests': 1,
  ticks: 3,
  'engine-status-calls': 2,
  'engine-starts': 3,
  'engine-metrics-calls': 0,
};

export const aRun = (change: Partial<RunView> = {}): RunView => ({
  'run-id': RUN_ID,
  state: 'PARTIAL',
  'user-id': 'ada',
  'user-run-id': 'nightly',
  'source-type': 'csv',
  'target-type': 'parquet',
  'template-id': 'tmpl_csv-to-parquet',
  'template-version': 2,
  'requested-by': 'token of ada',
  attempt: 1,
  jobs: { total: 3, finished: 2, failed: 1, cancelled: 0, open: 0 },
  records: { input: 4837, output: 4837, error: 0 },
  'created-at': '2026-11-21T08:00:00.000Z',
  'updated-at': '2026-11-21T08:01:05.000Z',
  'finished-at': '2026-11-21T08:01:05.000Z',
  links: {},
  ...change,
});

/** As long as `change` does not say that it has ended. */
export function anOpenRun(change: Partial<RunView> = {}): RunView {
  const { 'finished-at': _ended, ...open } = aRun({ state: 'RUNNING', jobs: { total: 3, finished: 1, failed: 0, cancelled: 0, open: 2 } });
  return { ...open, ...change };
}

export const aReportedJob = (change: Partial<ReportedJobView> = {}): ReportedJobView => ({
  'job-id': '1075d771-fda0-54bd-ae37-608f2f12c30f',
  kind: 'reported',
  pipeline: 'align',
  'pipeline-uuid': '1067e3c1-4585-5459-8205-386f538358eb',
  parents: [],
  state: 'FINISHED',
  attempt: 1,
  sequence: 3,
  'last-event': 'finish',
  'created-at': '2026-11-21T08:00:00.000Z',
  'updated-at': '2026-11-21T08:01:05.000Z',
  data: { sample: 's-1' },
  links: {},
  ...change,
});

export const aJob = (index: number, change: Partial<JobView> = {}): JobView => ({
  'job-id': `job_01K8ZC0ED8QZV7N5T9X1M3B2AR_${String(index).padStart(5, '0')}`,
  'run-id': RUN_ID,
  index,
  state: 'FINISHED',
  attempt: 1,
  metrics: {
    'input-record-count': 1461,
    'output-record-count': 1460,
    'error-record-count': 1,
    'duration-ms': 210,
    outputs: ['tables/weather.parquet'],
  },
  'created-at': '2026-11-21T08:00:00.000Z',
  'updated-at': '2026-11-21T08:00:30.000Z',
  links: {},
  ...change,
});

export const anEntry = (sequence: number, change: Partial<HistoryEntryView> = {}): HistoryEntryView => ({
  sequence,
  'event-id': `event ${sequence}`,
  name: 'create',
  at: '2026-11-21T08:00:00.000Z',
  actor: 'ada',
  from: null,
  to: 'CREATED',
  attempt: 1,
  ...change,
});
