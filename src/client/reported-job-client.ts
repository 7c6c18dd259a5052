/** The part of the client for jobs that run elsewhere: registering, reporting, and what they leave behind. */
import * as z from 'zod';
import { JobIndexed, JobOutputsView, JobReset, type JobOutputView } from '#contract/job-archives';
import type { RegisterJobRequest, TokenRequest } from '#contract/job-requests';
import { IssuedTokenView, JobRegistered, JobTokenView, ReportedJobView } from '#contract/job-views';
import { pageWithGapsOf, type PageView } from '#contract/views';
import { itemsOf, query, type EveryOptions, type PageOptions } from './pages.ts';
import { reportingJob, type Reporting, type ReportingJob } from './reporting-job.ts';
import { get, part } from './transport.ts';
import { waitForJob, type JobWaitOptions, type JobWaitOutcome } from './wait-for-job.ts';

/** What is given holds together. */
export interface ReportedJobFilter {
  /** A name or a typed UUID. */
  readonly pipeline?: string | undefined;
  readonly parent?: string | undefined;
  readonly state?: ReportedJobView['state'] | undefined;
}

/** Its events are sent with the token of the client that registered it; `registered.token` is to be handed on. */
export interface RegisteredJob extends ReportingJob {
  readonly registered: JobRegistered;
}

/**
 * Reports and reads with the scopes `jobs:report` and `runs:read`; deleting and resetting are for administrators.
 *
 * @example
 * const job = await client.registerJob({ pipeline: 'align', data: { sample: 's-1' }, 'expect-update-within-seconds': 3600 });
 * await job.run().update({ step: 'aligned' }).finish();
 * const { outputs } = await client.indexJob(job.id);
 */
export interface ReportedJobClient {
  /**
   * The same content is the same job: then `registered.attached` is true and its token is not shown again, also where the answer
   * that showed it was lost. `issueJobToken` makes another one. The job keeps the limits and the archive that it was registered with:
   * `registered['not-taken-over']` names what was asked for otherwise.
   */
  registerJob(request: RegisterJobRequest): Promise<RegisteredJob>;
  /** A job of either kind that was registered or started elsewhere; by its own token, or by that of this client. Nothing is sent. */
  attach(jobId: string, jobToken?: string): ReportingJob;
  getReportedJob(jobId: string): Promise<ReportedJobView>;
  /** Newest first. */
  listReportedJobs(options?: ReportedJobFilter & PageOptions): Promise<PageView<ReportedJobView>>;
  reportedJobs(options?: ReportedJobFilter & EveryOptions): AsyncIterable<ReportedJobView>;
  /** A job of either kind: until it has ended, or is in the state of `until`. */
  waitForJob(jobId: string, options?: JobWaitOptions): Promise<JobWaitOutcome>;
  /** Hides it, and removes it after 30 days. Again is harmless; refused as `job-at-work` while it is. */
  deleteJob(jobId: string): Promise<ReportedJobView>;
  /** What lies in its archive becomes its outputs; by `patterns` instead of those that it was registered with. */
  indexJob(jobId: string, options?: { readonly patterns?: readonly string[] }): Promise<JobIndexed>;
  /** Empties its archive and makes it ready for another attempt; its tokens end. */
  resetJob(jobId: string, options?: { readonly keepArchive?: boolean }): Promise<JobReset>;
  listOutputs(jobId: string, options?: PageOptions): Promise<JobOutputsView>;
  outputs(jobId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<JobOutputView>;
  /** Another token for the current attempt, of a job of either kind: for some events, or all that need no administrator. */
  issueJobToken(jobId: string, request?: TokenRequest): Promise<IssuedTokenView>;
  listJobTokens(jobId: string): Promise<readonly JobTokenView[]>;
  /** Holds from the next request on. */
  revokeJobToken(jobId: string, tokenId: string): Promise<void>;
}

export function reportedJobMethods(reporting: Reporting, withToken: (jobToken: string) => Reporting): ReportedJobClient {
  const { call, pace } = reporting;
  const pathOf = (id: string): string => `/v1/jobs/${part(id)}`;
  const jobPage = pageWithGapsOf(ReportedJobView);
  const listReportedJobs: ReportedJobClient['listReportedJobs'] = async ({ pipeline, parent, state, limit, cursor } = {}) =>
    (await call(get(`/v1/jobs${query({ pipeline, parent, state, limit, cursor })}`), jobPage)).body;
  const listOutputs: ReportedJobClient['listOutputs'] = async (id, { limit, cursor } = {}) =>
    (await call(get(`${pathOf(id)}/outputs${query({ limit, cursor })}`), JobOutputsView)).body;
  return {
    async registerJob(request) {
      const { body } = await call({ method: 'POST', path: '/v1/jobs', body: request, repeatable: true }, JobRegistered);
      return { ...reportingJob(body['job-id'], reporting), registered: body };
    },
    attach: (id, jobToken) => reportingJob(id, jobToken === undefined ? reporting : withToken(jobToken)),
    getReportedJob: async (id) => (await call(get(pathOf(id)), ReportedJobView)).body,
    listReportedJobs,
    reportedJobs: (options = {}) => itemsOf(listReportedJobs, options),
    waitForJob: (id, options) => waitForJob(call, id, pace, options),
    deleteJob: async (id) => (await call({ method: 'DELETE', path: pathOf(id), repeatable: true }, ReportedJobView)).body,
    // Again is harmless: it is indexed anew.
    async indexJob(id, { patterns } = {}) {
      const body = patterns ? { patterns } : {};
      return (await call({ method: 'POST', path: `${pathOf(id)}/index`, body, repeatable: true }, JobIndexed)).body;
    },
    // Sent once: a repeated one would begin one attempt more.
    async resetJob(id, { keepArchive } = {}) {
      const body = keepArchive === undefined ? {} : { 'keep-archive': keepArchive };
      return (await call({ method: 'POST', path: `${pathOf(id)}/reset`, body, repeatable: false }, JobReset)).body;
    },
    listOutputs,
    outputs: (id, options = {}) => itemsOf((page) => listOutputs(id, page), options),
    // Sent once: a token whose answer was lost is lost, and would stay behind unseen.
    async issueJobToken(id, request = {}) {
      return (await call({ method: 'POST', path: `${pathOf(id)}/tokens`, body: request, repeatable: false }, IssuedTokenView)).body;
    },
    listJobTokens: async (id) => (await call(get(`${pathOf(id)}/tokens`), JobTokens)).body.items,
    async revokeJobToken(id, tokenId) {
      await call({ method: 'DELETE', path: `${pathOf(id)}/tokens/${part(tokenId)}`, repeatable: false }, z.undefined());
    },
  };
}

const JobTokens = z.object({ items: z.array(JobTokenView) });
