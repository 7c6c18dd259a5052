/**
 * A caller's parameter set completed by the template's static values. Every effective value keeps where it came from, and
 * what it replaced. A static value is locked: a caller's key of the same name is refused unless the template lets it be
 * overridden (the original let the static value win silently, contracts/job-template-service.md §4).
 */
import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import type { StaticParameters, TemplateBody } from './template.ts';

export const PARAMETER_ORIGINS = [
  'schema-default',
  'source-parameters',
  'target-parameters',
  'source-connection',
  'target-connection',
  'caller',
] as const;
export type ParameterOrigin = (typeof PARAMETER_ORIGINS)[number];

export interface Provenance {
  readonly origin: ParameterOrigin;
  readonly replaced?: { readonly origin: ParameterOrigin; readonly value: Json };
}

export interface EffectiveParameters {
  readonly values: JsonObject;
  readonly provenance: Readonly<Record<string, Provenance>>;
}

/** What is wrong with one value: a JSON Pointer into the set, the broken rule, and a sentence. */
export interface ParameterProblem {
  readonly pointer: string;
  readonly rule: string;
  readonly message: string;
}

const LAYERS: readonly (readonly [ParameterOrigin, keyof StaticParameters])[] = [
  ['source-parameters', 'sourceParameters'],
  ['target-parameters', 'targetParameters'],
  ['source-connection', 'sourceConnection'],
  ['target-connection', 'targetConnection'],
];

/** Later layers win: schema defaults, the four static layers in the contract's order, the caller. */
export function effectiveParameters(template: TemplateBody, callerSet: JsonObject): EffectiveParameters {
  const layers: (readonly [ParameterOrigin, JsonObject])[] = [
    ['schema-default', schemaDefaults(template.parametersSchema)],
    ...LAYERS.map(([origin, key]) => [origin, template.static[key]] as const),
    ['caller', callerSet],
  ];
  // Maps, because a key may be called `__proto__`.
  const values = new Map<string, Json>();
  const provenance = new Map<string, Provenance>();
  for (const [origin, layer] of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const before = provenance.get(key);
      const replaced = before && { origin: before.origin, value: values.get(key) ?? null };
      provenance.set(key, replaced && replaced.origin !== 'schema-default' ? { origin, replaced } : { origin });
      values.set(key, value);
    }
  }
  return { values: Object.fromEntries(values), provenance: Object.fromEntries(provenance) };
}

/** What makes two sets the same set: the values of the declared identity, or everything the caller gave. */
export function identityOf(template: TemplateBody, callerSet: JsonObject): JsonObject {
  if (template.identity.length === 0) return callerSet;
  return Object.fromEntries(template.identity.flatMap((key) => (Object.hasOwn(callerSet, key) ? [[key, callerSet[key] ?? null]] : [])));
}

/** A value as it is searched for: text stands for itself, anything else as JSON. */
export const searchText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** One difference between two jobs' parameters; an absent side did not have the key. */
export interface ParameterDifference {
  readonly key: string;
  readonly before?: Json;
  readonly after?: Json;
}

export function parameterDifferences(before: JsonObject, after: JsonObject): readonly ParameterDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return keys.flatMap((key) => {
    const sides = {
      ...(Object.hasOwn(before, key) ? { before: before[key] ?? null } : {}),
      ...(Object.hasOwn(after, key) ? { after: after[key] ?? null } : {}),
    };
    return JSON.stringify(before[key]) === JSON.stringify(after[key]) && Object.keys(sides).length === 2 ? [] : [{ key, ...sides }];
  });
}

/** The caller's keys that are locked by a static value. */
export function lockedKeys(template: TemplateBody, callerSet: JsonObject): readonly ParameterProblem[] {
  const overridable = new Set(template.overridable);
  return Object.keys(callerSet).flatMap((key) => {
    const layer = LAYERS.findLast(([, name]) => Object.hasOwn(template.static[name], key));
    if (layer === undefined || overridable.has(key)) return [];
    return [{ pointer: `/${escapePointer(key)}`, rule: 'locked', message: `is set by the template (${layer[0]}) and may not be given` }];
  });
}

function schemaDefaults(schema: JsonObject): JsonObject {
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return {};
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, property]) =>
      isJsonObject(property) && property['default'] !== undefined ? [[key, property['default']] as const] : [],
    ),
  );
}

/** RFC 6901. */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}
