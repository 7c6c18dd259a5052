/** Reading a request's members with the service's own complaints. */
import type { Json } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { jacksonComplaint } from './definition.ts';
import { isTooLarge } from './payload.ts';

export type Input = Readonly<Record<string, Json>>;

export function inputOf(value: Json): Input {
  if (!isJsonObject(value)) throw new ApiError('SerializationException', 'The request is no JSON object');
  return value;
}

export function invalid(value: Json, member: string, constraint: string): never {
  throw new ApiError(
    'ValidationException',
    `1 validation error detected: Value '${typeof value === 'string' ? value : JSON.stringify(value)}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

export function optionalText(input: Input, member: string): string | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : invalid(value, member, 'Member must be a string');
}

export function text(input: Input, member: string): string {
  return optionalText(input, member) ?? invalid(null, member, 'Member must not be null');
}

const LONGEST_PAGE = 1000;
const DEFAULT_PAGE = 100;
const LONGEST_PAGE_TOKEN = 3096;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextToken?: string;
}

export interface PageRequest {
  readonly most: number;
  /** Where the page begins, as the token before said; undefined for the first page. What it counts is the list's affair. */
  readonly position: number | undefined;
}

export function pageRequest(input: Input): PageRequest {
  const { maxResults = 0 } = input;
  if (typeof maxResults !== 'number') invalid(maxResults, 'maxResults', 'Member must be a number');
  if (maxResults > LONGEST_PAGE) invalid(maxResults, 'maxResults', `Member must have value less than or equal to ${LONGEST_PAGE}`);
  const token = optionalText(input, 'nextToken');
  if (token !== undefined && token.length > LONGEST_PAGE_TOKEN)
    invalid(token, 'nextToken', `Member must have length less than or equal to ${LONGEST_PAGE_TOKEN}`);
  return { most: maxResults === 0 ? DEFAULT_PAGE : maxResults, position: token === undefined ? undefined : positionOf(token) };
}

export function pageToken(position: number): string {
  return Buffer.from(`page|${position}`).toString('base64');
}

/** Of a list that is at hand whole: its token is the offset of the next page. */
export function pageOf<Item>(all: readonly Item[], input: Input): Page<Item> {
  const { most, position: start = 0 } = pageRequest(input);
  const end = start + most;
  return { items: all.slice(start, end), ...(end < all.length && { nextToken: pageToken(end) }) };
}

function positionOf(token: string): number {
  const position = /^page\|(\d+)$/.exec(Buffer.from(token, 'base64').toString())?.[1];
  if (position === undefined) throw new ApiError('InvalidToken', `Invalid Token: 'Invalid token'`);
  return Number(position);
}

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html: what a name must not contain. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const FORBIDDEN_IN_NAMES = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;
const LONGEST_NAME = 80;

export function checkName(name: string): string {
  if (name === '' || name.length > LONGEST_NAME || FORBIDDEN_IN_NAMES.test(name))
    throw new ApiError('InvalidName', `Invalid Name: '${name}'`);
  return name;
}

/** The text of an execution's input or a task's output, checked to be JSON within the limit. */
export function checkedJson(value: string, code: 'InvalidExecutionInput' | 'InvalidOutput'): Json {
  const refuse = (reason: string): never => {
    throw new ApiError(
      code,
      code === 'InvalidOutput' ? `Invalid Output: '${reason}'` : `Invalid State Machine Execution Input: '${reason}'`,
    );
  };
  if (value === '') return refuse(code === 'InvalidOutput' ? 'Invalid output.' : 'Invalid execution input.');
  let parsed: Json;
  try {
    parsed = JSON.parse(value) as Json;
  } catch {
    return refuse(jsonComplaint(value));
  }
  if (isTooLarge(parsed)) return refuse('The payload is larger than 262144 bytes');
  return parsed;
}

function jsonComplaint(value: string): string {
  if (/^\s*\{\s*'/.test(value)) return "Unexpected character (''' (code 39)): was expecting double-quote to start field name";
  return jacksonComplaint(value).split('\n')[0] ?? '';
}
