/** Jobs: one job, its history, and what it counted while it ran. */
import { historyEntryView, jobView, sampleView } from '#contract/run-views';
import { sampleRange } from '#contract/sample-range';
import type { JobComparison } from '#contract/views';
import { parseJobId, parseTemplateId } from '#domain/ids';
import { idOf } from '#domain/job';
import { httpHandler, route, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { storePorts } from '#hosts/wiring';
import { compareJob } from '#operations/compare-job';
import { listSamples } from '#operations/list-samples';
import { getJob, listHistory } from '#operations/read-runs';
import { listSetJobs } from '#operations/set-history';

const notFound = (id: string): HttpReply => problem('not-found', `there is no job ${id}`);

async function get(request: HttpRequest): Promise<HttpReply> {
  const ref = parseJobId(request.path('jobId'));
  const detail = ref && (await getJob(storePorts(), ref, { parameters: true }));
  return detail ? reply(200, jobView(detail.job, detail.parameters)) : notFound(request.path('jobId'));
}

async function history(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const ref = parseJobId(request.path('jobId'));
  const listed = ref && (await listHistory(storePorts(), ref, paged.page));
  if (!listed || listed.kind === 'not-found') return notFound(request.path('jobId'));
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(historyEntryView);
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

/** What a streaming job had counted, sample by sample. */
async function series(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const asked = sampleRange((name) => request.query(name));
  if ('errors' in asked) return problem('invalid-request', 'the query is not valid', asked.errors);
  const ref = parseJobId(request.path('jobId'));
  const listed = ref && (await listSamples(storePorts(), ref, asked.range, paged.page));
  if (!listed || listed.kind === 'not-found') return notFound(request.path('jobId'));
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(sampleView);
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

async function comparison(request: HttpRequest): Promise<HttpReply> {
  const ref = parseJobId(request.path('jobId'));
  const outcome = ref && (await compareJob(storePorts(), ref));
  if (!outcome || outcome.kind === 'not-found') return notFound(request.path('jobId'));
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
  const listed = await listSetJobs(storePorts(), templateId, request.path('setKey'), paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map((job) => jobView(job));
  return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
}

export const handler = httpHandler([
  route('GET /v1/jobs/{jobId}', 'runs:read', get),
  route('GET /v1/jobs/{jobId}/history', 'runs:read', history),
  route('GET /v1/jobs/{jobId}/metrics/series', 'runs:read', series),
  route('GET /v1/jobs/{jobId}/comparison', 'runs:read', comparison),
  route('GET /v1/templates/{templateId}/sets/{setKey}/jobs', 'runs:read', ofSet),
]);
