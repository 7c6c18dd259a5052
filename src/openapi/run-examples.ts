/** One run as it is started, read and changed: examples that the compiler holds against the views. */
import type {
  MetricsRow,
  CostView,
  DayTotalsView,
  HistoryEntryView,
  JobComparison,
  JobView,
  RunRetried,
  RunStarted,
  RunView,
  SampleView,
} from '#contract/views';
import type { PlanView } from '#contract/plan-view';
import type { CloneRequest, RetryRequest, RunRequest } from '#contract/run-request';
import type { SweepView } from '#contract/sweep-view';

export const RUN_ID = 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR';
const JOB_IDS = ['job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000', 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00001'] as const;
const SET_KEY = 'b1f0c9a4d2e84f63a7c5d8e9f0a1b2c3';

const LINKS = { self: `/v1/runs/${RUN_ID}`, jobs: `/v1/runs/${RUN_ID}/jobs`, metrics: '/v1/metrics?user-run-id=nightly' };

export const RUN_REQUEST: RunRequest = {
  'user-id': 'ada',
  'user-run-id': 'nightly',
  'source-type': 'csv',
  'target-type': 'parquet',
  'runtime-parameters': [
    { SOURCE_PATH: 'seattle-weather.csv', TARGET_PATH: 'weather.parquet' },
    { SOURCE_PATH: 'no-such-file.csv', TARGET_PATH: 'none.parquet' },
  ],
};

export const RETRY_REQUEST: RetryRequest = { reasons: ['engine-error'] };

export const CLONE_REQUEST: CloneRequest = { 'user-run-id': 'nightly-again', failed: {} };

export const RUN_STARTED: RunStarted = {
  status: 'OK',
  'run-id': RUN_ID,
  state: 'ACCEPTED',
  'user-run-id': 'nightly',
  'job-ids': [...JOB_IDS],
  links: LINKS,
};

export const RUN_RETRIED: RunRetried = { 'run-id': RUN_ID, state: 'RUNNING', attempt: 2, 'job-ids': [JOB_IDS[1]], links: LINKS };

export const COST: CostView = {
  usd: 0.000594,
  'usd-by-kind': {
    'step-functions': 0.00045,
    lambda: 0.00001234,
    'dynamodb-writes': 0.00011875,
    'dynamodb-reads': 0.000003,
    'api-requests': 0.00001,
  },
  'state-transitions': 18,
  'lambda-invocations': 7,
  'lambda-milliseconds': 840,
  'lambda-gigabyte-seconds': 0.74,
  'dynamodb-write-units': 95,
  'dynamodb-read-units': 12,
  'api-requests': 10,
  ticks: 3,
  'engine-status-calls': 3,
  'engine-metrics-calls': 2,
  'engine-starts': 2,
};

export const RUN: RunView = {
  'run-id': RUN_ID,
  state: 'PARTIAL',
  'user-id': 'ada',
  'user-run-id': 'nightly',
  'source-type': 'csv',
  'target-type': 'parquet',
  'template-id': 'tmpl_csv-to-parquet',
  'template-version': 1,
  'requested-by': 'local',
  attempt: 1,
  jobs: { total: 2, finished: 1, failed: 1, cancelled: 0, open: 0 },
  records: { input: 1461, output: 1461, error: 0 },
  'created-at': '2026-11-21T08:00:00.000Z',
  'updated-at': '2026-11-21T08:00:01.200Z',
  'finished-at': '2026-11-21T08:00:01.200Z',
  links: LINKS,
};

export const RUN_CANCELLING: RunView = {
  ...RUN,
  state: 'CANCELLING',
  jobs: { total: 2, finished: 0, failed: 0, cancelled: 0, open: 2 },
  records: { input: 0, output: 0, error: 0 },
  closing: { reason: 'cancelled', message: 'cancelled by ada', at: '2026-11-21T08:00:00.900Z' },
};

export const JOB: JobView = {
  'job-id': JOB_IDS[0],
  'run-id': RUN_ID,
  index: 0,
  state: 'FINISHED',
  attempt: 1,
  metrics: {
    'engine-id': 'duckdb',
    'input-record-count': 1461,
    'output-record-count': 1461,
    'error-record-count': 0,
    'started-at': '2026-11-21T08:00:00.300Z',
    'finished-at': '2026-11-21T08:00:00.810Z',
    'duration-ms': 510,
    outputs: ['weather.parquet'],
  },
  'metrics-state': 'settled',
  'engine-job-id': '01K8ZC0ED8QZV7N5T9X1M3B2AS',
  'set-key': SET_KEY,
  'created-at': '2026-11-21T08:00:00.100Z',
  'updated-at': '2026-11-21T08:00:00.900Z',
  parameters: {
    SOURCE_PATH: { value: 'seattle-weather.csv', origin: 'caller' },
    TARGET_PATH: { value: 'weather.parquet', origin: 'caller' },
    LOADED_BY: { value: 'sluice', origin: 'target-parameters' },
  },
  links: { self: `/v1/jobs/${JOB_IDS[0]}`, history: `/v1/jobs/${JOB_IDS[0]}/history`, run: `/v1/runs/${RUN_ID}` },
};

export const PLAN: PlanView = {
  'plan-hash': '9b2d1c0f5a3e47869b2d1c0f5a3e47869b2d1c0f5a3e47869b2d1c0f5a3e4786',
  'template-id': 'tmpl_csv-to-parquet',
  'template-version': 1,
  engine: 'duckdb',
  'set-count': 1,
  'skipped-sets': [1],
  sets: [{ index: 0, 'set-key': SET_KEY, parameters: JOB.parameters ?? {} }],
  expected: { 'job-seconds': { p10: 0.1, p50: 0.2, p90: 0.5 }, 'run-seconds': 0.5, 'engine-starts': 1, 'engine-status-calls': 1 },
};

export const HISTORY_ENTRY: HistoryEntryView = {
  sequence: 2,
  'event-id': '01K8ZC0ED8QZV7N5T9X1M3B2AT',
  name: 'run',
  at: '2026-11-21T08:00:00.300Z',
  actor: 'engine duckdb',
  from: 'CREATED',
  to: 'RUNNING',
  attempt: 1,
};

export const SAMPLE: SampleView = {
  at: '2026-11-21T08:01:00.000Z',
  attempt: 1,
  'engine-id': 'sdc-1',
  'input-record-count': 120_000,
  'output-record-count': 119_990,
  'error-record-count': 10,
};

export const COMPARISON: JobComparison = {
  'job-id': JOB_IDS[1],
  'compared-with': {
    'job-id': 'job_01K8ZA7B3CQZV7N5T9X1M3B2AQ_00001',
    'run-id': 'run_01K8ZA7B3CQZV7N5T9X1M3B2AQ',
    'updated-at': '2026-11-20T08:00:01.000Z',
  },
  differences: [{ key: 'SOURCE_PATH', before: 'airports.csv', after: 'no-such-file.csv' }],
};

export const METRICS_ROW: MetricsRow = {
  job_id: JOB_IDS[0],
  run_id: RUN_ID,
  job_run_id: '01K8ZC0ED8QZV7N5T9X1M3B2AS',
  job_template_id: 'tmpl_csv-to-parquet',
  user_id: 'ada',
  user_run_id: 'nightly',
  engine_id: 'duckdb',
  pipeline_id: '',
  successful_run: true,
  input_record_count: 1461,
  output_record_count: 1461,
  error_record_count: 0,
  error_message: '',
  start_time: '2026-11-21 08:00:00',
  finish_time: '2026-11-21 08:00:00',
};

export const DAY_TOTALS: DayTotalsView = {
  day: '2026-11-21',
  runs: 1,
  jobs: { finished: 1, failed: 1, cancelled: 0 },
  records: { input: 1461, output: 1461, error: 0 },
};

export const SWEEP: SweepView = {
  'open-runs': 3,
  'running-executions': 6,
  findings: [
    {
      kind: 'loop-stopped',
      'run-id': RUN_ID,
      since: '2026-11-21T08:10:00.000Z',
      detail: 'its watch loop was to look at 08:10 and has not',
      repair: 'starts a new watch loop',
    },
  ],
};
