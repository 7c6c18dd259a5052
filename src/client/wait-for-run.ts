/**
 * Waiting for a run: the service holds its answer back until the run has ended, so the end is seen at once and few calls are
 * made. A held answer that does not come (a proxy, a laptop lid, a restart of the service) does no harm: the run is looked at
 * at a pace of our own, and held on to again.
 */
import { RunView } from '#contract/views';
import { ApiError, ServiceUnreachable, UnexpectedAnswer } from './errors.ts';
import type { Pace } from './pace.ts';
import { query } from './pages.ts';
import { part, type Transport } from './transport.ts';

export interface WaitOptions {
  /** Without it the wait has no limit; the run has one, its template's. */
  readonly timeoutSeconds?: number;
  /** Told of the first look and of every look that differs from the one before. */
  readonly onChange?: (run: RunView) => void;
}

/** `timed-out` says that the wait is over, not the run. */
export type WaitOutcome = { readonly kind: 'ended'; readonly run: RunView } | { readonly kind: 'timed-out'; readonly run: RunView };

/** As the run stands when it has ended or when the seconds are over. */
export type HeldLook = (seconds: number) => Promise<RunView>;

export interface Looks {
  /** As the run stands now. */
  readonly look: () => Promise<RunView>;
  readonly held: HeldLook;
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

/** Not repeated by the transport: what a call holds on to is over with the call. */
export const heldLook =
  (call: Transport, runId: string): HeldLook =>
  async (seconds) => {
    const path = `/v1/runs/${part(runId)}/wait${query({ 'timeout-seconds': seconds })}`;
    return (await call({ method: 'GET', path, repeatable: false }, RunView)).body;
  };

export async function waitForEnd({ look, held }: Looks, pace: Pace, options: WaitOptions = {}): Promise<WaitOutcome> {
  const endsMs = pace.nowMs() + (options.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const longest = options.onChange === undefined ? HELD_SECONDS : HELD_WHILE_TOLD_SECONDS;
  let told = '';
  let pauseMs = FIRST_PAUSE_MS;
  let run = await look();
  let answeredMs = pace.nowMs();
  for (;;) {
    const seen = JSON.stringify(run);
    if (seen !== told) options.onChange?.(run);
    told = seen;
    if (hasEnded(run)) return { kind: 'ended', run };
    const askedMs = pace.nowMs();
    const leftMs = endsMs - askedMs;
    if (leftMs <= 0) return { kind: 'timed-out', run };
    const seconds = Math.min(longest, Math.floor(leftMs / 1000));
    let answer = seconds === 0 ? undefined : await unlessSilent(() => held(seconds), Number.POSITIVE_INFINITY);
    if (answer !== undefined && (hasEnded(answer) || pace.nowMs() - askedMs >= seconds * HELD_AT_LEAST)) {
      [run, pauseMs, answeredMs] = [answer, FIRST_PAUSE_MS, pace.nowMs()];
      continue;
    }
    // No answer, or one that was not held back: whoever gives it would be asked without end.
    await pace.wait(Math.max(0, Math.min(pauseMs, endsMs - pace.nowMs())));
    pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS);
    answer ??= await unlessSilent(look, answeredMs + PATIENCE_MS - pace.nowMs());
    if (answer !== undefined) [run, answeredMs] = [answer, pace.nowMs()];
  }
}

/** Undefined where no answer came and there is patience left; what the service refuses is thrown. */
async function unlessSilent(ask: () => Promise<RunView>, patienceMs: number): Promise<RunView | undefined> {
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
