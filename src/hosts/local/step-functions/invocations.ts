/**
 * Invocations in flight, bounded: a burst of a thousand children does not open a thousand of everything. A task that only waits for
 * its token is not in flight. Executions take turns, so that a small one does not wait for all the children of the large ones before it.
 */
import { fairQueue } from '#domain/fair-queue';
import type { Json } from '#domain/json';
import type { InvokeFunction, InvokeOutcome } from './ports.ts';

export interface Invocation {
  /** The key of the top-level execution: children of Map Runs have their turns within those of the execution that drives them. */
  readonly execution: string;
  /** Asked when its turn comes: undefined when the task was answered or given up meanwhile. */
  readonly prepare: () => { readonly functionName: string; readonly payload: Json } | undefined;
  readonly done: (outcome: InvokeOutcome) => void;
}

export interface Invocations {
  add(invocation: Invocation): void;
  close(): void;
}

export function createInvocations(invoke: InvokeFunction, mostInFlight: number): Invocations {
  const waiting = fairQueue<Invocation>();
  let inFlight = 0;
  let closed = false;

  const run = async ({ prepare, done }: Invocation): Promise<void> => {
    const call = prepare();
    if (call === undefined) return;
    const outcome = await invoke(call.functionName, call.payload).catch((error: unknown): InvokeOutcome => ({
      kind: 'threw',
      errorType: 'Lambda.ServiceException',
      errorMessage: error instanceof Error ? error.message : String(error),
    }));
    if (!closed) done(outcome);
  };
  const next = (): void => {
    while (inFlight < mostInFlight && !closed) {
      const invocation = waiting.take();
      if (invocation === undefined) return;
      inFlight += 1;
      void run(invocation).finally(() => {
        inFlight -= 1;
        next();
      });
    }
  };
  return {
    add(invocation) {
      waiting.add(invocation.execution, invocation);
      next();
    },
    close() {
      closed = true;
      waiting.drain();
    },
  };
}
