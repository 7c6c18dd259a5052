/**
 * What is kept of an execution beside its journal, so that it is described and listed without reading that.
 *
 *   open                        <machine>/<name>   an execution that recovery must look at
 *   execution/<machine>/<name>  summary            what DescribeExecution answers of it
 *   started/<machine>           <time>/<name>      what ListExecutions answers of it
 */
import type { Executions } from './executions.ts';
import type { Ending } from './facts.ts';
import { documentsOf, joined } from './long-documents.ts';

export interface Summary {
  readonly key: string;
  readonly machineName: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly inputText: string;
  readonly startedBy?: string;
  readonly ended?: Ending;
}

/** What a list needs of an execution: it is in as many of them as there are executions, and an input or an output may be long. */
export interface ListedSummary extends Pick<Summary, 'name' | 'startedAtMs'> {
  readonly ended?: Pick<Ending, 'status' | 'atMs'>;
}

const OPEN = 'open';
const summaryPartition = (key: string): string => `execution/${key}`;
const SUMMARY = 'summary';
const startedPartition = (machineName: string): string => `started/${machineName}`;

/** Milliseconds since 1970 have 13 digits until the year 2286. */
const startedSort = ({ startedAtMs, name }: ListedSummary): string => `${String(startedAtMs).padStart(13, '0')}/${name}`;
/** Where a page of this list can begin. */
export const STARTED_SORT = /^\d{13}\/./;
const [EARLIEST, LATEST] = ['0', '9999999999999/~'];

/** Before the first fact, so that recovery finds what it began. */
export function putOpen(executions: Executions, summary: Summary): void {
  executions.runtime.journal.put(summary.key, { partition: OPEN, sort: summary.key, body: '{}' }, 'before');
  putSummary(executions, summary, 'before');
}

/** After the last fact, so that no end is told that is not in the journal. */
export function putClosed(executions: Executions, summary: Summary): void {
  putSummary(executions, summary, 'after');
  executions.runtime.journal.remove(summary.key, { partition: OPEN, sort: summary.key });
}

function putSummary({ runtime: { journal } }: Executions, summary: Summary, order: 'before' | 'after'): void {
  const { key, machineName, name, startedAtMs, ended } = summary;
  for (const document of documentsOf({ partition: summaryPartition(key), sort: SUMMARY, body: JSON.stringify(summary) }))
    journal.put(key, document, order);
  const row = { name, startedAtMs, ...(ended && { ended: { status: ended.status, atMs: ended.atMs } }) } satisfies ListedSummary;
  journal.put(key, { partition: startedPartition(machineName), sort: startedSort(row), body: JSON.stringify(row) }, order);
}

/** Of an execution that nobody was told of. */
export async function removeSummary({ runtime: { journal }, store }: Executions, key: string): Promise<void> {
  const stored = await store.read(summaryPartition(key), SUMMARY);
  journal.remove(key, { partition: OPEN, sort: key });
  for (const { partition, sort } of stored) journal.remove(key, { partition, sort });
  const [whole] = joined(stored);
  // The row was to be written behind the summary: where that is not whole, it is not there.
  if (whole === undefined) return;
  const summary = JSON.parse(whole.body) as Summary;
  journal.remove(key, { partition: startedPartition(summary.machineName), sort: startedSort(summary) });
}

export async function openKeys({ store }: Executions, prefix?: string): Promise<readonly string[]> {
  return (await store.read(OPEN, prefix)).map(({ sort }) => sort);
}

export async function summaryOf({ summaries, store }: Executions, key: string): Promise<Summary | undefined> {
  const open = summaries.get(key);
  if (open !== undefined) return open;
  const [stored] = joined(await store.read(summaryPartition(key), SUMMARY));
  return stored && (JSON.parse(stored.body) as Summary);
}

export interface StartedRequest {
  readonly status: string | undefined;
  readonly most: number;
  /** Where the page begins, as the page before said. */
  readonly from: string | undefined;
}

export interface StartedPage {
  readonly items: readonly ListedSummary[];
  /** More may follow from there. */
  readonly next?: string;
}

/** Of one page: with a filter it may be short, as ListExecutions says of its own. */
const ROWS_LOOKED_THROUGH = 1000;

/** The latest first. A page costs what it shows or looks through, however many executions there were. */
export async function startedPage(executions: Executions, machineName: string, request: StartedRequest): Promise<StartedPage> {
  await executions.runtime.journal.durable();
  if (request.status === 'RUNNING') return openPage(executions, machineName, request);
  const { status, most, from = LATEST } = request;
  const looked = status === undefined ? most : ROWS_LOOKED_THROUGH;
  // One more than that: the next page begins with it.
  const range = { from: EARLIEST, to: from, latestFirst: true, most: looked + 1 };
  const rows = await executions.store.between(startedPartition(machineName), range);
  const items: ListedSummary[] = [];
  for (const { sort, body } of rows.slice(0, looked)) {
    const row = JSON.parse(body) as ListedSummary;
    if (status !== undefined && row.ended?.status !== status) continue;
    if (items.length === most) return { items, next: sort };
    items.push(row);
  }
  const next = rows[looked]?.sort;
  return { items, ...(next !== undefined && { next }) };
}

async function openPage(executions: Executions, machineName: string, { most, from = LATEST }: StartedRequest): Promise<StartedPage> {
  const keys = await openKeys(executions, `${machineName}/`);
  const open = (await Promise.all(keys.map((key) => summaryOf(executions, key)))).flatMap((summary) =>
    summary === undefined || summary.ended !== undefined || startedSort(summary) > from ? [] : [summary],
  );
  open.sort((left, right) => (startedSort(left) < startedSort(right) ? 1 : -1));
  const next = open[most];
  return { items: open.slice(0, most), ...(next && { next: startedSort(next) }) };
}
