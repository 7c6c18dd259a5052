/** Runs: starting them, the original's way and ours, and reading them and their jobs. */
import { IdempotencyKey, RunRequest } from '#contract/run-request';
import { runFilter } from '#contract/run-filter';
import { jobView, runStarted, runView } from '#contract/run-views';
import { parseRunId } from '#domain/ids';
import { escapePointer } from '#domain/parameters';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { getRun, listJobs, listRuns } from '#operations/read-runs';
import { startRun, type StartRunOutcome } from '#operations/start-run';

async function start({ body, caller, header }: HttpRequest<RunRequest>, accepted: 200 | 202): Promise<HttpReply> {
  const idempotencyKey = header('idempotency-key');
  const wrong = idempotencyKey === undefined ? undefined : IdempotencyKey.safeParse(idempotencyKey).error?.issues[0];
  if (wrong)
    return problem('invalid-request', `Idempotency-Key ${wrong.message}`, [
      { pointer: 'Idempotency-Key', rule: 'format', message: wrong.message },
    ]);
  const outcome = await startRun(ports(), {
    userId: body['user-id'],
    userRunId: body['user-run-id'],
    sourceType: body['source-type'],
    targetType: body['target-type'],
    sets: body['runtime-parameters'],
    requestedBy: caller.name,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  return started(outcome, accepted, body);
}

/** `accepted` is the status of a start: 202 of ours, 200 of the original's path. A replay answers 200. */
function started(outcome: StartRunOutcome, accepted: 200 | 202, asked: RunRequest): HttpReply {
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
      const message = `no pattern joins ${asked['source-type']} to ${asked['target-type']}`;
      return problem(
        'no-pattern',
        `${message}; ${known.length > 0 ? `the nearest registered pairs are: ${known.join(', ')}` : 'no pattern is registered yet'}`,
        ['/source-type', '/target-type'].map((pointer) => ({ pointer, rule: 'pattern', message })),
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
  const read = runFilter(request.query);
  if ('errors' in read) return problem('invalid-request', `${read.errors.length} query parameters are not valid`, read.errors);
  const listed = await listRuns(ports(), read.filter, paged.page);
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
  routeWithBody('POST /streamsets/job-template-runner', 'runs:write', RunRequest, (request) => start(request, 200)),
  routeWithBody('POST /v1/runs', 'runs:write', RunRequest, (request) => start(request, 202)),
  route('GET /v1/runs', 'runs:read', list),
  route('GET /v1/runs/{runId}', 'runs:read', get),
  route('GET /v1/runs/{runId}/jobs', 'runs:read', jobs),
]);
