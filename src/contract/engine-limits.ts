/** `SLUICE_ENGINE_LIMITS`: JSON, by engine, as {"control-hub":{"max-parallel":200,"starts-per-second":5}}. */
import * as z from 'zod';
import type { SlotLimits } from '#domain/slots';

/** What each engine is to bear at most, from all runs together. */
export const EngineLimits = z
  .string()
  .default('{}')
  .transform(parsedJson)
  .pipe(
    z.record(
      z.string(),
      z
        .strictObject({ 'max-parallel': z.int().min(1).exactOptional(), 'starts-per-second': z.number().positive().exactOptional() })
        .transform(({ 'max-parallel': maxParallel, 'starts-per-second': startsPerSecond }): SlotLimits => ({
          ...(maxParallel === undefined ? {} : { maxParallel }),
          ...(startsPerSecond === undefined ? {} : { startsPerSecond }),
        })),
      'must be a JSON object of engines',
    ),
  );

/** Undefined is refused by the schema that follows. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
