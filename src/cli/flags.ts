/** From the words of a command line to what a command asks of them. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError, type Command, type Flag, type GivenFlag, type Invocation } from './command.ts';

export const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  url: { value: 'URL', help: 'where the service is (SLUICE_URL, else http://127.0.0.1:8888)' },
  token: { value: 'TOKEN', help: 'API token (SLUICE_TOKEN, else <data-dir>/token of a service on this machine)' },
  'data-dir': { value: 'DIR', help: 'data directory of a local service (SLUICE_DATA_DIR, else .sluice)' },
  help: { short: 'h', help: 'this text' },
};

export const JSON_FLAG: Flag = { value: '[FIELDS]', help: 'print JSON: everything, or the named fields (a,b)' };

/** Every flag of a command, in the order of its help. */
export function flagsOf(command: Command): Readonly<Record<string, Flag>> {
  return { ...command.flags, ...(command.fields.length > 0 ? { json: JSON_FLAG } : {}), ...COMMON_FLAGS };
}

export function parseInvocation(command: Command, words: readonly string[]): Invocation {
  const { rest, json } = takeJson(command, words);
  const { given, operands } = parsedWords(command, rest);
  const byName = new Map(given.map(({ name, value }) => [name, value]));
  const repeated = given.find(
    ({ name }, index) => flagsOf(command)[name]?.multiple !== true && given.findIndex((flag) => flag.name === name) < index,
  );
  if (repeated) throw new UsageError(`--${repeated.name} is given twice`);
  if (!byName.has('help')) checkOperands(command, operands, json && wordAfterJson(words));
  return { operands, given, json, text: (flag) => byName.get(flag), has: (flag) => byName.has(flag) };
}

function checkOperands(command: Command, operands: readonly string[], afterJson: string | undefined): void {
  const { operands: expected } = command;
  const missing = expected[operands.length];
  // What stands in brackets may be left out.
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`${missing} is missing`);
  const surplus = operands[expected.length];
  // One word more than there are places for, behind --json: that was meant as its fields.
  if (surplus !== undefined && afterJson !== undefined && operands.includes(afterJson)) checkFields(command, afterJson.split(','));
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one word too many`);
}

function parsedWords(command: Command, words: readonly string[]): Pick<Invocation, 'given' | 'operands'> {
  const entries = Object.entries(flagsOf(command)).map(([name, { value, short, multiple }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type, ...(short === undefined ? {} : { short }), ...(multiple ? { multiple } : {}) }] as const;
  });
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(entries);
  try {
    const { tokens, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, tokens: true });
    const given = tokens.flatMap((token): GivenFlag[] => (token.kind === 'option' ? [{ name: token.name, value: token.value }] : []));
    return { given, operands: positionals };
  } catch (error) {
    // parseArgs says which word is wrong, and then how its caller could have been written.
    const [message = 'the flags cannot be read'] = error instanceof Error ? error.message.split(/(?<=['"])\. |\n/) : [];
    throw new UsageError(message);
  }
}

function wordAfterJson(words: readonly string[]): string | undefined {
  const at = words.indexOf('--json');
  return at < 0 ? undefined : words[at + 1];
}

function checkFields({ fields: known }: Command, fields: readonly string[]): void {
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown !== undefined) throw new UsageError(`--json knows no field "${unknown}"; it has ${known.join(', ')}`);
}

/**
 * `--json` takes its fields as `--json=a,b`, or as the next word where that word is nothing but fields: `--json state,jobs`.
 * parseArgs has no flag whose value may be left out.
 */
function takeJson(
  command: Command,
  words: readonly string[],
): { readonly rest: readonly string[]; readonly json: readonly string[] | undefined } {
  const end = words.indexOf('--');
  const at = words.findIndex((word, index) => (word === '--json' || word.startsWith('--json=')) && (end < 0 || index < end));
  if (at < 0 || command.fields.length === 0) return { rest: words, json: undefined };
  const word = words[at] ?? '';
  if (word !== '--json') {
    const fields = word.slice('--json='.length).split(',');
    checkFields(command, fields);
    return { rest: words.toSpliced(at, 1), json: fields };
  }
  const fields = words[at + 1]?.split(',') ?? [];
  const named = fields.length > 0 && fields.every((field) => command.fields.includes(field));
  return { rest: words.toSpliced(at, named ? 2 : 1), json: named ? fields : [] };
}

/** A flag that must be a whole number of at least `least`. */
export function numberFlag(invocation: Invocation, flag: string, least: number): number | undefined {
  const text = invocation.text(flag);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < least)
    throw new UsageError(`--${flag} must be a whole number of at least ${least}, not "${text}"`);
  return Number(text);
}

/** A flag that must be given, and not empty. */
export function requiredFlag(invocation: Invocation, flag: string): string {
  const text = invocation.text(flag);
  if (text === undefined || text === '') throw new UsageError(`--${flag} is missing`);
  return text;
}
