/** The document as it is checked in, and as the route tables of the functions and the contract make it. */
import { readFileSync } from 'node:fs';
import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import type { JsonObject } from '#domain/json';
import { readServiceMap, type ServiceMap } from '#hosts/local/service-map';
import { openApiDocument } from '#openapi/document';
import type { RouteFacts } from '#openapi/words';
import { handlerOf } from '#test/functions/http-call';

export const CHECKED_IN = 'docs/openapi.json';

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly OperationParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}
export interface OperationParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonObject;
  readonly example?: unknown;
}
export type Content = Readonly<Record<string, MediaType>>;
export interface MediaType {
  readonly schema: JsonObject;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>;
}
export interface Response {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly $ref?: string; readonly schema?: JsonObject }>>;
  readonly content?: Content;
}
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const described = JSON.parse(readFileSync(CHECKED_IN, 'utf8')) as Document;

/** By route key, as serverless.yml spells it. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries(described.paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path.replace('{proxy}', '{proxy+}')}`, operation] as const,
    ),
  ),
);

export async function routeTables(service: ServiceMap = readServiceMap('serverless.yml')): Promise<readonly RouteFacts[]> {
  const resources = new Set(service.routes.map(({ functionName }) => service.handlers.get(functionName)?.split('/')[2] ?? ''));
  const handlers = await Promise.all([...resources].map(handlerOf));
  return handlers.flatMap(({ routes }): readonly RouteFacts[] => routes);
}

export async function documentOfTheCode(): Promise<JsonObject> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  return openApiDocument({ version, routes: await routeTables() });
}

/** What `$ref` names within the document, or the thing itself. */
export function resolved<Thing extends { readonly $ref?: string }>(thing: Thing, document: object = described): Thing {
  if (thing.$ref === undefined || !thing.$ref.startsWith('#/')) return thing;
  const found = thing.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key.replaceAll('~1', '/')], document);
  if (found === undefined) throw new Error(`${thing.$ref} leads nowhere`);
  return found as Thing;
}

const validators = new Map<string, Validator>();

/** What a schema of the document has against a value; empty where it has nothing. */
export function complaints(schema: JsonObject, value: unknown): readonly string[] {
  const key = JSON.stringify(schema);
  const validator = validators.get(key) ?? new Validator({ ...schema, components: described.components } as Schema, '2020-12', false);
  validators.set(key, validator);
  const { valid, errors } = validator.validate(value);
  return valid ? [] : errors.map(told);
}

const told = ({ instanceLocation, error }: OutputUnit): string => `${instanceLocation} ${error}`;
