/**
 * SAQL, the RSQL dialect of Control Hub's searches: `name=="a*" and (status==ACTIVE or status=in=(INACTIVE,ACTIVATING))`.
 * [C:SDK: the operators; that `;` and `,` stand for and/or, as in RSQL: I]
 */
import { refused, type Refusal } from './refusal.ts';

/** A field of a row: one value, or several of which one must fit; undefined for a field that rows of this kind do not have. */
export type FieldReader = (field: string) => string | number | boolean | null | readonly string[] | undefined;
export type Search = (read: FieldReader) => boolean;

const EVERYTHING: Search = () => true;
type Value = string | number | boolean | null;
type Token = { readonly text: string; readonly quoted: boolean };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(=(?:gt|lt|ge|le|in|out|null)=|==|!=)|([(),;])|([^\s()=!,;"']+))/y;

/** @throws Refusal 400 for what is no search */
export function parseSearch(text: string): Search {
  if (text.trim() === '') return EVERYTHING;
  const parser = new Parser(tokensOf(text), text);
  const search = parser.alternatives();
  parser.end();
  return search;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw unreadable(text, text.slice(at));
    const [, quoted, operator, mark, word] = match;
    if (quoted === undefined) tokens.push({ text: operator ?? mark ?? word ?? '', quoted: false });
    else tokens.push({ text: quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1'), quoted: true });
  }
  return tokens;
}

const unreadable = (text: string, at: string): Refusal => refused(400, 'SIMULATOR_14', `the search ${text} cannot be read at "${at}"`);

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #at = 0;

  constructor(tokens: readonly Token[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  alternatives(): Search {
    const parts = [this.#all()];
    while (this.#takes('or', ',')) parts.push(this.#all());
    return (read) => parts.some((part) => part(read));
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail();
  }

  #all(): Search {
    const parts = [this.#one()];
    while (this.#takes('and', ';')) parts.push(this.#one());
    return (read) => parts.every((part) => part(read));
  }

  #one(): Search {
    if (this.#takes('(')) {
      const inner = this.alternatives();
      this.#expect(')');
      return inner;
    }
    const field = this.#word();
    const operator = this.#word();
    return comparison(field, operator, operator === '=in=' || operator === '=out=' ? this.#list() : [this.#word()], () => this.#fail());
  }

  #list(): readonly string[] {
    this.#expect('(');
    const values = [this.#word()];
    while (this.#takes(',')) values.push(this.#word());
    this.#expect(')');
    return values;
  }

  #word(): string {
    const token = this.#tokens[this.#at];
    if (!token || (!token.quoted && /^[(),;]$/.test(token.text))) return this.#fail();
    this.#at += 1;
    return token.text;
  }

  #takes(...marks: readonly string[]): boolean {
    const token = this.#tokens[this.#at];
    const taken = token !== undefined && !token.quoted && marks.includes(token.text);
    if (taken) this.#at += 1;
    return taken;
  }

  #expect(mark: string): void {
    if (!this.#takes(mark)) this.#fail();
  }

  #fail(): never {
    throw unreadable(this.#text, this.#tokens[this.#at]?.text ?? 'its end');
  }
}

function comparison(field: string, operator: string, wanted: readonly string[], fail: () => never): Search {
  const [first = ''] = wanted;
  const one =
    (test: (value: Value) => boolean): Search =>
    (read) =>
      valuesOf(read, field).some(test);
  const none =
    (test: (value: Value) => boolean): Search =>
    (read) =>
      !valuesOf(read, field).some(test);
  const like = wildcard(first);
  switch (operator) {
    case '==':
      return one(like);
    case '!=':
      return none(like);
    case '=in=':
      return one((value) => wanted.includes(String(value)));
    case '=out=':
      return none((value) => wanted.includes(String(value)));
    case '=gt=':
      return one((value) => compared(value, first) > 0);
    case '=ge=':
      return one((value) => compared(value, first) >= 0);
    case '=lt=':
      return one((value) => compared(value, first) < 0);
    case '=le=':
      return one((value) => compared(value, first) <= 0);
    case '=null=':
      return (read) => valuesOf(read, field).every((value) => value === null || value === '') === (first === 'true');
    default:
      return fail();
  }
}

function valuesOf(read: FieldReader, field: string): readonly Value[] {
  const value = read(field);
  if (value === undefined) throw refused(400, 'SIMULATOR_14', `there is no field ${field} to search`);
  return typeof value === 'object' && value !== null ? value : [value];
}

function wildcard(pattern: string): (value: Value) => boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  const whole = new RegExp(`^${parts.join('[^]*')}$`);
  return (value) => value !== null && whole.test(String(value));
}

/** NaN, which is neither more nor less, where the two cannot be compared. */
function compared(value: Value, wanted: string): number {
  if (value === null) return NaN;
  if (typeof value === 'number') return value - Number(wanted);
  return String(value) < wanted ? -1 : String(value) > wanted ? 1 : 0;
}
