/**
 * Parameter sets as people write them: words of the command line, or a file.
 *
 * A plain word becomes the JSON value it looks like (`5`, `-1.5`, `true`, `null`), else it is text. Quotes make text of
 * anything: `-p 'ZIP="02134"'`, and a quoted cell of a CSV file. A number of more than 15 digits stays text, because JSON's
 * numbers would change it. An empty cell of a CSV file is a parameter that this set does not have.
 */
import type { RunRequest } from '#contract/run-request';
import { jsonFaults } from '#contract/strict-json';
import { UsageError, type GivenFlag } from './command.ts';
import { CsvError, parseCsv, type CsvCell, type CsvRow } from './csv.ts';
import { counted } from './table.ts';

export type ParameterSet = RunRequest['runtime-parameters'][number];
type Value = ParameterSet[string];

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;
const EXACT_DIGITS = 15;

export function valueOf(word: string): Value {
  switch (word) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    default:
      return numberOf(word) ?? quotedText(word) ?? word;
  }
}

function numberOf(word: string): number | undefined {
  if (!NUMBER.test(word)) return undefined;
  const digits = word
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  const number = Number(word);
  return digits.length <= EXACT_DIGITS && Number.isFinite(number) ? number : undefined;
}

function quotedText(word: string): string | undefined {
  if (!/^".*"$/s.test(word)) return undefined;
  try {
    return String(JSON.parse(word));
  } catch {
    return undefined;
  }
}

/** `-p key=value` words form one set; each `--set` begins the next. */
export function setsOfFlags(given: readonly GivenFlag[]): readonly ParameterSet[] {
  const sets: Map<string, Value>[] = [];
  for (const { name, value = '' } of given) {
    if (name === 'set') sets.push(new Map());
    if (name !== 'param') continue;
    const at = value.indexOf('=');
    if (at < 1) throw new UsageError(`-p ${value} is not key=value`);
    const key = value.slice(0, at);
    const set = sets.at(-1) ?? new Map<string, Value>();
    if (sets.length === 0) sets.push(set);
    if (set.has(key)) throw new UsageError(`-p ${key} is given twice for one set; --set begins the next set`);
    set.set(key, valueOf(value.slice(at + 1)));
  }
  return sets.map((set) => Object.fromEntries(set));
}

/** The sets of a file, by its name's ending: .json, .ndjson, .jsonl or .csv. */
export function setsOfFile(path: string, text: string): readonly ParameterSet[] {
  switch (/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '') {
    case 'json':
      return setsOfJson(path, text);
    case 'ndjson':
    case 'jsonl':
      return setsOfLines(path, text);
    case 'csv':
      return setsOfCsv(path, text);
    default:
      throw new UsageError(`${path}: a parameter file ends in .json, .ndjson, .jsonl or .csv`);
  }
}

function setsOfJson(path: string, text: string): readonly ParameterSet[] {
  const parsed = parseJson(path, text.replace(/^\uFEFF/, ''));
  if (isObject(parsed)) return [parsed];
  if (!Array.isArray(parsed)) throw new UsageError(`${path}: is neither a list of objects nor one object`);
  return parsed.map((set: unknown, index) => {
    if (!isObject(set)) throw new UsageError(`${path}: /${index} is not an object`);
    return set;
  });
}

function setsOfLines(path: string, text: string): readonly ParameterSet[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      const set = parseJson(`${path}: line ${index + 1}`, line);
      if (!isObject(set)) throw new UsageError(`${path}: line ${index + 1} is not an object`);
      return [set];
    });
}

function setsOfCsv(path: string, text: string): readonly ParameterSet[] {
  const [head, ...rows] = csvRows(path, text);
  const keys = head?.cells.map((cell) => cell.text.trim()) ?? [];
  const wrong = keys.find((key, index) => key === '' || keys.indexOf(key) < index);
  if (wrong !== undefined)
    throw new UsageError(`${path}: the first line names ${wrong === '' ? 'a column by nothing' : `"${wrong}" twice`}`);
  return rows.map(({ line, cells }) => {
    if (cells.length !== keys.length)
      throw new UsageError(`${path}: line ${line} has ${counted(cells.length, 'cell')}, the first line has ${keys.length}`);
    return Object.fromEntries(cells.flatMap((cell, index) => cellEntry(keys[index] ?? '', cell)));
  });
}

function cellEntry(key: string, { text, quoted }: CsvCell): readonly (readonly [string, Value])[] {
  if (quoted) return [[key, text]];
  return text === '' ? [] : [[key, valueOf(text)]];
}

function csvRows(path: string, text: string): readonly CsvRow[] {
  try {
    return parseCsv(text);
  } catch (error) {
    throw error instanceof CsvError ? new UsageError(`${path}: ${error.message}`) : error;
  }
}

/** What would not be kept as it stands there is refused, as the service refuses it in a body. */
function parseJson(where: string, text: string): unknown {
  const parsed = parsedJson(where, text);
  const [fault] = jsonFaults(text);
  if (fault) throw new UsageError(`${where}: ${fault.pointer} ${fault.message}`);
  return parsed;
}

function parsedJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where}: ${error instanceof Error ? error.message : 'is no JSON'}`);
  }
}

const isObject = (value: unknown): value is ParameterSet => typeof value === 'object' && value !== null && !Array.isArray(value);
