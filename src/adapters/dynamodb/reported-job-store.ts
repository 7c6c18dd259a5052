/**
 * Reported jobs. The job item is small and is rewritten at every event; what it was registered with is an item of its own.
 * An event costs the same however long the history is.
 */
import { StoredJobDefinition, StoredReportedJob } from '#contract/stored-reported';
import type { Instant, ReportedJobId } from '#domain/ids';
import type { HistoryEntry } from '#domain/job';
import { lookAt, type ReportedJob } from '#domain/reported-job';
import type { JobRow, NewReportedJob, ReportedJobSave, ReportedJobStore } from '#operations/job-ports';
import { decodeDocument, documentItem } from './decoding.ts';
import { historyPage, sentActions } from './job-event-store.ts';
import { tokenItemOf } from './job-token-store.ts';
import { keys, type Key } from './keys.ts';
import { listReportedJobs, rowsOf } from './reported-lists.ts';
import type { Action, Item, Table } from './table.ts';

export function dynamoReportedJobStore(table: Table): ReportedJobStore {
  return {
    async create(created) {
      const outcome = await table.transact(creationActions(created));
      if (outcome.kind === 'done') return 'created';
      return 'exists';
    },
    async load(id) {
      const item = await table.get(keys.reportedJob(id));
      return item && decodeDocument(StoredReportedJob, item);
    },
    async definition(id) {
      const item = await table.get(keys.jobDefinition(id));
      return item && decodeDocument(StoredJobDefinition, item);
    },
    async save(change) {
      const job: ReportedJob = { ...change.after, version: change.before.version + 1 };
      const outcome = await table.transact(changeActions(change, job));
      return outcome.kind === 'done' ? { kind: 'saved', job } : { kind: 'conflict' };
    },
    list: (filter, page) => listReportedJobs(table, filter, page),
    history: (id, page) => historyPage(table, id, page),
    due: (now, limit, after) => rowsUpTo(table, keys.dueJobs, { now, limit, ...(after ? { after } : {}) }),
    async settleDue(row, to) {
      // The new row first: between the two the job is looked at once too often.
      if (to !== undefined) await table.write({ kind: 'put', item: dueRow(row.id, to) });
      if (to !== row.at) await table.write({ kind: 'delete', key: { pk: keys.dueJobs, sk: keys.jobAt(row.at, row.id) } });
    },
    expired: (now, limit) => rowsUpTo(table, keys.deletedJobs, { now, limit }),
    purge: (row) => purge(table, row),
  };
}

function creationActions({ job, entry, definition, token }: NewReportedJob): readonly Action[] {
  const guard = { text: 'attribute_not_exists(pk)' };
  return [
    { kind: 'put', item: jobItem(job), guard },
    { kind: 'put', item: documentItem(keys.jobDefinition(job.id), definition) },
    { kind: 'put', item: entryItem(job, entry) },
    { kind: 'put', item: tokenItemOf(job.id, token) },
    ...rowsOf(job).map((item): Action => ({ kind: 'put', item })),
    ...dueActions(undefined, job),
  ];
}

function changeActions({ before, entries, sent, token, definition }: ReportedJobSave, job: ReportedJob): readonly Action[] {
  const guard = { text: '#version = :expected', values: { ':expected': before.version } };
  return [
    { kind: 'put', item: jobItem(job), guard },
    ...entries.map((entry): Action => ({ kind: 'put', item: entryItem(job, entry) })),
    ...movedRows(rowsOf(before), rowsOf(job)),
    ...dueActions(before, job),
    ...(job.deleted && !before.deleted ? [{ kind: 'put', item: deletedRow(job.id, job.deleted.purgeAt) } satisfies Action] : []),
    ...(token ? [{ kind: 'put', item: tokenItemOf(job.id, token) } satisfies Action] : []),
    ...(definition ? [{ kind: 'put', item: documentItem(keys.jobDefinition(job.id), definition) } satisfies Action] : []),
    ...(sent ? sentActions(job.id, sent) : []),
  ];
}

const jobItem = (job: ReportedJob): Item => documentItem(keys.reportedJob(job.id), job, { version: job.version });
const entryItem = ({ id }: ReportedJob, entry: HistoryEntry): Item => documentItem(keys.jobEntry(id, entry.sequence), entry);
const dueRow = (id: ReportedJobId, at: Instant): Item => ({ pk: keys.dueJobs, sk: keys.jobAt(at, id) });
const deletedRow = (id: ReportedJobId, at: Instant): Item => ({ pk: keys.deletedJobs, sk: keys.jobAt(at, id) });

/** Most events move nothing. */
function movedRows(before: readonly Item[], after: readonly Item[]): readonly Action[] {
  const stays = (rows: readonly Item[]) => {
    const partitions = new Set(rows.map(({ pk }) => pk));
    return ({ pk }: Item): boolean => partitions.has(pk);
  };
  const [wasThere, isThere] = [stays(before), stays(after)];
  return [
    ...before.filter((row) => !isThere(row)).map(({ pk, sk }): Action => ({ kind: 'delete', key: { pk, sk } })),
    ...after.filter((row) => !wasThere(row)).map((item): Action => ({ kind: 'put', item })),
  ];
}

/**
 * A job that is watched has a row that is not later than it is due. An event only puts off what is due, so the row is left
 * where it is, and whoever finds it there moves it on: an event writes none, whatever it moves.
 */
function dueActions(before: ReportedJob | undefined, after: ReportedJob): readonly Action[] {
  const due = lookAt(after);
  if (due === undefined) return [];
  const earlier = before && lookAt(before);
  return earlier !== undefined && earlier <= due ? [] : [{ kind: 'put', item: dueRow(after.id, due) }];
}

interface DueRows {
  readonly now: Instant;
  readonly limit: number;
  readonly after?: JobRow;
}

async function rowsUpTo(table: Table, pk: string, { now, limit, after }: DueRows): Promise<readonly JobRow[]> {
  // `~` sorts after every id, so that a row of this very instant is among them.
  const range = { from: '0', to: `${now}~`, ...(after ? { after: keys.jobAt(after.at, after.id) } : {}) };
  const { items } = await table.query({ pk, ...range, limit, consistent: true });
  return items.map(({ sk }) => {
    const [at = '', id = ''] = sk.split('#');
    return { at: at as Instant, id: id as ReportedJobId };
  });
}

const PURGED_AT_ONCE = 100;

async function purge(table: Table, { id, at }: JobRow): Promise<void> {
  const job = await table.get(keys.reportedJob(id));
  // The guard against a row that is not of this deletion.
  if (job && decodeDocument(StoredReportedJob, job).deleted?.purgeAt !== at) {
    await table.write({ kind: 'delete', key: { pk: keys.deletedJobs, sk: keys.jobAt(at, id) } });
    return;
  }
  for (;;) {
    const { items } = await table.query({ pk: keys.jobItems(id), limit: PURGED_AT_ONCE, consistent: true });
    // The job itself goes with the last of them.
    const rest = items.filter(({ sk }) => sk !== 'JOB');
    if (rest.length === 0) break;
    await table.writeAll(rest.map(({ pk, sk }) => ({ kind: 'delete', key: { pk, sk } })));
  }
  const last: readonly Key[] = [keys.reportedJob(id), { pk: keys.deletedJobs, sk: keys.jobAt(at, id) }];
  for (const key of last) await table.write({ kind: 'delete', key });
}
