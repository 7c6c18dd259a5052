import type { ZodType } from 'zod';
import { Fault } from '#domain/faults';
import type { Key } from './keys.ts';
import type { Item } from './table.ts';

/** A stored item as its domain value; a bad one is a fault that names its key. */
export function decode<Value>(schema: ZodType<Value>, item: Item): Value {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  throw corrupt(item, parsed.error);
}

/** For lists: the value, or what is wrong with its item. */
export function decoded<Value>(decoding: () => Value): { readonly value: Value } | { readonly detail: string } {
  try {
    return { value: decoding() };
  } catch (error) {
    if (error instanceof Fault && error.name === 'CorruptItem') return { detail: error.message };
    throw error;
  }
}

/**
 * An item whose value is one attribute of JSON text, beside what conditions look at. It costs a fifth of the time to write
 * and read, which is what a run of a thousand jobs is made of, and JSON's numbers need no thought.
 */
export function documentItem(key: Key, value: object, attributes: Readonly<Record<string, number>> = {}): Item {
  return { ...key, ...attributes, body: JSON.stringify(value) };
}

export function decodeDocument<Value>(schema: ZodType<Value>, item: Item): Value {
  let body: unknown;
  try {
    body = JSON.parse(String(item['body']));
  } catch (error) {
    throw corrupt(item, error);
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw corrupt(item, parsed.error);
}

function corrupt({ pk, sk }: Key, cause: unknown): Fault {
  return new Fault('CorruptItem', `the item ${pk} / ${sk} is not what its store writes`, { cause });
}
