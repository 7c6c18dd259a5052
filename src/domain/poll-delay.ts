/**
 * When to ask the engine again. A watch execution spends 9 history events a tick and may have 25,000 (aws-facts §3.4), and
 * on AWS every tick is paid for, so a job is looked at when there is something to see:
 *
 *   while nothing is known of its template   in proportion to its age: a run of any length takes a logarithmic number of ticks
 *   before most jobs of its template end     at ages that grow eightfold: a job that fails at once is seen soon
 *   from p10 to past p90                     often; of a run of many jobs from some time before p10, because many end there
 *   after that                               in proportion to its age again
 *
 * The next tick is due when the first of the open jobs is to be looked at.
 */
import type { Expectation } from './durations.ts';

const FACTOR_MANY = 0.005;
const FACTOR_FEW = 0.03;

/** Runs of this size and more are looked at densely, down to their last job: one tick serves them all. */
const MANY_JOBS = 50;
/** A delay is shortened by up to this part of it, and by no more than these seconds. */
const JITTER = { part: 0.1, mostSeconds: 30 } as const;

const FIRST_LOOK_SECONDS = 10;
const LOOK_GROWTH = 8;
/** A look that is due within this part of its age has been taken by the tick that is under way. */
const TAKEN = 0.9;

/** While most jobs end, as a part of what one is expected to take, and at most. */
const STEP_MANY = { part: 0.02, mostSeconds: 15 } as const;
const STEP_FEW = { part: 0.05, mostSeconds: 60 } as const;

export interface PollDelayInput {
  /** Of the run, ended ones included. */
  readonly jobCount: number;
  /** Seconds since the start of each job that is under way on the engine. */
  readonly agesSeconds: readonly number[];
  /** Seconds until something is to be done whatever the engine says: a limit, a stop to be forced, a retry. */
  readonly deadlinesSeconds: readonly number[];
  readonly expected: Expectation | undefined;
  /** Only deadlines are left. */
  readonly hasEnded?: boolean;
  readonly floorSeconds: number;
  /** In [0, 1): spreads the ticks of runs that started together. */
  readonly random: number;
}

/** No job under way and no deadline: the jobs that are there wait for their starters. */
const NOTHING_TO_SEE_SECONDS = 60;

/** Whole seconds, as a Wait state takes them; at least the floor. */
export function nextDelaySeconds(input: PollDelayInput): number {
  const { jobCount, agesSeconds, deadlinesSeconds, expected, hasEnded = false, floorSeconds, random } = input;
  const isMany = jobCount >= MANY_JOBS;
  const looks = expected
    ? agesSeconds.map((age) => nextLookSeconds(age, expected, isMany) - age)
    : agesSeconds.length === 0
      ? []
      : [(isMany ? FACTOR_MANY : FACTOR_FEW) * agesSeconds.reduce((youngest, age) => Math.min(youngest, age))];
  const look = least(looks, NOTHING_TO_SEE_SECONDS);
  if (hasEnded && deadlinesSeconds.length > 0) return Math.max(floorSeconds, Math.ceil(least(deadlinesSeconds, 0)));
  const jittered = look - Math.min(JITTER.part * look, JITTER.mostSeconds) * random;
  return Math.max(floorSeconds, Math.ceil(Math.min(jittered, least(deadlinesSeconds, Number.POSITIVE_INFINITY))));
}

/** The age at which a job that was just looked at is to be looked at again. */
function nextLookSeconds(ageSeconds: number, { p10, p50, p90 }: Expectation, isMany: boolean): number {
  const age = Math.max(0, ageSeconds);
  const { part, mostSeconds } = isMany ? STEP_MANY : STEP_FEW;
  const step = Math.min(part * p50, mostSeconds);
  if (age >= 2 * p90 - p10) return age + Math.max(step, (isMany ? FACTOR_MANY : FACTOR_FEW) * age);
  const denseFrom = isMany ? Math.max(0, 2 * p10 - p50) : p10;
  if (age >= TAKEN * denseFrom) return age + step;
  let look = FIRST_LOOK_SECONDS;
  while (look * TAKEN <= age) look *= LOOK_GROWTH;
  return Math.min(look, denseFrom);
}

/** A run may have 10,000 open jobs: no spreading into arguments. */
function least(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => Math.min(a, b));
}
