/**
 * What goes wrong, enumerated instead of drawn: the k-th call meets an outcome that suits it. Every request of the table, every call
 * of the orchestrator, every delivery of a task and every HTTP request to the engine is one call; they are counted in their order,
 * which is the same each time.
 */
import {
  CALL_FATES,
  DELIVERY_FATES,
  POSSIBLE,
  type CallFate,
  type CallKind,
  type DeliveryFate,
  type Faults,
} from '#test/simulation/faults';

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
  /** The effect, which searches do not show for a minute, and no answer, or a death, or twice. */
  'dropped-unseen',
  'dies-unseen',
  'twice-unseen',
  /** The effect, which searches do not show until long after the fence, and no answer, or a death. */
  'dropped-blind',
  'dies-blind',
  /** The process dies, and all others with it: as a host that is killed. */
  'crash-before',
  'crash-after',
  /** It dies alone: as one Lambda of several. */
  'dies-before',
  'dies-after',
] as const;
export type HubOutcome = (typeof HUB_OUTCOMES)[number];

export type Outcome = Exclude<CallFate | DeliveryFate | HubOutcome, 'ok'>;

/** By what a request does: a read has no effect before which or after which it could fail. */
export type HubCallClass = 'hub-create' | 'hub-action' | 'hub-search' | 'hub-read';
export type CallClass = CallKind | 'delivery' | HubCallClass;

const OF_READS = ['error-before', 'dropped', 'hangs', '429', '429-long', 'crash-before', 'dies-before'] as const;
const OF_ACTIONS = ['error-before', 'error-after', 'dropped', 'hangs', 'twice', '429', '429-long', ...crashes('before', 'after')] as const;

function crashes<When extends 'before' | 'after'>(...whens: readonly When[]): readonly (`crash-${When}` | `dies-${When}`)[] {
  return whens.flatMap((when) => [`crash-${when}`, `dies-${when}`] as const);
}

export const OUTCOMES: Readonly<Record<CallClass, readonly Outcome[]>> = {
  ...ofPorts(),
  delivery: DELIVERY_FATES,
  'hub-read': OF_READS,
  'hub-search': [...OF_READS, 'index-late'],
  'hub-action': OF_ACTIONS,
  'hub-create': [...OF_ACTIONS, 'lands-late', 'index-late', 'dropped-unseen', 'dies-unseen', 'twice-unseen', 'dropped-blind', 'dies-blind'],
};

/** As in the simulation, and each death also alone. */
function ofPorts(): Readonly<Record<CallKind, readonly Outcome[]>> {
  const kinds = Object.entries(POSSIBLE) as readonly (readonly [CallKind, readonly Outcome[]])[];
  const alone = (outcome: Outcome): readonly Outcome[] => {
    if (outcome === 'crash-before') return crashes('before');
    return outcome === 'crash-after' ? crashes('after') : [outcome];
  };
  return Object.fromEntries(kinds.map(([kind, outcomes]) => [kind, outcomes.flatMap(alone)])) as unknown as Record<
    CallKind,
    readonly Outcome[]
  >;
}

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
  /** Of the crash that was met last. */
  diesAlone(): boolean;
}

/** So that things happen one after the other. */
const CALL_MS = 10;

export function faultPlan(planned: readonly PlannedFault[]): FaultPlan {
  const byPlace = new Map(planned.map((fault) => [fault.k, fault.outcome]));
  const calls: CallSeen[] = [];
  let active = true;
  let diesAlone = false;
  const met = (callClass: CallClass, what: string): Outcome | 'ok' => {
    if (!active) return 'ok';
    const k = calls.length + 1;
    const chosen = byPlace.get(k);
    const suiting = OUTCOMES[callClass];
    const outcome = typeof chosen === 'number' ? suiting[chosen % suiting.length] : chosen;
    if (outcome !== undefined && !suiting.includes(outcome))
      throw new Error(`call ${k}, ${what}, is a ${callClass}: it cannot meet ${outcome}`);
    calls.push({ k, class: callClass, what, ...(outcome === undefined ? {} : { outcome }) });
    if (outcome !== undefined && isDeath(outcome)) diesAlone = outcome.startsWith('dies-');
    return outcome ?? 'ok';
  };
  return {
    calls,
    // What suits a class is of the class's own outcomes.
    hubOutcome: (callClass, what) => met(callClass, what) as HubOutcome | 'ok',
    callFate: (kind, what) => fateOf(met(kind, what())),
    diesAlone: () => diesAlone,
    deliveryFate: (task) => met('delivery', `invoke ${task}`) as DeliveryFate,
    callDelayMs: () => (active ? CALL_MS : 0),
    happens: () => false,
    stop() {
      active = false;
    },
  };
}

const isDeath = (outcome: Outcome): boolean => /^(?:crash|dies)-/.test(outcome);

/** As a process meets it; what Control Hub does is beyond that. */
export function fateOf(outcome: Outcome | 'ok'): CallFate {
  if (isDeath(outcome as Outcome)) return outcome.endsWith('-before') ? 'crash-before' : 'crash-after';
  const fates: readonly string[] = CALL_FATES;
  return fates.includes(outcome) ? (outcome as CallFate) : 'ok';
}
