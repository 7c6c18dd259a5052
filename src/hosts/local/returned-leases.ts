/**
 * The leases of ticks (ports.ts, `takeTick`) that ended while the database was away, and could not give theirs back: nobody else may look
 * at these runs until the lease is over, minutes later. Here, where who holds it is known to have given up, it is given back as soon as
 * the database takes it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunId } from '#domain/ids';
import type { RunStore, TickLease } from '#operations/ports';

const AGAIN_MS = 500;

export interface ReturnedLeases {
  /** In the place of the store that was given. */
  readonly runs: RunStore;
  close(): void;
}

/** @param onReturned the run may be looked at again */
export function returnedLeases(store: RunStore, onReturned: (id: RunId) => void): ReturnedLeases {
  const closing = new AbortController();
  const waiting = new Set<string>();
  const giveBack = async (id: RunId, lease: TickLease): Promise<void> => {
    if (waiting.has(lease.owner)) return;
    waiting.add(lease.owner);
    for (let left = false; !left && !closing.signal.aborted;) {
      await pause(AGAIN_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      left = await store.releaseTick(id, lease, undefined).then(
        (released) => released === 'released',
        () => false,
      );
    }
    waiting.delete(lease.owner);
    if (!closing.signal.aborted) onReturned(id);
  };
  const returned = async <Result>(id: RunId, lease: TickLease, call: Promise<Result>): Promise<Result> => {
    try {
      return await call;
    } catch (fault) {
      // Whatever was asked may have been done all the same: its answer is lost.
      void giveBack(id, lease);
      throw fault;
    }
  };
  return {
    runs: {
      ...store,
      takeTick: (id, lease) => returned(id, lease, store.takeTick(id, lease)),
      releaseTick: (id, lease, seen) => returned(id, lease, store.releaseTick(id, lease, seen)),
    },
    close() {
      closing.abort();
    },
  };
}
