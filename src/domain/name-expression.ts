/**
 * The text of a pattern as an expression: what Python's `re` writes, without references back and without looking around. Groups
 * group, and whether a repetition is lazy makes no difference to whether there is a match.
 */
export type Assertion = (name: readonly string[], at: number) => boolean;
type Takes = (character: string) => boolean;

export type Expression =
  | { readonly kind: 'take'; readonly takes: Takes }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  | { readonly kind: 'repeat'; readonly of: Expression; readonly least: number; readonly most: number };

export type ParsedExpression =
  { readonly kind: 'expression'; readonly expression: Expression } | { readonly kind: 'invalid'; readonly message: string };

/** Never leaves this file. */
class Refused extends Error {
  override readonly name = 'Refused';
}

export function parseExpression(text: string): ParsedExpression {
  const ignoresCase = text.startsWith('(?i)');
  const reader = readerOf(Array.from(ignoresCase ? text.slice('(?i)'.length) : text), ignoresCase);
  try {
    const expression = choice(reader);
    if (reader.next() !== undefined) throw new Refused('has a ) without its (');
    return { kind: 'expression', expression };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'invalid', message: error.message };
    throw error;
  }
}

interface Reader {
  next(): string | undefined;
  take(): string;
  /** Takes `text` where it comes next. */
  skip(text: string): boolean;
  /** Takes what a sticky expression finds here. */
  match(expression: RegExp): RegExpExecArray | undefined;
  literal(character: string): Expression;
  folded(takes: Takes): Takes;
}

function readerOf(characters: readonly string[], ignoresCase: boolean): Reader {
  let at = 0;
  const folded = (takes: Takes): Takes =>
    ignoresCase ? (character) => [character, character.toLowerCase(), character.toUpperCase()].some(takes) : takes;
  return {
    next: () => characters[at],
    take() {
      const character = characters[at];
      if (character === undefined) throw new Refused('ends too early');
      at += 1;
      return character;
    },
    skip(text) {
      const found = characters.slice(at, at + text.length).join('') === text;
      if (found) at += text.length;
      return found;
    },
    match(expression) {
      const found = expression.exec(characters.slice(at).join('')) ?? undefined;
      if (found?.index !== 0) return undefined;
      at += Array.from(found[0]).length;
      return found;
    },
    literal: (character) => ({ kind: 'take', takes: folded((each) => each === character) }),
    folded,
  };
}

function choice(reader: Reader): Expression {
  const options = [sequence(reader)];
  while (reader.skip('|')) options.push(sequence(reader));
  const [only] = options;
  return options.length === 1 && only ? only : { kind: 'choice', options };
}

function sequence(reader: Reader): Expression {
  const parts: Expression[] = [];
  for (let next = reader.next(); next !== undefined && next !== '|' && next !== ')'; next = reader.next())
    parts.push(repeated(reader, atom(reader)));
  return { kind: 'sequence', parts };
}

const TIMES_MOST = 100;

function repeated(reader: Reader, of: Expression): Expression {
  const bounds = repetition(reader);
  if (!bounds) return of;
  if (of.kind === 'assert') throw new Refused('repeats a place, which is nothing to repeat');
  // Lazy or not is the same match.
  reader.skip('?');
  if (reader.next() === '+' || reader.next() === '*' || repetition(reader)) throw new Refused('repeats a repetition: put it into a group');
  const { least, most } = bounds;
  if (most < least) throw new Refused(`repeats from ${least} to ${most} times`);
  if (least > TIMES_MOST || (most > TIMES_MOST && most !== Infinity)) throw new Refused(`repeats more than ${TIMES_MOST} times by number`);
  return { kind: 'repeat', of, least, most };
}

function repetition(reader: Reader): { readonly least: number; readonly most: number } | undefined {
  if (reader.skip('*')) return { least: 0, most: Infinity };
  if (reader.skip('+')) return { least: 1, most: Infinity };
  if (reader.skip('?')) return { least: 0, most: 1 };
  // Anything else in braces is text, as in Python.
  const [, exact, least, most] = reader.match(/^\{(?:(\d{1,4})|(\d{0,4}),(\d{0,4}))\}/) ?? [];
  if (exact !== undefined) return { least: Number(exact), most: Number(exact) };
  if (least === undefined) return undefined;
  return { least: Number(least), most: most === '' || most === undefined ? Infinity : Number(most) };
}

function atom(reader: Reader): Expression {
  const character = reader.take();
  switch (character) {
    case '(':
      return group(reader);
    case '[':
      return { kind: 'take', takes: reader.folded(characterClass(reader)) };
    case '.':
      return { kind: 'take', takes: (each) => each !== '\n' };
    case '^':
      return { kind: 'assert', assertion: isStart };
    case '$':
      return { kind: 'assert', assertion: isEnd };
    case '*':
    case '+':
    case '?':
      throw new Refused(`has nothing before ${character} to repeat`);
    case '\\':
      return escaped(reader);
    default:
      return reader.literal(character);
  }
}

function group(reader: Reader): Expression {
  if (reader.skip('?') && !reader.skip(':') && !reader.match(/^P?<[A-Za-z_]\w*>/))
    throw new Refused('has a (? that is neither (?: nor a named group; looking around and references back are not to be had');
  const inner = choice(reader);
  if (!reader.skip(')')) throw new Refused('has a ( without its )');
  return inner;
}

const isStart: Assertion = (_name, at) => at === 0;
/** Before a line break at the end as well. */
const isEnd: Assertion = (name, at) => at === name.length || (at === name.length - 1 && name[at] === '\n');
const isWord: Takes = (character) => /[\p{L}\p{N}_]/u.test(character);
const isBoundary: Assertion = (name, at) => isWord(name[at - 1] ?? '') !== isWord(name[at] ?? '');

const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: isStart,
  Z: (name, at) => at === name.length,
  b: isBoundary,
  B: (name, at) => !isBoundary(name, at),
};

const CLASSES: Readonly<Record<string, Takes>> = {
  d: (character) => /\p{Nd}/u.test(character),
  D: (character) => !/\p{Nd}/u.test(character),
  w: isWord,
  W: (character) => !isWord(character),
  s: (character) => /\s/u.test(character),
  S: (character) => !/\s/u.test(character),
};

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' };

function escaped(reader: Reader): Expression {
  const assertion = own(ASSERTIONS, reader.next());
  if (assertion) {
    reader.take();
    return { kind: 'assert', assertion };
  }
  const one = escapedOne(reader);
  return typeof one === 'string' ? reader.literal(one) : { kind: 'take', takes: one };
}

/** After a backslash: a character, or a class of them. */
function escapedOne(reader: Reader): string | Takes {
  const code = reader.match(/^(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/);
  if (code) return String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? '', 16));
  const character = reader.take();
  const known = own(CLASSES, character) ?? own(CONTROLS, character);
  if (known !== undefined) return known;
  if (/[0-9]/.test(character)) throw new Refused('refers back to a group, which is not to be had');
  if (/\p{L}/u.test(character)) throw new Refused(`has \\${character}, which means nothing`);
  return character;
}

const own = <Value>(of: Readonly<Record<string, Value>>, key: string | undefined): Value | undefined =>
  key !== undefined && Object.hasOwn(of, key) ? of[key] : undefined;

/** After `[`. A `]` that comes first is text, and so is a `-` at either end. */
function characterClass(reader: Reader): Takes {
  const isNegated = reader.skip('^');
  const members: Takes[] = [];
  do members.push(member(reader));
  while (!reader.skip(']'));
  return (character) => members.some((takes) => takes(character)) !== isNegated;
}

function member(reader: Reader): Takes {
  const from = memberEnd(reader);
  if (reader.next() !== '-') return typeof from === 'string' ? (each) => each === from : from;
  reader.take();
  // At the end: text.
  if (reader.next() === ']') return (each) => each === '-' || (typeof from === 'string' ? each === from : from(each));
  const to = memberEnd(reader);
  if (typeof from !== 'string' || typeof to !== 'string') throw new Refused('has a range that begins or ends with a class');
  const [first = 0, last = 0] = [from.codePointAt(0), to.codePointAt(0)];
  if (last < first) throw new Refused(`has the range ${from}-${to}, which is the wrong way round`);
  return (each) => {
    const code = each.codePointAt(0) ?? 0;
    return code >= first && code <= last;
  };
}

function memberEnd(reader: Reader): string | Takes {
  const character = reader.take();
  if (character !== '\\') return character;
  // Within a class, \b is the backspace.
  if (reader.skip('b')) return '\b';
  return escapedOne(reader);
}
