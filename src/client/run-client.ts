/** The runs' part of the client: starting them, and finding them again. */
import type { RunRequest } from '#contract/run-request';
import { pageOf, RunStarted, RunView, type PageView } from '#contract/views';
import { itemsOf, query, type PageOptions } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

/** What is given holds together: a run is listed that fits all of it. */
export interface RunFilter {
  readonly userId?: string | undefined;
  readonly userRunId?: string | undefined;
  readonly templateId?: string | undefined;
  readonly state?: RunView['state'] | undefined;
  /** When the run was accepted: from, inclusive, and before, exclusive; ISO 8601 with a zone. */
  readonly from?: string | undefined;
  readonly before?: string | undefined;
  /** Of a parameter that its template declares as searchable. Text stands for itself, any other value as its JSON. */
  readonly parameter?: { readonly key: string; readonly text: string } | undefined;
}

/**
 * @example
 * const failed = await client.listRuns({ state: 'FAILED', parameter: { key: 'COUNTRY', text: 'Japan' }, limit: 5 });
 */
export interface RunClient {
  /** The same request again answers the same run: (user-id, user-run-id) names it, and so does the key. */
  startRun(request: RunRequest, options?: { readonly idempotencyKey?: string }): Promise<RunStarted>;
  getRun(runId: string): Promise<RunView>;
  /** Newest first. */
  listRuns(options?: RunFilter & PageOptions): Promise<PageView<RunView>>;
  runs(options?: RunFilter & Pick<PageOptions, 'limit'>): AsyncIterable<RunView>;
}

export function runMethods(call: Transport): RunClient {
  const page = pageOf(RunView);
  const listRuns: RunClient['listRuns'] = async (options = {}) => (await call(get(`/v1/runs${runQuery(options)}`), page)).body;
  return {
    async startRun(request, { idempotencyKey } = {}) {
      const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
      return (await call({ method: 'POST', path: '/v1/runs', body: request, headers, repeatable: true }, RunStarted)).body;
    },
    getRun: async (id) => (await call(get(`/v1/runs/${part(id)}`), RunView)).body,
    listRuns,
    runs: (options = {}) => itemsOf(listRuns, options),
  };
}

const runQuery = ({ userId, userRunId, templateId, state, from, before, parameter, limit, cursor }: RunFilter & PageOptions): string =>
  query({
    'user-id': userId,
    'user-run-id': userRunId,
    'template-id': templateId,
    state,
    from,
    before,
    parameter: parameter && `${parameter.key}=${parameter.text}`,
    limit,
    cursor,
  });
