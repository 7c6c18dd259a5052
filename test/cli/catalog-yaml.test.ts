import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, differenceText } from '#cli/catalog-differences';
import { readCatalog } from '#cli/catalog-documents';
import { parted, patternYaml, templateYaml } from '#cli/catalog-yaml';
import { TemplateDocument, withTimeLimit, type TemplateView } from '#contract/catalog';

const viewOf = (document: object, id = 'tmpl_any'): TemplateView => ({
  ...withTimeLimit(TemplateDocument.parse({ name: 'Any', engine: 'sleep', ...document })),
  'template-id': id,
  version: 3,
  'created-at': '2026-07-14T08:00:00.000Z',
});

describe('a template as a document', () => {
  test('has what its author wrote and leaves out what has its default', () => {
    const text = templateYaml(viewOf({ definition: { stages: ['SELECT 1\nFROM a'] }, limits: { 'max-parallel': 3 } }));
    expect(text).toBe(`# version 3, registered 2026-07-14T08:00:00.000Z
kind: template
id: tmpl_any
name: Any
engine: sleep
definition:
  stages:
    - |-
      SELECT 1
      FROM a
limits:
  max-parallel: 3
`);
  });

  const text = fc.oneof(fc.string(), fc.constantFrom('yes', 'null', '1.0', '~', '<<', '- a', '# a', 'a: b', ' a\n\n b \n', '---\n', '☃'));
  const object = fc.dictionary(text, fc.jsonValue());
  const document = fc.record(
    {
      definition: object,
      'source-parameters': object,
      'target-connection': object,
      'parameters-schema': object,
      overridable: fc.array(text),
      searchable: fc.array(text, { maxLength: 5 }),
      identity: fc.array(text),
      streaming: fc.constantFrom({ 'sample-seconds': 10 }, { 'sample-seconds': 600 }),
      limits: fc.record(
        {
          'max-wait-seconds': fc.constantFrom(1, 14_400, 20_000),
          'max-parallel': fc.constantFrom(1, 1000),
          retries: fc.dictionary(fc.constantFrom('lost', 'engine-error'), fc.nat({ max: 2 })),
        },
        { requiredKeys: [] },
      ),
      'delete-after-completion': fc.boolean(),
    },
    { requiredKeys: [] },
  );

  test('and its patterns are read back as what they were, whatever they hold', () => {
    fc.assert(
      fc.property(document, text, text, (authored, source, target) => {
        // As the wire gives it: JSON has one zero.
        const view = JSON.parse(JSON.stringify(viewOf(authored))) as TemplateView;
        const pattern = { 'source-type': `a${source}`.slice(0, 256), 'target-type': `b${target}`.slice(0, 256), 'template-id': 'tmpl_any' };
        const patternText = patternYaml({ ...pattern, version: 1, 'updated-at': '2026-07-14T08:00:00.000Z' });
        const read = readCatalog([{ path: 'any', text: parted([templateYaml(view), patternText]) }]);
        if (read.kind === 'problems') throw new Error(read.problems.join());
        const { 'template-id': _id, version: _version, 'created-at': _at, ...whole } = view;
        expect(differences(whole, read.catalog.templates[0]?.template)).toEqual([]);
        expect(read.catalog.patterns).toMatchObject([pattern]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('differences', () => {
  test.each([
    [{ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, []],
    [{ a: 1 }, { a: 2 }, [{ pointer: '/a', before: 1, after: 2 }]],
    [{ a: null }, {}, [{ pointer: '/a', before: null }]],
    [{}, { a: false }, [{ pointer: '/a', after: false }]],
    [
      { a: [1, 2] },
      { a: [1, 3, 4] },
      [
        { pointer: '/a/1', before: 2, after: 3 },
        { pointer: '/a/2', after: 4 },
      ],
    ],
    [{ a: [] }, { a: {} }, [{ pointer: '/a', before: [], after: {} }]],
    [{ 'a/b~': '1' }, { 'a/b~': 1 }, [{ pointer: '/a~1b~0', before: '1', after: 1 }]],
  ])('of %j and %j are %j', (before, after, found) => {
    expect(differences(before, after)).toEqual(found);
  });

  test('there are none of a value and itself, and some of two values that are spelt differently', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(differences(one, structuredClone(one))).toEqual([]);
        if (differences(one, other).length === 0) expect(other).toEqual(one);
      }),
    );
  });

  test('are told in one line, of two long texts only where they part', () => {
    expect(differenceText({ pointer: '/a', before: 'x', after: { b: 1 } })).toBe('/a: "x" → {"b":1}');
    expect(differenceText({ pointer: '/a', after: 1 })).toBe('/a: (absent) → 1');
    const [head, tail] = ['h'.repeat(100), 't'.repeat(100)];
    const told = differenceText({ pointer: '/sql', before: `${head}one\n${tail}`, after: `${head}two\n${tail}` });
    expect(told).toBe(String.raw`/sql: …${'h'.repeat(20)}one${'\\n'}${'t'.repeat(18)}… → …${'h'.repeat(20)}two${'\\n'}${'t'.repeat(18)}…`);
  });
});
