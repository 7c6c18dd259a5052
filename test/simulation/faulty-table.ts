/** The table as one process reaches it: every request waits for its turn, may fail before or after its effect, and is seen. */
import type { Action, Check, QueryRequest, Table, Unguarded, WriteOutcome } from '#adapters/dynamodb/table';
import type { Faults } from './faults.ts';
import type { Process } from './processes.ts';

type Actions = readonly (Action | Check)[];

export interface SharedTable {
  readonly table: Table;
  readonly faults: Faults;
  readonly nowMs: () => number;
  /** Told of all that was written. */
  readonly committed: (actions: Actions) => void;
  /** When rows of lists were written last. */
  readonly written: Map<string, number>;
}

export function faultyTable(process: Process, shared: SharedTable): Table {
  const transact = async (actions: Actions): Promise<WriteOutcome> => {
    const outcome = await shared.table.transact(actions);
    if (outcome.kind === 'refused') return outcome;
    for (const action of actions) if (action.kind === 'put') shared.written.set(textOf(action.item), shared.nowMs());
    shared.committed(actions);
    return outcome;
  };
  const write = (action: Action): Promise<WriteOutcome> =>
    process.call<WriteOutcome>({
      kind: 'write',
      what: () => `write ${actionText(action)}`,
      effect: () => transact([action]),
      unavailable: 'StoreBusy',
      // Nothing refuses an unguarded write, however often it is repeated.
      beaten: () => ({ kind: action.guard ? 'refused' : 'done' }),
    });
  const writeBatch = (writes: readonly Unguarded[]): Promise<void> =>
    process.call({
      kind: 'batch',
      what: () => `write all ${writes.map(actionText).join(', ')}`,
      effect: async () => {
        await shared.table.writeAll(writes);
        shared.committed(writes);
      },
      unavailable: 'StoreBusy',
    });
  const query = (request: QueryRequest): ReturnType<Table['query']> =>
    process.call({
      kind: 'read',
      what: () => `query ${request.pk} ${request.prefix ?? request.from ?? ''}`,
      effect: () => queried(shared, request),
      unavailable: 'StoreBusy',
    });
  return {
    write,
    query,
    async writeAll(writes) {
      const batches = Array.from({ length: Math.ceil(writes.length / BATCH) }, (_, number) =>
        writes.slice(number * BATCH, (number + 1) * BATCH),
      );
      await Promise.all(batches.map(writeBatch));
    },
    queryAll: async (request) => (await query(request)).items,
    get: (key) =>
      process.call({ kind: 'read', what: () => `get ${key.pk} ${key.sk}`, effect: () => shared.table.get(key), unavailable: 'StoreBusy' }),
    transact(actions) {
      const [only] = actions;
      if (actions.length === 1 && only && only.kind !== 'check') return write(only);
      return process.call<WriteOutcome>({
        kind: 'transaction',
        what: () => `transact ${actions.map(actionText).join(', ')}`,
        effect: () => transact(actions),
        unavailable: 'StoreBusy',
        beaten: () => ({ kind: 'refused' }),
      });
    },
  };
}

/** A few at a time, so that it comes to be done in part. */
const BATCH = 5;

const STALE_MS = 2_000;

/** A read that is not asked to be consistent may not see what was written just now. */
async function queried({ table, faults, nowMs, written }: SharedTable, request: QueryRequest): ReturnType<Table['query']> {
  const page = await table.query(request);
  if (request.consistent === true || !faults.happens('stale-read')) return page;
  return { ...page, items: page.items.filter((item) => nowMs() - (written.get(textOf(item)) ?? 0) >= STALE_MS) };
}

const textOf = ({ pk, sk }: { readonly pk: string; readonly sk: string }): string => `${pk} ${sk}`;
const actionText = (action: Action | Check): string => `${action.kind} ${textOf(action.kind === 'put' ? action.item : action.key)}`;
