/**
 * Whether an answer of the service is one that the document tells: its status, its content type, its body by the schema (closed: a member
 * that is not told is a fault), its headers. The callers that tests share ask this of every answer (functions/http-call.ts,
 * support/service.ts), so whatever any test is answered is held against the document.
 */
import { complaints, operations, resolved, type Operation, type Response } from './described.ts';

export interface Seen {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it came; undefined or empty where there is none. */
  readonly text: string | undefined;
}

/** What headers mean something here; others are the transport's. */
const TOLD_HEADERS = [
  'cache-control',
  'etag',
  'idempotent-replayed',
  'location',
  'retry-after',
  'sluice-change',
  'sluice-next-cursor',
  'www-authenticate',
];

/** Property tests ask a hundred thousand times: of a status that an operation has answered so often, one in so many is looked at. */
const ALL_OF = 200;
const ONE_IN = 20;
const counts = new Map<string, number>();

function isLookedAt(routeKey: string, status: number): boolean {
  const key = `${routeKey} ${status}`;
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count <= ALL_OF || count % ONE_IN === 0;
}

/** Throws where the document does not tell such an answer; a route that it does not have is none of its business. */
export function expectTold(routeKey: string, seen: Seen): void {
  const operation = operations.get(routeKey);
  if (!operation || !isLookedAt(routeKey, seen.status)) return;
  const wrong = untold(operation, seen);
  if (wrong.length > 0) {
    const answer = `${seen.status} ${(seen.text ?? '').slice(0, 2000)}`;
    throw new Error(`docs/openapi.json does not tell this answer to ${routeKey}: ${wrong.join('; ')}\n${answer}`);
  }
}

export function untold(operation: Operation, seen: Seen): readonly string[] {
  const named = operation.responses[String(seen.status)];
  if (!named) return [`the status ${seen.status} is not told`];
  const response = resolved(named);
  return [...headersUntold(response, seen), ...bodyUntold(response, seen)];
}

function headersUntold(response: Response, { headers }: Seen): readonly string[] {
  const told = new Map(Object.entries(response.headers ?? {}).map(([name, header]) => [name.toLowerCase(), header]));
  const missing = [...told]
    .filter(([name, { required }]) => required === true && headers[name] === undefined)
    .map(([name]) => `no ${name}`);
  const present = TOLD_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
  const wrong = present.flatMap(([name, value]) => {
    const header = told.get(name);
    return header ? complaints(resolved(header).schema ?? {}, value).map((one) => `${name}: ${one}`) : [`${name} is not told`];
  });
  return [...missing, ...wrong];
}

function bodyUntold({ content }: Response, { headers, text = '' }: Seen): readonly string[] {
  if (!content) return text === '' ? [] : ['a body is not told'];
  const type = headers['content-type']?.split(';')[0] ?? 'none';
  const media = content[type];
  if (!media) return [`the content type ${type} is not told`];
  if (!/json$/.test(type)) return [];
  const value: unknown = JSON.parse(text);
  return complaints(media.schema, value);
}

/** Read of every request, or told as a scheme of security. */
const EVERYWHERE = ['accept-encoding', 'authorization', 'content-type', 'host', 'origin', 'x-forwarded-proto'];

const READ_FOR: Readonly<Record<string, readonly string[]>> = {
  jobToken: ['header x-sluice-job-token', 'query token'],
  webhookSecret: ['header x-sluice-webhook-secret'],
};

const told = new Map([...operations].map(([routeKey, operation]) => [routeKey, namesOf(operation)] as const));

function namesOf({ parameters = [], security }: Operation): ReadonlySet<string> {
  return new Set([
    ...parameters.map((parameter) => nameOf(parameter.in, parameter.name)),
    ...EVERYWHERE.map((name) => nameOf('header', name)),
    ...security.flatMap((schemes) => Object.keys(schemes)).flatMap((scheme) => READ_FOR[scheme] ?? []),
  ]);
}

/** The parameters of a request that its handler has read and the document does not tell. */
export function readUntold(routeKey: string, read: ReadonlySet<string>): readonly string[] {
  const names = told.get(routeKey);
  return names ? [...read].filter((name) => !names.has(name)) : [];
}

/** Names of headers are the same in any case. */
export function nameOf(place: string, name: string): string {
  return `${place} ${place === 'header' ? name.toLowerCase() : name}`;
}
