/** Patterns and templates as the API and the catalog's YAML files spell them. */
import * as z from 'zod';
import type { FailureReason } from '#domain/job';
import type { JsonObject } from '#domain/json';
import { DEFAULT_LIMITS, type Template, type TemplateBody } from '#domain/template';

const object = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object')
  .default({});
const name = z.string().min(1).max(256);

/** The reasons for which a job is started again by itself; for any other the caller decides. */
const RETRIED = ['lost', 'engine-error'] as const satisfies readonly FailureReason[];

export const TemplateDocument = z.strictObject({
  name: name,
  engine: name,
  definition: object,
  'source-parameters': object,
  'target-parameters': object,
  'source-connection': object,
  'target-connection': object,
  'parameters-schema': object,
  overridable: z.array(z.string()).default([]),
  searchable: z.array(z.string()).max(5).default([]),
  identity: z.array(z.string()).default([]),
  limits: z
    .strictObject({
      'max-wait-seconds': z.int().min(1).max(31_536_000).default(DEFAULT_LIMITS.maxWaitSeconds),
      'max-parallel': z.int().min(1).max(10_000).default(DEFAULT_LIMITS.maxParallel),
      retries: z.partialRecord(z.enum(RETRIED), z.int().min(0).max(10)).default({ ...DEFAULT_LIMITS.retries }),
    })
    .prefault({}),
  'delete-after-completion': z.boolean().default(false),
});
export type TemplateDocument = z.infer<typeof TemplateDocument>;

export const TemplateView = TemplateDocument.extend({ 'template-id': z.string(), version: z.number(), 'created-at': z.string() });
export type TemplateView = z.infer<typeof TemplateView>;

export const PatternDocument = z.strictObject({ 'template-id': z.string() });
export type PatternDocument = z.infer<typeof PatternDocument>;

export const PatternView = z.object({
  'source-type': z.string(),
  'target-type': z.string(),
  'template-id': z.string(),
  version: z.number(),
  'updated-at': z.string(),
});
export type PatternView = z.infer<typeof PatternView>;

export function templateBody(document: TemplateDocument): TemplateBody {
  const { limits } = document;
  return {
    name: document.name,
    engine: document.engine,
    definition: document.definition,
    static: {
      sourceParameters: document['source-parameters'],
      targetParameters: document['target-parameters'],
      sourceConnection: document['source-connection'],
      targetConnection: document['target-connection'],
    },
    parametersSchema: document['parameters-schema'],
    overridable: document.overridable,
    searchable: document.searchable,
    identity: document.identity,
    limits: {
      maxWaitSeconds: limits['max-wait-seconds'],
      maxParallel: limits['max-parallel'],
      retries: limits.retries,
    },
    deleteAfterCompletion: document['delete-after-completion'],
  };
}

export function templateView(template: Template): TemplateView {
  return {
    'template-id': template.id,
    version: template.version,
    'created-at': template.createdAt,
    name: template.name,
    engine: template.engine,
    definition: template.definition,
    'source-parameters': template.static.sourceParameters,
    'target-parameters': template.static.targetParameters,
    'source-connection': template.static.sourceConnection,
    'target-connection': template.static.targetConnection,
    'parameters-schema': template.parametersSchema,
    overridable: [...template.overridable],
    searchable: [...template.searchable],
    identity: [...template.identity],
    limits: {
      'max-wait-seconds': template.limits.maxWaitSeconds,
      'max-parallel': template.limits.maxParallel,
      retries: { ...template.limits.retries },
    },
    'delete-after-completion': template.deleteAfterCompletion,
  };
}
