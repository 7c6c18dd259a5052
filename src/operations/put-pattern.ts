/** Says which template serves a pair of types. One pair has one pattern: a second one replaces it. */
import { Fault } from '#domain/faults';
import type { TemplateId } from '#domain/ids';
import type { Pattern } from '#domain/template';
import type { Ports, TypePair } from './ports.ts';
import { holds, type Precondition } from './precondition.ts';

export type PutPatternOutcome =
  | { readonly kind: 'created' | 'changed' | 'unchanged'; readonly pattern: Pattern }
  | { readonly kind: 'precondition-failed'; readonly version: number | undefined }
  | { readonly kind: 'no-template' };

export interface PutPattern extends TypePair {
  readonly templateId: TemplateId;
}

const ATTEMPTS = 3;

export async function putPattern(
  { clock, catalog }: Pick<Ports, 'clock' | 'catalog'>,
  { sourceType, targetType, templateId }: PutPattern,
  precondition: Precondition = {},
): Promise<PutPatternOutcome> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const [template, before, deleted] = await Promise.all([
      catalog.template(templateId),
      catalog.pattern(sourceType, targetType),
      catalog.lastPatternVersion({ sourceType, targetType }),
    ]);
    if (!holds(precondition, before?.version)) return { kind: 'precondition-failed', version: before?.version };
    if (!template) return { kind: 'no-template' };
    if (before?.templateId === templateId) return { kind: 'unchanged', pattern: before };
    const version = (before?.version ?? deleted) + 1;
    const pattern: Pattern = { sourceType, targetType, templateId, version, updatedAt: clock.now() };
    const saved = await catalog.putPattern(pattern, before);
    if (saved === 'saved') return { kind: before ? 'changed' : 'created', pattern };
  }
  throw new Fault('StoreBusy', `the pattern ${sourceType} to ${targetType} was changed by others ${ATTEMPTS} times in a row`);
}
