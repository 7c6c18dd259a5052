/** Jobs of runs: the job item, its open row while something is left to do for it, its history, parameters and task tokens. */
import { StoredCounts, StoredJob, StoredParameters, StoredTaskToken } from '#contract/stored';
import type { JobRef } from '#domain/ids';
import { idOf, type HistoryEntry, type Job } from '#domain/job';
import { addCounts, NO_COUNTS, type Run } from '#domain/run';
import type { JobStore, PageRequest } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode, decodeDocument } from './decoding.ts';
import { historyPage } from './job-event-store.ts';
import { jobWrites, tokenItem } from './job-writes.ts';
import { keys, shardCount, shardOf } from './keys.ts';
import type { Action, Item, Table } from './table.ts';

export function dynamoJobStore(table: Table): JobStore {
  const writes = jobWrites(table);
  return {
    create: (jobs, jobCount) => writes.create(jobs, jobCount),
    save: (changes, jobCount) => Promise.all(changes.map((change) => writes.save(change, jobCount))),
    load: (ref, jobCount) => load(table, ref, jobCount),
    loadSome: (run, indexes) => loadSome(table, run, indexes),
    loadRange(run, from, to) {
      const indexes = Array.from({ length: Math.max(0, Math.min(to, run.count) - from) }, (_, offset) => from + offset);
      return loadSome(table, run, indexes);
    },
    async parameters(ref) {
      const item = await table.get(keys.parameters(ref));
      return item && decodeDocument(StoredParameters, item);
    },
    async open(run) {
      const rows = await eachShard(run, (pk) => table.queryAll({ pk, prefix: keys.openPrefix, consistent: true }));
      return rows.map((row) => decodeDocument(StoredJob, row));
    },
    async addTaskToken(ref, jobCount, parked) {
      // Unguarded: the token's own digest is its key, so writing it again changes nothing.
      await table.write({ kind: 'put', item: tokenItem(ref, jobCount, parked) });
    },
    taskTokens: (run, jobs) => taskTokens(table, run, jobs),
    close: (run, jobs, tokens) => close(table, run, jobs, tokens),
    async counts(run) {
      const items = await Promise.all(Array.from({ length: shardCount(run.count) }, (_, shard) => table.get(keys.counts(run.id, shard))));
      return items.flatMap((item) => (item ? [decode(StoredCounts, item)] : [])).reduce(addCounts, NO_COUNTS);
    },
    jobsOfSet: (templateId, setKey, page) => jobsOfSet(table, keys.jobsOfSet(templateId, setKey), page),
    history: (ref, page) => historyPage(table, idOf(ref), page, () => createdEntry(table, ref)),
  };
}

async function loadSome(table: Table, run: Run, indexes: readonly number[]): Promise<readonly Job[]> {
  const jobs = await Promise.all(indexes.map((index) => load(table, { runId: run.id, index }, run.count)));
  return jobs.flatMap((job) => job ?? []);
}

async function load(table: Table, ref: JobRef, jobCount: number): Promise<Job | undefined> {
  const item = await table.get(keys.job(ref, jobCount));
  return item && decodeDocument(StoredJob, item);
}

async function eachShard(run: Run, query: (pk: string, shard: number) => Promise<readonly Item[]>): Promise<readonly Item[]> {
  const shards = Array.from({ length: shardCount(run.count) }, (_, shard) => query(keys.shard(run.id, shard), shard));
  return (await Promise.all(shards)).flat();
}

/** One query a shard, from the first of the wanted jobs to the last: a tick that ends many jobs reads their tokens together. */
async function taskTokens(table: Table, run: Run, jobs: readonly JobRef[]): ReturnType<JobStore['taskTokens']> {
  const wanted = new Set(jobs.map(({ index }) => index));
  const rows = await eachShard(run, (pk, shard) => {
    const here = [...wanted].filter((index) => shardOf(index, run.count) === shard);
    if (here.length === 0) return Promise.resolve([]);
    const from = keys.tokenBounds(Math.min(...here)).first;
    const to = keys.tokenBounds(Math.max(...here)).last;
    return table.queryAll({ pk, from, to, consistent: true });
  });
  return rows.map((row) => decode(StoredTaskToken, row)).filter(({ index }) => wanted.has(index));
}

async function close(table: Table, run: Run, jobs: readonly Job[], tokens: Parameters<JobStore['close']>[2]): Promise<void> {
  // Before the rows: as long as a row is there the next tick looks again.
  await table.writeAll(
    tokens.map(({ index, taskToken }) => ({ kind: 'delete', key: keys.token({ runId: run.id, index }, run.count, taskToken) })),
  );
  const rows = jobs.map(
    // The version: a job that a retry reopened has a row again, which is not ours to take away.
    (job): Action => ({
      kind: 'delete',
      key: keys.open(job, run.count),
      guard: { text: '#version = :closed', values: { ':closed': job.version } },
    }),
  );
  for (let from = 0; from < rows.length; from += ACTIONS) {
    const group = rows.slice(from, from + ACTIONS);
    const outcome = await table.transact(group);
    if (outcome.kind === 'refused') for (const one of group) await table.write(one);
  }
}

const ACTIONS = 100;

/** Kept with the parameters, which are written when it is: an item less for every job. */
async function createdEntry(table: Table, ref: JobRef): Promise<HistoryEntry | undefined> {
  const item = await table.get(keys.parameters(ref));
  return item && decodeDocument(StoredParameters, item).created;
}

async function jobsOfSet(table: Table, pk: string, page: PageRequest): ReturnType<JobStore['jobsOfSet']> {
  const after = page.cursor === undefined ? undefined : decodeCursor(pk, page.cursor);
  if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
  const { items, next } = await table.query({ pk, limit: page.limit, newestFirst: true, ...(after === undefined ? {} : { after }) });
  const refs = items.map(({ sk }): JobRef => {
    const [runId = '', index] = sk.split('#');
    return { runId: runId as JobRef['runId'], index: Number(index) };
  });
  return { kind: 'page', page: { items: refs, ...(next === undefined ? {} : { cursor: encodeCursor(pk, next) }) } };
}
