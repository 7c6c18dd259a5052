/** 256 KiB of input or output, in UTF-8, hard: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
import type { Json } from '#domain/json';

export const LARGEST_PAYLOAD_BYTES = 256 * 1024;

export function jsonBytes(value: Json): number {
  if (value === null) return 4;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value).length;
  if (typeof value === 'object' && Object.keys(value).length === 0) return 2;
  return Buffer.byteLength(JSON.stringify(value));
}

export function isTooLarge(value: Json): boolean {
  return upperBound(value) > LARGEST_PAYLOAD_BYTES && jsonBytes(value) > LARGEST_PAYLOAD_BYTES;
}

/** Cheap: no text is built. A character is at most six bytes of JSON (`\u0000`). */
function upperBound(value: Json): number {
  if (typeof value === 'string') return value.length * 6 + 2;
  if (typeof value !== 'object' || value === null) return 26;
  let bytes = 2;
  for (const [key, field] of Object.entries(value) as Iterable<[string, Json]>) bytes += key.length * 6 + 4 + upperBound(field);
  return bytes;
}

/** `what` is `lambda` for a task and the state's name for any other, as recorded on AWS. */
export function tooLargeCause(what: string): string {
  return `The state/task '${what}' returned a result with a size exceeding the maximum number of bytes service limit.`;
}
