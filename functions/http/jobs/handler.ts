/** Jobs of either kind: one job as it is or as it was, its history, waiting for it, and what it counted while it ran. */
import { instantOf, TIME_EXPECTED } from '#contract/instants';
import { jobAsOf, reportedJobView } from '#contract/job-views';
import { WAIT } from '#contract/queries';
import { historyEntryView, jobView, sampleView } from '#contract/run-views';
import { sampleRange } from '#contract/sample-range';
import type { JobComparison } from '#contract/views';
import { parseAnyJobId, parseJobId, parseTemplateId, type AnyJobId } from '#domain/ids';
import { idOf } from '#domain/job';
import { JOB_STATES } from '#domain/job-state';
import { httpHandler, route, routeWithJobToken, type HttpRequest, type JobRequest } from '#hosts/lambda/http';
import { jobAccess, noSuchJob, recordJobTokenUse } from '#hosts/lambda/job-access';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { jobDetailPorts } from '#hosts/wiring';
import { compareJob } from '#operations/compare-job';
import { listSamples } from '#operations/list-samples';
import { getAnyJob, listJobHistory, standingAt, waitForJob, type AnyJob, type Awaited } from '#operations/read-jobs';
import { listSetJobs } from '#operations/set-history';

type Answer = (request: JobRequest, id: AnyJobId) => Promise<HttpReply>;

/** For whoever reads runs, and for the holder of the job's token. */
const reading =
  (answer: Answer) =>
  async (request: JobRequest): Promise<HttpReply> => {
    const access = await jobAccess(request);
    if ('reply' in access) return access.reply;
    await recordJobTokenUse(access.holder);
    const id = parseAnyJobId(request.path('jobId'));
    return id === undefined ? noSuchJob(request.path('jobId')) : answer(request, id);
  };

const view = (found: AnyJob): HttpReply =>
  reply(200, found.kind === 'managed' ? jobView(found.job, found.parameters) : reportedJobView(found.job, found.definition));

const invalid = (pointer: string, message: string): HttpReply =>
  problem('invalid-request', `${pointer} ${message}`, [{ pointer, rule: 'format', message }]);

const get: Answer = async (request, id) => {
  const asked = request.query('at');
  const at = asked === undefined ? undefined : instantOf(asked);
  if (asked !== undefined && at === undefined) return invalid('at', TIME_EXPECTED);
  const found = await getAnyJob(jobDetailPorts(), id, { details: at === undefined });
  if (!found) return noSuchJob(id);
  if (at === undefined) return view(found);
  const standing = await standingAt(jobDetailPorts(), found, id, at);
  return standing ? reply(200, jobAsOf(id, at, standing)) : problem('not-found', `${id} was not there at ${at}`);
};

const history: Answer = async (request, id) => {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const order = request.query('order') ?? 'oldest';
  if (order !== 'oldest' && order !== 'newest') return invalid('order', 'must be oldest or newest: which comes first');
  const asked = request.query('at');
  const at = asked === undefined ? undefined : instantOf(asked);
  if (asked !== undefined && at === undefined) return invalid('at', TIME_EXPECTED);
  const wanted = { ...paged.page, newestFirst: order === 'newest', ...(at === undefined ? {} : { at }) };
  const listed = await listJobHistory(jobDetailPorts(), id, wanted);
  if (listed.kind === 'not-found') return noSuchJob(id);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(historyEntryView);
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
};

const wait: Answer = async (request, id) => {
  const asked = request.query('timeout-seconds') ?? String(WAIT.default);
  if (!/^[0-9]{1,2}$/.test(asked) || Number(asked) > WAIT.most) {
    const message = `must be a whole number from 0 to ${WAIT.most}; to wait longer, ask again`;
    return problem('invalid-request', `timeout-seconds ${message}`, [{ pointer: 'timeout-seconds', rule: 'range', message }]);
  }
  const wanted = request.query('until') ?? 'terminal';
  const until: Awaited | undefined = wanted === 'terminal' ? wanted : JOB_STATES.find((state) => state === wanted);
  if (until === undefined) return invalid('until', `must be terminal, or one of ${JOB_STATES.join(', ')}`);
  const found = await waitForJob(jobDetailPorts(), id, { until, timeoutSeconds: Number(asked) });
  return found ? view(found) : noSuchJob(id);
};

/** What a streaming job had counted, sample by sample. */
async function series(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const asked = sampleRange((name) => request.query(name));
  if ('errors' in asked) return problem('invalid-request', 'the query is not valid', asked.errors);
  const ref = parseJobId(request.path('jobId'));
  const listed = ref && (await listSamples(jobDetailPorts(), ref, asked.range, paged.page));
  if (!listed || listed.kind === 'not-found') return noSuchJob(request.path('jobId'));
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(sampleView);
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

async function comparison(request: HttpRequest): Promise<HttpReply> {
  const ref = parseJobId(request.path('jobId'));
  const outcome = ref && (await compareJob(jobDetailPorts(), ref));
  if (!outcome || outcome.kind === 'not-found') return noSuchJob(request.path('jobId'));
  const jobId = request.path('jobId');
  if (outcome.kind === 'no-success') return reply(200, { 'job-id': jobId, 'compared-with': null, differences: [] } satisfies JobComparison);
  const { with: success, differences } = outcome;
  const comparedWith = { 'job-id': idOf(success), 'run-id': success.runId, 'updated-at': success.updatedAt };
  return reply(200, { 'job-id': jobId, 'compared-with': comparedWith, differences });
}

/** The history of one set: its jobs in all runs of the template, newest run first. */
async function ofSet(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const templateId = parseTemplateId(request.path('templateId'));
  if (templateId === undefined) return problem('not-found', `there is no template ${request.path('templateId')}`);
  const listed = await listSetJobs(jobDetailPorts(), templateId, request.path('setKey'), paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map((job) => jobView(job));
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

export const handler = httpHandler([
  routeWithJobToken('GET /v1/jobs/{jobId}', 'runs:read', reading(get)),
  routeWithJobToken('GET /v1/jobs/{jobId}/history', 'runs:read', reading(history)),
  routeWithJobToken('GET /v1/jobs/{jobId}/wait', 'runs:read', reading(wait)),
  route('GET /v1/jobs/{jobId}/metrics/series', 'runs:read', series),
  route('GET /v1/jobs/{jobId}/comparison', 'runs:read', comparison),
  route('GET /v1/templates/{templateId}/sets/{setKey}/jobs', 'runs:read', ofSet),
]);
