/** Metrics: the original's table, by the caller's own name for the run. */
import { metricsRow } from '#contract/run-views';
import { httpHandler, route } from '#hosts/lambda/http';
import { pageRequest, problem, reply } from '#hosts/lambda/replies';
import { storePorts } from '#hosts/wiring';
import { listMetrics } from '#operations/list-metrics';

export const handler = httpHandler([
  route('GET /v1/metrics', 'runs:read', async (request) => {
    const userRunId = request.query('user-run-id');
    if (userRunId === undefined || userRunId === '') {
      const message = 'is required: the name that the request gave the run';
      return problem('invalid-request', `user-run-id ${message}`, [{ pointer: 'user-run-id', rule: 'required', message }]);
    }
    const paged = pageRequest(request);
    if ('reply' in paged) return paged.reply;
    const listed = await listMetrics(storePorts(), userRunId, paged.page);
    if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
    const items = listed.page.items.map(({ run, job }) => metricsRow(run, job));
    return reply(200, { items, ...(listed.page.cursor === undefined ? {} : { 'next-cursor': listed.page.cursor }) });
  }),
]);
