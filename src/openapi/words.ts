/** What an operation is, in the words that its route does not have; the route itself tells who may call and what it takes. */
import type { ZodType } from 'zod';
import type { ProblemSlug } from '#contract/problems';
import type { Scope } from '#domain/api-token';
import type { JsonObject } from '#domain/json';

/** What a handler says of one of its routes. */
export interface RouteFacts {
  /** `METHOD /path/{parameter}`, as serverless.yml spells it. */
  readonly routeKey: string;
  readonly opensTo: 'scope' | 'scope-or-job-token' | 'engine' | 'anybody';
  readonly scope?: Scope;
  readonly body?: { readonly schema: ZodType; readonly optional: boolean; readonly mostBytes: number };
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly description: string;
  readonly required?: boolean;
  readonly schema: JsonObject;
  readonly example?: string | number;
}

export type HeaderName =
  | 'Cache-Control'
  | 'ETag'
  | 'Idempotent-Replayed'
  | 'Location'
  | 'Retry-After'
  | 'Sluice-Change'
  | 'Sluice-Next-Cursor'
  | 'WWW-Authenticate';

export interface Answer {
  readonly description: string;
  /** Several: it is one of them. None: there is no body. */
  readonly schema?: ZodType | readonly ZodType[];
  readonly example?: unknown;
  /** Of other content types than JSON. */
  readonly content?: Readonly<Record<string, { readonly description: string; readonly example?: string }>>;
  /** In every such answer. */
  readonly headers?: readonly HeaderName[];
  /** In some of them. */
  readonly headersAtTimes?: readonly HeaderName[];
}

export interface Words {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** What may be sent, where the route has a schema for it. */
  readonly request?: { readonly description?: string; readonly example: unknown };
  /** Where the route has none: whatever a caller has to say, up to so many bytes. */
  readonly anyBody?: { readonly description: string; readonly mostBytes: number; readonly example?: unknown };
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beside those that follow from who may call, from a body and from pages (problems.ts). */
  readonly problems?: readonly ProblemSlug[];
}

export interface Resource {
  readonly tag: string;
  readonly description: string;
  /** By route key. */
  readonly operations: Readonly<Record<string, Words>>;
}
