/**
 * An engine's push turned into ticks. A push only says "look now": the tick reads the truth. At most one tick of a run is
 * under way from here, and one more follows for whatever was pushed meanwhile. A tick that took long is followed by a rest,
 * so that a large run whose jobs end one by one does not spend all its time on looking.
 */
import type { RunId } from '#domain/ids';
import type { HostClock } from './host-clock.ts';

export interface Nudges {
  nudge(id: RunId): void;
  /** Ends the rests, and resolves when no tick from here is under way. */
  close(): Promise<void>;
}

const SHORT_TICK_MS = 400;

export function nudges(clock: HostClock, tickRun: (id: RunId) => Promise<unknown>): Nudges {
  const again = new Map<RunId, boolean>();
  const underWay = new Set<Promise<void>>();
  const resting = new Set<() => void>();
  let closed = false;
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        resting.delete(end);
        resolve();
      };
      const cancel = clock.at(clock.nowMs() + ms, end);
      resting.add(end);
    });
  const go = async (id: RunId): Promise<void> => {
    do {
      again.set(id, false);
      const from = clock.nowMs();
      // The watch loop is the safety net: a nudge that fails costs time, nothing else.
      await tickRun(id).catch(() => undefined);
      const tookMs = clock.nowMs() - from;
      if (!closed && tookMs > SHORT_TICK_MS) await rest(tookMs - SHORT_TICK_MS);
    } while (again.get(id) === true && !closed);
    again.delete(id);
  };
  return {
    nudge(id) {
      if (closed) return;
      if (again.has(id)) {
        again.set(id, true);
        return;
      }
      const work = go(id).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    async close() {
      closed = true;
      for (const end of resting) end();
      await Promise.all(underWay);
    },
  };
}
