/**
 * What goes wrong, how often. Each seed has some kinds of faults and not others, and each at a rate of its own: a world in
 * which everything fails at once is one in which little gets far enough to go wrong in an interesting way.
 */
import type { Random } from './random.ts';

export const CALL_FATES = ['refused', 'lost', 'late', 'again', 'conflict', 'repeated', 'crash-before', 'crash-after'] as const;
/**
 * What becomes of one call to the outside:
 *
 *   refused        no effect, the caller is told to come back later
 *   lost           the effect happens, the caller hears of no answer
 *   late           the caller hears of no answer, the effect happens after that
 *   again          the effect happens, and once more later
 *   conflict       a transaction that met another one
 *   repeated       a lone write that the SDK sent twice: the second meets the effect of the first
 *   crash-…        the process dies before or after the effect
 */
export type CallFate = (typeof CALL_FATES)[number] | 'ok';

export const DELIVERY_FATES = ['throttled', 'answer-lost', 'twice'] as const;
export type DeliveryFate = (typeof DELIVERY_FATES)[number] | 'ok';

const WORLD_FAULTS = ['event-lost', 'unknown-to-engine', 'backwards', 'doubled-by-engine', 'stale-read', 'engine-refuses'] as const;
export type WorldFault = (typeof WORLD_FAULTS)[number];

export type CallKind = 'read' | 'write' | 'batch' | 'transaction' | 'engine' | 'engine-start' | 'orchestrator';

export const POSSIBLE: Readonly<Record<CallKind, readonly Exclude<CallFate, 'ok'>[]>> = {
  read: ['refused', 'crash-before'],
  write: ['refused', 'lost', 'repeated', 'crash-before', 'crash-after'],
  batch: ['refused', 'lost', 'crash-before', 'crash-after'],
  transaction: ['refused', 'lost', 'conflict', 'crash-before', 'crash-after'],
  engine: ['refused', 'lost', 'crash-before', 'crash-after'],
  'engine-start': ['refused', 'lost', 'late', 'crash-before', 'crash-after'],
  orchestrator: ['refused', 'lost', 'late', 'again', 'crash-before', 'crash-after'],
};

/** A start is one call of hundreds, and the one that most depends on. */
const WEIGHT: Readonly<Partial<Record<CallKind, number>>> = { 'engine-start': 6, engine: 2, orchestrator: 3 };

export interface Faults {
  callFate(kind: CallKind, what: () => string): CallFate;
  /** How long a call takes to be made. */
  callDelayMs(): number;
  /** Of the invocation of a task. */
  deliveryFate(task: string): DeliveryFate;
  happens(fault: WorldFault): boolean;
  /** From now on nothing goes wrong. */
  stop(): void;
}

/** Half of all seeds have no fault of a given kind. */
const MOST = { call: 0.04, delivery: 0.2, world: 0.4, pause: 0.03 } as const;

export function seededFaults(random: Random): Faults {
  const rate = (most: number): number => (random.chance(0.5) ? random.between(0, most) : 0);
  const callRates = new Map(CALL_FATES.map((fate) => [fate, rate(MOST.call)]));
  const deliveryRates = DELIVERY_FATES.map((fate) => [fate, rate(MOST.delivery)] as const);
  const worldRates = new Map(WORLD_FAULTS.map((fault) => [fault, rate(MOST.world)]));
  const pauseRate = rate(MOST.pause);
  const fatesOf = Object.fromEntries(
    Object.entries(POSSIBLE).map(([kind, fates]) => {
      const weight = WEIGHT[kind as CallKind] ?? 1;
      return [kind, fates.map((fate) => [fate, weight * (callRates.get(fate) ?? 0)] as const)];
    }),
  ) as unknown as Readonly<Record<CallKind, readonly (readonly [CallFate, number])[]>>;
  let active = true;
  const drawn = <Fate>(rates: readonly (readonly [Fate, number])[]): Fate | 'ok' => {
    if (!active) return 'ok';
    let left = random.fraction();
    for (const [fate, rateOf] of rates) {
      left -= rateOf;
      if (left < 0) return fate;
    }
    return 'ok';
  };
  return {
    callFate: (kind) => drawn(fatesOf[kind]),
    callDelayMs() {
      if (!active) return 0;
      if (random.chance(pauseRate)) return random.between(1_000, 120_000);
      return random.chance(0.1) ? random.between(1, 500) : 0;
    },
    deliveryFate: () => drawn(deliveryRates),
    happens: (fault) => active && random.chance(worldRates.get(fault) ?? 0),
    stop() {
      active = false;
    },
  };
}
