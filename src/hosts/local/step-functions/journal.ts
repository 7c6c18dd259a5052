/**
 * The journal: facts in, checkpoints out, by group commit. A flush takes everything that was appended since the last one began,
 * packs it into as few documents as fit, and starts as soon as its predecessor has ended: a thousand children that start together
 * cost a handful of writes. Whoever must not act before a fact is durable hands in an effect, which runs after the flush.
 *
 *   journal/<machine>/<name>   000000000001, …  the facts (`journal-documents.ts`)
 *   index/<machine>/<name>     where each execution's events lie in them, once it is closed (`stored-index.ts`)
 */
import type { HostClock } from '#hosts/local/host-clock';
import type { Fact } from './facts.ts';
import { documentSort, journalPartition, type Line, pack, type PlacedFact, unpack } from './journal-documents.ts';
import { addFact, copyOf, emptyIndex, type JournalIndex } from './journal-index.ts';
import type { Checkpoint, CheckpointKey, CheckpointStore } from './ports.ts';
import { indexDocuments } from './stored-index.ts';

export interface Journal {
  append(key: string, fact: Fact): void;
  /** Documents beside the facts, in the same flush: before them where recovery finds the execution by it, else after them. */
  put(checkpoint: Checkpoint, order: 'before' | 'after'): void;
  remove(key: CheckpointKey): void;
  /** Runs the effect once everything appended so far is durable. */
  afterDurable(effect: () => void): void;
  /** Rejects with `NotDurable` where the store goes on refusing, or where the journal is closed before it has taken everything. */
  durable(): Promise<void>;
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

  constructor(isFinal: boolean) {
    super(isFinal ? 'the local host is stopping' : 'the store does not take what is to be kept');
    this.isFinal = isFinal;
  }
}

/** Somebody who must not act before everything up to here is durable. */
interface Waiter {
  readonly sinceMs: number;
  readonly giveUp: (reason: NotDurable) => void;
}

interface Batch {
  readonly lines: Map<string, Line[]>;
  readonly sealed: Set<string>;
  readonly before: Checkpoint[];
  readonly after: Checkpoint[];
  readonly removals: CheckpointKey[];
  readonly effects: (() => void)[];
}

/** What is written of one journal. */
interface Written {
  documents: number;
  bytes: number;
  readonly index: JournalIndex;
}

interface Prepared {
  readonly documents: readonly Checkpoint[];
  /** To be called when the documents are durable. */
  readonly indexed: readonly (() => void)[];
}

const emptyBatch = (): Batch => ({ lines: new Map(), sealed: new Set(), before: [], after: [], removals: [], effects: [] });

export function createJournal(store: CheckpointStore, clock: HostClock): Journal {
  let batch = emptyBatch();
  let flushing: Promise<void> | undefined;
  let closing = false;
  let closed = false;
  const written = new Map<string, Written>();
  const waiters = new Set<Waiter>();
  const giveUp = (isFinal: boolean): void => {
    for (const waiter of waiters) {
      if (!isFinal && clock.nowMs() - waiter.sinceMs < PATIENCE_MS) continue;
      waiters.delete(waiter);
      waiter.giveUp(new NotDurable(isFinal));
    }
  };

  const writtenOf = (key: string): Written => {
    const known = written.get(key) ?? { documents: 0, bytes: 0, index: emptyIndex() };
    written.set(key, known);
    return known;
  };
  const prepare = ({ lines, sealed, before, after }: Batch): Prepared => {
    const documents: Checkpoint[] = [];
    const indexed: (() => void)[] = [];
    for (const key of new Set([...lines.keys(), ...sealed])) {
      const known = writtenOf(key);
      const placed: PlacedFact[] = [];
      for (const { body, bytes, facts } of pack(lines.get(key) ?? [])) {
        const document = ++known.documents;
        known.bytes += bytes;
        documents.push({ partition: journalPartition(key), sort: documentSort(document), body });
        for (const fact of facts) placed.push({ fact, document });
      }
      // The index grows once the documents are durable, so that nobody is led to one that is not there. The stored one comes with them.
      indexed.push(() => void extended(known.index, placed));
      if (sealed.has(key) && known.bytes > LONGEST_UNINDEXED_BYTES)
        documents.push(...indexDocuments(key, extended(copyOf(known.index), placed)));
    }
    return { documents: [...before, ...documents, ...after], indexed };
  };
  /** A store that does not answer stops the host's executions and nothing else: what is prepared is written when it is back. */
  const writeUntilDone = async (documents: readonly Checkpoint[], removals: readonly CheckpointKey[]): Promise<boolean> => {
    for (;;) {
      if (closed) return false;
      try {
        await store.write(documents, removals);
        return true;
      } catch {
        if (closing) return false;
        giveUp(false);
        await new Promise<void>((resolve) => clock.at(clock.nowMs() + RETRY_AFTER_MS, resolve));
      }
    }
  };
  const flushAll = async (): Promise<void> => {
    // One turn of the event loop gathers what a burst of calls or of returning invocations appends.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (!isEmpty(batch) && !closed) {
      const current = batch;
      batch = emptyBatch();
      const { documents, indexed } = prepare(current);
      const idle = documents.length === 0 && current.removals.length === 0;
      if (!idle && !(await writeUntilDone(documents, current.removals))) break;
      for (const index of indexed) index();
      for (const effect of current.effects) effect();
    }
    flushing = undefined;
  };
  const wake = (): void => {
    if (!closed) flushing ??= flushAll();
  };
  const afterDurable = (effect: () => void): void => {
    batch.effects.push(effect);
    wake();
  };
  const durable = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const waiter = { sinceMs: clock.nowMs(), giveUp: reject };
      waiters.add(waiter);
      afterDurable(() => {
        waiters.delete(waiter);
        resolve();
      });
      if (closed) giveUp(true);
    });
  return {
    append(key, fact) {
      const line = { text: JSON.stringify(fact), fact };
      const lines = batch.lines.get(key);
      if (lines === undefined) batch.lines.set(key, [line]);
      else lines.push(line);
      wake();
    },
    put(checkpoint, order) {
      batch[order].push(checkpoint);
      wake();
    },
    remove(key) {
      batch.removals.push(key);
      wake();
    },
    afterDurable,
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
      batch.sealed.add(key);
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

function isEmpty({ lines, sealed, before, after, removals, effects }: Batch): boolean {
  return (
    lines.size === 0 && sealed.size === 0 && before.length === 0 && after.length === 0 && removals.length === 0 && effects.length === 0
  );
}
