/**
 * What JSON.parse would take and silently change: of a key that stands twice the last value, of an integer beyond 2^53 a
 * neighbour, of an escaped half character a text that no UTF-8 can carry. One pass over a text that JSON.parse has accepted.
 */
import { escapePointer } from '#domain/parameters';
import type { ProblemError } from './problems.ts';

/** Deeper values are nobody's parameters, and what walks them recursively would overflow its stack. */
export const JSON_DEPTH = 100;
const FAULTS_SHOWN = 100;

/** An object or list that is being read, and the key or index that is being read in it. */
interface Level {
  readonly keys: Set<string> | undefined;
  at: string | number;
}

export function jsonFaults(text: string): readonly ProblemError[] {
  const faults: ProblemError[] = [];
  const levels: Level[] = [];
  let top: Level | undefined;
  let keyIsNext = false;
  const tell = (rule: string, message: string): void => {
    faults.push({ pointer: levels.map(({ at }) => `/${escapePointer(String(at))}`).join(''), rule, message });
  };
  for (let index = 0; index < text.length && faults.length < FAULTS_SHOWN;) {
    const character = text[index] ?? '';
    let end = index + 1;
    if (character === '"') {
      end = endOfString(text, index);
      const value = stringOf(text, index, end);
      if (keyIsNext && top?.keys) {
        keyIsNext = false;
        top.at = value;
        if (top.keys.has(value)) tell('duplicate-key', 'stands more than once in its object');
        top.keys.add(value);
      }
      if (!value.isWellFormed()) tell('unicode', 'holds half of a surrogate pair: send whole characters');
    } else if (character === '{' || character === '[') {
      if (levels.length === JSON_DEPTH) {
        // One such pointer says enough, and there may be a million of them.
        tell('depth', `is nested more than ${JSON_DEPTH} levels deep`);
        return faults;
      }
      keyIsNext = character === '{';
      levels.push((top = { keys: keyIsNext ? new Set() : undefined, at: 0 }));
    } else if (character === '}' || character === ']') {
      levels.pop();
      top = levels.at(-1);
      keyIsNext = false;
    } else if (character === ',') {
      if (typeof top?.at === 'number' && !top.keys) top.at += 1;
      else keyIsNext = true;
    } else if (character === '-' || (character >= '0' && character <= '9')) {
      while (/[-+.0-9eE]/.test(text[end] ?? '')) end += 1;
      const wrong = end - index > EXACT_DIGITS || /e/i.test(text.slice(index, end)) ? wrongNumber(text.slice(index, end)) : undefined;
      if (wrong !== undefined) tell('number', wrong);
    }
    index = end;
  }
  return faults;
}

/** A quote ends the string unless an odd number of backslashes stands before it. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
}

function stringOf(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  return inner.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : inner;
}

/** Every integer of so many digits is a double. */
const EXACT_DIGITS = 15;

/** Fractions are rounded to the nearest double, as everybody expects of them; an integer is a number of something. */
function wrongNumber(literal: string): string | undefined {
  const value = Number(literal);
  if (!Number.isFinite(value)) return 'is larger than a number can be here: send it as text';
  if (value === 0 && /^[-.0]*[1-9]/.test(literal)) return 'is nearer to zero than a number can be here: send it as text';
  if (/^-?[0-9]+$/.test(literal) && !isExact(literal, value)) return 'has more digits than a number can hold exactly: send it as text';
  return undefined;
}

/** The double is the integer, and is also written with its digits: whoever reads it in our answers reads the same one. */
function isExact(literal: string, value: number): boolean {
  const [written = ''] = value.toExponential().split('e');
  const digits = (text: string): string => text.replace(/[-.]/g, '').replace(/^0+|0+$/g, '');
  return BigInt(literal) === BigInt(value) && digits(written) === digits(literal);
}
