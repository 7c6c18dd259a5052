/** Times as callers write them: ISO 8601 with a zone. Without one they would mean something else on every machine: refused. */
import * as z from 'zod';
import { instant, type Instant } from '#domain/ids';

/** Of our own answers: UTC, with milliseconds and `Z`. */
export const InstantText = z.string().meta({ format: 'date-time' });

export const TIME_EXPECTED = 'must be a time in ISO 8601 with its zone, as 2026-11-21T08:00:00Z';

export function instantOf(text: string): Instant | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : instant(ms);
}

export const Time = InstantText.transform((text, context): Instant => {
  const at = instantOf(text);
  if (at !== undefined) return at;
  context.addIssue({ code: 'custom', message: TIME_EXPECTED });
  return z.NEVER;
});
