/** Deletes a pattern: its pair starts no run any more. Runs that were accepted under it go on. */
import { Fault } from '#domain/faults';
import type { Ports, TypePair } from './ports.ts';
import { holds, type Precondition } from './precondition.ts';

export type DeletePatternOutcome =
  { readonly kind: 'deleted' | 'absent' } | { readonly kind: 'precondition-failed'; readonly version: number | undefined };

const ATTEMPTS = 3;

export async function deletePattern(
  { catalog }: Pick<Ports, 'catalog'>,
  { sourceType, targetType }: TypePair,
  precondition: Precondition = {},
): Promise<DeletePatternOutcome> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const pattern = await catalog.pattern(sourceType, targetType);
    if (!pattern) return { kind: 'absent' };
    if (!holds(precondition, pattern.version)) return { kind: 'precondition-failed', version: pattern.version };
    if ((await catalog.removePattern(pattern)) === 'removed') return { kind: 'deleted' };
  }
  throw new Fault('StoreBusy', `the pattern ${sourceType} to ${targetType} was changed by others ${ATTEMPTS} times in a row`);
}
