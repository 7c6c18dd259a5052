/**
 * A clock that stands still until it is told to move. Between two deadlines it lets everything settle that needs no time: promises,
 * and a few turns of the event loop for what comes back from files and sockets.
 *
 * What it gives up: it cannot know of work outside this process's event loop. A reply that takes longer than `SETTLING_TURNS` turns
 * (another process, a thread pool under load) is missed, and time goes on without it; hand in `idle` where there is such work.
 */
import type { HostClock } from './host-clock.ts';

export interface DrivenClock extends HostClock {
  /** Fires what is due on the way, each at its own time, in order. */
  advanceTo(atMs: number): Promise<void>;
  advanceBy(ms: number): Promise<void>;
  /** Lets what needs no time happen, without moving. */
  settle(): Promise<void>;
  /** Moves from deadline to deadline until none is left, or `until` answers true; throws after `mostSteps` deadlines. */
  runUntilIdle(options?: { readonly until?: () => boolean; readonly mostSteps?: number }): Promise<void>;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

const SETTLING_TURNS = 8;
const MOST_STEPS = 100_000;

/** `idle` resolves when work outside the event loop, if there is any, has come back. */
export function drivenClock(startMs: number, idle: () => Promise<void> = () => Promise.resolve()): DrivenClock {
  let now = startMs;
  let order = 0;
  const entries = new Set<Entry>();

  const nearest = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (first === undefined || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    }
    return first;
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < SETTLING_TURNS; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await idle();
    }
  };
  const fire = (entry: Entry): void => {
    entries.delete(entry);
    now = Math.max(now, entry.atMs);
    entry.callback();
  };
  const advanceTo = async (atMs: number): Promise<void> => {
    await settle();
    for (let next = nearest(); next !== undefined && next.atMs <= atMs; next = nearest()) {
      fire(next);
      await settle();
    }
    now = Math.max(now, atMs);
  };
  return {
    nowMs: () => now,
    at(atMs, callback) {
      const entry = { atMs, order: order++, callback };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    settle,
    advanceTo,
    advanceBy: (ms) => advanceTo(now + ms),
    async runUntilIdle({ until = () => false, mostSteps = MOST_STEPS } = {}) {
      await settle();
      for (let steps = 0; !until(); steps++) {
        const next = nearest();
        if (next === undefined) return;
        if (steps >= mostSteps) throw new Error(`There is still something due after ${mostSteps} deadlines.`);
        fire(next);
        await settle();
      }
    },
  };
}
