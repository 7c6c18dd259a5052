import type { ZodType } from 'zod';
import { Fault } from '#domain/faults';
import type { Item } from './table.ts';

/** A stored item as its domain value; a bad one is a fault that names its key. */
export function decode<Value>(schema: ZodType<Value>, item: Item): Value {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  throw new Fault('CorruptItem', `the item ${item.pk} / ${item.sk} is not what its store writes`, { cause: parsed.error });
}
