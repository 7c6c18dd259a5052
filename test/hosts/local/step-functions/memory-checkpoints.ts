import type { Checkpoint, CheckpointKey, CheckpointStore } from '#hosts/local/step-functions/ports';

export interface MemoryCheckpoints extends CheckpointStore {
  readonly writes: { readonly count: number; readonly documents: number };
  /** From the given write on (the first is 1), nothing is written any more and nobody is answered: the process is gone. */
  dieAt(write: number): void;
  /** The same documents for the next process. */
  reborn(): MemoryCheckpoints;
}

export function memoryCheckpoints(partitions = new Map<string, Map<string, string>>()): MemoryCheckpoints {
  const writes = { count: 0, documents: 0 };
  let lastWrite = Infinity;
  const apply = (puts: readonly Checkpoint[], deletes: readonly CheckpointKey[]): void => {
    for (const { partition, sort, body } of puts) {
      const documents = partitions.get(partition) ?? new Map<string, string>();
      partitions.set(partition, documents.set(sort, body));
    }
    for (const { partition, sort } of deletes) partitions.get(partition)?.delete(sort);
  };
  return {
    writes,
    write(puts, deletes) {
      writes.count += 1;
      if (writes.count >= lastWrite) return new Promise(() => undefined);
      writes.documents += puts.length + deletes.length;
      apply(puts, deletes);
      return Promise.resolve();
    },
    read(partition, sortPrefix = '') {
      const documents = [...(partitions.get(partition) ?? new Map<string, string>())].filter(([sort]) => sort.startsWith(sortPrefix));
      return Promise.resolve(
        documents.sort(([left], [right]) => (left < right ? -1 : 1)).map(([sort, body]) => ({ partition, sort, body })),
      );
    },
    dieAt(write) {
      lastWrite = write;
    },
    reborn: () => memoryCheckpoints(partitions),
  };
}
