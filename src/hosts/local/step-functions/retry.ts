/** Which Retry or Catch answers a failure: pure, so that the table of AWS's reserved names stands in one place. */
import type { Failing } from './execution.ts';
import type { Catcher, Retrier } from './machine.ts';

export type Remedy =
  | { readonly kind: 'retry'; readonly retrier: number; readonly delayMs: number }
  | { readonly kind: 'catch'; readonly catcher: Catcher }
  | { readonly kind: 'none' };

/** `tries` are those that each retrier has used; `random` is in [0, 1). */
export function remedyOf(
  state: { readonly retry: readonly Retrier[]; readonly catchers: readonly Catcher[] },
  failure: Failing,
  tries: readonly number[],
  random: () => number,
): Remedy {
  const index = state.retry.findIndex((retrier) => matches(retrier.errorEquals, failure));
  const retrier = state.retry[index];
  if (retrier !== undefined && (tries[index] ?? 0) < retrier.maxAttempts) {
    return { kind: 'retry', retrier: index, delayMs: delayMs(retrier, tries[index] ?? 0, random) };
  }
  const catcher = state.catchers.find(({ errorEquals }) => matches(errorEquals, failure));
  return catcher === undefined ? { kind: 'none' } : { kind: 'catch', catcher };
}

function delayMs({ intervalSeconds, backoffRate, maxDelaySeconds, fullJitter }: Retrier, used: number, random: () => number): number {
  const seconds = Math.min(intervalSeconds * backoffRate ** used, maxDelaySeconds ?? Infinity, LONGEST_DELAY_SECONDS);
  return Math.round(seconds * 1000 * (fullJitter ? random() : 1));
}

/** One year, the longest that an execution can be open. */
const LONGEST_DELAY_SECONDS = 31_536_000;

/**
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.TaskFailed is any failure of a task but a
 * timeout; States.ALL is everything but States.Runtime. A missed heartbeat is reported as States.Timeout (recorded) and also answers to
 * its own name.
 */
function matches(names: readonly string[], { error, because }: Failing): boolean {
  return names.some((name) => {
    if (name === 'States.ALL') return error !== 'States.Runtime';
    if (name === 'States.TaskFailed') return because === 'task';
    if (name === 'States.HeartbeatTimeout') return because === 'heartbeat';
    return name === error;
  });
}
