/** Reading many things, one of which may be damaged: an item that is not what its store writes is no reason to leave the others unread. */
import { Fault } from '#domain/faults';

export type Read<Value> = { readonly kind: 'read'; readonly value: Value } | { readonly kind: 'unreadable'; readonly detail: string };

/** A store that is busy or away is a fault as before: asked again it answers. */
export async function readable<Value>(read: () => Promise<Value>): Promise<Read<Value>> {
  try {
    return { kind: 'read', value: await read() };
  } catch (error) {
    if (error instanceof Fault && (error.name === 'CorruptItem' || error.name === 'Vanished'))
      return { kind: 'unreadable', detail: error.message };
    throw error;
  }
}
