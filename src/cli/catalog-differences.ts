/** What two documents differ in, field by field. */
import { pointerOf } from '#contract/run-request';

export interface Difference {
  /** JSON Pointer to the field. */
  readonly pointer: string;
  /** Absent where the field comes new. */
  readonly before?: unknown;
  /** Absent where the field goes. */
  readonly after?: unknown;
}

/** Objects are compared by key, whatever their order; lists by position. */
export function differences(before: unknown, after: unknown, path: readonly (string | number)[] = []): readonly Difference[] {
  if (before === after) return [];
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after)) {
    const sides = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
    return [{ pointer: pointerOf(path), ...sides }];
  }
  const fields = (value: object): ReadonlyMap<string, unknown> => new Map<string, unknown>(Object.entries(value));
  const [olds, news] = [fields(before), fields(after)];
  return [...new Set([...olds.keys(), ...news.keys()])].flatMap((key) => differences(olds.get(key), news.get(key), [...path, key]));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** One line: `/limits/max-parallel: 10 → 20`. Of two long texts only what differs, with a little around it. */
export function differenceText({ pointer, ...sides }: Difference): string {
  const [before, after] = shortened(spelt(sides.before), spelt(sides.after));
  return `${pointer}: ${before} → ${after}`;
}

const spelt = (value: unknown): string => (value === undefined ? '(absent)' : JSON.stringify(value));

const LONG = 60;
const AROUND = 20;

function shortened(before: string, after: string): readonly [string, string] {
  if (Math.max(before.length, after.length) <= LONG) return [before, after];
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before[same] === after[same]) same += 1;
  let sameAtEnd = 0;
  while (sameAtEnd < shorter - same && before.at(-1 - sameAtEnd) === after.at(-1 - sameAtEnd)) sameAtEnd += 1;
  const [left, right] = [Math.max(0, same - AROUND), Math.max(0, sameAtEnd - AROUND)];
  const part = (text: string): string => `${left > 0 ? '…' : ''}${text.slice(left, text.length - right)}${right > 0 ? '…' : ''}`;
  return [part(before), part(after)];
}
