/** What jobs of both kinds have in common: their history in pages, events that were refused, and what an event was answered. */
import { StoredHistoryEntry } from '#contract/stored';
import { StoredEventAnswer } from '#contract/stored-reported';
import type { AnyJobId } from '#domain/ids';
import type { HistoryEntry } from '#domain/job';
import type { HistoryRequest, JobEventStore, SentEvent } from '#operations/job-ports';
import type { Listed } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decodeDocument, documentItem } from './decoding.ts';
import { keys } from './keys.ts';
import type { Action, Table } from './table.ts';

export function dynamoJobEventStore(table: Table): JobEventStore {
  return {
    async answer(job, eventId) {
      const item = await table.get(keys.eventAnswer(job, eventId));
      return item && decodeDocument(StoredEventAnswer, item);
    },
    async refuse(job, entry, sent) {
      // Unguarded but for the event's id: the job is not changed, and the key is of this refusal alone.
      const kept: Action = { kind: 'put', item: documentItem(keys.refusedEntry(job, entry), entry) };
      const outcome = await table.transact([kept, ...sentActions(job, sent)]);
      return outcome.kind === 'done' ? 'kept' : 'conflict';
    },
    async entry(job, sequence) {
      const item = await table.get(keys.jobEntry(job, sequence));
      return item && decodeDocument(StoredHistoryEntry, item);
    },
  };
}

/** What goes into the transaction of an event that somebody sent. */
export function sentActions(job: AnyJobId, { answer, tokenUse }: SentEvent): readonly Action[] {
  const guard = { text: 'attribute_not_exists(pk)' };
  return [
    ...(answer ? [{ kind: 'put', item: documentItem(keys.eventAnswer(job, answer.eventId), answer), guard } satisfies Action] : []),
    ...(tokenUse ? [useAction(job, tokenUse)] : []),
  ];
}

export function useAction(job: AnyJobId, { tokenId, at, from }: NonNullable<SentEvent['tokenUse']>): Action {
  const change = { text: 'SET #usedAt = :usedAt, #usedFrom = :usedFrom', values: { ':usedAt': at, ':usedFrom': from } };
  return { kind: 'update', key: keys.jobToken(job, tokenId), change };
}

/** `created` is the first entry where it is not an item of the history. */
export async function historyPage(
  table: Table,
  id: AnyJobId,
  { limit, cursor, newestFirst = false, upTo }: HistoryRequest,
  created: () => Promise<HistoryEntry | undefined> = () => Promise.resolve(undefined),
): Promise<Listed<HistoryEntry>> {
  const list = `history ${id}${newestFirst ? ' newest first' : ''}${upTo === undefined ? '' : ` up to ${upTo}`}`;
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor);
  if (cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const range = upTo === undefined ? { prefix: keys.historyPrefix } : { from: keys.historyPrefix, to: keys.jobEntry(id, upTo).sk };
  const query = async (most: number): Promise<{ readonly entries: readonly HistoryEntry[]; readonly next?: string }> => {
    const request = { pk: keys.jobItems(id), ...range, limit: most, newestFirst, ...(after === undefined ? {} : { after }) };
    const { items, next } = await table.query(request);
    return { entries: items.map((item) => decodeDocument(StoredHistoryEntry, item)), ...(next === undefined ? {} : { next }) };
  };
  const firstKey = keys.jobEntry(id, 1).sk;
  const { entries, next } = newestFirst
    ? await endingWith(await query(limit), limit, firstKey, created)
    : await beginningWith(after === undefined ? await created() : undefined, limit, firstKey, query);
  return { kind: 'page', page: { items: entries, ...(next === undefined ? {} : { cursor: encodeCursor(list, next) }) } };
}

interface Entries {
  readonly entries: readonly HistoryEntry[];
  readonly next?: string;
}

/** A page of one that the first entry fills goes on from before the second. */
async function beginningWith(
  first: HistoryEntry | undefined,
  limit: number,
  firstKey: string,
  query: (most: number) => Promise<Entries>,
): Promise<Entries> {
  if (!first) return query(limit);
  if (limit === 1) return { entries: [first], next: firstKey };
  const rest = await query(limit - 1);
  return { ...rest, entries: [first, ...rest.entries] };
}

/** A full page at whose end only the first entry is missing goes on to it. */
async function endingWith(
  { entries, next }: Entries,
  limit: number,
  firstKey: string,
  created: () => Promise<HistoryEntry | undefined>,
): Promise<Entries> {
  const first = next === undefined ? await created() : undefined;
  if (!first) return { entries, ...(next === undefined ? {} : { next }) };
  return entries.length < limit ? { entries: [...entries, first] } : { entries, next: firstKey };
}
