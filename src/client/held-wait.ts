/**
 * Waiting for something's end: the service holds its answer back until it is there, so the end is seen at once and few calls
 * are made. A held answer that does not come (a proxy, a laptop lid, a restart of the service) does no harm: it is looked at
 * at a pace of our own, and held on to again.
 */
import { ApiError, ServiceUnreachable, UnexpectedAnswer } from './errors.ts';
import type { Pace } from './pace.ts';

export interface Looks<Seen> {
  /** As it stands now. */
  readonly look: () => Promise<Seen>;
  /** As it stands when it has ended or when the seconds are over. Not repeated: what a call holds on to is over with the call. */
  readonly held: (seconds: number) => Promise<Seen>;
  readonly hasEnded: (seen: Seen) => boolean;
}

export interface WaitOptions<Seen> {
  /** Without it the wait has no limit. */
  readonly timeoutSeconds?: number;
  /** Told of the first look and of every look that differs from the one before. */
  readonly onChange?: (seen: Seen) => void;
}

/** Of what the service allows, so much that its answer is well within what a gateway allows. */
const HELD_SECONDS = 20;
/** For somebody who looks on: what is held back is not seen. */
const HELD_WHILE_TOLD_SECONDS = 2;

/** Milliseconds of each second: clocks do not agree to the last one. */
const HELD_AT_LEAST = 900;

/** How long nobody need answer: a service that is restarted is back before. */
const PATIENCE_MS = 30_000;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
const GROWTH = 1.5;

/** As it stood at the last look: at its end, unless the time was up before. */
export async function waitForEnd<Seen>(
  { look, held, hasEnded }: Looks<Seen>,
  pace: Pace,
  options: WaitOptions<Seen> = {},
): Promise<{ readonly ended: boolean; readonly seen: Seen }> {
  const endsMs = pace.nowMs() + (options.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const longest = options.onChange === undefined ? HELD_SECONDS : HELD_WHILE_TOLD_SECONDS;
  let told = '';
  let pauseMs = FIRST_PAUSE_MS;
  let seen = await look();
  let answeredMs = pace.nowMs();
  for (;;) {
    const text = JSON.stringify(seen);
    if (text !== told) options.onChange?.(seen);
    told = text;
    if (hasEnded(seen)) return { ended: true, seen };
    const askedMs = pace.nowMs();
    const leftMs = endsMs - askedMs;
    if (leftMs <= 0) return { ended: false, seen };
    const seconds = Math.min(longest, Math.floor(leftMs / 1000));
    let answer = seconds === 0 ? undefined : await unlessSilent(() => held(seconds), Number.POSITIVE_INFINITY);
    if (answer !== undefined && (hasEnded(answer) || pace.nowMs() - askedMs >= seconds * HELD_AT_LEAST)) {
      [seen, pauseMs, answeredMs] = [answer, FIRST_PAUSE_MS, pace.nowMs()];
      continue;
    }
    // No answer, or one that was not held back: whoever gives it would be asked without end.
    await pace.wait(Math.max(0, Math.min(pauseMs, endsMs - pace.nowMs())));
    pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS);
    answer ??= await unlessSilent(look, answeredMs + PATIENCE_MS - pace.nowMs());
    if (answer !== undefined) [seen, answeredMs] = [answer, pace.nowMs()];
  }
}

/** Undefined where no answer came and there is patience left; what the service refuses is thrown. */
async function unlessSilent<Seen>(ask: () => Promise<Seen>, patienceMs: number): Promise<Seen | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (patienceMs > 0 && isSilence(error)) return undefined;
    throw error;
  }
}

/** Nobody is there, something between is, or the service has no time: all of that passes. */
function isSilence(error: unknown): boolean {
  if (error instanceof ServiceUnreachable) return true;
  const isAnswer = error instanceof ApiError || error instanceof UnexpectedAnswer;
  return isAnswer && PASSING.includes(error.status);
}

const PASSING: readonly number[] = [429, 502, 503, 504];
