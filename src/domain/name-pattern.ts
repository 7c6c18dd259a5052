/**
 * Patterns for the names of files (contracts/pipeline-jobs.md §6.2): regular expressions that are searched for in a name. Whoever
 * registers a job writes them, and there are expressions that a backtracking engine does not finish with in years. So what
 * cannot be decided in one pass over the name (references back, looking around) is no pattern, and the rest is run as a set of
 * places in the expression: time grows with length of name times length of pattern, never faster.
 */
import { parseExpression, type Expression, type Assertion } from './name-expression.ts';

export interface NamePattern {
  readonly text: string;
  readonly matches: (name: string) => boolean;
}

export type ParsedPattern =
  { readonly kind: 'pattern'; readonly pattern: NamePattern } | { readonly kind: 'invalid'; readonly message: string };

export const PATTERN_LENGTH = 256;
/** `(a{100}){100}` is short to write and long to run. */
const STEPS = 500;

export function parseNamePattern(text: string): ParsedPattern {
  if (text.length > PATTERN_LENGTH) return invalid(`has more than ${PATTERN_LENGTH} characters`);
  const parsed = parseExpression(text);
  if (parsed.kind === 'invalid') return parsed;
  const program: Step[] = [];
  if (!compiled(parsed.expression, program)) return invalid(`means more than ${STEPS} steps: repeat less`);
  program.push({ kind: 'found' });
  return { kind: 'pattern', pattern: { text, matches: (name) => run(program, Array.from(name)) } };
}

const invalid = (message: string): ParsedPattern => ({ kind: 'invalid', message });

/** `jump` and `fork` lead to other steps without taking a character. */
type Step =
  | { readonly kind: 'take'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'fork'; to: readonly number[] }
  | { readonly kind: 'found' };

/** False where the program became too long. */
function compiled(expression: Expression, program: Step[]): boolean {
  if (program.length > STEPS) return false;
  switch (expression.kind) {
    case 'take':
    case 'assert':
      program.push(expression);
      return true;
    case 'sequence':
      return expression.parts.every((part) => compiled(part, program));
    case 'choice':
      return compiledChoice(expression.options, program);
    case 'repeat':
      return compiledRepeat(expression, program);
  }
}

function compiledChoice(options: readonly Expression[], program: Step[]): boolean {
  const fork: Extract<Step, { kind: 'fork' }> = { kind: 'fork', to: [] };
  program.push(fork);
  const starts: number[] = [];
  const exits: Extract<Step, { kind: 'fork' }>[] = [];
  for (const option of options) {
    starts.push(program.length);
    if (!compiled(option, program)) return false;
    const exit: Extract<Step, { kind: 'fork' }> = { kind: 'fork', to: [] };
    program.push(exit);
    exits.push(exit);
  }
  fork.to = starts;
  for (const exit of exits) exit.to = [program.length];
  return true;
}

function compiledRepeat({ of, least, most }: Extract<Expression, { kind: 'repeat' }>, program: Step[]): boolean {
  for (let times = 0; times < least; times += 1) if (!compiled(of, program)) return false;
  if (most === Infinity) {
    const start = program.length;
    const fork: Extract<Step, { kind: 'fork' }> = { kind: 'fork', to: [] };
    program.push(fork);
    if (!compiled(of, program)) return false;
    program.push({ kind: 'fork', to: [start] });
    fork.to = [start + 1, program.length];
    return true;
  }
  const forks: Extract<Step, { kind: 'fork' }>[] = [];
  for (let times = least; times < most; times += 1) {
    const fork: Extract<Step, { kind: 'fork' }> = { kind: 'fork', to: [program.length + 1] };
    program.push(fork);
    forks.push(fork);
    if (!compiled(of, program)) return false;
  }
  for (const fork of forks) fork.to = [...fork.to, program.length];
  return true;
}

/** Every place that the expression can be in after so many characters; it may begin at each of them. */
function run(program: readonly Step[], name: readonly string[]): boolean {
  let places = new Set<number>();
  for (let at = 0; at <= name.length; at += 1) {
    const here = new Set<number>();
    for (const place of [...places, 0]) if (reached(program, name, { at, place }, here)) return true;
    const character = name[at];
    if (character === undefined) return false;
    places = new Set();
    for (const place of here) {
      const step = program[place];
      if (step?.kind === 'take' && step.takes(character)) places.add(place + 1);
    }
  }
  return false;
}

/** Adds what `place` leads to without a character; true where that is the end. */
function reached(
  program: readonly Step[],
  name: readonly string[],
  { at, place }: { readonly at: number; readonly place: number },
  here: Set<number>,
): boolean {
  const open = [place];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const step = program[next];
    if (here.has(next) || !step) continue;
    here.add(next);
    switch (step.kind) {
      case 'found':
        return true;
      case 'fork':
        open.push(...step.to);
        break;
      case 'assert':
        if (step.assertion(name, at)) open.push(next + 1);
        break;
      case 'take':
        break;
    }
  }
  return false;
}

/** By basename; no pattern at all is every file, as the documentation of the original says. */
export function anyMatches(patterns: readonly NamePattern[], name: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => pattern.matches(name));
}
