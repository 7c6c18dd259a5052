/** Jobs that run elsewhere: registering, listing and deleting them; and the tokens of jobs of either kind. */
import { EVENT_BYTES, RegisterJobRequest, TokenRequest, type ParsedRegisterJob } from '#contract/job-requests';
import { jobTokenView, reportedJobView, type IssuedTokenView, type JobRegistered } from '#contract/job-views';
import { parseAnyJobId, parseReportedJobId, type AnyJobId } from '#domain/ids';
import { JOB_STATES } from '#domain/job-state';
import { pipelineUuid } from '#domain/reported-ids';
import type { ReportedJob } from '#domain/reported-job';
import { isTypedUuid } from '#domain/typed-uuid';
import { callbackUrl } from '#hosts/lambda/callback-url';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { noSuchJob } from '#hosts/lambda/job-access';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { jobPorts } from '#hosts/wiring';
import { deleteJob } from '#operations/hide-job';
import { issueJobToken, listJobTokens, revokeJobToken, type IssuedToken } from '#operations/job-tokens';
import type { ReportedJobFilter } from '#operations/job-ports';
import { registerJob, type Wish } from '#operations/register-job';

/** Of answers that show a token: whatever stands between caller and service keeps no copy of it. */
const NO_STORE = { 'cache-control': 'no-store' } as const;

async function register(request: HttpRequest<ParsedRegisterJob>): Promise<HttpReply> {
  const { body, caller } = request;
  const within = body['expect-update-within-seconds'];
  const { deadline } = body;
  if (deadline !== undefined && deadline <= jobPorts().clock.now()) {
    const message = 'is past already';
    return problem('invalid-request', `deadline ${message}`, [{ pointer: '/deadline', rule: 'range', message }]);
  }
  const prefix = body['archive-prefix'];
  const patterns = body['archive-patterns'];
  const outcome = await registerJob(jobPorts(), {
    pipeline: body.pipeline,
    parents: body.parents,
    data: body.data,
    ...(prefix === undefined ? {} : { archivePrefix: prefix }),
    ...(patterns ? { archivePatterns: patterns.map(({ text }) => text) } : {}),
    limits: { ...(within === undefined ? {} : { expectUpdateWithinSeconds: within }), ...(deadline === undefined ? {} : { deadline }) },
    requestedBy: caller.name,
  });
  const { job } = outcome;
  switch (outcome.kind) {
    case 'registered': {
      const view = { ...reportedJobView(job, outcome.definition), attached: false, ...issuedView(request, job.id, outcome.issued) };
      return reply(201, view satisfies JobRegistered, { location: `/v1/jobs/${job.id}`, ...NO_STORE });
    }
    case 'attached': {
      const ignored = outcome.notTakenOver.map((wish) => WISHES[wish]);
      const view = {
        ...reportedJobView(job, outcome.definition),
        attached: true,
        'callback-url': callbackUrl(request, job.id),
        ...(ignored.length === 0 ? {} : { 'not-taken-over': ignored }),
        advice: adviceTo(job, ignored),
      };
      return reply(200, view satisfies JobRegistered);
    }
    case 'deleted': {
      const { at, purgeAt } = job.deleted ?? {};
      return problem('job-deleted', `${job.id} is of the same content and was deleted at ${at ?? ''}; it will be gone at ${purgeAt ?? ''}`);
    }
  }
}

const WISHES = {
  archivePrefix: 'archive-prefix',
  archivePatterns: 'archive-patterns',
  expectUpdateWithinSeconds: 'expect-update-within-seconds',
  deadline: 'deadline',
} as const satisfies Readonly<Record<Wish, string>>;

function adviceTo({ id, state }: ReportedJob, ignored: readonly string[]): string {
  const token = `the token was shown when the job was registered; POST /v1/jobs/${id}/tokens issues another one`;
  if (ignored.length === 0) return token;
  const kept = `the job was registered with another ${ignored.join(' and ')}, which it keeps`;
  // Once it runs there may be files and promises of it.
  return state === 'CREATED' ? `${kept}: cancel it and register it again to change that. And ${token}` : `${kept}. And ${token}`;
}

function issuedView(request: Pick<HttpRequest, 'header'>, jobId: AnyJobId, { token, text }: IssuedToken): Omit<IssuedTokenView, 'job-id'> {
  return {
    'token-id': token.id,
    token: text,
    'token-expires-at': token.expiresAt,
    'callback-url': callbackUrl(request, jobId, text),
    ...(token.events ? { events: [...token.events] } : {}),
  };
}

async function list(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const filter = filterOf(request);
  if ('reply' in filter) return filter.reply;
  const listed = await jobPorts().reportedJobs.list(filter.filter, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map((job) => reportedJobView(job));
  const { unreadable, cursor } = listed.page;
  return reply(200, { items, ...(unreadable ? { unreadable } : {}), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

function filterOf({ query }: HttpRequest): { readonly filter: ReportedJobFilter } | { readonly reply: HttpReply } {
  const [pipeline, parent, asked] = [query('pipeline'), query('parent'), query('state')];
  const state = JOB_STATES.find((known) => known === asked);
  if (asked !== undefined && state === undefined) {
    const message = `must be one of ${JOB_STATES.join(', ')}`;
    return { reply: problem('invalid-request', `state ${message}`, [{ pointer: 'state', rule: 'enum', message }]) };
  }
  if (parent !== undefined && !isTypedUuid(parent)) {
    const message = 'must be a typed UUID';
    return { reply: problem('invalid-request', `parent ${message}`, [{ pointer: 'parent', rule: 'format', message }]) };
  }
  return {
    filter: {
      ...(pipeline === undefined ? {} : { pipeline: pipelineUuid(jobPorts().sha1, pipeline) }),
      ...(parent === undefined ? {} : { parent }),
      ...(state === undefined ? {} : { state }),
    },
  };
}

async function remove(request: HttpRequest): Promise<HttpReply> {
  const id = parseReportedJobId(request.path('jobId'));
  if (id === undefined && parseAnyJobId(request.path('jobId')) !== undefined)
    return problem('in-use', 'the job is part of its run, and is kept as long as that');
  const outcome = id ? await deleteJob(jobPorts(), { id, requestedBy: request.caller.name }) : ({ kind: 'not-found' } as const);
  switch (outcome.kind) {
    case 'not-found':
      return noSuchJob(request.path('jobId'));
    case 'at-work':
      return problem('job-at-work', `${outcome.job.id} is ${outcome.job.state}: send fail, or reset, before it is deleted`);
    case 'deleted':
      return reply(200, reportedJobView(outcome.job));
  }
}

async function issue(request: HttpRequest<TokenRequest>): Promise<HttpReply> {
  const { events, 'expires-in-seconds': seconds } = request.body;
  const id = parseAnyJobId(request.path('jobId'));
  const wish = { by: request.caller.name, ...(events ? { events } : {}), ...(seconds === undefined ? {} : { seconds }) };
  const issued = id && (await issueJobToken(jobPorts(), id, wish));
  if (!issued) return noSuchJob(request.path('jobId'));
  return reply(201, { 'job-id': id, ...issuedView(request, id, issued) } satisfies IssuedTokenView, NO_STORE);
}

async function tokens(request: HttpRequest): Promise<HttpReply> {
  const id = parseAnyJobId(request.path('jobId'));
  const listed = id && (await listJobTokens(jobPorts(), id));
  return listed ? reply(200, { items: listed.map(jobTokenView) }) : noSuchJob(request.path('jobId'));
}

async function revoke(request: HttpRequest): Promise<HttpReply> {
  const id = parseAnyJobId(request.path('jobId'));
  const outcome = id ? await revokeJobToken(jobPorts(), id, request.path('tokenId'), request.caller.name) : 'gone';
  return outcome === 'revoked' ? { statusCode: 204 } : problem('not-found', `the job has no token ${request.path('tokenId')}`);
}

export const handler = httpHandler([
  routeWithBody('POST /v1/jobs', 'jobs:report', RegisterJobRequest, register, { mostBytes: EVENT_BYTES }),
  route('GET /v1/jobs', 'runs:read', list),
  route('DELETE /v1/jobs/{jobId}', 'admin', remove),
  routeWithBody('POST /v1/jobs/{jobId}/tokens', 'jobs:report', TokenRequest, issue, { optional: true }),
  route('GET /v1/jobs/{jobId}/tokens', 'runs:read', tokens),
  route('DELETE /v1/jobs/{jobId}/tokens/{tokenId}', 'jobs:report', revoke),
]);
