/** What is done to a run after its start: cancelling it or one of its jobs, retrying what failed, making a new one of it. */
import { CloneRequest, RetryRequest, type ParsedCloneRequest } from '#contract/run-request';
import { reportedJobView } from '#contract/job-views';
import { jobView, runRetried, runView } from '#contract/run-views';
import { parseJobId, parseReportedJobId, parseRunId, type ReportedJobId } from '#domain/ids';
import { idOf } from '#domain/job';
import { NO_COUNTS } from '#domain/run';
import { httpHandler, route, routeWithBody, routeWithJobToken, type HttpRequest, type JobRequest } from '#hosts/lambda/http';
import { allows } from '#hosts/lambda/authentication';
import { actorOf, jobAccess, notAuthenticated, recordJobTokenUse, type Holder } from '#hosts/lambda/job-access';
import { problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { cancelJob, cancelRun } from '#operations/cancel-run';
import { cloneRun } from '#operations/clone-run';
import { withdrawJob } from '#operations/hide-job';
import { getRun } from '#operations/read-runs';
import { retryRun, type JobSelection, type SelectionProblem } from '#operations/retry-run';
import { idempotencyKeyOf, keysOf } from '#hosts/lambda/run-keys';
import { started } from '#hosts/lambda/run-replies';

const notFound = (id: string): HttpReply => problem('not-found', `there is no run ${id}`);

async function cancel(request: HttpRequest): Promise<HttpReply> {
  const id = parseRunId(request.path('runId'));
  const outcome = id ? await cancelRun(ports(), { runId: id, requestedBy: request.caller.name }) : ({ kind: 'not-found' } as const);
  switch (outcome.kind) {
    case 'not-found':
      return notFound(request.path('runId'));
    case 'ended':
      return problem('already-ended', `${outcome.run.id} has ended as ${outcome.run.state}: nothing is left to cancel`);
    case 'cancelling':
    case 'cancelled': {
      const standing = await getRun(ports(), outcome.run.id);
      const view = runView(outcome.run, standing?.counts ?? NO_COUNTS, standing?.progress);
      return reply(outcome.kind === 'cancelling' ? 202 : 200, view);
    }
  }
}

/** A managed job is one of a run; of a reported one its reporter may think better, too. */
async function cancelOne(request: JobRequest): Promise<HttpReply> {
  const reported = parseReportedJobId(request.path('jobId'));
  const ref = parseJobId(request.path('jobId'));
  const isReporter = reported !== undefined && request.caller !== undefined && allows(request.caller, 'jobs:report');
  const access = await jobAccess(isReporter ? { ...request, scope: 'jobs:report' } : request);
  if ('reply' in access) return access.reply;
  const { holder } = access;
  await recordJobTokenUse(holder);
  if (reported !== undefined) return withdraw(reported, holder);
  if (holder.kind === 'job-token')
    return problem('not-allowed', 'a job of a run is cancelled by who may change runs: a token with runs:write');
  const outcome = ref ? await cancelJob(ports(), { job: ref, requestedBy: holder.caller.name }) : ({ kind: 'not-found' } as const);
  switch (outcome.kind) {
    case 'not-found':
      return problem('not-found', `there is no job ${request.path('jobId')}`);
    case 'not-ready':
      return problem('not-ready', 'its run is making its jobs, or making them ready again; send the same request again in a moment');
    case 'conflict':
      return problem('version-conflict', 'the job is being changed by others; send the same request again');
    case 'ended':
      return problem('already-ended', `${idOf(outcome.job)} is ${outcome.job.state}: nothing is left to cancel`);
    case 'cancelling':
      return reply(202, jobView(outcome.job));
    case 'cancelled':
      return reply(200, jobView(outcome.job));
  }
}

async function withdraw(id: ReportedJobId, holder: Holder): Promise<HttpReply> {
  const token = holder.kind === 'job-token' ? { token: holder.verified.token } : {};
  const outcome = await withdrawJob(ports(), { id, requestedBy: actorOf(holder), ...token });
  switch (outcome.kind) {
    case 'token-ended':
      return notAuthenticated();
    case 'not-found':
      return problem('not-found', `there is no job ${id}`);
    case 'running':
      return problem('job-at-work', `${id} is ${outcome.job.state}, and elsewhere: send the event fail instead`);
    case 'ended':
      return problem('already-ended', `${id} is ${outcome.job.state}: nothing is left to cancel`);
    case 'deleted':
      return problem('job-deleted', `${id} was deleted`);
    case 'withdrawn':
      return reply(200, reportedJobView(outcome.job));
  }
}

async function retry(request: HttpRequest<RetryRequest>): Promise<HttpReply> {
  const key = idempotencyKeyOf(request);
  if ('reply' in key) return key.reply;
  const id = parseRunId(request.path('runId'));
  const outcome = id
    ? await retryRun(ports(), { runId: id, selection: selectionOf(request.body), requestedBy: request.caller.name, ...key })
    : ({ kind: 'not-found' } as const);
  switch (outcome.kind) {
    case 'not-found':
      return notFound(request.path('runId'));
    case 'retried':
    case 'replayed': {
      const headers = { location: `/v1/runs/${outcome.run.id}`, 'retry-after': '2' };
      return reply(outcome.kind === 'retried' ? 202 : 200, runRetried(outcome.run, outcome.indexes), headers);
    }
    case 'not-ready':
      return problem(
        'not-ready',
        `${outcome.run.id} is ${outcome.run.state}: wait until its jobs are made, or until its end if it is being closed`,
      );
    case 'nothing-selected':
      return problem(
        'nothing-to-retry',
        `no job of ${outcome.run.id} has failed in this way; GET /v1/runs/${outcome.run.id}/jobs shows them`,
      );
    case 'not-selectable':
      return notSelectable(outcome.problems, '');
    case 'key-reused':
      return problem('key-reused', 'the key was used for a retry of other jobs');
    case 'conflict':
      return problem('version-conflict', 'the run is being changed by others; send the same request again');
  }
}

async function clone(request: HttpRequest<ParsedCloneRequest>): Promise<HttpReply> {
  const key = keysOf(request);
  if ('reply' in key) return key.reply;
  const { body } = request;
  const id = parseRunId(request.path('runId'));
  const old = id && (await ports().runs.load(id));
  if (!old) return notFound(request.path('runId'));
  const since = body['skip-succeeded-since'];
  const outcome = await cloneRun(ports(), {
    runId: old.id,
    userRunId: body['user-run-id'],
    templateVersion: body['template-version'],
    requestedBy: request.caller.name,
    ...(body['user-id'] === undefined ? {} : { userId: body['user-id'] }),
    ...(body['runtime-parameters'] === undefined ? {} : { sets: body['runtime-parameters'] }),
    ...(body.failed === undefined ? {} : { selection: selectionOf(body.failed) }),
    ...(since === undefined ? {} : { skipSucceededSince: since }),
    ...key,
  });
  switch (outcome.kind) {
    case 'not-found':
      return notFound(request.path('runId'));
    case 'nothing-selected':
      return problem('nothing-to-retry', `no job of ${old.id} has failed in this way`);
    case 'not-selectable':
      return notSelectable(outcome.problems, '/failed');
    case 'started':
    case 'replayed':
    case 'all-skipped':
    case 'in-progress':
    case 'key-reused':
    case 'plan-changed':
    case 'no-pattern':
    case 'no-template':
    case 'invalid-sets':
      return started(outcome, 202, old);
  }
}

function selectionOf(body: RetryRequest): JobSelection {
  const setKeys = body['set-keys'];
  return {
    ...(body.reasons === undefined ? {} : { reasons: body.reasons }),
    ...(body.indexes === undefined ? {} : { indexes: body.indexes }),
    ...(setKeys === undefined ? {} : { setKeys }),
  };
}

const PROBLEMS_SHOWN = 1000;

function notSelectable(problems: readonly SelectionProblem[], at: string): HttpReply {
  const errors = problems.slice(0, PROBLEMS_SHOWN).map(({ index, setKey, message }) => ({
    pointer: setKey === undefined ? `${at}/indexes` : `${at}/set-keys`,
    rule: 'selection',
    message: `${index === undefined ? (setKey ?? '') : `set ${index}`}: ${message}`,
  }));
  return problem('invalid-selection', `${problems.length} of the named sets cannot be selected; nothing was started`, errors);
}

export const handler = httpHandler([
  route('POST /v1/runs/{runId}/cancel', 'runs:write', cancel),
  routeWithBody('POST /v1/runs/{runId}/retry', 'runs:write', RetryRequest, retry, { optional: true }),
  routeWithBody('POST /v1/runs/{runId}/clone', 'runs:write', CloneRequest, clone),
  routeWithJobToken('POST /v1/jobs/{jobId}/cancel', 'runs:write', cancelOne),
]);
