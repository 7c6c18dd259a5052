/** Says which template serves a pair of types. One pair has one pattern: a second one replaces it. */
import type { TemplateId } from '#domain/ids';
import type { Pattern } from '#domain/template';
import type { Ports } from './ports.ts';

export type PutPatternOutcome =
  { readonly kind: 'created' | 'changed' | 'unchanged'; readonly pattern: Pattern } | { readonly kind: 'no-template' };

export async function putPattern(
  ports: Pick<Ports, 'clock' | 'catalog'>,
  { sourceType, targetType, templateId }: { readonly sourceType: string; readonly targetType: string; readonly templateId: TemplateId },
): Promise<PutPatternOutcome> {
  const [template, before] = await Promise.all([ports.catalog.template(templateId), ports.catalog.pattern(sourceType, targetType)]);
  if (!template) return { kind: 'no-template' };
  if (before?.templateId === templateId) return { kind: 'unchanged', pattern: before };
  const pattern: Pattern = { sourceType, targetType, templateId, updatedAt: ports.clock.now() };
  await ports.catalog.putPattern(pattern);
  return { kind: before ? 'changed' : 'created', pattern };
}
