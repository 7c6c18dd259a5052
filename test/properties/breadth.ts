/** What the sequences have met: an answer of a route by its status and the type of its problem, and how often. */
import type { Answer } from '#test/functions/http-call';
import { slug } from '#test/functions/api';

const met = new Map<string, number>();

export function note(routeKey: string, answer: Answer): void {
  const name = [routeKey, String(answer.status), ...detailsOf(routeKey, answer)].join(' ');
  met.set(name, (met.get(name) ?? 0) + 1);
}

function detailsOf(routeKey: string, answer: Answer): readonly string[] {
  const { status, body } = answer;
  if (status >= 400) return [slug(answer)];
  if (routeKey === 'GET /v1/runs/{runId}') return [String(body['state'])];
  if (!STARTS.includes(routeKey)) return [];
  if (body['run-id'] === null) return ['nothing'];
  return status === 202 && body['skipped-sets'] !== undefined ? ['in part'] : [];
}

/** What may leave out sets, or all of them. */
const STARTS = ['POST /v1/runs', 'POST /v1/runs/{runId}/clone'];

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'PUT /v1/templates/{templateId}': ['200', '201', '400 invalid-request', '412 precondition-failed', '422 invalid-template'],
  'GET /v1/templates/{templateId}': ['200', '304', '404 not-found'],
  'DELETE /v1/templates/{templateId}': ['204', '400 invalid-request', '404 not-found', '409 in-use', '412 precondition-failed'],
  'GET /v1/templates': ['200'],
  'GET /v1/templates/{templateId}/versions': ['200', '404 not-found'],
  'GET /v1/templates/{templateId}/versions/{version}': ['200', '304', '404 not-found'],
  'PUT /v1/patterns/{sourceType}/{targetType}': ['200', '201', '400 invalid-request', '412 precondition-failed', '422 no-template'],
  'GET /v1/patterns/{sourceType}/{targetType}': ['200', '304', '404 not-found'],
  'DELETE /v1/patterns/{sourceType}/{targetType}': ['204', '400 invalid-request', '404 not-found', '412 precondition-failed'],
  'GET /v1/patterns': ['200'],
  'POST /v1/runs': [
    ...['200', '200 nothing', '202', '202 in part', '400 invalid-request', '412 plan-changed'],
    ...['422 no-pattern', '422 invalid-parameters', '422 key-reused'],
  ],
  'POST /v1/runs/plan': ['200', '400 invalid-request', '422 no-pattern', '422 invalid-parameters'],
  'POST /v1/runs/{runId}/cancel': ['200', '202', '404 not-found', '409 already-ended'],
  'POST /v1/jobs/{jobId}/cancel': ['200', '202', '404 not-found', '409 not-ready', '409 already-ended'],
  'POST /v1/runs/{runId}/retry': [
    ...['200', '202', '400 invalid-request', '404 not-found', '409 not-ready', '409 nothing-to-retry'],
    ...['422 invalid-selection', '422 key-reused'],
  ],
  'POST /v1/runs/{runId}/clone': [
    ...['200', '200 nothing', '202', '202 in part', '400 invalid-request', '404 not-found', '409 nothing-to-retry', '412 plan-changed'],
    ...['422 no-pattern', '422 invalid-parameters', '422 invalid-selection', '422 key-reused'],
  ],
  'GET /v1/runs': ['200', '400 invalid-request', '400 malformed-cursor'],
  'GET /v1/runs/{runId}': [
    ...['200 ACCEPTED', '200 RUNNING', '200 CANCELLING', '200 SUCCEEDED', '200 PARTIAL', '200 FAILED', '200 CANCELLED'],
    '404 not-found',
  ],
  'GET /v1/runs/{runId}/jobs': ['200', '404 not-found'],
  'GET /v1/jobs/{jobId}': ['200', '404 not-found'],
  'GET /v1/jobs/{jobId}/history': ['200'],
  'GET /v1/metrics': ['200'],
  'GET /v1/templates/{templateId}/sets/{setKey}/jobs': ['200'],
};

/** Answers that were to be met in many sequences, and how often they were. */
export function breadth(): ReadonlyMap<string, number> {
  const names = Object.entries(EXPECTED).flatMap(([routeKey, answers]) => answers.map((answer) => `${routeKey} ${answer}`));
  return new Map(names.map((name) => [name, met.get(name) ?? 0]));
}

/** Answers that nobody expected. */
export const unforeseen = (): readonly string[] => [...met.keys()].filter((name) => !breadth().has(name));
