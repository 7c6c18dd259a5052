/** From a request to the route that answers it. */
import type { Hub } from './hub.ts';
import { refused } from './refusal.ts';

/** One call as a route sees it. */
export interface HubCall {
  readonly hub: Hub;
  readonly nowMs: number;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Undefined where the request had no body. */
  readonly body: unknown;
}

export interface Route {
  /** What switches and counters call it. */
  readonly name: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the base URL; `{id}` stands for one segment. */
  readonly path: string;
  /** Where the contract has it from, in its own tags. */
  readonly source: string;
  /** Asked without credentials. */
  readonly isPublic?: true;
  /** Returns the JSON of the answer; undefined for an empty body. Throws a Refusal. */
  readonly handle: (call: HubCall) => unknown;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Where several fit, the one with the fewest parameters: `/job/logMessages` is no job id. */
export function routeMatcher(routes: readonly Route[]): (method: string, pathname: string) => RouteMatch | undefined {
  const bySize = new Map<string, { readonly route: Route; readonly segments: readonly string[] }[]>();
  const literalFirst = routes.toSorted((a, b) => a.path.split('{').length - b.path.split('{').length);
  for (const route of literalFirst) {
    const segments = route.path.split('/');
    const key = `${route.method} ${segments.length}`;
    bySize.set(key, [...(bySize.get(key) ?? []), { route, segments }]);
  }
  return (method, pathname) => {
    const given = pathname.split('/');
    for (const { route, segments } of bySize.get(`${method} ${given.length}`) ?? []) {
      const params = paramsOf(segments, given);
      if (params) return { route, params };
    }
    return undefined;
  };
}

function paramsOf(segments: readonly string[], given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    if (!segment.startsWith('{')) {
      if (segment !== value) return undefined;
    } else {
      if (value === '') return undefined;
      params[segment.slice(1, -1)] = decoded(value);
    }
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function param({ params }: HubCall, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

/** A query parameter that is a whole number. */
export function numberParam({ query }: HubCall, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null || text === '') return otherwise;
  if (!/^-?[0-9]{1,12}$/.test(text)) throw refused(400, 'SIMULATOR_02', `${name} is no number`);
  return Number(text);
}

/** A body that is a list of ids. */
export function idsOf({ body, hub }: HubCall): readonly string[] {
  if (!Array.isArray(body) || !body.every((id) => typeof id === 'string'))
    throw refused(400, 'SIMULATOR_02', 'the body must be a list of ids');
  const limit = hub.switches.bulkLimit;
  if (limit !== null && body.length > limit) throw refused(400, 'SIMULATOR_11', `${body.length} ids are more than the ${limit} allowed`);
  return body;
}

/** A page of rows: as a list, or in the wrapper that `withWrapper=true` asks for. [C:SW-job] */
export function page<T>(
  call: HubCall,
  rows: readonly T[],
  json: (row: T) => unknown,
  wrapped = call.query.get('withWrapper') === 'true',
): unknown {
  const offset = numberParam(call, 'offset', 0);
  const len = numberParam(call, 'len', -1);
  const data = rows.slice(offset, len < 0 ? undefined : offset + len).map(json);
  return wrapped ? { totalCount: rows.length, offset, len, data } : data;
}
