/** What reported jobs leave behind: indexing it, listing it, and removing it for another attempt. */
import {
  IndexRequest,
  outputsView,
  ResetRequest,
  type JobIndexed,
  type JobLeftIndexing,
  type JobReset,
  type ParsedIndexRequest,
  type ParsedResetRequest,
} from '#contract/job-archives';
import { parseAnyJobId, parseReportedJobId, type ReportedJobId } from '#domain/ids';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { noSuchJob } from '#hosts/lambda/job-access';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { archivePorts } from '#hosts/wiring';
import { indexJob } from '#operations/index-job';
import type { EventAnswer } from '#operations/job-ports';
import { resetJob } from '#operations/reset-job';

type WithJob = Pick<HttpRequest, 'path'>;

/** Of a job that reports itself; or the reply that says why it is none. */
function jobOf({ path }: WithJob): { readonly id: ReportedJobId } | { readonly reply: HttpReply } {
  const id = parseReportedJobId(path('jobId'));
  if (id !== undefined) return { id };
  if (parseAnyJobId(path('jobId')) === undefined) return { reply: noSuchJob(path('jobId')) };
  return { reply: problem('event-refused', 'the outputs of a job of a run are its engine’s, and its attempts are its run’s') };
}

/** What is left of the time that API Gateway gives an answer, when it is written. */
const INDEX_SECONDS = 20;

async function index(request: HttpRequest<ParsedIndexRequest>): Promise<HttpReply> {
  const job = jobOf(request);
  if ('reply' in job) return job.reply;
  const { patterns } = request.body;
  const asked = { ...job, requestedBy: request.caller.name, withinSeconds: INDEX_SECONDS };
  const outcome = await indexJob(archivePorts(), { ...asked, ...(patterns ? { patterns } : {}) });
  switch (outcome.kind) {
    case 'indexed': {
      const { state, sequence } = outcome.answer;
      const { count, sizeBytes } = outcome.index;
      const view: JobIndexed = { 'job-id': job.id, state, sequence, outputs: count, 'size-bytes': sizeBytes };
      return reply(200, view);
    }
    case 'refused':
      return refused(outcome.answer);
    case 'failed':
      return failed(outcome, 'the job stays in INDEXING; index it again');
    case 'left':
      return reply(202, { 'job-id': job.id, state: 'INDEXING' } satisfies JobLeftIndexing);
    case 'not-found':
      return noSuchJob(job.id);
    case 'no-archives':
      return noArchives();
  }
}

async function reset(request: HttpRequest<ParsedResetRequest>): Promise<HttpReply> {
  const job = jobOf(request);
  if ('reply' in job) return job.reply;
  const asked = { ...job, requestedBy: request.caller.name, keepArchive: request.body['keep-archive'] };
  const outcome = await resetJob(archivePorts(), asked);
  switch (outcome.kind) {
    case 'reset': {
      const { state, sequence } = outcome.answer;
      const view: JobReset = { 'job-id': job.id, state, sequence, 'files-removed': outcome.removed };
      return reply(200, view);
    }
    case 'refused':
      return refused(outcome.answer);
    case 'failed':
      return failed(outcome, 'the job stays in RESET; reset it again');
    case 'overtaken':
      return problem('event-refused', `another reset of the job came meanwhile: it is ${outcome.state}`, undefined, {
        state: outcome.state,
      });
    case 'not-found':
      return noSuchJob(job.id);
    case 'no-archives':
      return noArchives();
  }
}

function refused({ state, refused: refusal }: EventAnswer): HttpReply {
  const { allowed = [], detail = '' } = refusal ?? {};
  const told = `${detail}; allowed now: ${allowed.length > 0 ? allowed.join(', ') : 'nothing'}`;
  return problem('event-refused', told, undefined, { state, 'allowed-events': allowed });
}

function failed({ message, mayPass }: { readonly message: string; readonly mayPass: boolean }, next: string): HttpReply {
  const told = problem(mayPass ? 'unavailable' : 'archive-refused', `${message}; ${next}`);
  return mayPass ? { ...told, headers: { ...told.headers, 'retry-after': '5' } } : told;
}

const noArchives = (): HttpReply => problem('no-archives', 'SLUICE_ARCHIVE_ROOT says where the archives of jobs are; it is not set');

async function outputs(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const found = jobOf(request);
  if ('reply' in found) return found.reply;
  const { reportedJobs, jobOutputs } = archivePorts();
  const [job, newest] = await Promise.all([reportedJobs.load(found.id), jobOutputs.index(found.id)]);
  if (!job) return noSuchJob(found.id);
  // Those of the attempts before were removed by the reset.
  if (newest?.attempt !== job.attempt) return reply(200, outputsView(undefined, []));
  const listed = await jobOutputs.list(found.id, newest, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor: the job was indexed again');
  return reply(200, outputsView(newest, listed.page.items, listed.page.cursor));
}

export const handler = httpHandler([
  route('GET /v1/jobs/{jobId}/outputs', 'runs:read', outputs),
  routeWithBody('POST /v1/jobs/{jobId}/index', 'jobs:report', IndexRequest, index, { optional: true }),
  routeWithBody('POST /v1/jobs/{jobId}/reset', 'admin', ResetRequest, reset, { optional: true }),
]);
