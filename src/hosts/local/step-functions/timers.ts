/**
 * All deadlines of all executions behind one alarm of the host's clock: ten thousand parked children with a timeout each are ten
 * thousand small entries of a heap, not ten thousand timers of Node's.
 */
import type { HostClock } from '#hosts/local/host-clock';

export interface Timer {
  readonly atMs: number;
  /** Undefined once dropped. */
  fire: { readonly target: unknown; readonly callback: (target: never) => void } | undefined;
}

export interface Timers {
  set<Target>(atMs: number, target: Target, callback: (target: Target) => void): Timer;
  drop(timer: Timer | undefined): void;
  close(): void;
}

/** Dropped entries stay in the heap until they are half of it: dropping is then free and the heap stays linear in what is armed. */
const FEWEST_DROPPED_TO_SWEEP = 512;

export function createTimers(clock: HostClock): Timers {
  let heap: Timer[] = [];
  let dropped = 0;
  let armed: { readonly atMs: number; readonly cancel: () => void } | undefined;
  let closed = false;

  const rearm = (): void => {
    const next = heap[0];
    if (armed !== undefined && armed.atMs === next?.atMs) return;
    armed?.cancel();
    armed = next === undefined || closed ? undefined : { atMs: next.atMs, cancel: clock.at(next.atMs, ring) };
  };
  const ring = (): void => {
    armed = undefined;
    const now = clock.nowMs();
    for (let next = heap[0]; next !== undefined && next.atMs <= now && !closed; next = heap[0]) {
      popTop(heap);
      const { fire } = next;
      next.fire = undefined;
      if (fire === undefined) dropped -= 1;
      else (fire.callback as (target: unknown) => void)(fire.target);
    }
    rearm();
  };
  return {
    set(atMs, target, callback) {
      const timer: Timer = { atMs, fire: { target, callback } };
      push(heap, timer);
      if (heap[0] === timer) rearm();
      return timer;
    },
    drop(timer) {
      if (timer?.fire === undefined) return;
      timer.fire = undefined;
      dropped += 1;
      const popped = popDropped(heap);
      dropped -= popped;
      if (popped > 0) rearm();
      if (dropped < FEWEST_DROPPED_TO_SWEEP || dropped * 2 < heap.length) return;
      heap = heap.filter((one) => one.fire !== undefined).sort((left, right) => left.atMs - right.atMs);
      dropped = 0;
      rearm();
    },
    close() {
      closed = true;
      armed?.cancel();
      heap = [];
    },
  };
}

/** A dropped deadline must not move a driven clock, so none stays on top. */
function popDropped(heap: Timer[]): number {
  let popped = 0;
  for (let top = heap[0]; top !== undefined && top.fire === undefined; top = heap[0]) {
    popTop(heap);
    popped += 1;
  }
  return popped;
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.atMs <= timer.atMs) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function popTop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = index * 2 + 1;
    const right = left + 1;
    const [leftAt, rightAt] = [heap[left]?.atMs ?? Infinity, heap[right]?.atMs ?? Infinity];
    const smaller = rightAt < leftAt ? right : left;
    const below = heap[smaller];
    if (below === undefined || below.atMs >= last.atMs) break;
    heap[index] = below;
    index = smaller;
  }
  heap[index] = last;
}
