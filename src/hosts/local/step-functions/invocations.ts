/**
 * Invocations in flight, bounded: a burst of a thousand children does not open a thousand of everything. A task that only waits for
 * its token is not in flight.
 */
import type { InvokeFunction, InvokeOutcome } from './ports.ts';
import type { Json } from '#domain/json';

export interface Invocation {
  /** Asked when its turn comes: undefined when the task was answered or given up meanwhile. */
  readonly prepare: () => { readonly functionName: string; readonly payload: Json } | undefined;
  readonly done: (outcome: InvokeOutcome) => void;
}

export interface Invocations {
  add(invocation: Invocation): void;
  close(): void;
}

export function createInvocations(invoke: InvokeFunction, mostInFlight: number): Invocations {
  const waiting: Invocation[] = [];
  let taken = 0;
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
    while (inFlight < mostInFlight && taken < waiting.length && !closed) {
      const invocation = waiting[taken++];
      if (invocation === undefined) break;
      inFlight += 1;
      void run(invocation).finally(() => {
        inFlight -= 1;
        next();
      });
    }
    // An index and one splice instead of `shift`, which is linear in what waits.
    if (taken > 1024 || taken === waiting.length) {
      waiting.splice(0, taken);
      taken = 0;
    }
  };
  return {
    add(invocation) {
      waiting.push(invocation);
      next();
    },
    close() {
      closed = true;
      waiting.length = 0;
      taken = 0;
    },
  };
}
