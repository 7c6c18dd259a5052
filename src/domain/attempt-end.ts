/**
 * What is left of an attempt once it has ended: counts that may still come, and what its engine is to be told. The end itself
 * waits for none of this. Counts are looked for at ages of 10, 20, 40, … seconds, and at the engine's limit.
 */
import type { EngineMetrics } from './engine-job.ts';
import { secondsBetween, type EngineJobId, type Instant } from './ids.ts';

/**
 * How it stands with the counts of an attempt that has ended. Pending: they may still come or change. Provisional: they were
 * still said to be so when the engine's time for them was over. Unavailable: there are none, for a reason.
 */
export const METRICS_STATES = ['settled', 'pending', 'provisional', 'unavailable'] as const;
export type MetricsState = (typeof METRICS_STATES)[number];

/** Absent beside counts: they are settled. */
export interface MetricsStanding {
  readonly state: Exclude<MetricsState, 'settled'>;
  /** Why there are none. */
  readonly reason?: string;
}

/** Counts of an attempt as they are recorded for good, once. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly metrics?: EngineMetrics;
  readonly standing?: MetricsStanding;
}

/** What is left to do about the engine's job of an attempt that has ended. What is done is taken off. */
export interface Aftercare {
  readonly attempt: number;
  readonly engineJobId: EngineJobId;
  /** When its end was recorded. */
  readonly endedAt: Instant;
  /** The engine is to be told that its failure was noticed. */
  readonly acknowledge?: true;
  /** Its counts are pending. */
  readonly collect?: true;
  /** It is to be removed from the engine, once its counts are recorded. */
  readonly remove?: true;
  /** Of an attempt that another one has followed: the counts that were known by then. */
  readonly metrics?: EngineMetrics;
}

/** What the end of an attempt adds to its job. */
export interface AttemptEnd {
  readonly metrics?: EngineMetrics;
  readonly standing?: MetricsStanding;
  readonly aftercare?: Aftercare;
}

/** An answer about counts; `fault` where the engine could not be asked. */
export interface CountsAnswer {
  readonly metrics?: EngineMetrics;
  readonly fault?: string;
}

export interface EndedJob extends CountsAnswer {
  readonly attempt: number;
  readonly engineJobId: EngineJobId;
  /** The engine knows it, and as a failure. */
  readonly acknowledge: boolean;
  readonly remove: boolean;
  /** Why nothing can be asked about it any more. */
  readonly unknown?: string;
  readonly settleSeconds: number;
  readonly now: Instant;
}

export function attemptEnd(ended: EndedJob): AttemptEnd {
  const { attempt, engineJobId, acknowledge, remove, unknown, now } = ended;
  const seen = unknown === undefined ? judged(ended, { ...ended, ageSeconds: 0 }) : { standing: unavailable(unknown) };
  const collect = seen.standing?.state === 'pending';
  if (!acknowledge && !remove && !collect) return seen;
  const flags = { ...(acknowledge ? { acknowledge } : {}), ...(collect ? { collect } : {}), ...(remove ? { remove } : {}) } as const;
  return { ...seen, aftercare: { attempt, engineJobId, endedAt: now, ...flags } };
}

const unavailable = (reason: string): MetricsStanding => ({ state: 'unavailable', reason });

/** An engine that cannot be asked is given this much longer for counts. */
const UNREACHABLE_SECONDS = 3600;
/** For as long as this an engine is asked again to acknowledge or remove what it does not. */
const PATIENCE_SECONDS = 86_400;

/** What an answer at that age makes of the counts. `known` are those that were seen before. */
export function judged(
  { metrics: answered, fault }: CountsAnswer,
  { ageSeconds, settleSeconds, known }: { readonly ageSeconds: number; readonly settleSeconds: number; readonly known?: EngineMetrics },
): Pick<AttemptEnd, 'metrics' | 'standing'> {
  if (answered !== undefined && answered.provisional === undefined) return { metrics: answered };
  const seen = answered === undefined ? known : withoutMark(answered);
  const counts = seen === undefined ? {} : { metrics: seen };
  const isOver = ageSeconds >= settleSeconds + (fault === undefined ? 0 : UNREACHABLE_SECONDS);
  if (!isOver) return { ...counts, standing: { state: 'pending' } };
  if (seen !== undefined) return { ...counts, standing: { state: 'provisional' } };
  return {
    standing: unavailable(fault === undefined ? 'the engine has no counts of the job' : `the engine could not be asked: ${fault}`),
  };
}

/** The job's standing says so. */
function withoutMark({ provisional: _said, ...counts }: EngineMetrics): EngineMetrics {
  return counts;
}

export const isPatienceOver = ({ endedAt }: Aftercare, now: Instant): boolean => secondsBetween(endedAt, now) >= PATIENCE_SECONDS;

export const isDone = ({ acknowledge, collect, remove }: Aftercare): boolean =>
  acknowledge === undefined && collect === undefined && remove === undefined;

const FIRST_LOOK_SECONDS = 10;
const LONGEST_SECONDS = 3600;

/** The age at which it is looked after next. */
function nextLookSeconds({ collect }: Aftercare, ageSeconds: number, settleSeconds: number): number {
  let look = FIRST_LOOK_SECONDS;
  while (look <= ageSeconds) look += Math.min(look, LONGEST_SECONDS);
  return collect && ageSeconds < settleSeconds ? Math.min(look, settleSeconds) : look;
}

/** Seconds until it is to be looked after. */
export function careDeadlineSeconds(care: Aftercare, settleSeconds: number, now: Instant): number {
  const age = Math.max(0, secondsBetween(care.endedAt, now));
  return nextLookSeconds(care, age, settleSeconds) - age;
}

/** Whether it is to be looked after now, when everything was looked after last at `lookedAt`: by a tick that came to its end. */
export function isCareDue(care: Aftercare, settleSeconds: number, lookedAt: Instant | undefined, now: Instant): boolean {
  const lookedAge = lookedAt === undefined ? -1 : secondsBetween(care.endedAt, lookedAt);
  return lookedAge < 0 || care.endedAt >= now || nextLookSeconds(care, lookedAge, settleSeconds) <= secondsBetween(care.endedAt, now);
}

/** Not at once: the counts of the end itself were asked for in the moment before. */
export function isCollectable({ collect, endedAt }: Aftercare, settleSeconds: number, now: Instant): boolean {
  const first = settleSeconds > 0 ? Math.min(FIRST_LOOK_SECONDS, settleSeconds) : FIRST_LOOK_SECONDS;
  return collect === true && secondsBetween(endedAt, now) >= first;
}
