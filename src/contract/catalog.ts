/** Patterns and templates as the API and the catalog's YAML files spell them. */
import * as z from 'zod';
import { DEFAULT_LIMITS, RETRIED_REASONS, type Template, type TemplateBody, type TemplateLimits } from '#domain/template';
import { InstantText } from './instants.ts';
import { jsonObject } from './json-object.ts';

const object = jsonObject.default({});
const name = z.string().min(1).max(256);

/** A number alone leaves the first pause to the reason: a job that was lost has waited already. */
const retryRule = z.union([
  z.int().min(0).max(10),
  z.strictObject({ times: z.int().min(0).max(10), 'backoff-seconds': z.number().min(0).max(3600).default(30) }),
]);

const retries = z
  .partialRecord(z.enum(RETRIED_REASONS), retryRule)
  .transform((rules) =>
    Object.fromEntries(
      Object.entries(rules).map(([reason, rule]) => [
        reason,
        typeof rule === 'number' ? { times: rule, 'backoff-seconds': reason === 'lost' ? 0 : 30 } : rule,
      ]),
    ),
  )
  .pipe(z.partialRecord(z.enum(RETRIED_REASONS), z.object({ times: z.number(), 'backoff-seconds': z.number() })));

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
      'max-wait-seconds': z.int().min(1).max(31_536_000).exactOptional(),
      'max-parallel': z.int().min(1).max(10_000).default(DEFAULT_LIMITS.maxParallel),
      'max-parallel-across-runs': z.int().min(1).max(100_000).exactOptional(),
      'starts-per-second': z.number().positive().max(1000).exactOptional(),
      retries: retries.prefault({ lost: DEFAULT_LIMITS.retries.lost.times }),
    })
    .prefault({}),
  'delete-after-completion': z.boolean().default(false),
  /** Its jobs have no end of their own, and no time limit unless one is given. */
  streaming: z.strictObject({ 'sample-seconds': z.int().min(10).max(86_400) }).exactOptional(),
});
export type TemplateDocument = z.infer<typeof TemplateDocument>;
/** As an author writes it, defaults left out. */
export type TemplateInput = z.input<typeof TemplateDocument>;

export const TemplateView = TemplateDocument.extend({ 'template-id': z.string(), version: z.number(), 'created-at': InstantText });
export type TemplateView = z.infer<typeof TemplateView>;

/** With the time limit that holds where none is given. */
export function withTimeLimit<Document extends Pick<TemplateDocument, 'limits' | 'streaming'>>(document: Document): Document {
  const { limits, streaming } = document;
  if (streaming || limits['max-wait-seconds'] !== undefined) return document;
  return { ...document, limits: { ...limits, 'max-wait-seconds': DEFAULT_LIMITS.maxWaitSeconds } };
}

export const PatternDocument = z.strictObject({ 'template-id': z.string() });
export type PatternDocument = z.infer<typeof PatternDocument>;

export const PatternView = z.object({
  'source-type': z.string(),
  'target-type': z.string(),
  'template-id': z.string(),
  version: z.number(),
  'updated-at': InstantText,
});
export type PatternView = z.infer<typeof PatternView>;

export function templateBody(document: TemplateDocument): TemplateBody {
  const { limits, streaming } = withTimeLimit(document);
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
    limits: templateLimits(limits),
    deleteAfterCompletion: document['delete-after-completion'],
    ...(streaming ? { streaming: { sampleSeconds: streaming['sample-seconds'] } } : {}),
  };
}

function templateLimits(limits: TemplateDocument['limits']): TemplateLimits {
  const acrossRuns = limits['max-parallel-across-runs'];
  const startsPerSecond = limits['starts-per-second'];
  const maxWaitSeconds = limits['max-wait-seconds'];
  return {
    ...(maxWaitSeconds === undefined ? {} : { maxWaitSeconds }),
    maxParallel: limits['max-parallel'],
    ...(acrossRuns === undefined ? {} : { maxParallelAcrossRuns: acrossRuns }),
    ...(startsPerSecond === undefined ? {} : { startsPerSecond }),
    retries: Object.fromEntries(
      Object.entries(limits.retries).map(([reason, rule]) => [reason, { times: rule.times, backoffSeconds: rule['backoff-seconds'] }]),
    ),
  };
}

function limitsView(limits: TemplateLimits): TemplateDocument['limits'] {
  const { maxWaitSeconds, maxParallelAcrossRuns, startsPerSecond } = limits;
  return {
    ...(maxWaitSeconds === undefined ? {} : { 'max-wait-seconds': maxWaitSeconds }),
    'max-parallel': limits.maxParallel,
    ...(maxParallelAcrossRuns === undefined ? {} : { 'max-parallel-across-runs': maxParallelAcrossRuns }),
    ...(startsPerSecond === undefined ? {} : { 'starts-per-second': startsPerSecond }),
    retries: Object.fromEntries(
      Object.entries(limits.retries).map(([reason, { times, backoffSeconds }]) => [reason, { times, 'backoff-seconds': backoffSeconds }]),
    ),
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
    limits: limitsView(template.limits),
    'delete-after-completion': template.deleteAfterCompletion,
    ...(template.streaming ? { streaming: { 'sample-seconds': template.streaming.sampleSeconds } } : {}),
  };
}
