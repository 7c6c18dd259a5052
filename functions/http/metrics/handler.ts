/** Metrics: the original's table by the caller's own name for the run, and sums by day and template. */
import { metricsCsv } from '#contract/metrics-csv';
import { metricsRow } from '#contract/run-views';
import type { DayTotalsView } from '#contract/views';
import { parseTemplateId } from '#domain/ids';
import { httpHandler, route, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { runPorts } from '#hosts/wiring';
import { listMetrics } from '#operations/list-metrics';
import type { DayTotals } from '#operations/ports';

async function rows(request: HttpRequest): Promise<HttpReply> {
  const userRunId = request.query('user-run-id');
  if (userRunId === undefined || userRunId === '') {
    const message = 'is required: the name that the request gave the run';
    return problem('invalid-request', `user-run-id ${message}`, [{ pointer: 'user-run-id', rule: 'required', message }]);
  }
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const listed = await listMetrics(runPorts(), userRunId, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const items = listed.page.items.map(({ run, job }) => metricsRow(run, job));
  const { cursor } = listed.page;
  if (!wantsCsv(request)) return reply(200, { items, ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
  // One page a reply: the cursor of the next stands in a header, and only the first page has the column names.
  return {
    statusCode: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8; header=present',
      ...(cursor === undefined ? {} : { 'sluice-next-cursor': cursor }),
    },
    body: metricsCsv(items, { header: paged.page.cursor === undefined }),
  };
}

const wantsCsv = (request: HttpRequest): boolean =>
  request.query('format') === 'csv' || (request.query('format') === undefined && /^text\/csv\b/.test(request.header('accept') ?? ''));

async function totals(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const asked = request.query('template-id');
  const templateId = asked === undefined ? undefined : parseTemplateId(asked);
  if (asked !== undefined && templateId === undefined) return problem('not-found', `there is no template ${asked}`);
  const listed = await runPorts().runs.totals(templateId === undefined ? {} : { templateId }, paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const { items, cursor } = listed.page;
  return reply(200, { items: items.map(totalsView), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

function totalsView(totals: DayTotals): DayTotalsView {
  const { day, runs, finished, failed, cancelled } = totals;
  return {
    day,
    runs,
    jobs: { finished, failed, cancelled },
    records: { input: totals.inputRecordCount, output: totals.outputRecordCount, error: totals.errorRecordCount },
  };
}

export const handler = httpHandler([route('GET /v1/metrics', 'runs:read', rows), route('GET /v1/metrics/daily', 'runs:read', totals)]);
