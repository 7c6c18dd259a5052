/**
 * Time on the local host: what the clock says, and being called back when it says so. The system's clock follows the wall;
 * a driven clock stands still until it is told to move, which is how a four-hour run takes two seconds in a test.
 */
export interface HostClock {
  nowMs(): number;
  /** Calls back once, at `atMs` or as soon as possible after it. Returns what cancels it. */
  at(atMs: number, callback: () => void): () => void;
}

/** Node's timers hold 31 bits of milliseconds; a longer wait is taken in steps. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function systemClock(): HostClock {
  return {
    nowMs: () => Date.now(),
    at(atMs, callback) {
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        const remaining = atMs - Date.now();
        timer = setTimeout(remaining > LONGEST_TIMER_MS ? arm : callback, Math.min(Math.max(remaining, 0), LONGEST_TIMER_MS));
      };
      arm();
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
