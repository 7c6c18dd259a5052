/**
 * From API Gateway (HTTP API, payload 2.0) to a resource's route table and back. Who calls, what a body may look like and
 * how a fault is answered is decided here once; a route only maps its operation's outcome to a reply.
 */
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { ZodType } from 'zod';
import { BODY_BYTES } from '#contract/run-request';
import type { Scope } from '#domain/api-token';
import { Fault } from '#domain/faults';
import { corePorts } from '#hosts/wiring';
import { allows, authenticate, recordUse, type Caller } from './authentication.ts';
import { parseBody, type BodyOptions } from './body.ts';
import { log } from './log.ts';
import { problem, type HttpReply } from './replies.ts';

export interface HttpHandler {
  (event: APIGatewayProxyEventV2): Promise<HttpReply>;
  /** What it answers, and to whom: tests hold it against serverless.yml. */
  readonly routes: readonly Route[];
}

export interface HttpRequest<Body = undefined> {
  readonly body: Body;
  readonly caller: Caller;
  /** A part of the path by its name in the route key, decoded. */
  readonly path: (name: string) => string;
  readonly query: (name: string) => string | undefined;
  readonly header: (name: string) => string | undefined;
}

/** Of a route that a job's own token opens too: who calls is for the route to find out (job-access.ts). */
export interface JobRequest extends Omit<HttpRequest, 'body' | 'caller'> {
  /** By an API token. */
  readonly caller?: Caller;
  /** That such a token needs. */
  readonly scope: Scope;
  readonly event: APIGatewayProxyEventV2;
  readonly sourceIp: string;
}

/** What a route takes for a body: told, because its schema is also what the API's description says (src/openapi). */
export interface RouteBody {
  readonly schema: ZodType;
  readonly optional: boolean;
  readonly mostBytes: number;
}

interface ScopedRoute {
  /** `METHOD /path/{parameter}`, as serverless.yml spells it. */
  readonly routeKey: string;
  readonly scope: Scope;
  readonly opensTo: 'scope';
  readonly body?: RouteBody;
  readonly handle: (event: APIGatewayProxyEventV2, caller: Caller) => Promise<HttpReply>;
}

interface JobTokenRoute {
  readonly routeKey: string;
  readonly scope: Scope;
  readonly opensTo: 'scope-or-job-token';
  readonly body?: RouteBody;
  readonly handle: (event: APIGatewayProxyEventV2, caller: Caller | undefined) => Promise<HttpReply>;
}

/** An API token opens nothing here, whatever its scopes. */
interface EngineRoute extends Omit<ScopedRoute, 'opensTo' | 'scope'> {
  readonly opensTo: 'engine';
  /** In the place of an API token: who calls, or that it is nobody. */
  readonly identify: (request: HttpRequest) => Promise<Caller | undefined>;
}

export type Route = ScopedRoute | JobTokenRoute | EngineRoute;

export function route(routeKey: string, scope: Scope, handle: (request: HttpRequest) => Promise<HttpReply>): Route {
  return { routeKey, scope, opensTo: 'scope', handle: (event, caller) => handle(requestOf(event, caller, undefined)) };
}

export function routeWithBody<Body>(
  routeKey: string,
  scope: Scope,
  schema: ZodType<Body>,
  handle: (request: HttpRequest<Body>) => Promise<HttpReply>,
  options: BodyOptions = {},
): Route {
  return { routeKey, scope, opensTo: 'scope', body: bodyOf(schema, options), handle: withBody(schema, handle, options) };
}

function bodyOf(schema: ZodType, { optional = false, mostBytes = BODY_BYTES }: BodyOptions): RouteBody {
  return { schema, optional, mostBytes };
}

function withBody<Body>(
  schema: ZodType<Body>,
  handle: (request: HttpRequest<Body>) => Promise<HttpReply>,
  options: BodyOptions,
): ScopedRoute['handle'] {
  return async (event, caller) => {
    const parsed = parseBody(event, schema, options);
    return parsed.kind === 'parsed' ? handle(requestOf(event, caller, parsed.body)) : parsed.reply;
  };
}

/** It reads its body itself, because that may bring the token: `body` only tells what is read. */
export function routeWithJobToken(
  routeKey: string,
  scope: Scope,
  handle: (request: JobRequest) => Promise<HttpReply>,
  body?: RouteBody,
): Route {
  return {
    routeKey,
    scope,
    opensTo: 'scope-or-job-token',
    ...(body ? { body } : {}),
    handle(event, caller) {
      const { path, query, header } = readersOf(event);
      const { sourceIp } = event.requestContext.http;
      return handle({ path, query, header, scope, event, sourceIp, ...(caller ? { caller } : {}) });
    },
  };
}

/** A route for an engine, which has a secret of its own. Nothing of the body is looked at before that. */
export function routeOfEngine<Body>(
  routeKey: string,
  identify: (request: HttpRequest) => Promise<Caller | undefined>,
  schema: ZodType<Body>,
  handle: (request: HttpRequest<Body>) => Promise<HttpReply>,
): Route {
  return { routeKey, opensTo: 'engine', identify, body: bodyOf(schema, {}), handle: withBody(schema, handle, {}) };
}

/** Who calls where no token is needed: only a local host on loopback ever says so. */
const ANONYMOUS: Caller = { name: 'anonymous', scopes: ['runs:read', 'runs:write', 'catalog:write', 'jobs:report'] };

const NOBODY: Caller = { name: 'nobody', scopes: [] };

let anonymousAllowed = false;
export function allowAnonymous(allowed: boolean): void {
  anonymousAllowed = allowed;
}

/** A page that a browser was tricked into taking for a local one (DNS rebinding) still names its own host. */
function isAnonymousAllowed({ headers }: APIGatewayProxyEventV2): boolean {
  const { host = '', origin } = headers;
  // Browsers name the page that a request comes from: one of another site may not act as whoever sits at this machine.
  const isOwnPage = origin === undefined || origin === `http://${host}`;
  return anonymousAllowed && isOwnPage && /^(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?$/.test(host);
}

export function httpHandler(routes: readonly Route[]): HttpHandler {
  const table = new Map(routes.map((each) => [each.routeKey, each]));
  const handler = middy<APIGatewayProxyEventV2, HttpReply>()
    .use({ onError: faults })
    .handler((event) => answer(table, event));
  return Object.assign((event: APIGatewayProxyEventV2) => handler(event, {} as never), { routes });
}

async function answer(table: ReadonlyMap<string, Route>, event: APIGatewayProxyEventV2): Promise<HttpReply> {
  const found = table.get(event.routeKey);
  if (!found) return problem('not-found', `there is no ${event.routeKey}`);
  if (found.opensTo === 'engine') {
    const engine = await found.identify(requestOf(event, NOBODY, undefined));
    return engine ? found.handle(event, engine) : problem('not-authenticated', 'send the secret that belongs to the engine');
  }
  const authorization = event.headers['authorization'];
  const { apiTokens, clock } = corePorts();
  const now = clock.now();
  const identified = await authenticate(apiTokens, authorization, now);
  const caller = identified ?? (authorization === undefined && isAnonymousAllowed(event) ? ANONYMOUS : undefined);
  if (!caller) {
    if (found.opensTo === 'scope-or-job-token') return found.handle(event, caller);
    const reply = problem('not-authenticated', 'send the header Authorization: Bearer slc_…; `sluice token show` prints the local one');
    return { ...reply, headers: { ...reply.headers, 'www-authenticate': 'Bearer' } };
  }
  // Beside the work, not before it; awaited, because Lambda stops what is left over when an answer is out.
  const recorded = recordUse(apiTokens, caller, { at: now, from: event.requestContext.http.sourceIp });
  try {
    if (found.opensTo === 'scope' && !allows(caller, found.scope))
      return problem('not-allowed', `this needs a token with the scope ${found.scope}`);
    return await found.handle(event, caller);
  } finally {
    await recorded;
  }
}

/** A fault is answered without its cause; the log has it, under the same request id. */
function faults({ error, event }: { readonly error: Error | null; readonly event: APIGatewayProxyEventV2 }): HttpReply {
  const { requestId } = event.requestContext;
  log.error('request failed', { requestId, routeKey: event.routeKey, error: error ?? new Error('no error given') });
  if (error instanceof Fault && error.retryable) {
    const reply = problem('unavailable', `${error.message}; try again`, undefined, { 'request-id': requestId });
    return { ...reply, headers: { ...reply.headers, 'retry-after': '2' } };
  }
  return problem('fault', `report the request id ${requestId}`, undefined, { 'request-id': requestId });
}

function requestOf<Body>(event: APIGatewayProxyEventV2, caller: Caller, body: Body): HttpRequest<Body> {
  return { body, caller, ...readersOf(event) };
}

function readersOf(event: APIGatewayProxyEventV2): Pick<HttpRequest, 'path' | 'query' | 'header'> {
  return {
    path: (name) => event.pathParameters?.[name] ?? '',
    query: (name) => event.queryStringParameters?.[name],
    header: (name) => event.headers[name],
  };
}
