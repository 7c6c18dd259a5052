/** The kinds of template that are put, and what each makes of a parameter set. */
import { createHash } from 'node:crypto';
import type { ParameterSet } from './model.ts';

interface Kind {
  readonly body: object;
  /** Where it is wrong, if it is. */
  readonly pointer?: string;
  readonly isStrict?: true;
  readonly identity?: readonly string[];
  readonly searchable?: readonly string[];
}

const strict = {
  'source-parameters': { MODE: 'static' },
  overridable: ['MODE'],
  'target-parameters': { LOCKED: 'yes' },
  'parameters-schema': {
    type: 'object',
    required: ['CITY'],
    properties: { CITY: { type: 'string' }, DAYS: { type: 'integer', default: 7 } },
  },
};

export const KINDS: Readonly<Record<string, Kind>> = {
  open: { body: { name: 'Open', engine: 'sleep' } },
  found: { body: { name: 'Found', engine: 'sleep', searchable: ['CITY', 'SECONDS'] }, searchable: ['CITY', 'SECONDS'] },
  strict: {
    body: { name: 'Strict', engine: 'sleep', identity: ['CITY'], searchable: ['MODE', 'DAYS'], ...strict },
    isStrict: true,
    identity: ['CITY'],
    searchable: ['MODE', 'DAYS'],
  },
  'no engine': { body: { name: 'x', engine: 'none' }, pointer: '/engine' },
  'no schema': { body: { name: 'x', engine: 'sleep', 'parameters-schema': { type: 'objekt' } }, pointer: '/parameters-schema/type' },
};

const kindOf = (kind: string): Kind => KINDS[kind] ?? { body: {} };

interface Effective {
  readonly value: string | number;
  readonly origin: string;
  readonly replaced?: { readonly origin: string; readonly value: string };
}

/** Effective values with where each came from. */
export function effectiveOf(kind: string, set: ParameterSet): Readonly<Record<string, Effective>> {
  const given = Object.fromEntries(Object.entries(set).map(([key, value]) => [key, { value, origin: 'caller' }]));
  if (kindOf(kind).isStrict === undefined) return given;
  const ofTemplate = {
    DAYS: { value: 7, origin: 'schema-default' },
    MODE: { value: 'static', origin: 'source-parameters' },
    LOCKED: { value: 'yes', origin: 'target-parameters' },
  };
  const replaced = { origin: 'source-parameters', value: 'static' };
  const mode = set['MODE'];
  return { ...ofTemplate, ...given, ...(mode === undefined ? {} : { MODE: { value: mode, origin: 'caller', replaced } }) };
}

/** By which of its values a run of this kind can be found. */
export function searchableOf(kind: string, set: ParameterSet): readonly string[] {
  const values = effectiveOf(kind, set);
  return (kindOf(kind).searchable ?? []).flatMap((key) => (values[key] === undefined ? [] : [`${key}=${values[key].value}`]));
}

/** Equal sets are spelt alike. */
export const spelt = (set: ParameterSet): string =>
  JSON.stringify(Object.fromEntries(Object.entries(set).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/** Which set it is, in whatever run of its template: the first 128 bits of the SHA-256 of its identity in canonical JSON. */
export function setKeyOf(kind: string, set: ParameterSet): string {
  const { identity } = kindOf(kind);
  const told = identity ? Object.fromEntries(Object.entries(set).filter(([key]) => identity.includes(key))) : set;
  return createHash('sha256').update(spelt(told)).digest('hex').slice(0, 32);
}

/** What a template of this kind has against the sets, as pointer and rule. */
export function problemsOf(kind: string, sets: readonly ParameterSet[]): readonly string[] {
  if (kindOf(kind).isStrict === undefined) return [];
  return sets.flatMap((set, index) => {
    const at = `/runtime-parameters/${index}`;
    const city = set['CITY'];
    return [
      ...(city === undefined ? [`${at}/CITY required`] : typeof city === 'string' ? [] : [`${at}/CITY type`]),
      ...('LOCKED' in set ? [`${at}/LOCKED locked`] : []),
    ];
  });
}
