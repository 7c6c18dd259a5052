/** Reading a request's members with the service's own complaints. */
import type { Json } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { jacksonComplaint } from './definition.ts';
import type { Failure } from './facts.ts';
import { isTooLarge, LARGEST_PAYLOAD_BYTES } from './payload.ts';

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

export function optionalText(input: Input, member: string, longest = Infinity): string | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return invalid(value, member, 'Member must be a string');
  return value.length <= longest ? value : invalid(value, member, `Member must have length less than or equal to ${longest}`);
}

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html, and StopExecution alike. */
const [LONGEST_ERROR, LONGEST_CAUSE] = [256, 32_768];

export function failureOf(input: Input): Failure {
  const [error, cause] = [optionalText(input, 'error', LONGEST_ERROR), optionalText(input, 'cause', LONGEST_CAUSE)];
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
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
  const { most, position } = textPageRequest(input, /^\d+$/);
  return { most, position: position === undefined ? undefined : Number(position) };
}

/** Of a list whose pages begin at a text like `position`. A token of another list is none of this one's. */
export function textPageRequest(input: Input, shape: RegExp): { readonly most: number; readonly position: string | undefined } {
  const { maxResults = 0 } = input;
  if (typeof maxResults !== 'number' || !Number.isInteger(maxResults)) invalid(maxResults, 'maxResults', 'Member must be an integer');
  if (maxResults < 0) invalid(maxResults, 'maxResults', 'Member must have value greater than or equal to 0');
  if (maxResults > LONGEST_PAGE) invalid(maxResults, 'maxResults', `Member must have value less than or equal to ${LONGEST_PAGE}`);
  const token = optionalText(input, 'nextToken', LONGEST_PAGE_TOKEN);
  return { most: maxResults === 0 ? DEFAULT_PAGE : maxResults, position: token === undefined ? undefined : positionOf(token, shape) };
}

export function pageToken(position: number | string): string {
  return Buffer.from(`page|${position}`).toString('base64');
}

/** Of a list that is at hand whole: its token is the offset of the next page. */
export function pageOf<Item>(all: readonly Item[], input: Input): Page<Item> {
  const { most, position: start = 0 } = pageRequest(input);
  const end = start + most;
  return { items: all.slice(start, end), ...(end < all.length && { nextToken: pageToken(end) }) };
}

function positionOf(token: string, shape: RegExp): string {
  const position = /^page\|(.+)$/.exec(Buffer.from(token, 'base64').toString())?.[1];
  if (position === undefined || !shape.test(position)) throw new ApiError('InvalidToken', `Invalid Token: 'Invalid token'`);
  return position;
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
  // As it is spelled too: it is kept as it was sent, and answered so.
  if (isTooLarge(parsed) || Buffer.byteLength(value) > LARGEST_PAYLOAD_BYTES)
    return refuse(`The payload is larger than ${LARGEST_PAYLOAD_BYTES} bytes`);
  return parsed;
}

function jsonComplaint(value: string): string {
  if (/^\s*\{\s*'/.test(value)) return "Unexpected character (''' (code 39)): was expecting double-quote to start field name";
  return jacksonComplaint(value).reason.split('\n')[0] ?? '';
}
