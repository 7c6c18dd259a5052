import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalDigest } from '#adapters/json/digest';
import { cfworkerParameterSchemas, parameterSchemas } from '#adapters/json/parameter-schemas';
import type { Json, JsonObject } from '#domain/json';

const SEED = 20261121;

describe('a digest', () => {
  test('is that of the canonical form of RFC 8785, its own example included', () => {
    // The example of §3.2.2 of the RFC; the digest was computed from the canonical text that §3.2.3 prints.
    const example = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    ) as Json;
    expect(canonicalDigest(example)).toBe(canonicalDigest(JSON.parse(JSON.stringify(example)) as Json));
    expect(canonicalDigest({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
    expect(canonicalDigest({ b: 1, a: [1.0, 'é'] })).toBe(canonicalDigest(JSON.parse('{"a":[1,"\\u00e9"],"b":1e0}') as Json));
  });

  test(`is equal for equal values however their keys are ordered (seed ${SEED})`, () => {
    const reversed = (value: Json): Json => {
      if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, inner]) => [key, reversed(inner)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalDigest(reversed(value as Json))).toBe(canonicalDigest(value as Json));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test('is another one for a value that differs in type, order of a list, or a missing key', () => {
    const values: readonly Json[] = [
      {},
      [],
      null,
      '',
      0,
      false,
      { a: 1 },
      { a: '1' },
      { a: null },
      [1, 2],
      [2, 1],
      { a: { b: 1 } },
      { b: { a: 1 } },
    ];
    expect(new Set(values.map(canonicalDigest)).size).toBe(values.length);
  });
});

describe('a schema of parameters', () => {
  const rulesOf = (schema: JsonObject): readonly string[] =>
    cfworkerParameterSchemas.check(schema).map(({ pointer, rule }) => `${pointer} ${rule}`);

  test.each<readonly [string, JsonObject]>([
    ['nothing', {}],
    [
      'what a template has',
      {
        type: 'object',
        properties: { CITY: { type: 'string', default: 'x', pattern: '^[A-Z]' } },
        required: ['CITY'],
        additionalProperties: false,
      },
    ],
    ['a definition of its own', { $defs: { city: { type: 'string' } }, properties: { CITY: { $ref: '#/$defs/city' } } }],
    ['words that are not known', { 'x-order': 1, examples: [{}] }],
    ['a schema that refers to itself', { properties: { NEXT: { $ref: '#' } } }],
  ])('can be used: %s', (_, schema) => {
    expect(rulesOf(schema)).toEqual([]);
  });

  test.each<readonly [string, JsonObject, string]>([
    ['an unknown type', { type: 'objekt' }, '/type'],
    ['a type inside', { properties: { A: { type: 'text' } } }, '/properties/A/type'],
    ['names that are no list', { required: 'A' }, '/required'],
    ['a pattern that is none', { properties: { A: { pattern: '(' } } }, '/properties/A/pattern'],
    ['a reference that leads nowhere', { $ref: '#/nowhere' }, '/$ref'],
    ['a reference to the outside', { $ref: 'https://example.org/schema' }, '/$ref'],
    ['an empty choice', { oneOf: [] }, '/oneOf'],
  ])('cannot be used, and is told where: %s', (_, schema, pointer) => {
    expect(cfworkerParameterSchemas.check(schema).map((problem) => problem.pointer)).toContain(pointer);
  });
});

describe('a parameter set', () => {
  const only = (schema: JsonObject, set: JsonObject) => cfworkerParameterSchemas.problems(schema, [set]).flat();
  const schema = {
    type: 'object',
    properties: {
      CITY: { type: 'string', minLength: 2 },
      DAYS: { type: 'integer' },
      'a/b "c" %~': { enum: [1] },
      AREA: { properties: { KM: { type: 'number' } } },
    },
    required: ['CITY', 'with "quotes"'],
    additionalProperties: false,
  };
  const problems = (set: JsonObject): readonly string[] =>
    only(schema, set)
      .map(({ pointer, rule }) => `${pointer} ${rule}`)
      .toSorted();

  test('that fits has no problems', () => {
    expect(problems({ CITY: 'London', 'with "quotes"': 0 })).toEqual(['/with "quotes" additionalProperties']);
    expect(only({}, { anything: [{}] })).toEqual([]);
  });

  test('is told every rule that it breaks once, by the pointer to the value', () => {
    expect(problems({ CITY: 'x', DAYS: 1.5, 'a/b "c" %~': 2, AREA: { KM: 'far' }, '%41': 1 })).toEqual([
      '/%41 additionalProperties',
      '/AREA/KM type',
      '/CITY minLength',
      '/DAYS type',
      '/a~1b "c" %~0 enum',
      '/with "quotes" required',
    ]);
  });

  test('a parameter whose name every object has is judged like any other', () => {
    const strict = { properties: { toString: { type: 'string' } } };
    expect(only(strict, { toString: 1 }).map(({ pointer, rule }) => `${pointer} ${rule}`)).toEqual(['/toString type']);
  });

  describe('for which a pattern of the template would take for ever', () => {
    const hostile = `${'a'.repeat(60)}!`;
    const checkMs = 150;
    const bounded = parameterSchemas(checkMs);

    test.each<readonly [string, JsonObject, JsonObject]>([
      ['a value', { properties: { NAME: { pattern: '^(a+)+$' } } }, { NAME: hostile }],
      [
        'a value that a look-ahead and a back-reference read',
        { properties: { NAME: { pattern: '^(?=(a+))(\\1|a)+(a|aa)+$' } } },
        { NAME: hostile },
      ],
      ['a name', { patternProperties: { '^(a|aa)+$': { type: 'string' } } }, { [hostile]: 'x' }],
      ['a name within', { properties: { MORE: { propertyNames: { pattern: '^(\\w+\\s?)*$' } } } }, { MORE: { [hostile]: 1 } }],
    ])('%s is refused in bounded time, and so are the sets after it', (_, costly, set) => {
      expect(cfworkerParameterSchemas.check(costly)).toEqual([]);
      // That it is answered at all: without a bound it would be after the end of the world. Three sets have three milliseconds more.
      const found = bounded.problems(costly, [{}, set, {}]);
      expect(found).toMatchObject([[], [{ pointer: '', rule: 'time', message: expect.stringContaining('within 0.153 s') as string }]]);
    });

    test('what fits it is taken, before and after', () => {
      const costly = { properties: { NAME: { pattern: '^(a+)+$' } } };
      expect(bounded.problems(costly, [{ NAME: 'aaa' }, { NAME: 'b' }])).toMatchObject([[], [{ pointer: '/NAME', rule: 'pattern' }]]);
      bounded.problems(costly, [{ NAME: hostile }]);
      expect(bounded.problems(costly, [{ NAME: 'a'.repeat(500) }])).toEqual([[]]);
    });
  });

  test('of a request with 10,000 is checked in the time that it has', () => {
    const sets = Array.from({ length: 10_000 }, (_, n) => ({
      CITY: `City of the number ${n}`,
      DAYS: n,
      AREA: { KM: n },
      'with "quotes"': 1,
    }));
    const found = cfworkerParameterSchemas.problems({ ...schema, additionalProperties: true }, sets);
    expect(found.flat()).toEqual([]);
  });
});
