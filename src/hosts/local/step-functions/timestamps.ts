import { EvaluationError } from './expressions.ts';

const ISO_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** The point in time of a Wait; nanoseconds are cut, since the host's clock has milliseconds. */
export function parseTimestamp(text: string): number {
  const atMs = ISO_OFFSET.test(text) ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new EvaluationError(
      `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`,
      'Timestamp',
    );
  return atMs;
}
