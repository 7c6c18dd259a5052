/** Runs: starting them, the original's way and ours, and reading them and their jobs. */
import { RunRequest } from '#contract/run-request';
import { jobView, runStarted, runView } from '#contract/run-views';
import { parseRunId } from '#domain/ids';
import { escapePointer } from '#domain/parameters';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import type { RunFilter } from '#operations/ports';
import { getRun, listJobs, listRuns } from '#operations/read-runs';
import { startRun, type StartRunOutcome } from '#operations/start-run';

async function start({ body, caller, header }: HttpRequest<RunRequest>): Promise<StartRunOutcome> {
  const idempotencyKey = header('idempotency-key');
  return startRun(ports(), {
    userId: body['user-id'],
    userRunId: body['user-run-id'],
    sourceType: body['source-type'],
    targetType: body['target-type'],
    sets: body['runtime-parameters'],
    requestedBy: caller.name,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
}

/** `accepted` is the status of a start: 202 of ours, 200 of the original's path. A replay answers 200. */
function started(outcome: StartRunOutcome, accepted: 200 | 202): HttpReply {
  switch (outcome.kind) {
    case 'started':
    case 'replayed': {
      const location = `/v1/runs/${outcome.run.id}`;
      return reply(outcome.kind === 'started' ? accepted : 200, runStarted(outcome.run), { location, 'retry-after': '2' });
    }
    case 'in-progress': {
      const busy = problem('request-in-progress', 'the same request is being accepted; repeat it in a moment');
      return { ...busy, headers: { ...busy.headers, 'retry-after': '1' } };
    }
    case 'key-reused':
      return problem('key-reused', `${outcome.earlier.runId} was started under this user-run-id or idempotency key with another body`);
    case 'no-pattern': {
      const known = outcome.known.map(({ sourceType, targetType }) => `${sourceType} to ${targetType}`);
      return problem(
        'no-pattern',
        known.length > 0 ? `the nearest registered pairs are: ${known.join(', ')}` : 'no pattern is registered yet',
        [
          { pointer: '/source-type', rule: 'pattern', message: 'no pattern joins this source type and this target type' },
          { pointer: '/target-type', rule: 'pattern', message: 'no pattern joins this source type and this target type' },
        ],
      );
    }
    case 'no-template':
      return problem('no-template', `register ${outcome.pattern.templateId} first`);
    case 'invalid-sets': {
      const errors = outcome.problems.map(({ index, pointer, rule, message }) => ({
        pointer: `/${escapePointer('runtime-parameters')}/${index}${pointer}`,
        rule,
        message,
      }));
      return problem('invalid-parameters', `${outcome.total} values are not valid; nothing was started`, errors);
    }
  }
}

const notFound = (id: string): HttpReply => problem('not-found', `there is no run ${id}`);

async function get(request: HttpRequest): Promise<HttpReply> {
  const id = parseRunId(request.path('runId'));
  const standing = id && (await getRun(ports(), id));
  return standing ? reply(200, runView(standing.run, standing.counts)) : notFound(request.path('runId'));
}

async function list(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const userId = request.query('user-id');
  const userRunId = request.query('user-run-id');
  const filter: RunFilter = { ...(userId === undefined ? {} : { userId }), ...(userRunId === undefined ? {} : { userRunId }) };
  const listed = await listRuns(ports(), filter, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(({ run, counts }) => runView(run, counts));
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

async function jobs(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const id = parseRunId(request.path('runId'));
  const standing = id && (await getRun(ports(), id));
  if (!standing) return notFound(request.path('runId'));
  const parameters = request.query('include') === 'parameters';
  const listed = await listJobs(ports(), standing.run, paged.page, { parameters });
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map((detail) => jobView(detail.job, detail.parameters));
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

export const handler = httpHandler([
  routeWithBody('POST /streamsets/job-template-runner', 'runs:write', RunRequest, async (request) => started(await start(request), 200)),
  routeWithBody('POST /v1/runs', 'runs:write', RunRequest, async (request) => started(await start(request), 202)),
  route('GET /v1/runs', 'runs:read', list),
  route('GET /v1/runs/{runId}', 'runs:read', get),
  route('GET /v1/runs/{runId}/jobs', 'runs:read', jobs),
]);
