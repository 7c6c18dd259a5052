/** Jobs of either kind, and what counts came of them. */
import { AnyJobView } from '#contract/any-job-view';
import { JobAsOf } from '#contract/job-views';
import { SAMPLE_ORDERS } from '#contract/sample-range';
import { JobComparison } from '#contract/views';
import { JOB_STATES } from '#domain/job-state';
import { AT, header, ORDER_OF_HISTORY, PAGED, query, TEXT, TIME, TIMEOUT } from '#openapi/parameters';
import { COMPARISON, DAY_TOTALS, HISTORY_ENTRY, JOB, METRICS_ROW, SAMPLE } from '#openapi/run-examples';
import { DayTotalsPage, HistoryPage, JobPage, MetricsPage, SamplePage } from '#openapi/schemas';
import type { Resource } from '#openapi/words';

export const JOBS: Resource = {
  tag: 'jobs',
  description: 'One unit of work with its state, its history and its counts; of a run, or reported by whoever does it.',
  operations: {
    'GET /v1/jobs/{jobId}': {
      operationId: 'getJob',
      summary: 'Read a job, as it is or as it was',
      description: 'With its parameters and where each value came from; of a job that reports itself, with its data.',
      parameters: [AT],
      answers: {
        200: { description: 'The job; with `at`, how it stood then.', schema: [AnyJobView, JobAsOf], example: JOB },
      },
      problems: ['invalid-request', 'not-found'],
    },
    'GET /v1/jobs/{jobId}/history': {
      operationId: 'listHistoryOfJob',
      summary: 'List everything that has happened to a job',
      parameters: [...PAGED, ORDER_OF_HISTORY, { ...AT, description: 'Up to that time, in ISO 8601 with its zone.' }],
      answers: { 200: { description: 'A page of events.', schema: HistoryPage, example: { items: [HISTORY_ENTRY] } } },
      problems: ['not-found'],
    },
    'GET /v1/jobs/{jobId}/wait': {
      operationId: 'waitForJob',
      summary: 'Wait until a job has ended or is in a state',
      parameters: [
        TIMEOUT,
        query('until', 'A state, or `terminal`: any in which nothing more happens by itself.', {
          type: 'string',
          enum: ['terminal', ...JOB_STATES],
          default: 'terminal',
        }),
      ],
      answers: {
        200: { description: 'The job once that is so, or as it is when the time is over.', schema: AnyJobView, example: JOB },
      },
      problems: ['invalid-request', 'not-found'],
    },
    'POST /v1/jobs/{jobId}/cancel': {
      operationId: 'cancelJob',
      summary: 'Cancel one job',
      description:
        'Of a run: it is stopped on its engine, and the run goes on with the others. A job that reports itself is withdrawn, as long as ' +
        'it has not begun; its own token opens this, too.',
      answers: {
        202: { description: 'The job is being stopped.', schema: AnyJobView, example: { ...JOB, state: 'RUNNING' } },
        200: { description: 'It is cancelled, or withdrawn.', schema: AnyJobView, example: { ...JOB, state: 'FAILED' } },
      },
      problems: ['not-found', 'not-ready', 'version-conflict', 'already-ended', 'job-at-work', 'job-deleted'],
    },
    'GET /v1/jobs/{jobId}/metrics/series': {
      operationId: 'listSamplesOfJob',
      summary: 'List what a streaming job had counted while it ran',
      parameters: [
        ...PAGED,
        query('from', 'Counted then or later.', TIME),
        query('to', 'Counted then or before.', TIME),
        query('order', 'Which sample comes first.', { type: 'string', enum: SAMPLE_ORDERS, default: 'oldest-first' }),
      ],
      answers: { 200: { description: 'A page of samples.', schema: SamplePage, example: { items: [SAMPLE] } } },
      problems: ['not-found'],
    },
    'GET /v1/jobs/{jobId}/comparison': {
      operationId: 'compareJob',
      summary: 'Compare a job’s parameters with those of its last success',
      answers: {
        200: {
          description: 'What differs from the last success of the same set; `compared-with` is null where there is none.',
          schema: JobComparison,
          example: COMPARISON,
        },
      },
      problems: ['not-found'],
    },
    'GET /v1/templates/{templateId}/sets/{setKey}/jobs': {
      operationId: 'listJobsOfSet',
      summary: 'List what became of one parameter set in all runs, newest first',
      parameters: PAGED,
      answers: { 200: { description: 'A page of jobs.', schema: JobPage, example: { items: [JOB] } } },
      problems: ['not-found'],
    },
  },
};

export const METRICS: Resource = {
  tag: 'metrics',
  description: 'What was counted: the original’s table, and sums.',
  operations: {
    'GET /v1/metrics': {
      operationId: 'listMetrics',
      summary: 'List the original’s metrics table, by the name of a run',
      parameters: [
        query('user-run-id', 'The name that the request gave the run; runs of several users may have it.', TEXT, {
          required: true,
          example: 'nightly',
        }),
        ...PAGED,
        query('format', 'Before `Accept`.', { type: 'string', enum: ['csv', 'json'] }),
        header('Accept', '`text/csv`: as CSV.', TEXT, { example: 'text/csv' }),
      ],
      answers: {
        200: {
          description: 'A page of rows, one for each job that has ended.',
          schema: MetricsPage,
          example: { items: [METRICS_ROW] },
          content: {
            'text/csv': {
              description: 'The same as RFC 4180 has it; only the first page has the names of the columns.',
              example: `${Object.keys(METRICS_ROW).join(',')}\r\n${Object.values(METRICS_ROW).join(',')}\r\n`,
            },
          },
          headersAtTimes: ['Sluice-Next-Cursor'],
        },
      },
    },
    'GET /v1/metrics/daily': {
      operationId: 'listDailyTotals',
      summary: 'Sum up by day',
      parameters: [...PAGED, query('template-id', 'Of the runs of this template alone.', TEXT, { example: 'tmpl_csv-to-parquet' })],
      answers: {
        200: {
          description: 'A page of days (UTC), newest first, each with the runs that were accepted on it and have ended.',
          schema: DayTotalsPage,
          example: { items: [DAY_TOTALS] },
        },
      },
      problems: ['not-found'],
    },
  },
};
