import { describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { effectiveParameters, escapePointer, lockedKeys } from '#domain/parameters';
import { aTemplate } from './builders.ts';

const NONE = { sourceParameters: {}, targetParameters: {}, sourceConnection: {}, targetConnection: {} };
/** As it comes from a wire: an own key, not the prototype. */
const PROTO = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as JsonObject;

describe('effective parameters', () => {
  test.each([
    ['schema-default', {}, {}],
    ['source-parameters', { sourceParameters: { K: 1 } }, {}],
    ['target-parameters', { sourceParameters: { K: 1 }, targetParameters: { K: 2 } }, {}],
    ['source-connection', { sourceParameters: { K: 1 }, targetParameters: { K: 2 }, sourceConnection: { K: 3 } }, {}],
    ['target-connection', { sourceParameters: { K: 1 }, sourceConnection: { K: 3 }, targetConnection: { K: 4 } }, {}],
    ['caller', { targetConnection: { K: 4 } }, { K: 5 }],
  ])('the last layer that has a value gives it, and is named: %s', (origin, layers, set: JsonObject) => {
    const template = aTemplate({ static: { ...NONE, ...layers }, parametersSchema: { properties: { K: { default: 0 } } } });
    const { values, provenance } = effectiveParameters(template, set);
    const given = [0, ...Object.values(layers).map(({ K }) => K), ...Object.values(set)];
    expect(values).toEqual({ K: given.at(-1) });
    expect(provenance['K']?.origin).toBe(origin);
  });

  test('a replaced static value is kept with where it came from; a replaced default is not', () => {
    const template = aTemplate({
      static: { ...NONE, sourceParameters: { A: 'static' } },
      parametersSchema: { properties: { A: { default: 'default' }, B: { default: null } } },
    });
    expect(effectiveParameters(template, { A: 'mine', B: 'mine' }).provenance).toEqual({
      A: { origin: 'caller', replaced: { origin: 'source-parameters', value: 'static' } },
      B: { origin: 'caller' },
    });
  });

  test('the example of the contract: four values of the caller, three of the template', () => {
    const template = aTemplate({
      static: { ...NONE, sourceParameters: { HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET' }, targetConnection: { GCS_CONNECTION: 'x:y' } },
    });
    const set = { HTTP_URL: 'http://api', CITY: 'London', GCS_BUCKET: 'b', GCS_FOLDER: 'UK' };
    const { values, provenance } = effectiveParameters(template, set);
    expect(values).toEqual({ ...set, HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET', GCS_CONNECTION: 'x:y' });
    expect(Object.keys(provenance).toSorted()).toEqual(Object.keys(values).toSorted());
  });

  test('a key that every object has is a key like any other', () => {
    const { values, provenance } = effectiveParameters(aTemplate(), PROTO);
    expect(Object.keys(values)).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(provenance)).toEqual(['__proto__', 'constructor']);
    expect(Object.getOwnPropertyDescriptor(values, '__proto__')?.value).toEqual({ polluted: true });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(JSON.stringify(values)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
  });

  test('values of every kind pass as they are', () => {
    const set = { n: null, f: false, z: 0, e: '', l: [1, [2]], o: { deep: { er: 1 } } };
    expect(effectiveParameters(aTemplate(), set).values).toEqual(set);
  });
});

describe('locked keys', () => {
  const template = aTemplate({
    static: { ...NONE, sourceParameters: { A: 1, 'x/y~z': 1 }, targetConnection: { A: 2, B: null } },
    overridable: ['B', 'UNKNOWN'],
  });

  test('a static key is refused, naming the layer that decides it; an overridable or a free one is not', () => {
    expect(lockedKeys(template, { A: 1, B: 2, C: 3 })).toEqual([
      { pointer: '/A', rule: 'locked', message: 'is set by the template (target-connection) and may not be given' },
    ]);
    expect(lockedKeys(template, { C: 3 })).toEqual([]);
  });

  test('a key is named by its JSON Pointer', () => {
    expect(lockedKeys(template, { 'x/y~z': 1 }).map(({ pointer }) => pointer)).toEqual(['/x~1y~0z']);
    expect(escapePointer('~1/')).toBe('~01~1');
  });

  test('what every object has is locked by nobody', () => {
    expect(lockedKeys(template, PROTO)).toEqual([]);
    expect(lockedKeys(aTemplate({ static: { ...NONE, sourceParameters: PROTO } }), PROTO).map(({ pointer }) => pointer)).toEqual([
      '/__proto__',
      '/constructor',
    ]);
  });
});
