/** The jobs' part of the client: how they stand, what happened to them, what they were started with, and cancelling one. */
import { AnyJobView } from '#contract/any-job-view';
import type { SampleOrder } from '#contract/sample-range';
import { HistoryEntryView, JobComparison, JobsOfRun, JobView, pageOf, SampleView, type PageView } from '#contract/views';
import { itemsOf, query, type EveryOptions, type PageOptions } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

export interface JobsOptions {
  /** `parameters`: each job with its effective values and where each came from. */
  readonly include?: 'parameters' | undefined;
  /** The jobs in this state alone. They are looked for among a bounded number: a page may be short, or empty, and not the last. */
  readonly state?: JobView['state'] | undefined;
}

export interface SeriesOptions {
  /** Both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly order?: SampleOrder | undefined;
}

export interface HistoryOptions {
  readonly limit?: number | undefined;
  /** Which comes first; the oldest, unless told otherwise. */
  readonly order?: 'oldest' | 'newest' | undefined;
  /** As the history was at this time. */
  readonly at?: string | undefined;
}

/**
 * @example
 * const { 'compared-with': success, differences } = await client.compareJob(jobId);
 * if (success) for (const { key, before, after } of differences) console.log(key, before, after);
 */
export interface JobClient {
  /** In the order of the parameter sets. */
  listJobs(runId: string, options?: JobsOptions & PageOptions): Promise<JobsOfRun>;
  jobs(runId: string, options?: JobsOptions & EveryOptions): AsyncIterable<JobView>;
  /** A job of a run, with its parameters. */
  getJob(jobId: string): Promise<JobView>;
  /** Also one that reports itself; that one has a `kind`. */
  getAnyJob(jobId: string): Promise<AnyJobView>;
  /** What happened to a job of either kind, with what was refused. */
  listHistory(jobId: string, options?: HistoryOptions & Pick<PageOptions, 'cursor'>): Promise<PageView<HistoryEntryView>>;
  history(jobId: string, options?: HistoryOptions): AsyncIterable<HistoryEntryView>;
  /** What a streaming job had counted while it ran, by time; samples are kept for 30 days. */
  listSamples(jobId: string, options?: SeriesOptions & PageOptions): Promise<PageView<SampleView>>;
  samples(jobId: string, options?: SeriesOptions & Pick<PageOptions, 'limit'>): AsyncIterable<SampleView>;
  /**
   * Asks for it: its run goes on with the others. Refused as `already-ended` where the job ended by itself. One that reports itself is
   * withdrawn before it runs, and refused as `job-at-work` after.
   */
  cancelJob(jobId: string): Promise<AnyJobView>;
  /** The jobs of one set in all runs of its template, newest run first. Its key is told with the parameters of each of its jobs. */
  listSetJobs(templateId: string, setKey: string, options?: PageOptions): Promise<PageView<JobView>>;
  setJobs(templateId: string, setKey: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<JobView>;
  /** Its parameters beside those of the last success of the same set, where there is one. */
  compareJob(jobId: string): Promise<JobComparison>;
}

export function jobMethods(call: Transport): JobClient {
  const [jobPage, historyPage, samplePage] = [pageOf(JobView), pageOf(HistoryEntryView), pageOf(SampleView)];
  const pathOf = (id: string): string => `/v1/jobs/${part(id)}`;
  const listJobs: JobClient['listJobs'] = async (id, { include, state, limit, cursor } = {}) =>
    (await call(get(`/v1/runs/${part(id)}/jobs${query({ include, state, limit, cursor })}`), JobsOfRun)).body;
  const listHistory: JobClient['listHistory'] = async (id, { limit, order, at, cursor } = {}) =>
    (await call(get(`${pathOf(id)}/history${query({ limit, order, at, cursor })}`), historyPage)).body;
  const listSamples: JobClient['listSamples'] = async (id, { from, to, order, limit, cursor } = {}) =>
    (await call(get(`${pathOf(id)}/metrics/series${query({ from, to, order, limit, cursor })}`), samplePage)).body;
  const listSetJobs: JobClient['listSetJobs'] = async (templateId, setKey, { limit, cursor } = {}) =>
    (await call(get(`/v1/templates/${part(templateId)}/sets/${part(setKey)}/jobs${query({ limit, cursor })}`), jobPage)).body;
  return {
    listJobs,
    jobs: (id, options = {}) => itemsOf((page) => listJobs(id, page), options),
    getJob: async (id) => (await call(get(pathOf(id)), JobView)).body,
    getAnyJob: async (id) => (await call(get(pathOf(id)), AnyJobView)).body,
    listHistory,
    history: (id, options = {}) => itemsOf((page) => listHistory(id, page), options),
    listSamples,
    samples: (id, options = {}) => itemsOf((page) => listSamples(id, page), options),
    // Again is harmless: a job that is being cancelled, or was, is answered as it is.
    cancelJob: async (id) => (await call({ method: 'POST', path: `${pathOf(id)}/cancel`, repeatable: true }, AnyJobView)).body,
    listSetJobs,
    setJobs: (templateId, setKey, options = {}) => itemsOf((page) => listSetJobs(templateId, setKey, page), options),
    compareJob: async (id) => (await call(get(`${pathOf(id)}/comparison`), JobComparison)).body,
  };
}
