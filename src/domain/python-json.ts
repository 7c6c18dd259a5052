/**
 * Text as Python writes it, because ids and archive paths of reported jobs are hashes of such text (contracts/pipeline-jobs.md
 * §2.2): `json.dumps(value, sort_keys=True, separators=(',', ':'))` and `str(list)`. JSON has one kind of number where Python
 * has two: a number without a fraction is written as Python writes an int, so `1.0` here is `1`.
 */
import type { Json } from './json.ts';

export function pythonJson(value: Json): string {
  if (typeof value === 'string') return asciiString(value);
  if (typeof value === 'number') return pythonNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(pythonJson).join(',')}]`;
  const entries = Object.entries(value).toSorted(([one], [other]) => byCodePoint(one, other));
  return `{${entries.map(([key, each]) => `${asciiString(key)}:${pythonJson(each)}`).join(',')}}`;
}

const isList = (value: object): value is readonly Json[] => Array.isArray(value);

/** Of names that hold no quote and no backslash: `['a', 'b']`. */
export const pythonList = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;

/** JSON.stringify escapes what Python escapes, except what lies beyond the printable ASCII characters. */
function asciiString(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function pythonNumber(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  // Python writes a float with an exponent below 1e-4 and from 1e16 on; what has a fraction is always below the latter.
  if (Number(exponent) < -4) return `${digits}e-${exponent.slice(1).padStart(2, '0')}`;
  return String(value);
}

/** As Python compares strings; JavaScript compares UTF-16 units, which differs beyond the basic plane. */
export function byCodePoint(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
