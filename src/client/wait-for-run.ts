/** Waiting for a run by looking at it: nothing is held open, so a proxy, a laptop lid or a restart of the service does no harm. */
import type { RunView } from '#contract/views';
import type { Pace } from './pace.ts';

export interface WaitOptions {
  /** Without it the wait has no limit; the run has one, its template's. */
  readonly timeoutSeconds?: number;
  /** Told of the first look and of every look that differs from the one before. */
  readonly onChange?: (run: RunView) => void;
}

/** `timed-out` says that the wait is over, not the run. */
export type WaitOutcome = { readonly kind: 'ended'; readonly run: RunView } | { readonly kind: 'timed-out'; readonly run: RunView };

const FIRST_PAUSE_MS = 100;
/** The end is seen at most this much later, which is half of the two seconds that are promised. */
const LONGEST_PAUSE_MS = 1000;
const GROWTH = 1.5;

export async function waitForEnd(look: () => Promise<RunView>, pace: Pace, options: WaitOptions = {}): Promise<WaitOutcome> {
  const endsMs = pace.nowMs() + (options.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  let told = '';
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS)) {
    const run = await look();
    const seen = JSON.stringify(run);
    if (seen !== told) options.onChange?.(run);
    told = seen;
    if (hasEnded(run)) return { kind: 'ended', run };
    const leftMs = endsMs - pace.nowMs();
    if (leftMs <= 0) return { kind: 'timed-out', run };
    await pace.wait(Math.min(pauseMs, leftMs));
  }
}

/** Whether every job of the run is settled. A retry can open it again. */
export function hasEnded({ state }: Pick<RunView, 'state'>): boolean {
  switch (state) {
    case 'ACCEPTED':
    case 'RUNNING':
    case 'CANCELLING':
      return false;
    case 'SUCCEEDED':
    case 'PARTIAL':
    case 'FAILED':
    case 'CANCELLED':
      return true;
  }
}
