import { expect, test } from 'vitest';
import { differenceTable, parameterTable, valueText } from '#cli/job-text';
import { setsOfFlags, valueOf } from '#cli/parameter-sets';

test.each([
  ['Kyiv', 'Kyiv'],
  ['02134', '02134'],
  ['two words', 'two words'],
  ['5', '"5"'],
  ['true', '"true"'],
  ['', '""'],
  [' blank', '" blank"'],
  ['a\nb', String.raw`"a\nb"`],
  ['say "hi"', 'say "hi"'],
  ['"hi"', String.raw`"\"hi\""`],
  ['[1]', '"[1]"'],
  ['12345678901234567890', '12345678901234567890'],
  [5, '5'],
  [null, 'null'],
  [true, 'true'],
  [-1.5, '-1.5'],
])('%j is shown as a word that -p reads as the same value', (value, word) => {
  expect(valueText(value)).toBe(word);
  expect(valueOf(word)).toBe(value);
  expect(setsOfFlags([{ name: 'param', value: `KEY=${word}` }])).toEqual([{ KEY: value }]);
});

test('a list and an object are shown as JSON, and text that looks like one is not', () => {
  expect(valueText([1, 'a'])).toBe('[1,"a"]');
  expect(valueText({ a: null })).toBe('{"a":null}');
  expect(valueText('{"a":null}')).toBe(String.raw`"{\"a\":null}"`);
});

test('a side that did not have the key is empty, one that had an empty text has quotes', () => {
  const differences = [
    { key: 'ADDED', after: 1 },
    { key: 'EMPTIED', before: 'x', after: '' },
    { key: 'REMOVED', before: 'x' },
  ];
  expect(differenceTable(differences)).toBe(`KEY      BEFORE  AFTER
ADDED            1
EMPTIED  x       ""
REMOVED  x
`);
});

test('a value that stands for one of the template names that one and where it stood', () => {
  const parameters = {
    MODE: { value: 'full', origin: 'caller', replaced: { origin: 'source-parameters', value: 'delta' } },
    SIZE: { value: 5, origin: 'schema-default' },
  } as const;
  expect(parameterTable(parameters)).toBe(`KEY   VALUE  ORIGIN          REPLACED
MODE  full   caller          delta of source-parameters
SIZE  5      schema-default
`);
});
