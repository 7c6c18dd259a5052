/** The HTTP API as typed functions, for Node and browsers alike: it needs `fetch` and nothing else. */
import { catalogMethods, type CatalogClient } from './catalog-client.ts';
import { jobMethods, type JobClient } from './job-client.ts';
import { metricsMethods, type MetricsClient } from './metrics-client.ts';
import { realPace, type Pace } from './pace.ts';
import { reportedJobMethods, type ReportedJobClient } from './reported-job-client.ts';
import { reportingJob, type Reporting, type ReportingJob } from './reporting-job.ts';
import { runMethods, type RunClient } from './run-client.ts';
import { sweepMethods, type SweepClient } from './sweep-client.ts';
import { tokenMethods, type TokenClient } from './token-client.ts';
import { transport } from './transport.ts';
import { waitForRun, type RunWaitOptions, type WaitOutcome } from './wait-for-run.ts';

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:8888`, or an API Gateway's address with its stage. */
  readonly url: string;
  readonly token?: string;
  readonly fetch?: typeof fetch;
  readonly pace?: Pace;
  /** Makes the idempotency key of a retry, and the id of an event, that is given none. */
  readonly newKey?: () => string;
}

/**
 * Every method throws `ApiError` where the service refuses, `ServiceUnreachable` where nothing answers and
 * `UnexpectedAnswer` where something else does.
 *
 * @example
 * const client = sluiceClient({ url: 'http://127.0.0.1:8888', token });
 * const started = await client.startRun({
 *   'user-id': 'ada', 'user-run-id': 'nightly-2026-07-14', 'source-type': 'csv', 'target-type': 'parquet',
 *   'runtime-parameters': [{ SOURCE_PATH: 'airports.csv', TARGET_PATH: 'airports.parquet' }],
 * });
 * if (started['run-id'] === null) return; // only with skip-succeeded-since: every set has succeeded already
 * const { run } = await client.waitForRun(started['run-id']);
 * for await (const job of client.jobs(run['run-id'])) console.log(job['job-id'], job.state, job.failure?.message);
 */
export interface SluiceClient extends RunClient, JobClient, ReportedJobClient, MetricsClient, CatalogClient, SweepClient, TokenClient {
  /** Until the run has ended, or the time is up: then the run goes on. */
  waitForRun(runId: string, options?: RunWaitOptions): Promise<WaitOutcome>;
}

export function sluiceClient(options: ClientOptions): SluiceClient {
  const reporting = reportingOf(options);
  const { call, pace, newKey } = reporting;
  return {
    ...runMethods(call, newKey),
    ...jobMethods(call),
    ...reportedJobMethods(reporting, (token) => reportingOf({ ...options, token })),
    ...metricsMethods(call),
    ...catalogMethods(call),
    ...sweepMethods(call),
    ...tokenMethods(call),
    waitForRun: (id, how) => waitForRun(call, id, pace, how),
  };
}

export interface AttachOptions extends Omit<ClientOptions, 'token'> {
  readonly id: string;
  /** The job's own: it opens this job and nothing else. */
  readonly token: string;
}

/**
 * A job for whoever holds its token alone: a later process, on another machine. Nothing is sent.
 *
 * @example
 * await attachJob({ url, id, token }).update({ page: 3 }).finish();
 */
export const attachJob = ({ id, ...options }: AttachOptions): ReportingJob => reportingJob(id, reportingOf(options));

function reportingOf({ url, token, fetch = globalThis.fetch, pace = realPace, newKey = randomKey }: ClientOptions): Reporting {
  const call = transport({ url, fetch: (input, init) => fetch(input, init), pace, ...(token === undefined ? {} : { token }) });
  return { call, pace, newKey };
}

/** `randomUUID` is withheld from pages of plain HTTP. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
