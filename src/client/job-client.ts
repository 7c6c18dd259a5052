/** The jobs' part of the client: how they stand, what happened to them, what they were started with, and cancelling one. */
import type { SampleOrder } from '#contract/sample-range';
import { HistoryEntryView, JobComparison, JobView, pageOf, SampleView, type PageView } from '#contract/views';
import { itemsOf, query, type PageOptions } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

export interface JobsOptions {
  /** `parameters`: each job with its effective values and where each came from. */
  readonly include?: 'parameters';
}

export interface SeriesOptions {
  /** Both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly order?: SampleOrder | undefined;
}

/**
 * @example
 * const { 'compared-with': success, differences } = await client.compareJob(jobId);
 * if (success) for (const { key, before, after } of differences) console.log(key, before, after);
 */
export interface JobClient {
  /** In the order of the parameter sets. */
  listJobs(runId: string, options?: JobsOptions & PageOptions): Promise<PageView<JobView>>;
  jobs(runId: string, options?: JobsOptions & Pick<PageOptions, 'limit'>): AsyncIterable<JobView>;
  /** With its parameters. */
  getJob(jobId: string): Promise<JobView>;
  /** What happened to a job, oldest first. */
  listHistory(jobId: string, options?: PageOptions): Promise<PageView<HistoryEntryView>>;
  history(jobId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<HistoryEntryView>;
  /** What a streaming job had counted while it ran, by time; samples are kept for 30 days. */
  listSamples(jobId: string, options?: SeriesOptions & PageOptions): Promise<PageView<SampleView>>;
  samples(jobId: string, options?: SeriesOptions & Pick<PageOptions, 'limit'>): AsyncIterable<SampleView>;
  /** Asks for it: its run goes on with the others. Refused as `already-ended` where the job ended by itself. */
  cancelJob(jobId: string): Promise<JobView>;
  /** The jobs of one set in all runs of its template, newest run first. Its key is told with the parameters of each of its jobs. */
  listSetJobs(templateId: string, setKey: string, options?: PageOptions): Promise<PageView<JobView>>;
  setJobs(templateId: string, setKey: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<JobView>;
  /** Its parameters beside those of the last success of the same set, where there is one. */
  compareJob(jobId: string): Promise<JobComparison>;
}

export function jobMethods(call: Transport): JobClient {
  const [jobPage, historyPage, samplePage] = [pageOf(JobView), pageOf(HistoryEntryView), pageOf(SampleView)];
  const pathOf = (id: string): string => `/v1/jobs/${part(id)}`;
  const listJobs: JobClient['listJobs'] = async (id, { include, limit, cursor } = {}) =>
    (await call(get(`/v1/runs/${part(id)}/jobs${query({ include, limit, cursor })}`), jobPage)).body;
  const listHistory: JobClient['listHistory'] = async (id, { limit, cursor } = {}) =>
    (await call(get(`${pathOf(id)}/history${query({ limit, cursor })}`), historyPage)).body;
  const listSamples: JobClient['listSamples'] = async (id, { from, to, order, limit, cursor } = {}) =>
    (await call(get(`${pathOf(id)}/metrics/series${query({ from, to, order, limit, cursor })}`), samplePage)).body;
  const listSetJobs: JobClient['listSetJobs'] = async (templateId, setKey, { limit, cursor } = {}) =>
    (await call(get(`/v1/templates/${part(templateId)}/sets/${part(setKey)}/jobs${query({ limit, cursor })}`), jobPage)).body;
  return {
    listJobs,
    jobs: (id, options = {}) => itemsOf((page) => listJobs(id, page), options),
    getJob: async (id) => (await call(get(pathOf(id)), JobView)).body,
    listHistory,
    history: (id, options = {}) => itemsOf((page) => listHistory(id, page), options),
    listSamples,
    samples: (id, options = {}) => itemsOf((page) => listSamples(id, page), options),
    // Again is harmless: a job that is being cancelled, or was, is answered as it is.
    cancelJob: async (id) => (await call({ method: 'POST', path: `${pathOf(id)}/cancel`, repeatable: true }, JobView)).body,
    listSetJobs,
    setJobs: (templateId, setKey, options = {}) => itemsOf((page) => listSetJobs(templateId, setKey, page), options),
    compareJob: async (id) => (await call(get(`${pathOf(id)}/comparison`), JobComparison)).body,
  };
}
