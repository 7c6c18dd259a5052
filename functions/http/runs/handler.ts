/** Runs: planning and starting them, the original's way and ours and reading them and their jobs. */
import { counted } from '#domain/counted';
import { RunRequest, type ParsedRunRequest } from '#contract/run-request';
import type { PlanView } from '#contract/plan-view';
import { WAIT } from '#contract/queries';
import { runFilter } from '#contract/run-filter';
import { costView, jobView, parametersView, runView } from '#contract/run-views';
import type { JobsOfRun, RunView } from '#contract/views';
import { parseRunId } from '#domain/ids';
import { JOB_STATES } from '#domain/job-state';
import { NO_USAGE } from '#domain/run-cost';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { planRequest, type PlannedRun } from '#operations/plan-request';
import { demandDigest, type RunDemand } from '#operations/prepare-run';
import { getRun, listJobs, listRuns } from '#operations/read-runs';
import { startRun } from '#operations/start-run';
import { waitForRun } from '#operations/wait-for-run';
import { keysOf } from '#hosts/lambda/run-keys';
import { started, unprepared } from '#hosts/lambda/run-replies';

function demandOf(body: ParsedRunRequest): RunDemand {
  const since = body['skip-succeeded-since'];
  return {
    userId: body['user-id'],
    userRunId: body['user-run-id'],
    sourceType: body['source-type'],
    targetType: body['target-type'],
    sets: body['runtime-parameters'],
    ...(since === undefined ? {} : { skipSucceededSince: since }),
  };
}

async function start(request: HttpRequest<ParsedRunRequest>, accepted: 200 | 202): Promise<HttpReply> {
  const key = keysOf(request);
  if ('reply' in key) return key.reply;
  const demand = demandOf(request.body);
  const outcome = await startRun(ports(), { ...demand, requestedBy: request.caller.name, ...key });
  return started(outcome, accepted, demand);
}

async function plan(request: HttpRequest<ParsedRunRequest>): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const { limit, cursor } = paged.page;
  const demand = demandOf(request.body);
  // The request comes again with each page: a cursor is for no other one.
  const list = `plan ${demandDigest(ports(), demand)}`;
  const position = cursor === undefined ? '0' : ports().cursors.decode(list, cursor);
  if (position === undefined) return problem('malformed-cursor', 'start again without a cursor');
  const outcome = await planRequest(ports(), demand, { from: Number(position), limit });
  return outcome.kind === 'prepared' ? planned(outcome, list) : unprepared(outcome, demand);
}

function planned(run: PlannedRun, list: string): HttpReply {
  const { template, forecast, next } = run;
  const view: PlanView = {
    'plan-hash': run.planHash,
    'template-id': template.id,
    'template-version': template.version,
    engine: template.engine,
    'set-count': run.sets.length,
    'skipped-sets': [...run.skipped],
    sets: run.planned.map((set) => ({ index: set.index, 'set-key': set.setKey, parameters: parametersView(set) })),
    ...(next === undefined ? {} : { 'next-cursor': ports().cursors.encode(list, String(next)) }),
    ...(forecast
      ? {
          expected: {
            'job-seconds': forecast.job,
            'run-seconds': forecast.runSeconds,
            'engine-starts': run.sets.length,
            'engine-status-calls': forecast.statusCalls,
          },
        }
      : {}),
  };
  return reply(200, view, { etag: `"${run.planHash}"` });
}

const notFound = (id: string): HttpReply => problem('not-found', `there is no run ${id}`);

async function get(request: HttpRequest): Promise<HttpReply> {
  const id = parseRunId(request.path('runId'));
  const standing = id && (await getRun(ports(), id));
  if (!standing) return notFound(request.path('runId'));
  const { run, counts, progress } = standing;
  const cost = request.query('include') === 'cost' ? { cost: costView(run, progress?.usage ?? NO_USAGE) } : {};
  return reply(200, { ...runView(run, counts, progress), ...cost } satisfies RunView);
}

async function wait(request: HttpRequest): Promise<HttpReply> {
  const asked = request.query('timeout-seconds') ?? String(WAIT.default);
  if (!/^[0-9]{1,2}$/.test(asked) || Number(asked) > WAIT.most) {
    const message = `must be a whole number from 0 to ${WAIT.most}; to wait longer, ask again`;
    return problem('invalid-request', `timeout-seconds ${message}`, [{ pointer: 'timeout-seconds', rule: 'range', message }]);
  }
  const id = parseRunId(request.path('runId'));
  const standing = id && (await waitForRun(ports(), id, Number(asked)));
  return standing ? reply(200, runView(standing.run, standing.counts, standing.progress)) : notFound(request.path('runId'));
}

async function list(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const read = runFilter(request.query);
  if ('errors' in read)
    return problem(
      'invalid-request',
      `${counted(read.errors.length, 'query parameter is', 'query parameters are')} not valid`,
      read.errors,
    );
  const listed = await listRuns(ports(), read.filter, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(({ run, counts, progress }) => runView(run, counts, progress));
  const { unreadable, cursor } = listed.page;
  return reply(200, { items, ...(unreadable ? { unreadable } : {}), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

async function jobs(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const asked = request.query('state');
  const state = JOB_STATES.find((known) => known === asked);
  if (asked !== undefined && state === undefined) {
    const message = `must be one of ${JOB_STATES.join(', ')}`;
    return problem('invalid-request', `state ${message}`, [{ pointer: 'state', rule: 'enum', message }]);
  }
  const id = parseRunId(request.path('runId'));
  const standing = id && (await getRun(ports(), id));
  if (!standing) return notFound(request.path('runId'));
  const parameters = request.query('include') === 'parameters';
  const listed = await listJobs(ports(), standing.run, paged.page, { parameters, ...(state === undefined ? {} : { state }) });
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const view: JobsOfRun = {
    items: listed.page.items.map((detail) => jobView(detail.job, detail.parameters)),
    ...(listed.page.unreadable ? { unreadable: [...listed.page.unreadable] } : {}),
    ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }),
    ...(state !== undefined && listed.looked ? { 'looked-at': listed.looked } : {}),
  };
  return reply(200, view);
}

export const handler = httpHandler([
  routeWithBody('POST /streamsets/job-template-runner', 'runs:write', RunRequest, (request) => start(request, 200)),
  routeWithBody('POST /v1/runs', 'runs:write', RunRequest, (request) => start(request, 202)),
  routeWithBody('POST /v1/runs/plan', 'runs:read', RunRequest, plan),
  route('GET /v1/runs', 'runs:read', list),
  route('GET /v1/runs/{runId}', 'runs:read', get),
  route('GET /v1/runs/{runId}/jobs', 'runs:read', jobs),
  route('GET /v1/runs/{runId}/wait', 'runs:read', wait),
]);
