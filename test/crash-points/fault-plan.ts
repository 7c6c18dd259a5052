/**
 * What goes wrong, enumerated instead of drawn: the k-th call meets an outcome that suits it. Every request of the table, every call
 * of the orchestrator, every delivery of a task and every HTTP request to the engine is one call; they are counted in their order,
 * which is the same each time. A crash takes with it what every process remembers.
 */
import { DELIVERY_FATES, POSSIBLE, type CallFate, type CallKind, type DeliveryFate, type Faults } from '#test/simulation/faults';

/** What becomes of a request to Control Hub. */
export const HUB_OUTCOMES = [
  /** A 500, and no effect. */
  'error-before',
  /** The effect, and a 500. */
  'error-after',
  /** The effect, and a connection that breaks. */
  'dropped',
  /** No answer; it takes effect after whoever waited has given up. */
  'hangs',
  /** Likewise, and later than anybody repeats it. */
  'lands-late',
  /** The effect twice: two instances of one start. */
  'twice',
  /** A 429 that asks for a moment, and one that asks for longer than a call waits. */
  '429',
  '429-long',
  /** From here on searches do not show what is newer than a minute. */
  'index-late',
  /** The effect, which searches do not show for a minute, and no answer, or a crash, or twice. */
  'dropped-unseen',
  'crash-unseen',
  'twice-unseen',
  /** The effect, which searches do not show until long after the fence, and no answer, or a crash. */
  'dropped-blind',
  'crash-blind',
  'crash-before',
  'crash-after',
] as const;
export type HubOutcome = (typeof HUB_OUTCOMES)[number];

export type Outcome = Exclude<CallFate | DeliveryFate | HubOutcome, 'ok'>;

/** By what a request does: a read has no effect before which or after which it could fail. */
export type HubCallClass = 'hub-create' | 'hub-action' | 'hub-search' | 'hub-read';
export type CallClass = CallKind | 'delivery' | HubCallClass;

const OF_READS = ['error-before', 'dropped', 'hangs', '429', '429-long', 'crash-before', 'crash-after'] as const;
const OF_ACTIONS = ['error-before', 'error-after', 'dropped', 'hangs', 'twice', '429', '429-long', 'crash-before', 'crash-after'] as const;

export const OUTCOMES: Readonly<Record<CallClass, readonly Outcome[]>> = {
  ...POSSIBLE,
  delivery: DELIVERY_FATES,
  'hub-read': OF_READS,
  'hub-search': [...OF_READS, 'index-late'],
  'hub-action': OF_ACTIONS,
  'hub-create': [
    ...OF_ACTIONS,
    'lands-late',
    'index-late',
    'dropped-unseen',
    'crash-unseen',
    'twice-unseen',
    'dropped-blind',
    'crash-blind',
  ],
};

/** One fault: at which call, and what. A number chooses among the outcomes that suit whatever call that is. */
export interface PlannedFault {
  readonly k: number;
  readonly outcome: Outcome | number;
}

export interface CallSeen {
  readonly k: number;
  readonly class: CallClass;
  readonly what: string;
  /** Absent where all was well. */
  readonly outcome?: Outcome;
}

export interface FaultPlan extends Faults {
  readonly calls: readonly CallSeen[];
  hubOutcome(callClass: HubCallClass, what: string): HubOutcome | 'ok';
}

/** So that things happen one after the other. */
const CALL_MS = 10;

export function faultPlan(planned: readonly PlannedFault[]): FaultPlan {
  const byPlace = new Map(planned.map((fault) => [fault.k, fault.outcome]));
  const calls: CallSeen[] = [];
  let active = true;
  const met = (callClass: CallClass, what: string): Outcome | 'ok' => {
    if (!active) return 'ok';
    const k = calls.length + 1;
    const chosen = byPlace.get(k);
    const suiting = OUTCOMES[callClass];
    const outcome = typeof chosen === 'number' ? suiting[chosen % suiting.length] : chosen;
    if (outcome !== undefined && !suiting.includes(outcome))
      throw new Error(`call ${k}, ${what}, is a ${callClass}: it cannot meet ${outcome}`);
    calls.push({ k, class: callClass, what, ...(outcome === undefined ? {} : { outcome }) });
    return outcome ?? 'ok';
  };
  return {
    calls,
    // What suits a class is of the class's own outcomes.
    hubOutcome: (callClass, what) => met(callClass, what) as HubOutcome | 'ok',
    callFate: (kind, what) => met(kind, what()) as CallFate,
    deliveryFate: (task) => met('delivery', `invoke ${task}`) as DeliveryFate,
    callDelayMs: () => (active ? CALL_MS : 0),
    happens: () => false,
    stop() {
      active = false;
    },
  };
}
