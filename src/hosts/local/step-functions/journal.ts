/**
 * The journal: facts in, checkpoints out, by group commit. A flush takes everything that was appended since the last one began,
 * packs it into as few documents as fit, and starts as soon as its predecessor has ended: a thousand children that start together
 * cost a handful of writes. Whoever must not act before a fact is durable hands in an effect, which runs after the flush. Where the store
 * refuses a flush for good, the half of it that is at fault is looked for, and halved again: what one execution has is set aside, and the
 * others go on.
 *
 *   journal/<machine>/<name>   000000000001, …  the facts (`journal-documents.ts`)
 *   index/<machine>/<name>     where each execution's events lie in them, once it is closed (`stored-index.ts`)
 */
import type { HostClock } from '#hosts/local/host-clock';
import type { Fact } from './facts.ts';
import { documentSort, journalPartition, type Line, pack, type PlacedFact, unpack } from './journal-documents.ts';
import { addFact, copyOf, emptyIndex, type JournalIndex } from './journal-index.ts';
import { CheckpointRefused, type Checkpoint, type CheckpointKey, type CheckpointStore } from './ports.ts';
import { reasonOf, troubleTelling } from './store-trouble.ts';
import { indexDocuments } from './stored-index.ts';

export interface Journal {
  append(key: string, fact: Fact): void;
  /** Documents beside the facts, in the same flush: before them where recovery finds the execution by it, else after them. */
  put(key: string, checkpoint: Checkpoint, order: 'before' | 'after'): void;
  remove(key: string, document: CheckpointKey): void;
  /** Runs the effect once everything appended so far for this key is durable; never, where the store refuses it. */
  afterDurable(key: string, effect: () => void): void;
  /**
   * Rejects with `NotDurable` where the store goes on taking nothing, where it refuses what this key has, or where the journal is closed
   * before everything is taken. Without a key: everything but what is refused.
   */
  durable(key?: string): Promise<void>;
  /** Reads a journal that is to be continued. */
  reopen(key: string): Promise<readonly Fact[]>;
  /** Of an open journal, what is durable of it; undefined of any other. */
  indexOf(key: string): JournalIndex | undefined;
  /** The last fact of this key is appended: its index is written behind it, in the same flush. */
  seal(key: string): void;
  /** No more facts will come for this key. */
  forget(key: string): void;
  close(): Promise<void>;
}

/** A journal that is no longer than this is read whole, so that most executions cost no document more. */
const LONGEST_UNINDEXED_BYTES = 64_000;
const RETRY_AFTER_MS = 200;
/** How long a caller waits for a store that takes nothing, a full disk's: less than what callers of callers wait for an answer. */
const PATIENCE_MS = 3_000;

/** What was to be kept is not yet, and may never be. It stands first in line for when the store takes it. */
export class NotDurable extends Error {
  override readonly name = 'NotDurable';
  /** Nothing more is written by this process. */
  readonly isFinal: boolean;

  /** `why`: in the store's words. */
  constructor(isFinal: boolean, why = '') {
    super(isFinal ? 'the local host is stopping' : `the store does not take what is to be kept${why && `: ${why}`}`);
    this.isFinal = isFinal;
  }
}

export interface JournalTelling {
  /** Takes a line for whoever looks after the host. */
  readonly tell: (line: string) => void;
  /** What this key has is refused, and nothing of it since its last flush is kept. Facts may be appended that end it. */
  readonly onRefused: (key: string, why: string) => void;
}

/** Somebody who must not act before everything up to here is durable. */
interface Waiter {
  readonly sinceMs: number;
  readonly giveUp: (reason: NotDurable) => void;
}

interface Effect {
  readonly run: () => void;
  readonly refused?: (reason: NotDurable) => void;
}

/** What is gathered for one key. */
interface Group {
  readonly key: string;
  readonly lines: Line[];
  sealed: boolean;
  readonly before: Checkpoint[];
  readonly after: Checkpoint[];
  readonly removals: CheckpointKey[];
  readonly effects: Effect[];
}

/** By key, in the order in which they came. */
type Batch = Map<string, Group>;

/** The group of whoever waits for all of them. */
const ALL = '';

/** What is written of one journal. */
interface Written {
  documents: number;
  bytes: number;
  readonly index: JournalIndex;
}

interface Prepared {
  readonly group: Group;
  readonly documents: readonly Checkpoint[];
  /** To be called when the documents are durable. */
  readonly indexed: () => void;
}

interface Refused extends Prepared {
  readonly why: string;
}

const emptyGroup = (key: string): Group => ({ key, lines: [], sealed: false, before: [], after: [], removals: [], effects: [] });

/** Written to learn whether the store takes anything at all. */
const TRIAL: Checkpoint = { partition: 'trial', sort: 'trial', body: '{}' };

export function createJournal(store: CheckpointStore, clock: HostClock, { tell, onRefused }: JournalTelling): Journal {
  let batch: Batch = new Map();
  let flushing: Promise<void> | undefined;
  let closing = false;
  let closed = false;
  const written = new Map<string, Written>();
  const waiters = new Set<Waiter>();
  const giveUp = (isFinal: boolean, why?: string): void => {
    for (const waiter of waiters) {
      if (!isFinal && clock.nowMs() - waiter.sinceMs < PATIENCE_MS) continue;
      waiters.delete(waiter);
      waiter.giveUp(new NotDurable(isFinal, why));
    }
  };
  const trouble = troubleTelling(tell);
  const groupOf = (key: string): Group => {
    const group = batch.get(key) ?? emptyGroup(key);
    batch.set(key, group);
    return group;
  };

  const writtenOf = (key: string): Written => {
    const known = written.get(key) ?? { documents: 0, bytes: 0, index: emptyIndex() };
    written.set(key, known);
    return known;
  };
  const prepare = (group: Group): Prepared => {
    const { key, lines, sealed, before, after } = group;
    if (lines.length === 0 && !sealed) return { group, documents: [...before, ...after], indexed: () => undefined };
    const known = writtenOf(key);
    const documents: Checkpoint[] = [];
    const placed: PlacedFact[] = [];
    for (const { body, bytes, facts } of pack(lines)) {
      const document = ++known.documents;
      known.bytes += bytes;
      documents.push({ partition: journalPartition(key), sort: documentSort(document), body });
      for (const fact of facts) placed.push({ fact, document });
    }
    if (sealed && known.bytes > LONGEST_UNINDEXED_BYTES) documents.push(...indexDocuments(key, extended(copyOf(known.index), placed)));
    // The index grows once the documents are durable, so that nobody is led to one that is not there. The stored one comes with them.
    return { group, documents: [...before, ...documents, ...after], indexed: () => void extended(known.index, placed) };
  };
  /** Answers what is refused; rejects where the store takes nothing just now. */
  const write = async (prepared: readonly Prepared[]): Promise<readonly Refused[]> => {
    const documents = prepared.flatMap((each) => each.documents);
    const removals = prepared.flatMap(({ group }) => group.removals);
    if (documents.length === 0 && removals.length === 0) return [];
    try {
      await store.write(documents, removals);
      return [];
    } catch (error) {
      if (!(error instanceof CheckpointRefused)) throw error;
      const [only, ...others] = prepared;
      if (only === undefined) return [];
      if (others.length > 0) {
        const half = Math.ceil(prepared.length / 2);
        return [...(await write(prepared.slice(0, half))), ...(await write(prepared.slice(half)))];
      }
      // A store that refuses everything, another table than ours, is no fault of this execution's.
      await store.write([TRIAL], []);
      return [{ ...only, why: reasonOf(error) }];
    }
  };
  /** A store that does not answer stops the host's executions and nothing else: what is prepared is written when it is back. */
  const writeUntilDone = async (prepared: readonly Prepared[]): Promise<readonly Refused[] | undefined> => {
    for (;;) {
      if (closed) return undefined;
      try {
        const refused = await write(prepared);
        trouble.over();
        return refused;
      } catch (error) {
        if (closing) return undefined;
        const why = reasonOf(error);
        trouble.met(why);
        giveUp(false, why);
        await new Promise<void>((resolve) => clock.at(clock.nowMs() + RETRY_AFTER_MS, resolve));
      }
    }
  };
  /** What has come for it meanwhile would leave a gap before it: it is dropped likewise. */
  const setAside = ({ group, why }: Refused): void => {
    const { key } = group;
    tell(`The store refuses what execution ${key} is to keep, for good: ${why}. The execution ends as FAILED; the others go on.`);
    const dropped = [...group.effects, ...(batch.get(key)?.effects ?? [])];
    batch.delete(key);
    for (const { refused } of dropped) refused?.(new NotDurable(false, why));
    onRefused(key, why);
  };
  const flushAll = async (): Promise<void> => {
    // One turn of the event loop gathers what a burst of calls or of returning invocations appends.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (batch.size > 0 && !closed) {
      const prepared = [...batch.values()].map(prepare);
      batch = new Map();
      const refused = await writeUntilDone(prepared);
      if (refused === undefined) break;
      const isRefused = new Set(refused.map(({ group }) => group));
      const kept = prepared.filter(({ group }) => !isRefused.has(group));
      for (const { indexed } of kept) indexed();
      for (const { group } of kept) if (group.key !== ALL) for (const { run } of group.effects) run();
      for (const each of refused) setAside(each);
      for (const { group } of kept) if (group.key === ALL) for (const { run } of group.effects) run();
    }
    flushing = undefined;
  };
  const wake = (): void => {
    if (!closed) flushing ??= flushAll();
  };
  const addEffect = (key: string, effect: Effect): void => {
    groupOf(key).effects.push(effect);
    wake();
  };
  const durable = (key = ALL): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const waiter = { sinceMs: clock.nowMs(), giveUp: reject };
      waiters.add(waiter);
      const refused = (reason: NotDurable): void => {
        waiters.delete(waiter);
        reject(reason);
      };
      const run = (): void => {
        waiters.delete(waiter);
        resolve();
      };
      addEffect(key, { run, refused });
      if (closed) giveUp(true);
    });
  return {
    append(key, fact) {
      groupOf(key).lines.push({ text: JSON.stringify(fact), fact });
      wake();
    },
    put(key, checkpoint, order) {
      groupOf(key)[order].push(checkpoint);
      wake();
    },
    remove(key, document) {
      groupOf(key).removals.push(document);
      wake();
    },
    afterDurable(key, run) {
      addEffect(key, { run });
    },
    durable,
    async reopen(key) {
      const documents = await store.read(journalPartition(key));
      const placed = unpack(documents);
      const bytes = documents.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
      written.set(key, { documents: documents.length, bytes, index: extended(emptyIndex(), placed) });
      return placed.map(({ fact }) => fact);
    },
    indexOf: (key) => written.get(key)?.index,
    seal(key) {
      groupOf(key).sealed = true;
      wake();
    },
    forget: (key) => void written.delete(key),
    async close() {
      closing = true;
      wake();
      await flushing;
      closed = true;
      // Nobody runs their effects any more, and functions that wait for them are waited for.
      giveUp(true);
    },
  };
}

function extended(index: JournalIndex, placed: readonly PlacedFact[]): JournalIndex {
  for (const { fact, document } of placed) addFact(index, fact, document);
  return index;
}
