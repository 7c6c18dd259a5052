/**
 * An engine's push turned into ticks. A push only says "look now": the tick reads the truth. At most one tick of a run is
 * under way from here, and one more follows for whatever was pushed meanwhile.
 */
import type { RunId } from '#domain/ids';

export function nudges(tickRun: (id: RunId) => Promise<unknown>): { nudge(id: RunId): void; idle(): Promise<void> } {
  const again = new Map<RunId, boolean>();
  const underWay = new Set<Promise<void>>();
  const go = async (id: RunId): Promise<void> => {
    do {
      again.set(id, false);
      // The watch loop is the safety net: a nudge that fails costs time, nothing else.
      await tickRun(id).catch(() => undefined);
    } while (again.get(id) === true);
    again.delete(id);
  };
  return {
    nudge(id) {
      if (again.has(id)) {
        again.set(id, true);
        return;
      }
      const work = go(id).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}
