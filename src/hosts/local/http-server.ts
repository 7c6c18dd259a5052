/** What API Gateway is on AWS: node:http requests become HTTP API events (payload 2.0), the functions' replies become responses. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { problemOf } from '#contract/problems';
import type { LocalFunctions } from './functions.ts';
import { matchRoute, type RouteMatch, type ServiceRoute } from './service-map.ts';

/** API Gateway's own limit; the functions have a lower one. */
const BODY_BYTES = 10 * 1024 * 1024;

export interface HttpServerOptions {
  readonly routes: readonly ServiceRoute[];
  readonly functions: LocalFunctions;
  readonly newRequestId: () => string;
  readonly nowMs: () => number;
}

interface Reply {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes travel in the reply as base64. */
  readonly isBase64Encoded?: boolean;
}

export function httpServer(options: HttpServerOptions): Server {
  return createServer((request, response) => {
    void respond(options, request, response);
  });
}

async function respond(options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = await replyTo(options, request).catch((): Reply => problemReply('fault', 'the local host failed'));
  // A client that left while its answer was made has no use for it.
  if (response.destroyed) return;
  response.writeHead(reply.statusCode ?? 200, reply.headers);
  const body = reply.isBase64Encoded === true ? Buffer.from(reply.body ?? '', 'base64') : reply.body;
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function replyTo(options: HttpServerOptions, request: IncomingMessage): Promise<Reply> {
  const url = requestedUrl(request);
  // As API Gateway answers it: a method that a path does not have is not found, never 405.
  const match = matchRoute(options.routes, request.method ?? 'GET', url.pathname);
  if (!match) return problemReply('not-found', `there is no ${request.method ?? ''} ${url.pathname}`);
  const body = await bodyOf(request);
  if (body === undefined) return problemReply('request-too-large', `the body has more than ${BODY_BYTES} bytes`);
  return (await options.functions.call(match.route.functionName, eventOf(options, request, url, match, body))) as Reply;
}

/** Never resolved as a reference: `//elsewhere/v1/runs` would be another host's path, and `//` is no URL at all. */
function requestedUrl({ url = '/' }: IncomingMessage): URL {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? '';
  const path = url.slice(absolute.length);
  return new URL(`http://localhost${path.startsWith('/') ? path : `/${path}`}`);
}

function problemReply(slug: 'not-found' | 'request-too-large' | 'fault', detail: string): Reply {
  const problem = problemOf(slug, detail);
  return {
    statusCode: problem.status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify(problem),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= BODY_BYTES) parts.push(part);
  }
  return bytes <= BODY_BYTES ? Buffer.concat(parts) : undefined;
}

function eventOf(options: HttpServerOptions, request: IncomingMessage, url: URL, match: RouteMatch, body: Buffer): object {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')]);
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) query.set(name, query.has(name) ? `${query.get(name) ?? ''},${value}` : value);
  return {
    version: '2.0',
    routeKey: match.route.routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: Object.fromEntries(headers) as Record<string, string>,
    queryStringParameters: Object.fromEntries(query),
    pathParameters: match.pathParameters,
    requestContext: {
      requestId: options.newRequestId(),
      routeKey: match.route.routeKey,
      stage: '$default',
      timeEpoch: options.nowMs(),
      http: { method: request.method, path: url.pathname, protocol: 'HTTP/1.1', sourceIp: request.socket.remoteAddress ?? '' },
    },
    // Text travels as text, anything else as API Gateway sends it.
    ...(body.length === 0 ? { isBase64Encoded: false } : { body: body.toString('base64'), isBase64Encoded: true }),
  };
}
