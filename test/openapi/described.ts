/** The document as it is checked in. */
import { readFileSync } from 'node:fs';
import { Validator, type OutputUnit } from '@cfworker/json-schema';
import type { JsonObject } from '#domain/json';

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

const validators = new WeakMap<JsonObject, Validator>();

/** Of a schema of the document; stops at the first fault. */
export function validatorOf(schema: JsonObject): Validator {
  const known = validators.get(schema) ?? new Validator({ ...schema, components: described.components }, '2020-12', true);
  validators.set(schema, known);
  return known;
}

/** All that a schema of the document has against a value; empty where it has nothing. */
export function complaints(schema: JsonObject, value: unknown): readonly string[] {
  if (validatorOf(schema).validate(value).valid) return [];
  return new Validator({ ...schema, components: described.components }, '2020-12', false).validate(value).errors.map(told);
}

const told = ({ instanceLocation, error }: OutputUnit): string => `${instanceLocation} ${error}`;
