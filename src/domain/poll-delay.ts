/**
 * When to ask the engine again. Proportional to the age of the youngest job under way, so that a run of any length takes a
 * logarithmic number of ticks: a watch execution spends 9 history events a tick and may have 25,000 (aws-facts §3.4).
 */
export const POLL_FACTOR_MANY = 0.005;
export const POLL_FACTOR_FEW = 0.03;

/** Runs of this size and more are polled densely: one tick serves them all. */
const MANY_JOBS = 50;
const JITTER = 0.1;

export interface PollDelayInput {
  readonly openJobs: number;
  readonly youngestAgeSeconds: number;
  readonly floorSeconds: number;
  /** In [0, 1): spreads the ticks of runs that started together. */
  readonly random: number;
}

/** Whole seconds, as a Wait state takes them; at least the floor. */
export function nextDelaySeconds({ openJobs, youngestAgeSeconds, floorSeconds, random }: PollDelayInput): number {
  const factor = openJobs >= MANY_JOBS ? POLL_FACTOR_MANY : POLL_FACTOR_FEW;
  const proportional = factor * Math.max(0, youngestAgeSeconds);
  const jittered = proportional * (1 - JITTER + 2 * JITTER * random);
  return Math.max(floorSeconds, Math.ceil(jittered));
}
