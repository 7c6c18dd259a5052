/** The metrics' part of the client: the original's table, as objects and as CSV, and sums by day. */
import * as z from 'zod';
import { DayTotalsView, MetricsRow, pageOf, type PageView } from '#contract/views';
import { itemsOf, query, type PageOptions } from './pages.ts';
import { get, type Transport } from './transport.ts';

export interface DailyOptions {
  /** The runs of this template alone. */
  readonly templateId?: string | undefined;
}

/**
 * @example
 * for await (const text of client.metricsCsv('nightly-2026-07-14')) file.write(text);
 */
export interface MetricsClient {
  /** The original service's metrics rows of the runs of that name. */
  listMetrics(userRunId: string, options?: PageOptions): Promise<PageView<MetricsRow>>;
  metrics(userRunId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<MetricsRow>;
  /** The same rows as CSV: the texts of all pages, one after the other, are the file. */
  metricsCsv(userRunId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<string>;
  /** Sums over the runs that have ended, by the day (UTC) on which they were accepted; the newest day first. */
  listDailyTotals(options?: DailyOptions & PageOptions): Promise<PageView<DayTotalsView>>;
  dailyTotals(options?: DailyOptions & Pick<PageOptions, 'limit'>): AsyncIterable<DayTotalsView>;
}

export function metricsMethods(call: Transport): MetricsClient {
  const [rowPage, dayPage] = [pageOf(MetricsRow), pageOf(DayTotalsView)];
  const listMetrics: MetricsClient['listMetrics'] = async (userRunId, { limit, cursor } = {}) =>
    (await call(get(`/v1/metrics${query({ 'user-run-id': userRunId, limit, cursor })}`), rowPage)).body;
  const listDailyTotals: MetricsClient['listDailyTotals'] = async ({ templateId, limit, cursor } = {}) =>
    (await call(get(`/v1/metrics/daily${query({ 'template-id': templateId, limit, cursor })}`), dayPage)).body;
  return {
    listMetrics,
    metrics: (name, options = {}) => itemsOf((page) => listMetrics(name, page), options),
    metricsCsv: (name, options = {}) => csvPages(call, name, options),
    listDailyTotals,
    dailyTotals: (options = {}) => itemsOf(listDailyTotals, options),
  };
}

/** A page of CSV has no place for its cursor: it stands in a header. */
async function* csvPages(call: Transport, userRunId: string, { limit }: PageOptions): AsyncGenerator<string, void, undefined> {
  let cursor: string | undefined;
  do {
    const path = `/v1/metrics${query({ 'user-run-id': userRunId, format: 'csv', limit, cursor })}`;
    const { body, headers } = await call({ ...get(path), answer: 'text/csv' }, z.string());
    yield body;
    cursor = headers.get('sluice-next-cursor') ?? undefined;
  } while (cursor !== undefined);
}
