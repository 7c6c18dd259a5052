/** The runs' part of the client: planning and starting them, finding them again, and changing what goes on. */
import * as z from 'zod';
import { PlanView } from '#contract/plan-view';
import type { CloneRequest, RetryRequest, RunRequest } from '#contract/run-request';
import { NothingStarted, pageWithGapsOf, RunRetried, RunStarted, RunView, type PageView } from '#contract/views';
import { itemsOf, query, type EveryOptions, type PageOptions } from './pages.ts';
import { get, part, type Call, type Transport } from './transport.ts';

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

export interface RetryOptions {
  readonly idempotencyKey?: string;
}

export interface StartOptions extends RetryOptions {
  /** Of a plan: what is started is exactly that, or the start is refused as `plan-changed`. */
  readonly planHash?: string;
}

/**
 * @example
 * const failed = await client.listRuns({ state: 'FAILED', parameter: { key: 'COUNTRY', text: 'Japan' }, limit: 5 });
 * for (const { 'run-id': id } of failed.items) await client.retryRun(id, { reasons: ['lost', 'timed-out'] });
 */
export interface RunClient {
  /** What the request would start, with a page of its sets. Nothing is written. */
  planRun(request: RunRequest, options?: PageOptions): Promise<PlanView>;
  /**
   * The same request again answers the same run: (user-id, user-run-id) names it, and so does the key. `NothingStarted`, whose
   * run id is null, only where `skip-succeeded-since` leaves no set.
   */
  startRun(request: RunRequest & { readonly 'skip-succeeded-since'?: never }, options?: StartOptions): Promise<RunStarted>;
  startRun(request: RunRequest, options?: StartOptions): Promise<RunStarted | NothingStarted>;
  /** Asks for it; `waitForRun` sees the end. Again is harmless; refused as `already-ended` where the run ended by itself. */
  cancelRun(runId: string): Promise<RunView>;
  /**
   * A new attempt of the selected jobs, of all that failed where nothing is selected. Without a key one is made: then what is
   * sent again because an answer was lost is one retry, and another call is another.
   */
  retryRun(runId: string, selection?: RetryRequest, options?: RetryOptions): Promise<RunRetried>;
  /** A new run from the sets of an old one. As with a start, (user-id, user-run-id) names it. */
  cloneRun(runId: string, request: CloneRequest, options?: StartOptions): Promise<RunStarted | NothingStarted>;
  /** `cost`: with what the run has used so far, and what that costs on AWS. */
  getRun(runId: string, options?: { readonly cost?: boolean }): Promise<RunView>;
  /** Newest first. */
  listRuns(options?: RunFilter & PageOptions): Promise<PageView<RunView>>;
  runs(options?: RunFilter & EveryOptions): AsyncIterable<RunView>;
}

export function runMethods(call: Transport, newKey: () => string): RunClient {
  const page = pageWithGapsOf(RunView);
  const listRuns: RunClient['listRuns'] = async (options = {}) => (await call(get(`/v1/runs${runQuery(options)}`), page)).body;
  const pathOf = (id: string): string => `/v1/runs/${part(id)}`;
  return {
    async planRun(request, { limit, cursor } = {}) {
      return (await call(post(`/v1/runs/plan${query({ limit, cursor })}`, request), PlanView)).body;
    },
    // Which of the two it is follows from the request; the compiler cannot see that the service keeps to it.
    startRun: (async (request: RunRequest, options?: StartOptions) =>
      (await call(post('/v1/runs', request, options), Started)).body) as RunClient['startRun'],
    cancelRun: async (id) => (await call(post(`${pathOf(id)}/cancel`), RunView)).body,
    async retryRun(id, selection = {}, { idempotencyKey = newKey() } = {}) {
      return (await call(post(`${pathOf(id)}/retry`, selection, { idempotencyKey }), RunRetried)).body;
    },
    cloneRun: async (id, request, options) => (await call(post(`${pathOf(id)}/clone`, request, options), Started)).body,
    getRun: async (id, { cost = false } = {}) =>
      (await call(get(`${pathOf(id)}${query({ include: cost ? 'cost' : undefined })}`), RunView)).body,
    listRuns,
    runs: (options = {}) => itemsOf(listRuns, options),
  };
}

const Started = z.union([RunStarted, NothingStarted]);

/** Repeatable: a repeated one is answered by what the first one did. */
const post = (path: string, body?: unknown, { idempotencyKey, planHash }: StartOptions = {}): Call => ({
  method: 'POST',
  path,
  body,
  headers: {
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    ...(planHash === undefined ? {} : { 'if-match': `"${planHash}"` }),
  },
  repeatable: true,
});

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
