/**
 * Time and order. Everything that waits for the outside waits here for its turn, and one is let go at a time, chosen by the
 * seed; what it does then, up to its next wait, happens before the next choice. Time moves only when nobody is ready.
 */
import type { Random } from './random.ts';

export interface Scheduler {
  nowMs(): number;
  /** Resolves at the caller's turn, which comes after `delayMs` at the earliest. */
  turn(delayMs: number): Promise<void>;
  after(delayMs: number, act: () => void): void;
  /** Goes on until `isOver`. Rejects when nothing is left that could happen. */
  run(isOver: () => boolean): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  /** Of equal times the first one first. */
  readonly order: number;
  readonly act: () => void;
}

export function seededScheduler(random: Random, startMs: number): Scheduler {
  let nowMs = startMs;
  let timersMade = 0;
  const ready: (() => void)[] = [];
  const timers = timerHeap();
  const after = (delayMs: number, act: () => void): void => {
    if (delayMs <= 0) ready.push(act);
    else timers.push({ atMs: nowMs + Math.ceil(delayMs), order: (timersMade += 1), act });
  };
  const next = (): (() => void) => {
    if (ready.length === 0) {
      const first = timers.pop();
      if (!first) throw new Error('nothing is left that could happen');
      nowMs = first.atMs;
      return first.act;
    }
    const place = random.below(ready.length);
    const last = ready.pop() as () => void;
    if (place === ready.length) return last;
    const chosen = ready[place] as () => void;
    ready[place] = last;
    return chosen;
  };
  return {
    nowMs: () => nowMs,
    after,
    turn: (delayMs) =>
      new Promise((resolve) => {
        after(delayMs, resolve);
      }),
    async run(isOver) {
      await withOneEventLoopTurn(async () => {
        while (!isOver()) {
          next()();
          await settled();
        }
      });
    },
  };
}

/** Node empties the queue of promises before it comes to the next tick. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });

/** Stores gather what is asked for in one turn of the event loop, which does not turn here: a turn is one of ours. */
async function withOneEventLoopTurn(work: () => Promise<void>): Promise<void> {
  const original = globalThis.setImmediate;
  globalThis.setImmediate = ((act: () => void) => {
    queueMicrotask(act);
  }) as unknown as typeof setImmediate;
  try {
    await work();
  } finally {
    globalThis.setImmediate = original;
  }
}

interface TimerHeap {
  push(timer: Timer): void;
  pop(): Timer | undefined;
}

function timerHeap(): TimerHeap {
  const heap: Timer[] = [];
  const at = (place: number): Timer => heap[place] as Timer;
  const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  return {
    push(timer) {
      let place = heap.push(timer) - 1;
      while (place > 0) {
        const parent = (place - 1) >> 1;
        if (!isBefore(timer, at(parent))) break;
        heap[place] = at(parent);
        place = parent;
      }
      heap[place] = timer;
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      let place = 0;
      for (;;) {
        let child = 2 * place + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && isBefore(at(child + 1), at(child))) child += 1;
        if (!isBefore(at(child), last)) break;
        heap[place] = at(child);
        place = child;
      }
      heap[place] = last;
      return first;
    },
  };
}
