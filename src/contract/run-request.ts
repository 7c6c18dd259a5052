/**
 * The body that starts a run: contracts/job-template-service.md §1. Keys that it does not name are ignored, as the original
 * ignored them. Limits: design §12.
 */
import * as z from 'zod';
import { FAILURE_REASONS } from '#domain/job';
import type { JsonObject } from '#domain/json';
import { escapePointer } from '#domain/parameters';
import { Time } from './instants.ts';

export const BODY_BYTES = 4 * 1024 * 1024;
export const SETS = 10_000;
const SET_BYTES = 64 * 1024;
const VALUE_BYTES = 32 * 1024;
const NAME_LENGTH = 256;

/** The header's value: what Stripe takes too. A list of two, which is how a repeated header arrives, has a space in it. */
export const IdempotencyKey = z.string().regex(/^[!-~]{1,255}$/, 'must be 1 to 255 visible ASCII characters');

const name = z
  .string()
  .min(1, 'must not be empty')
  .max(NAME_LENGTH, `must have at most ${NAME_LENGTH} characters`)
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

const sets = z
  .custom<readonly JsonObject[]>(Array.isArray, 'must be a list of objects')
  .register(z.globalRegistry, { type: 'array', items: { type: 'object' }, minItems: 1, maxItems: SETS })
  .superRefine((list, context) => {
    if (list.length === 0) context.addIssue({ code: 'custom', message: 'must not be empty' });
    else if (list.length > SETS) context.addIssue({ code: 'custom', message: `must have at most ${SETS} sets, not ${list.length}` });
    else
      for (const [index, set] of list.entries())
        for (const issue of setIssues(set)) context.addIssue({ ...issue, path: [index, ...issue.path] });
  });

export const RunRequest = z.object({
  'user-id': name,
  'user-run-id': name,
  'source-type': name,
  'target-type': name,
  'runtime-parameters': sets,
  /** Sets that have succeeded at that time or later are left out. */
  'skip-succeeded-since': Time.exactOptional(),
});
/** As a caller writes it. */
export type RunRequest = z.input<typeof RunRequest>;
export type ParsedRunRequest = z.output<typeof RunRequest>;

/** Which jobs of a run: those that failed, for these reasons, and among these sets; by their index, or by the key of the set. */
const selection = {
  reasons: z.array(z.enum(FAILURE_REASONS)).min(1).exactOptional(),
  indexes: z
    .array(
      z
        .int()
        .min(0)
        .max(SETS - 1),
    )
    .min(1)
    .max(SETS)
    .exactOptional(),
  'set-keys': z
    .array(z.string().regex(/^[0-9a-f]{32}$/, 'must be the key of a set: 32 hexadecimal digits'))
    .min(1)
    .max(SETS)
    .exactOptional(),
};

/** An empty object selects every job that failed. */
export const RetryRequest = z.strictObject(selection);
export type RetryRequest = z.infer<typeof RetryRequest>;

export const CloneRequest = z
  .strictObject({
    'user-run-id': name,
    'user-id': name.exactOptional(),
    /** `same`: the version that the run was pinned to; `current`: the newest of what its pattern names now. */
    'template-version': z.enum(['same', 'current']).default('same'),
    /** Instead of the run's own sets. */
    'runtime-parameters': sets.exactOptional(),
    /** Only the sets whose jobs failed so. */
    failed: z.strictObject(selection).exactOptional(),
    'skip-succeeded-since': Time.exactOptional(),
  })
  .refine((body) => body['runtime-parameters'] === undefined || body.failed === undefined, {
    path: ['failed'],
    message: "selects among the run's own sets, and runtime-parameters stands in their place: give one of the two",
  });
export type CloneRequest = z.input<typeof CloneRequest>;
export type ParsedCloneRequest = z.output<typeof CloneRequest>;

function setIssues(set: unknown): readonly { readonly code: 'custom'; readonly message: string; readonly path: readonly string[] }[] {
  if (typeof set !== 'object' || set === null || Array.isArray(set)) return [{ code: 'custom', message: 'must be an object', path: [] }];
  const sizes = Object.entries(set).map(([key, value]) => [key, bytesOf(JSON.stringify(value))] as const);
  const total = sizes.reduce((sum, [key, size]) => sum + bytesOf(key) + size, 0);
  if (total > SET_BYTES) return [{ code: 'custom', message: `must have at most ${SET_BYTES} bytes`, path: [] }];
  return sizes
    .filter(([, size]) => size > VALUE_BYTES)
    .map(([key]) => ({ code: 'custom', message: `must have at most ${VALUE_BYTES} bytes`, path: [key] }));
}

const encoder = new TextEncoder();
const bytesOf = (text: string): number => encoder.encode(text).length;

/** The JSON Pointer of a path into a body. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${escapePointer(String(part))}`).join('');
}
