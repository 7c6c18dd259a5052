/**
 * serverless.yml as the local host reads it: which function answers which route, and where its handler is. The deployed
 * service and the local one have the same routes because there is only this one list of them.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const Event = z.object({ httpApi: z.string().optional(), schedule: z.string().optional() });
const Service = z.object({
  functions: z.record(z.string(), z.object({ handler: z.string(), events: z.array(Event).optional() })),
});

export interface ServiceMap {
  /** Function name → path of its handler's module without extension, from the bundle's root: `functions/http/runs/handler`. */
  readonly handlers: ReadonlyMap<string, string>;
  readonly routes: readonly ServiceRoute[];
  readonly schedules: readonly ServiceSchedule[];
}

export interface ServiceSchedule {
  readonly functionName: string;
  readonly everySeconds: number;
}

export interface ServiceRoute {
  readonly functionName: string;
  /** As API Gateway passes it: `GET /v1/runs/{runId}`. */
  readonly routeKey: string;
  readonly method: string;
  readonly segments: readonly string[];
}

export function readServiceMap(file: string | URL): ServiceMap {
  // CloudFormation's short forms (`!Sub`) mean nothing here.
  const service = Service.parse(parse(readFileSync(file, 'utf8'), { logLevel: 'silent' }));
  const functions = Object.entries(service.functions);
  const schedules = functions.flatMap(([functionName, { events = [] }]) =>
    events.flatMap(({ schedule }) => (schedule === undefined ? [] : [{ functionName, everySeconds: secondsOf(schedule) }])),
  );
  return {
    schedules,
    handlers: new Map(functions.map(([name, { handler }]) => [name, handler.replace(/^\.out\//, '').replace(/\.handler$/, '')])),
    routes: functions.flatMap(([functionName, { events = [] }]) =>
      events.flatMap(({ httpApi }) => (httpApi === undefined ? [] : [routeOf(functionName, httpApi)])),
    ),
  };
}

/** `rate(5 minutes)`, the one form that serverless.yml uses. */
function secondsOf(schedule: string): number {
  const [, minutes] = /^rate\((\d+) minutes?\)$/.exec(schedule) ?? [];
  if (minutes === undefined) throw new Error(`serverless.yml has a schedule that the local host does not know: ${schedule}`);
  return Number(minutes) * 60;
}

function routeOf(functionName: string, routeKey: string): ServiceRoute {
  const [method = '', path = ''] = routeKey.split(' ');
  return { functionName, routeKey, method, segments: path.split('/').slice(1) };
}

export interface RouteMatch {
  readonly route: ServiceRoute;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** The most literal route wins, as in API Gateway. Undefined also where a segment is not well encoded. */
export function matchRoute(routes: readonly ServiceRoute[], method: string, path: string): RouteMatch | undefined {
  const segments = path.split('/').slice(1);
  const candidates = routes
    .filter((route) => route.method === method && fits(route, segments))
    .toSorted((a, b) => parameterCount(a) - parameterCount(b));
  const [route] = candidates;
  if (!route) return undefined;
  try {
    const pairs = route.segments.flatMap((segment, index) =>
      isParameter(segment) ? [[segment.replace(/^\{|\+?\}$/g, ''), decodeURIComponent(valueAt(segment, index, segments))] as const] : [],
    );
    return { route, pathParameters: Object.fromEntries(pairs) };
  } catch {
    return undefined;
  }
}

const isParameter = (segment: string): boolean => segment.startsWith('{');
/** `{proxy+}`, the last segment: the rest of the path, which `/console/` has as well, though it is empty. */
const isGreedy = (segment: string): boolean => segment.endsWith('+}');
const valueAt = (segment: string, index: number, segments: readonly string[]): string =>
  isGreedy(segment) ? segments.slice(index).join('/') : (segments[index] ?? '');
/** A rest of the path is the least literal of all. */
const parameterCount = ({ segments }: ServiceRoute): number =>
  segments.some(isGreedy) ? Number.POSITIVE_INFINITY : segments.filter(isParameter).length;

function fits(route: ServiceRoute, segments: readonly string[]): boolean {
  const hasRest = isGreedy(route.segments.at(-1) ?? '');
  if (hasRest ? segments.length < route.segments.length : segments.length !== route.segments.length) return false;
  return route.segments.every(
    (segment, index) => isGreedy(segment) || (isParameter(segment) ? segments[index] !== '' : segment === segments[index]),
  );
}
