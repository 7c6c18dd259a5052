/** How long a template's jobs have taken: a sample of the last ones, small enough for one item. */

/** Seconds each, oldest first. */
export type Durations = readonly number[];

export interface Expectation {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

const SAMPLE_SIZE = 100;
/** Of one run: a run of thousands must not make all others forgotten. */
export const SAMPLE_OF_RUN = 25;
/** Fewer say too little about the next job. */
const ENOUGH = 5;

export function withDurations(sample: Durations, added: Durations): Durations {
  return [...sample, ...added.map((seconds) => Math.round(seconds * 10) / 10)].slice(-SAMPLE_SIZE);
}

/** What a job of the template may be expected to take, in seconds; undefined before there is enough to tell. */
export function expectationOf(sample: Durations): Expectation | undefined {
  if (sample.length < ENOUGH) return undefined;
  const sorted = sample.toSorted((a, b) => a - b);
  return { p10: quantile(sorted, 0.1), p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

/** Between the two nearest. */
function quantile(sorted: Durations, fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = Math.floor(position);
  const lower = sorted[below] ?? 0;
  const upper = sorted[below + 1] ?? lower;
  return lower + (upper - lower) * (position - below);
}

/**
 * One pass over a stream of unknown length that keeps each element with the same probability (Vitter's algorithm R).
 * `seen` counts the elements before `added`; `random` is in [0, 1).
 */
export function sampled(sample: Durations, seen: number, added: Durations, random: () => number): Durations {
  const kept = [...sample];
  for (const [offset, seconds] of added.entries()) {
    if (kept.length < SAMPLE_OF_RUN) kept.push(seconds);
    else {
      const place = Math.floor(random() * (seen + offset + 1));
      if (place < SAMPLE_OF_RUN) kept[place] = seconds;
    }
  }
  return kept;
}
