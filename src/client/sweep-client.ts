/** The operator's part of the client: what no execution looks after any more, and mending it. */
import { SweepView } from '#contract/sweep-view';
import { get, type Transport } from './transport.ts';

/**
 * @example
 * for (const { kind, detail, repair } of (await client.sweep()).findings) console.log(kind, detail, repair);
 */
export interface SweepClient {
  /** What the scheduled sweep would find now. Nothing is changed. */
  sweep(): Promise<SweepView>;
  /** The same with what became of each finding. It needs a token of an administrator. */
  repair(): Promise<SweepView>;
}

export function sweepMethods(call: Transport): SweepClient {
  const path = '/v1/sweep';
  return {
    sweep: async () => (await call(get(path), SweepView)).body,
    // Sent once: the answer to a repeated one would not say what the first one repaired.
    repair: async () => (await call({ method: 'POST', path, repeatable: false }, SweepView)).body,
  };
}
