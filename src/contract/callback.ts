/**
 * A callback: what an engine that can only call a URL has to say. Its status is mapped (contracts/pipeline-jobs.md §3.3), and
 * all that it sent is kept as the event's data: an object as it is, anything else under `body`.
 */
import { eventOfStatus, parseEventName } from '#domain/foreign-status';
import type { JobEventName } from '#domain/job-state';
import { isJsonObject, type Json, type JsonObject } from '#domain/json';
import { jsonFaults } from './strict-json.ts';

export interface Callback {
  readonly query: (name: string) => string | undefined;
  readonly contentType: string | undefined;
  /** Undefined where it is no UTF-8. */
  readonly text: string | undefined;
  readonly base64: string;
}

export interface CallbackEvent {
  /** Undefined: nothing says what has happened. */
  readonly name?: JobEventName;
  /** What the query calls an event, and is none: its sender means something that nobody can guess. */
  readonly unknown?: string;
  readonly data: JsonObject;
}

export function callbackEvent(callback: Callback): CallbackEvent {
  const body = bodyOf(callback);
  const fields = isJsonObject(body) ? body : {};
  // A subscriber that has nothing to fill in leaves it empty, which says nothing.
  const [event, status, state] = [callback.query('event'), callback.query('status'), callback.query('state')].map(textOf);
  const asked = status ?? state ?? textOf(fields['status']) ?? textOf(fields['state']);
  const named = parseEventName(event ?? '') ?? (asked === undefined ? parseEventName(textOf(fields['name']) ?? '') : undefined);
  const name = named ?? (asked === undefined ? undefined : eventOfStatus(asked));
  const data = dataOf(callback, body);
  if (event !== undefined && parseEventName(event) === undefined) return { unknown: event, data };
  return { ...(name === undefined ? {} : { name }), data };
}

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** JSON where it is JSON that can be kept as it was sent, else text. */
function bodyOf({ text }: Callback): Json | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const body = JSON.parse(text) as Json;
    return jsonFaults(text).length === 0 ? body : text;
  } catch {
    return text;
  }
}

function dataOf(callback: Callback, body: Json | undefined): JsonObject {
  const told: Record<string, Json> = isJsonObject(body) ? { ...body } : otherBody(callback, body);
  const status = callback.query('status') ?? callback.query('state');
  const note = callback.query('note');
  for (const [key, value] of Object.entries({ ...(status === undefined ? {} : { status }), ...(note === undefined ? {} : { note }) })) {
    // What the body says under this name is kept, too.
    told[Object.hasOwn(told, key) && told[key] !== value ? `callback-${key}` : key] = value;
  }
  return told;
}

function otherBody({ base64, contentType, text }: Callback, body: Json | undefined): Record<string, Json> {
  if (base64 === '') return {};
  const type: Record<string, Json> = contentType === undefined ? {} : { 'content-type': contentType };
  return text === undefined ? { ...type, 'body-base64': base64 } : { ...type, body: body ?? '' };
}

/** What an item of the table takes, beside all else that is in it. */
const DATA_BYTES = 360_000;

/** Text whose JSON is much longer than itself (control characters, say) is kept as it came over the wire. */
export function storable(data: JsonObject, base64: string, contentType: string | undefined): JsonObject {
  if (new TextEncoder().encode(JSON.stringify(data)).length <= DATA_BYTES) return data;
  return { ...(contentType === undefined ? {} : { 'content-type': contentType }), 'body-base64': base64 };
}
