/**
 * Lets Control Hub rest: after a 429 or 503 for as long as it asked, after failures in a row for a jittered moment that grows. Calls
 * that come meanwhile are not sent. When a rest that failures brought about is over one call goes ahead and tells whether it is well;
 * the others go on resting until that one is answered.
 */

export interface Rest {
  /** Milliseconds for which nothing is to be sent; 0: go ahead, and tell what came of it. */
  leftMs(): number;
  /** It answered, whatever it said. */
  answered(): void;
  /** It did not answer, or with a 5xx. */
  failed(why: string): void;
  /** What brought the rest about, in words. */
  readonly why: string;
  /** It asked to be left alone. */
  asked(forMs: number, why: string): void;
}

/** Failures in a row until it is taken to be down: one dropped connection is no outage. */
const FAILURES = 3;
const FIRST_MS = 1000;
/** Below the shortest time after which a tick that failed is tried again, so that no tick finds only the rest of the one before. */
const MOST_MS = 10_000;
/** As long as a call may take: whoever went ahead is back by then. */
const PROBE_MS = 30_000;

export function rest({ nowMs, random }: { readonly nowMs: () => number; readonly random: () => number }): Rest {
  let untilMs = 0;
  let failures = 0;
  let because = '';
  const extend = (ms: number): void => {
    untilMs = Math.max(untilMs, nowMs() + ms);
  };
  return {
    leftMs() {
      const left = untilMs - nowMs();
      if (left > 0) return left;
      if (failures >= FAILURES) extend(PROBE_MS);
      return 0;
    },
    answered() {
      if (failures >= FAILURES) untilMs = 0;
      failures = 0;
    },
    failed(why) {
      because = why;
      failures += 1;
      if (failures < FAILURES) return;
      const grown = Math.min(MOST_MS, FIRST_MS * 2 ** (failures - FAILURES));
      untilMs = nowMs() + grown * (0.5 + 0.5 * random());
    },
    asked(forMs, why) {
      because = why;
      extend(forMs);
    },
    get why() {
      return because;
    },
  };
}
