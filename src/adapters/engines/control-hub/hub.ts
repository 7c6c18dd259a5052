/** What the parts of the engine ask Control Hub by, and how an answer that did not come becomes a fault. */
import { Fault } from '#domain/faults';
import type { HubAnswer, HubCall, HubClient } from './client.ts';

export interface Hub {
  readonly client: HubClient;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Tells whoever operates this what no job's history has a place for. Holds no credentials and no values of callers. */
  readonly note: (message: string, ids: Readonly<Record<string, string>>) => void;
}

export type Answered = Exclude<HubAnswer, { readonly kind: 'no-answer' }>;

/** An answer or a refusal; anything else is the fault that every method of an engine may throw. */
export async function asked({ client }: Hub, call: HubCall): Promise<Answered> {
  const answer = await client.call(call);
  if (answer.kind === 'no-answer') throw unavailable(call, answer.reason);
  return answer;
}

export const unavailable = ({ method, path }: Pick<HubCall, 'method' | 'path'>, reason: string): Fault =>
  new Fault('EngineUnavailable', `Control Hub cannot do ${method} ${path}: ${reason}`);

/** Acts on every item, so many at a time, and rejects at the first that fails. */
export async function atMost<Item>(most: number, items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const remaining = items.values();
  const worker = async (): Promise<void> => {
    for (const item of remaining) await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}
