/**
 * Limits that hold across runs: how many jobs may be under way at once, and how many may be started in a second. Each run
 * that has or wants slots of a limited resource (a template, an engine) is a holder. What is in use is always the sum over
 * the holders whose lease has not expired: there is no counter that could drift, and a holder that died gives its slots back
 * by doing nothing.
 */
import { secondsBetween, type Instant, type RunId } from './ids.ts';

export interface SlotLimits {
  readonly maxParallel?: number;
  readonly startsPerSecond?: number;
}

export interface SlotHolder {
  readonly runId: RunId;
  /** Jobs under way. */
  readonly held: number;
  /** Jobs that would start if they could. */
  readonly waiting: number;
  readonly until: Instant;
}

/** Starts that may be made at once; refilled with time. */
export interface StartBudget {
  readonly starts: number;
  readonly at: Instant;
}

export interface SlotStanding {
  readonly holders: readonly SlotHolder[];
  readonly budget?: StartBudget;
}

/** What is asked for: `held` jobs are under way (whatever was granted before), `wanted` more would start. */
export interface SlotDemand {
  readonly runId: RunId;
  readonly held: number;
  readonly wanted: number;
  readonly now: Instant;
}

export interface SlotGrant {
  readonly granted: number;
  /** What keeps the rest waiting; undefined where nothing waits. */
  readonly waitsFor?: 'slot' | 'start-rate';
  readonly inUse: number;
}

/** How many starts may come at once after a pause. */
const BURST_SECONDS = 10;

export function livingHolders({ holders }: SlotStanding, now: Instant): readonly SlotHolder[] {
  return holders.filter(({ until }) => until > now);
}

export function grantSlots(limits: SlotLimits, standing: SlotStanding, demand: SlotDemand): SlotGrant {
  const { runId, held, wanted, now } = demand;
  const others = livingHolders(standing, now).filter((holder) => holder.runId !== runId);
  const inUse = held + sum(others.map((other) => other.held));
  const bySlots = limits.maxParallel === undefined ? wanted : freeSlots(limits.maxParallel, others, { held, wanted, inUse });
  const starving = others.filter(({ waiting }) => waiting > 0).length;
  const starts = limits.startsPerSecond === undefined ? Infinity : startsLeft(limits.startsPerSecond, standing.budget, now);
  const byRate = starving === 0 || starts < 1 ? Math.floor(starts) : Math.ceil(Math.floor(starts) / (starving + 1));
  const granted = Math.max(0, Math.min(wanted, bySlots, byRate));
  if (granted === wanted) return { granted, inUse: inUse + granted };
  return { granted, inUse: inUse + granted, waitsFor: byRate < bySlots ? 'start-rate' : 'slot' };
}

/**
 * A run may take what is free. While others wait it takes no more than makes its share an equal one, so that a run of one
 * gets its slot when the next job of a run of thousands ends, and not when all of them have ended.
 */
function freeSlots(
  maxParallel: number,
  others: readonly SlotHolder[],
  { held, wanted, inUse }: { readonly held: number; readonly wanted: number; readonly inUse: number },
): number {
  const free = maxParallel - inUse;
  const starving = others.filter((other) => other.waiting > 0);
  if (starving.length === 0) return Math.min(free, wanted);
  const share = Math.ceil(maxParallel / (others.length + 1));
  return Math.min(free, Math.max(0, share - held), wanted);
}

/** What is left of the budget, and the starts that time has added to it. */
export function startsLeft(startsPerSecond: number, budget: StartBudget | undefined, now: Instant): number {
  const most = Math.max(1, startsPerSecond * BURST_SECONDS);
  if (budget === undefined) return most;
  const seconds = Math.max(0, secondsBetween(budget.at, now));
  return Math.min(most, budget.starts + seconds * startsPerSecond);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
