import type { Checkpoint, CheckpointKey, CheckpointStore } from '#hosts/local/step-functions/ports';

/** What the port allows. */
const LARGEST_BODY_BYTES = 350_000;

export interface MemoryCheckpoints extends CheckpointStore {
  readonly writes: { readonly count: number; readonly documents: number };
  /** What was read since the counts were last set to 0. */
  readonly reads: { count: number; documents: number; characters: number };
  /**
   * At the given write (the first is 1) the process is gone: nobody is answered any more. Of the dying write, that many documents are
   * still written, which is what a flush of more than one transaction may leave.
   */
  dieAt(write: number, lastDocuments?: number): void;
  /** The same documents for the next process. */
  reborn(): MemoryCheckpoints;
}

/** Refuses what the real one refuses. */
export function memoryCheckpoints(partitions = new Map<string, Map<string, string>>()): MemoryCheckpoints {
  const writes = { count: 0, documents: 0 };
  let dying = { write: Infinity, documents: 0 };
  const reads = { count: 0, documents: 0, characters: 0 };
  const sorted = (partition: string, wanted: (sort: string) => boolean): readonly Checkpoint[] =>
    [...(partitions.get(partition) ?? new Map<string, string>())]
      .filter(([sort]) => wanted(sort))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([sort, body]) => ({ partition, sort, body }));
  const counted = (found: readonly Checkpoint[]): Promise<readonly Checkpoint[]> => {
    reads.count += 1;
    reads.documents += found.length;
    reads.characters += found.reduce((sum, { body }) => sum + body.length, 0);
    return Promise.resolve(found);
  };
  /** As DynamoDB does: the whole write, whatever else is in it, and again whenever it is tried again. */
  const check = (puts: readonly Checkpoint[]): void => {
    for (const { partition, sort, body } of puts) {
      if (Buffer.byteLength(body) > LARGEST_BODY_BYTES) throw new Error(`${partition} ${sort} has more than ${LARGEST_BODY_BYTES} bytes`);
      if (!body.isWellFormed()) throw new Error(`${partition} ${sort} holds half a character`);
    }
  };
  const apply = (puts: readonly Checkpoint[], deletes: readonly CheckpointKey[]): void => {
    for (const { partition, sort, body } of puts) {
      const documents = partitions.get(partition) ?? new Map<string, string>();
      partitions.set(partition, documents.set(sort, body));
    }
    for (const { partition, sort } of deletes) partitions.get(partition)?.delete(sort);
  };
  return {
    writes,
    reads,
    write(puts, deletes) {
      check(puts);
      writes.count += 1;
      if (writes.count === dying.write) apply(puts.slice(0, dying.documents), deletes.slice(0, Math.max(0, dying.documents - puts.length)));
      if (writes.count >= dying.write) return new Promise(() => undefined);
      writes.documents += puts.length + deletes.length;
      apply(puts, deletes);
      return Promise.resolve();
    },
    read: (partition, sortPrefix = '') => counted(sorted(partition, (sort) => sort.startsWith(sortPrefix))),
    between(partition, { from, to, latestFirst = false, most = Infinity }) {
      const found = sorted(partition, (sort) => sort >= from && sort <= to);
      return counted((latestFirst ? found.toReversed() : found).slice(0, most));
    },
    dieAt(write, documents = 0) {
      dying = { write, documents };
    },
    reborn: () => memoryCheckpoints(partitions),
  };
}
