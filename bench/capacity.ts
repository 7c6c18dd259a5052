/**
 * What DynamoDB charges for a request: the size of an item, and the units of reading and writing that much.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type StoredItem = Readonly<Record<string, AttributeValue>>;

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

/** Nothing costs one unit as well: a condition that fails on an absent item, a delete of what is not there. */
export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));

export const readUnits = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (consistent ? 1 : 0.5);

export function itemBytes(item: StoredItem): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

/** A list and a map are three bytes, and one more for each of their members. */
const NESTED_BYTES = 3;

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L !== undefined) return value.L.reduce((sum, member) => sum + 1 + valueBytes(member), NESTED_BYTES);
  if (value.M !== undefined)
    return Object.entries(value.M).reduce((sum, [name, member]) => sum + 1 + Buffer.byteLength(name) + valueBytes(member), NESTED_BYTES);
  throw new Error(`an attribute of a type that the service does not store: ${Object.keys(value).join(', ')}`);
}

/** A byte for two significant digits, one more, and one for a sign. */
function numberBytes(text: string): number {
  const [, sign = '', digits = ''] = /^(-?)([0-9.]+)/.exec(text) ?? [];
  const significant = digits.replace('.', '').replace(/^0+/, '').replace(/0+$/, '');
  return Math.ceil(significant.length / 2) + 1 + sign.length;
}
