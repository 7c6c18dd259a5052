/**
 * Lambda on a virtual clock. An invocation has an environment, which answers nobody else meanwhile and is used again when it
 * is free; so invocations share no reads and no transactions that they would not share on AWS. It takes as long as it pauses.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { DrivenClock } from '#hosts/local/driven-clock';
import { quiet } from '#test/support/quiet';

export interface VirtualLambda<Environment> {
  /** The clock must not move while work is under way that waits for something else than the clock. */
  readonly untilWaiting: () => Promise<void>;
  /** Takes so much virtual time. */
  readonly pause: (ms: number) => Promise<void>;
  invoke<Result>(functionName: string, work: () => Promise<Result>): Promise<Result>;
  /** Of the invocation that asks. */
  current(): Invocation<Environment> | undefined;
}

export interface Invocation<Environment> {
  readonly functionName: string;
  readonly environment: Environment;
}

interface Running<Environment> extends Invocation<Environment> {
  /** How many pauses it is in: one that is in any waits for the clock. */
  pauses: number;
}

export interface VirtualLambdaOptions<Environment> {
  readonly clock: () => DrivenClock;
  readonly newEnvironment: () => Environment;
  readonly onInvoked: (functionName: string, ms: number) => void;
}

export function virtualLambda<Environment>(options: VirtualLambdaOptions<Environment>): VirtualLambda<Environment> {
  const { clock, newEnvironment, onInvoked } = options;
  const running = new AsyncLocalStorage<Running<Environment>>();
  const free = new Map<string, Environment[]>();
  /** When → who waits for it: one deadline for all of them, so that they go on together. */
  const due = new Map<number, (() => void)[]>();
  /** Invocations under way that are in no pause. */
  let busy = 0;

  const pause = (ms: number): Promise<void> => {
    const own = running.getStore();
    if (!own) throw new Error('only an invocation takes time');
    if (ms <= 0) return Promise.resolve();
    const atMs = clock().nowMs() + ms;
    const waiting = due.get(atMs) ?? [];
    if (!due.has(atMs)) {
      due.set(atMs, waiting);
      clock().at(atMs, () => {
        due.delete(atMs);
        for (const goOn of waiting) goOn();
      });
    }
    own.pauses += 1;
    if (own.pauses === 1) busy -= 1;
    return new Promise((resolve) =>
      waiting.push(() => {
        own.pauses -= 1;
        if (own.pauses === 0) busy += 1;
        resolve();
      }),
    );
  };
  return {
    pause,
    current: () => running.getStore(),
    async untilWaiting() {
      do {
        await quiet();
        if (busy > 0) await new Promise((resolve) => setImmediate(resolve));
      } while (busy > 0);
    },
    async invoke(functionName, work) {
      const own = free.get(functionName) ?? [];
      free.set(functionName, own);
      const environment = own.pop() ?? newEnvironment();
      const fromMs = clock().nowMs();
      busy += 1;
      try {
        return await running.run({ functionName, environment, pauses: 0 }, work);
      } finally {
        busy -= 1;
        own.push(environment);
        onInvoked(functionName, clock().nowMs() - fromMs);
      }
    },
  };
}
