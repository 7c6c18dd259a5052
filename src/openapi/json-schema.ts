/** From zod to the JSON Schema of OpenAPI 3.1, which is draft 2020-12. */
import * as z from 'zod';
import type { Json, JsonObject } from '#domain/json';

const COMPONENTS = '#/components/schemas/';

/** Of a schema that refers to no other. */
export const plainSchema = (schema: z.ZodType): JsonObject => cleaned(z.toJSONSchema(schema, { io: 'input' }) as JsonObject) as JsonObject;

/**
 * By name, with references between those that have names. `input`: what may be sent, defaults left out and unnamed members
 * ignored unless they are refused; `output`: what is answered, closed.
 */
export function namedSchemas(named: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Readonly<Record<string, JsonObject>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, unrepresentable: told, uri: (id) => `${COMPONENTS}${id}` });
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([id]) => id in named)
      .map(([id, schema]) => [id, cleaned(schema as JsonObject) as JsonObject]),
  );
}

/** What stands beside a predicate as its metadata; where nothing does, the document cannot be made. */
const told = ({ zodSchema }: { readonly zodSchema: z.core.$ZodType }): z.core.JSONSchema.BaseSchema | 'throw' =>
  (z.globalRegistry.get(zodSchema) as z.core.JSONSchema.BaseSchema | undefined) ?? 'throw';

export const reference = (name: string): JsonObject => ({ $ref: `${COMPONENTS}${name}` });

/** zod writes down that an integer is one that a double holds exactly. */
const SAFE = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };

function cleaned(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(cleaned);
  if (typeof schema !== 'object' || schema === null) return schema;
  const object = schema as JsonObject;
  // Any JSON value refers to itself in turn; an empty schema says the same.
  if (typeof object['$ref'] === 'string' && object['$ref'].includes('__shared')) return {};
  const kept = Object.entries(object).filter(
    ([key, value]) => !['$schema', '$id', '~standard'].includes(key) && !(key in SAFE && SAFE[key as keyof typeof SAFE] === value),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, cleaned(value)]));
}
