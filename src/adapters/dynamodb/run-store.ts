/**
 * Runs, the sets they were accepted with, and who ticks them.
 *
 * Accepting is atomic for any size. Where the sets fit one item it is one transaction. Where they do not:
 *   1. the natural key is reserved (complete: false)      ── a crash from here on leaves a reservation that lapses
 *   2. the chunks of sets are written, in any order       ── invisible: nothing points to them yet
 *   3. one transaction: the run, its list rows, the key completed
 */
import { StoredProgress, StoredRetry, StoredRun, StoredRunKey, StoredSets } from '#contract/stored';
import { Fault } from '#domain/faults';
import { epochMs, instant, type Instant, type RunId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import { NO_USAGE } from '#domain/run-cost';
import type { Acceptance, AcceptOutcome, EarlierRequest, RunRetry, RunStore } from '#operations/ports';
import { decode } from './decoding.ts';
import { keys } from './keys.ts';
import { addSearchable, listChanges, listRows, listRuns, totals } from './run-lists.ts';
import { releaseTick, takeTick } from './run-ticks.ts';
import type { Action, Expression, Table } from './table.ts';

/** An item holds 400 KB; the rest is for its other attributes. */
const CHUNK_BYTES = 350_000;
const RESERVATION_SECONDS = 60;
const IDEMPOTENCY_KEY_SECONDS = 7 * 24 * 3600;
const ABSENT: Expression = { text: 'attribute_not_exists(pk)' };

export function dynamoRunStore(table: Table): RunStore {
  return {
    earlierRequest: (wanted) => earlierRequest(table, wanted),
    accept: (acceptance) => accept(table, acceptance),
    load: (id) => load(table, id),
    async save(run, before, retry) {
      const next = { ...run, version: before.version + 1 };
      const guard = { text: '#version = :expected', values: { ':expected': before.version } };
      const put: Action = { kind: 'put', item: { ...keys.run(run.id), ...next }, guard };
      const outcome = await table.transact([put, ...listChanges(before, next), ...(retry ? [retryAction(next, retry)] : [])]);
      return outcome.kind === 'done' ? { kind: 'saved', run: next } : { kind: 'conflict' };
    },
    sets: (run, from, to) => sets(table, run, from, to),
    async retry(run) {
      const item = await table.get(keys.retry(run.id, run.attempt));
      return item && decode(StoredRetry, item);
    },
    async progress(id) {
      const item = await table.get(keys.tick(id));
      const { counts, ...rest } = item ? decode(StoredProgress, item) : {};
      return counts && { usage: NO_USAGE, durations: [], durationsSeen: 0, ...rest, counts };
    },
    list: (filter, page) => listRuns(table, filter, page),
    addSearchable: (run, values) => addSearchable(table, run, values),
    totals: (by, page) => totals(table, by, page),
    takeTick: (id, lease) => takeTick(table, id, lease),
    releaseTick: (id, lease, seen) => releaseTick(table, id, lease, seen),
  };
}

/** Indexes as text: a list of ten thousand numbers is six times as large as a list of DynamoDB's. */
function retryAction(run: Run, { indexes, ...rest }: RunRetry): Action {
  return { kind: 'put', item: { ...keys.retry(run.id, run.attempt), ...rest, indexes: JSON.stringify(indexes) } };
}

async function load(table: Table, id: RunId): Promise<Run | undefined> {
  const item = await table.get(keys.run(id));
  return item && decode(StoredRun, item);
}

async function earlierRequest(table: Table, wanted: Parameters<RunStore['earlierRequest']>[0]): Promise<EarlierRequest | undefined> {
  const [natural, byKey] = await Promise.all([
    table.get(keys.naturalKey(wanted.userId, wanted.userRunId)),
    wanted.idempotencyKey === undefined ? undefined : table.get(keys.idempotencyKey(wanted.userId, wanted.idempotencyKey)),
  ]);
  const key = byKey && decode(StoredRunKey, byKey);
  if (key && (key.expiresAt === undefined || key.expiresAt > epochSeconds(wanted.now))) return key;
  return natural && decode(StoredRunKey, natural);
}

async function accept(table: Table, acceptance: Acceptance): Promise<AcceptOutcome> {
  const chunks = chunked(acceptance.sets);
  const setsBytes = chunks.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
  const run: Run = { ...acceptance.run, chunkStarts: chunks.map(({ start }) => start), setsBytes };
  const chunkActions = chunks.map(({ json }, number): Action => ({ kind: 'put', item: { ...keys.sets(run.id, number), sets: json } }));
  const [only] = chunkActions;
  if (chunkActions.length === 1 && only) return settle(table, acceptance, [...acceptanceActions(acceptance, run), only]);
  const reserved = await settle(table, acceptance, [keyAction(acceptance, false)]);
  if (reserved.kind === 'taken') return reserved;
  await Promise.all(chunkActions.map((action) => table.write(action)));
  return settle(table, acceptance, acceptanceActions(acceptance, run));
}

async function settle(table: Table, acceptance: Acceptance, actions: readonly Action[]): Promise<AcceptOutcome> {
  const { userId, userRunId } = acceptance.run;
  // A transaction may also be refused because another one was under way on the same key: then there is nothing to find yet.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const outcome = await table.transact(actions);
    if (outcome.kind === 'done') return { kind: 'accepted' };
    const { idempotencyKey } = acceptance;
    const now = acceptance.run.createdAt;
    const earlier = await earlierRequest(table, { userId, userRunId, now, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });
    if (earlier && earlier.runId !== acceptance.run.id && !hasLapsed(earlier, acceptance)) return { kind: 'taken', earlier };
  }
  throw new Fault('StoreBusy', 'the run could not be written among other requests under the same key');
}

const hasLapsed = (earlier: EarlierRequest & { readonly reservedAt?: Instant }, { run }: Acceptance): boolean =>
  !earlier.complete && earlier.reservedAt !== undefined && earlier.reservedAt < lapsedBefore(run.createdAt);

const epochSeconds = (at: Instant): number => Math.floor(epochMs(at) / 1000);

const lapsedBefore = (now: Instant): Instant => instant(epochMs(now) - RESERVATION_SECONDS * 1000);

function keyAction({ run, bodyDigest }: Acceptance, complete: boolean): Action {
  return {
    kind: 'put',
    item: { ...keys.naturalKey(run.userId, run.userRunId), runId: run.id, bodyDigest, complete, reservedAt: run.createdAt },
    guard: {
      text: 'attribute_not_exists(pk) OR #runId = :own OR (#complete = :no AND #reservedAt < :lapsed)',
      values: { ':own': run.id, ':no': false, ':lapsed': lapsedBefore(run.createdAt) },
    },
  };
}

function acceptanceActions(acceptance: Acceptance, run: Run): Action[] {
  const { bodyDigest, idempotencyKey } = acceptance;
  const now = epochSeconds(run.createdAt);
  const expiresAt = now + IDEMPOTENCY_KEY_SECONDS;
  return [
    keyAction(acceptance, true),
    { kind: 'put', item: { ...keys.run(run.id), ...run }, guard: ABSENT },
    ...listRows(run),
    ...(idempotencyKey === undefined
      ? []
      : [
          {
            kind: 'put',
            item: {
              ...keys.idempotencyKey(run.userId, idempotencyKey),
              runId: run.id,
              bodyDigest,
              complete: true,
              reservedAt: run.createdAt,
              expiresAt,
            },
            guard: { text: 'attribute_not_exists(pk) OR #expiresAt <= :now', values: { ':now': now } },
          } satisfies Action,
        ]),
  ];
}

interface Chunk {
  readonly start: number;
  readonly json: string;
}

function chunked(all: readonly JsonObject[]): readonly Chunk[] {
  const chunks: { start: number; parts: string[]; bytes: number }[] = [];
  for (const [index, set] of all.entries()) {
    const json = JSON.stringify(set);
    const bytes = Buffer.byteLength(json) + 1;
    const last = chunks.at(-1);
    if (last && last.bytes + bytes <= CHUNK_BYTES) {
      last.parts.push(json);
      last.bytes += bytes;
    } else chunks.push({ start: index, parts: [json], bytes });
  }
  return chunks.map(({ start, parts }) => ({ start, json: `[${parts.join(',')}]` }));
}

async function sets(table: Table, run: Run, from: number, to: number): Promise<readonly JsonObject[]> {
  const wanted = run.chunkStarts.flatMap((start, chunk) => {
    const end = run.chunkStarts[chunk + 1] ?? run.count;
    return start < to && end > from ? [{ start, chunk }] : [];
  });
  const parts = await Promise.all(
    wanted.map(async ({ start, chunk }) => {
      const item = await table.get(keys.sets(run.id, chunk));
      if (!item) throw new Fault('Vanished', `the sets of ${run.id} from index ${start} are gone`);
      return decode(StoredSets, item).sets.slice(Math.max(0, from - start), to - start);
    }),
  );
  return parts.flat();
}
