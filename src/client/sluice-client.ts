/** The HTTP API as typed functions, for Node and browsers alike: it needs `fetch` and nothing else. */
import type { RunRequest } from '#contract/run-request';
import { HistoryEntryView, JobView, MetricsRow, pageOf, RunStarted, RunView, type PageView } from '#contract/views';
import { catalogMethods, type CatalogClient } from './catalog-client.ts';
import { realPace, type Pace } from './pace.ts';
import { itemsOf, query, type PageOptions } from './pages.ts';
import { transport, type Call, type Transport } from './transport.ts';
import { waitForEnd, type WaitOptions, type WaitOutcome } from './wait-for-run.ts';

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:8888`, or an API Gateway's address with its stage. */
  readonly url: string;
  readonly token?: string;
  readonly fetch?: typeof fetch;
  readonly pace?: Pace;
}

export interface RunFilter {
  readonly userId?: string;
  readonly userRunId?: string;
}

export interface JobsOptions {
  /** `parameters`: each job with its effective values and where each came from. */
  readonly include?: 'parameters';
}

/**
 * Every method throws `ApiError` where the service refuses, `ServiceUnreachable` where nothing answers and
 * `UnexpectedAnswer` where something else does.
 *
 * @example
 * const client = sluiceClient({ url: 'http://127.0.0.1:8888', token });
 * const { 'run-id': id } = await client.startRun({
 *   'user-id': 'ada', 'user-run-id': 'nightly-2026-07-14', 'source-type': 'csv', 'target-type': 'parquet',
 *   'runtime-parameters': [{ SOURCE_PATH: 'airports.csv', TARGET_PATH: 'airports.parquet' }],
 * });
 * const { run } = await client.waitForRun(id);
 * for await (const job of client.jobs(id)) console.log(job['job-id'], job.state, job.failure?.message);
 */
export interface SluiceClient extends CatalogClient {
  /** The same request again answers the same run: (user-id, user-run-id) names it, and so does the key. */
  startRun(request: RunRequest, options?: { readonly idempotencyKey?: string }): Promise<RunStarted>;
  getRun(runId: string): Promise<RunView>;
  /** Newest first. */
  listRuns(options?: RunFilter & PageOptions): Promise<PageView<RunView>>;
  runs(options?: RunFilter & Pick<PageOptions, 'limit'>): AsyncIterable<RunView>;
  /** In the order of the parameter sets. */
  listJobs(runId: string, options?: JobsOptions & PageOptions): Promise<PageView<JobView>>;
  jobs(runId: string, options?: JobsOptions & Pick<PageOptions, 'limit'>): AsyncIterable<JobView>;
  getJob(jobId: string): Promise<JobView>;
  /** What happened to a job, oldest first. */
  listHistory(jobId: string, options?: PageOptions): Promise<PageView<HistoryEntryView>>;
  history(jobId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<HistoryEntryView>;
  /** The original service's metrics rows of the runs of that name. */
  listMetrics(userRunId: string, options?: PageOptions): Promise<PageView<MetricsRow>>;
  metrics(userRunId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<MetricsRow>;
  /** Until the run has ended, or the time is up: then the run goes on. */
  waitForRun(runId: string, options?: WaitOptions): Promise<WaitOutcome>;
}

export function sluiceClient({ url, token, fetch = globalThis.fetch, pace = realPace }: ClientOptions): SluiceClient {
  const call = transport({ url, fetch: (input, init) => fetch(input, init), pace, ...(token === undefined ? {} : { token }) });
  const runs = runMethods(call);
  return {
    ...runs,
    ...jobMethods(call),
    ...catalogMethods(call),
    waitForRun: (id, options) => waitForEnd(() => runs.getRun(id), pace, options),
  };
}

/** One part of a path. */
const part = encodeURIComponent;
const get = (path: string): Call => ({ method: 'GET', path, repeatable: true });

function runMethods(call: Transport): Pick<SluiceClient, 'startRun' | 'getRun' | 'listRuns' | 'runs'> {
  const page = pageOf(RunView);
  const listRuns: SluiceClient['listRuns'] = async ({ userId, userRunId, limit, cursor } = {}) =>
    (await call(get(`/v1/runs${query({ 'user-id': userId, 'user-run-id': userRunId, limit, cursor })}`), page)).body;
  return {
    async startRun(request, { idempotencyKey } = {}) {
      const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
      return (await call({ method: 'POST', path: '/v1/runs', body: request, headers, repeatable: true }, RunStarted)).body;
    },
    getRun: async (id) => (await call(get(`/v1/runs/${part(id)}`), RunView)).body,
    listRuns,
    runs: (options = {}) => itemsOf(listRuns, options),
  };
}

type JobMethods = 'listJobs' | 'jobs' | 'getJob' | 'listHistory' | 'history' | 'listMetrics' | 'metrics';

function jobMethods(call: Transport): Pick<SluiceClient, JobMethods> {
  const [jobPage, historyPage, metricsPage] = [pageOf(JobView), pageOf(HistoryEntryView), pageOf(MetricsRow)];
  const listJobs: SluiceClient['listJobs'] = async (id, { include, limit, cursor } = {}) =>
    (await call(get(`/v1/runs/${part(id)}/jobs${query({ include, limit, cursor })}`), jobPage)).body;
  const listHistory: SluiceClient['listHistory'] = async (id, { limit, cursor } = {}) =>
    (await call(get(`/v1/jobs/${part(id)}/history${query({ limit, cursor })}`), historyPage)).body;
  const listMetrics: SluiceClient['listMetrics'] = async (userRunId, { limit, cursor } = {}) =>
    (await call(get(`/v1/metrics${query({ 'user-run-id': userRunId, limit, cursor })}`), metricsPage)).body;
  return {
    listJobs,
    jobs: (id, options = {}) => itemsOf((page) => listJobs(id, page), options),
    getJob: async (id) => (await call(get(`/v1/jobs/${part(id)}`), JobView)).body,
    listHistory,
    history: (id, options = {}) => itemsOf((page) => listHistory(id, page), options),
    listMetrics,
    metrics: (name, options = {}) => itemsOf((page) => listMetrics(name, page), options),
  };
}
