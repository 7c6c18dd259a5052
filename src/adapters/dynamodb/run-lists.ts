/**
 * Lists of runs. A run stands in one list per question; its id sorts by time, so every list is newest first and a time range
 * is a range of ids. A list is read through the narrowest of the wanted filters, and the others are held against the runs.
 */
import { encodeTime } from 'ulid';
import { StoredRun, StoredTotals } from '#contract/stored';
import { epochMs, runId, type Instant, type RunId } from '#domain/ids';
import { addCounts, NO_COUNTS, type Run, type RunCounts } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import type { Unreadable } from '#operations/pages';
import type { DayTotals, Listed, PageRequest, RunStore, TotalsBy } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode, decoded } from './decoding.ts';
import { keys } from './keys.ts';
import type { Action, Table } from './table.ts';

/** Where a run stands from its acceptance on. */
export function listRows(run: Run): readonly Action[] {
  const lists = [
    keys.runs,
    keys.runsOfUser(run.userId),
    keys.runsOfKey(run.userRunId),
    keys.runsOfTemplate(run.templateId),
    keys.runsInState(run.state),
  ];
  return lists.map((pk) => ({ kind: 'put', item: { pk, sk: run.id } }));
}

/** What a change of a run changes in the lists by state, in that of the collecting ones and in the totals. */
export function listChanges(before: Run, after: Run): readonly Action[] {
  const moved: readonly Action[] =
    before.state === after.state
      ? []
      : [
          { kind: 'delete', key: { pk: keys.runsInState(before.state), sk: after.id } },
          { kind: 'put', item: { pk: keys.runsInState(after.state), sk: after.id } },
        ];
  return [...moved, ...collectingChanges(before, after), ...totalsChanges(before, after)];
}

function collectingChanges(before: Run, { id, collecting }: Run): readonly Action[] {
  if (before.collecting === collecting) return [];
  const row = { pk: keys.runsCollecting, sk: id };
  return [collecting ? { kind: 'put', item: row } : { kind: 'delete', key: row }];
}

function totalsChanges(before: Run, after: Run): readonly Action[] {
  if (after.counts === undefined) return [];
  const change = { ...difference(before.counts ?? NO_COUNTS, after.counts), runs: before.counts === undefined ? 1 : 0 };
  const changed = Object.entries(change).filter(([, value]) => value !== 0);
  if (changed.length === 0) return [];
  const text = `ADD ${changed.map(([name]) => `#${name} :${name}`).join(', ')}`;
  const values = Object.fromEntries(changed.map(([name, value]) => [`:${name}`, value]));
  const sk = after.createdAt.slice(0, 10);
  return [keys.totals(undefined), keys.totals(after.templateId)].map((pk) => ({
    kind: 'update',
    key: { pk, sk },
    change: { text, values },
  }));
}

function difference(before: RunCounts, after: RunCounts): RunCounts {
  const entries = Object.entries(before) as readonly (readonly [keyof RunCounts, number])[];
  return addCounts(after, Object.fromEntries(entries.map(([key, value]) => [key, 0 - value])) as unknown as RunCounts);
}

/** Of one page: past this many rows that did not fit the other filters, the page is short and its cursor goes on from there. */
const ROWS_READ = 500;

export async function listRuns(table: Table, filter: RunFilter, page: PageRequest): ReturnType<RunStore['list']> {
  const pk = partitionOf(filter);
  const list = `${pk} ${JSON.stringify(filter)}`;
  let after = page.cursor === undefined ? undefined : decodeCursor(list, page.cursor);
  if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const range = idRange(filter);
  if (range.from !== undefined && range.to !== undefined && range.from > range.to) return { kind: 'page', page: { items: [] } };
  const runs: Run[] = [];
  const unreadable: Unreadable[] = [];
  let rows = 0;
  do {
    const { items, next } = await table.query({
      pk,
      ...range,
      limit: page.limit,
      newestFirst: true,
      ...(after === undefined ? {} : { after }),
    });
    const loaded = await Promise.all(items.map(({ sk }) => table.get(keys.run(sk as RunId))));
    rows += items.length;
    after = next;
    for (const [position, item] of loaded.entries()) {
      const read = item && decoded(() => decode(StoredRun, item));
      if (read && 'detail' in read) unreadable.push({ id: items[position]?.sk ?? '', detail: read.detail });
      else if (read && fits(read.value, filter)) runs.push(read.value);
      if (runs.length < page.limit) continue;
      // A full page may end within what was read: its cursor goes on from there.
      after = position + 1 < items.length ? items[position]?.sk : next;
      break;
    }
  } while (after !== undefined && runs.length < page.limit && rows < ROWS_READ);
  const cursor = after === undefined ? {} : { cursor: encodeCursor(list, after) };
  return { kind: 'page', page: { items: runs, ...(unreadable.length === 0 ? {} : { unreadable }), ...cursor } };
}

function partitionOf({ parameter, userRunId, userId, templateId, state, collecting }: RunFilter): string {
  if (collecting) return keys.runsCollecting;
  if (parameter !== undefined) return keys.runsWithParameter(parameter.key, parameter.text);
  if (userRunId !== undefined) return keys.runsOfKey(userRunId);
  if (userId !== undefined) return keys.runsOfUser(userId);
  if (state !== undefined && state !== 'SUCCEEDED') return keys.runsInState(state);
  if (templateId !== undefined) return keys.runsOfTemplate(templateId);
  return state === undefined ? keys.runs : keys.runsInState(state);
}

/** A ULID begins with its time, in 10 characters; `~` sorts after all of its alphabet. */
function idRange({ from, before }: RunFilter): { readonly from?: string; readonly to?: string } {
  if (from === undefined && before === undefined) return {};
  const first = from === undefined ? 0 : Math.max(0, epochMs(from));
  const last = before === undefined ? undefined : Math.max(0, epochMs(before) - 1);
  return { from: runId(encodeTime(first, 10)), to: `${last === undefined ? 'run_' : runId(encodeTime(last, 10))}~` };
}

function fits(run: Run, filter: RunFilter): boolean {
  return (
    (filter.userId === undefined || run.userId === filter.userId) &&
    (filter.userRunId === undefined || run.userRunId === filter.userRunId) &&
    (filter.templateId === undefined || run.templateId === filter.templateId) &&
    (filter.state === undefined || run.state === filter.state) &&
    (filter.collecting === undefined || run.collecting === true) &&
    isWithin(run.createdAt, filter)
  );
}

const isWithin = (at: Instant, { from, before }: RunFilter): boolean =>
  (from === undefined || at >= from) && (before === undefined || at < before);

export async function addSearchable(table: Table, run: Run, values: Parameters<RunStore['addSearchable']>[1]): Promise<void> {
  await table.writeAll(values.map(({ key, text }) => ({ kind: 'put', item: { pk: keys.runsWithParameter(key, text), sk: run.id } })));
}

export async function totals(table: Table, { templateId }: TotalsBy, page: PageRequest): Promise<Listed<DayTotals>> {
  const pk = keys.totals(templateId);
  const after = page.cursor === undefined ? undefined : decodeCursor(pk, page.cursor);
  if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const { items, next } = await table.query({ pk, limit: page.limit, newestFirst: true, ...(after === undefined ? {} : { after }) });
  const days = items.map((item): DayTotals => {
    const { sk, ...sums } = decode(StoredTotals, item);
    return { day: sk, ...sums };
  });
  return { kind: 'page', page: { items: days, ...(next === undefined ? {} : { cursor: encodeCursor(pk, next) }) } };
}
