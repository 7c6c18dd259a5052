import * as z from 'zod';
import type { JsonObject } from '#domain/json';

/** An object of whatever members. What JSON Schema cannot tell from a predicate is said beside it: src/openapi reads it. */
export const jsonObject = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object')
  .register(z.globalRegistry, { type: 'object' });
