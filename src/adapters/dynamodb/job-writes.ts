/**
 * Writing jobs. Each change is all or nothing; changes that wait at the same time share transactions of up to 100 actions,
 * whoever asked for them: the tick with hundreds, or a hundred starters with one each. When a shared transaction is refused
 * its changes are tried one by one, so that one lost race costs its neighbours nothing but time.
 */
import { Fault } from '#domain/faults';
import { addCounts, countsChange, NO_COUNTS, type RunCounts } from '#domain/run';
import { idOf, isSettled, type HistoryEntry, type Job } from '#domain/job';
import type { JobSave, JobStore, NewJob, ParkedChild } from '#operations/ports';
import { documentItem } from './decoding.ts';
import { sentActions } from './job-event-store.ts';
import { keys, shardOf } from './keys.ts';
import type { Action, Item, Table, Unguarded } from './table.ts';

/** DynamoDB's limit for one transaction, less one for the shard's counts. */
const ACTIONS = 99;
/** DynamoDB's limit for one transaction is 4 MB. */
const BYTES = 3_500_000;
const ABSENT = { text: 'attribute_not_exists(pk)' } as const;

type SaveOutcome = Awaited<ReturnType<JobStore['save']>>[number];

/** A change that waits for its transaction. */
interface Pending {
  readonly shard: string;
  readonly actions: readonly Action[];
  readonly counts: { readonly key: { readonly pk: string; readonly sk: string }; readonly change: RunCounts };
  readonly done: (written: boolean) => void;
  readonly failed: (reason: unknown) => void;
}

export interface JobWrites {
  create(jobs: readonly NewJob[], jobCount: number): Promise<void>;
  save(change: JobSave, jobCount: number): Promise<SaveOutcome>;
}

export function jobWrites(table: Table): JobWrites {
  const submit = sharedTransactions(table);
  return {
    async create(jobs, jobCount) {
      // What follows from the accepted sets alone comes first, and may be written again: nobody looks for it before its job is there.
      await table.writeAll(jobs.flatMap(followingItems));
      await Promise.all(
        jobs.map(async ({ job }) => {
          const created = await submit(pendingOf(job, jobCount, NO_COUNTS, creationActions(job, jobCount)));
          // Refused: an earlier, interrupted expansion made the job, or another transaction was in the way of this one.
          if (created || (await table.get(keys.job(job, jobCount)))) return;
          throw new Fault('StoreBusy', `job ${job.index} of ${job.runId} could not be written among other requests`);
        }),
      );
    },
    async save(change, jobCount) {
      const job: Job = { ...change.after, version: change.before.version + 1 };
      const counts = countsChange(change.before, job);
      const written = await submit(pendingOf(job, jobCount, counts, changeActions(change, job, jobCount)));
      return written ? { kind: 'saved', job } : { kind: 'conflict' };
    },
  };
}

type Unsubmitted = Omit<Pending, 'done' | 'failed'>;

function pendingOf(job: Job, jobCount: number, change: RunCounts, actions: readonly Action[]): Unsubmitted {
  const key = keys.counts(job.runId, shardOf(job.index, jobCount));
  return { shard: key.pk, actions, counts: { key, change } };
}

function followingItems({ job, entry, parameters, setKey, templateId }: NewJob): readonly Unguarded[] {
  return [
    { kind: 'put', item: documentItem(keys.parameters(job), { ...parameters, setKey, created: entry }) },
    { kind: 'put', item: { ...keys.jobOfSet(templateId, setKey, job) } },
  ];
}

function creationActions(job: Job, jobCount: number): readonly Action[] {
  return [
    { kind: 'put', item: documentItem(keys.job(job, jobCount), job, { version: job.version }), guard: ABSENT },
    { kind: 'put', item: openItem(job, jobCount) },
  ];
}

function changeActions({ before, after, entries, records = [], parked, sent }: JobSave, job: Job, jobCount: number): readonly Action[] {
  const guard = { text: '#version = :expected', values: { ':expected': before.version } };
  return [
    { kind: 'put', item: documentItem(keys.job(job, jobCount), job, { version: job.version }), guard },
    ...rowActions(before, after, job, jobCount),
    ...entries.map((entry): Action => ({ kind: 'put', item: historyItem(job, entry) })),
    ...records.map(({ attempt, metrics, standing }): Action => {
      const record = { ...metrics, ...(standing ? { standing } : {}) };
      return { kind: 'put', item: documentItem(keys.metrics(job, attempt), record) };
    }),
    ...(parked === undefined ? [] : [{ kind: 'put', item: tokenItem(job, jobCount, parked) } satisfies Action]),
    ...(sent ? sentActions(idOf(job), sent) : []),
  ];
}

/** A job that stays settled (validate, retire, …) has no open row and gets none, unless it has aftercare: that is what has one, and the tick writes by the version in it. */
function rowActions(before: Job, after: Job, job: Job, jobCount: number): readonly Action[] {
  const staysSettled = isSettled(before) && isSettled(after);
  if (staysSettled && after.aftercare === undefined)
    return before.aftercare === undefined ? [] : [{ kind: 'delete', key: keys.open(job, jobCount) }];
  return [{ kind: 'put', item: openItem(job, jobCount) }];
}

function historyItem(job: Job, entry: HistoryEntry): Item {
  return documentItem(keys.history(job, entry.sequence), entry);
}

/** The whole job, so that a tick reads nothing else. */
const openItem = (job: Job, jobCount: number): Item => documentItem(keys.open(job, jobCount), job, { version: job.version });

export function tokenItem(ref: Pick<Job, 'runId' | 'index'>, jobCount: number, { taskToken, runAttempt }: ParkedChild): Item {
  return { ...keys.token(ref, jobCount, taskToken), index: ref.index, taskToken, runAttempt };
}

function sharedTransactions(table: Table): (change: Unsubmitted) => Promise<boolean> {
  const waiting = new Map<string, Pending[]>();
  const drain = async (shard: string): Promise<void> => {
    for (let batch = waiting.get(shard) ?? []; batch.length > 0; batch = waiting.get(shard) ?? []) {
      waiting.set(shard, []);
      for (const group of grouped(batch)) await writeGroup(table, group);
    }
    waiting.delete(shard);
  };
  return (change) =>
    new Promise((done, failed) => {
      const queue = waiting.get(change.shard);
      const pending = { ...change, done, failed };
      if (queue) queue.push(pending);
      else {
        waiting.set(change.shard, [pending]);
        // One writer per shard: two transactions at once would refuse each other over its counts.
        setImmediate(() => void drain(change.shard));
      }
    });
}

/** In order, as many as a transaction takes. A job that changes twice stands in two groups: a transaction touches an item once. */
function grouped(batch: readonly Pending[]): readonly (readonly Pending[])[] {
  const groups: { readonly members: Pending[]; readonly touched: Set<string>; actions: number; bytes: number }[] = [];
  for (const pending of batch) {
    const items = pending.actions.map((action) => itemOf(action));
    const bytes = pending.actions.reduce((sum, action) => sum + bytesOf(action), 0);
    const last = groups.at(-1);
    if (last && last.actions + items.length <= ACTIONS && last.bytes + bytes <= BYTES && !items.some((item) => last.touched.has(item))) {
      last.members.push(pending);
      for (const item of items) last.touched.add(item);
      last.actions += items.length;
      last.bytes += bytes;
    } else groups.push({ members: [pending], touched: new Set(items), actions: items.length, bytes });
  }
  return groups.map(({ members }) => members);
}

/** Nearly all of an item is its document. */
function bytesOf(action: Action): number {
  const body = action.kind === 'put' ? action.item['body'] : undefined;
  return 200 + (typeof body === 'string' ? Buffer.byteLength(body) : 0);
}

const itemOf = (action: Action): string => {
  const { pk, sk } = action.kind === 'put' ? action.item : action.key;
  return `${pk}\u0000${sk}`;
};

async function writeGroup(table: Table, group: readonly Pending[]): Promise<void> {
  try {
    const outcome = await table.transact([...group.flatMap(({ actions }) => actions), ...countsActions(group)]);
    if (outcome.kind === 'done') {
      for (const { done } of group) done(true);
    } else if (group.length === 1) group[0]?.done(false);
    else for (const one of group) await writeGroup(table, [one]);
  } catch (error) {
    for (const { failed } of group) failed(error);
  }
}

function countsActions(group: readonly Pending[]): readonly Action[] {
  const [first] = group;
  const total = group.map(({ counts }) => counts.change).reduce(addCounts, NO_COUNTS);
  const changed = Object.entries(total).filter(([, value]) => value !== 0);
  if (!first || changed.length === 0) return [];
  return [
    {
      kind: 'update',
      key: first.counts.key,
      change: {
        text: `ADD ${changed.map(([name]) => `#${name} :${name}`).join(', ')}`,
        values: Object.fromEntries(changed.map(([name, value]) => [`:${name}`, value])),
      },
    },
  ];
}
