import { expect, test } from 'vitest';
import { setsOfFile, setsOfFlags, valueOf } from '#cli/parameter-sets';

const p = (value: string): { readonly name: string; readonly value: string } => ({ name: 'param', value });
const set = { name: 'set', value: undefined };

test.each([
  ['5', 5],
  ['-1.5', -1.5],
  ['1e3', 1000],
  ['true', true],
  ['false', false],
  ['null', null],
  ['', ''],
  ['London', 'London'],
  ['True', 'True'],
  ['007', '007'],
  ['+5', '+5'],
  ['.5', '.5'],
  ['0x10', '0x10'],
  ['NaN', 'NaN'],
  ['1e999', '1e999'],
  ['12345678901234567890', '12345678901234567890'],
  ['123456789012345', 123456789012345],
  ['0.1234567890123456', '0.1234567890123456'],
  ['"02134"', '02134'],
  ['"a', '"a'],
  ['[1,2]', '[1,2]'],
  ['{"a":1}', '{"a":1}'],
])('the word %s is the value %j', (word, value) => {
  expect(valueOf(word)).toBe(value);
});

test('all -p form one set, and what follows the first = belongs to the value', () => {
  expect(setsOfFlags([p('URL=http://x/?a=b'), p('N=2'), p('EMPTY=')])).toEqual([{ URL: 'http://x/?a=b', N: 2, EMPTY: '' }]);
});

test('each --set begins the next set, and one without -p is a set without parameters', () => {
  expect(setsOfFlags([p('A=1'), set, p('A=2'), set])).toEqual([{ A: 1 }, { A: 2 }, {}]);
  expect(setsOfFlags([set, p('A=1'), set, p('A=2')])).toEqual([{ A: 1 }, { A: 2 }]);
  expect(setsOfFlags([])).toEqual([]);
});

test.each([
  [[p('A')], '-p A is not key=value'],
  [[p('=1')], '-p =1 is not key=value'],
  [[p('A=1'), p('A=2')], '-p A is given twice for one set'],
])('%j is refused', (given, message) => {
  expect(() => setsOfFlags(given)).toThrow(message);
});

test('a key may be called anything', () => {
  const [only = {}] = setsOfFlags([p('__proto__=x')]);
  expect(Object.entries(only)).toEqual([['__proto__', 'x']]);
});

const SETS = [
  { CITY: 'London', N: 1 },
  { CITY: 'São Paulo, SP', N: 2 },
];

test.each([
  ['sets.json', JSON.stringify(SETS)],
  ['sets.ndjson', `${SETS.map((each) => JSON.stringify(each)).join('\n')}\n\n`],
  ['sets.JSONL', SETS.map((each) => JSON.stringify(each)).join('\r\n')],
  ['sets.csv', 'CITY,N\nLondon,1\n"São Paulo, SP",2\n'],
  ['sets.csv', '\uFEFFCITY,N\r\nLondon,1\r\n"São Paulo, SP",2\r\n\r\n'],
])('%s holds the same sets in its own spelling', (path, text) => {
  expect(setsOfFile(path, text)).toEqual(SETS);
});

test('one object in a .json file is one set', () => {
  expect(setsOfFile('a/b.json', '{"A":{"nested":[1]}}')).toEqual([{ A: { nested: [1] } }]);
});

test('a quoted cell is text whatever it looks like; an empty one is a parameter not given', () => {
  expect(setsOfFile('x.csv', 'A,B,C\n"5",,""\n5,"say ""hi""\nthere",x')).toEqual([
    { A: '5', C: '' },
    { A: 5, B: 'say "hi"\nthere', C: 'x' },
  ]);
});

test.each([
  ['x.json', '[{}, 5]', 'x.json: /1 is not an object'],
  ['x.json', '5', 'x.json: is neither a list of objects nor one object'],
  ['x.json', '{', 'x.json: '],
  ['x.json', '[{}, {"A": 1, "A": 2}]', 'x.json: /1/A stands more than once in its object'],
  ['x.ndjson', '{"A": 12345678901234567890}', 'x.ndjson: line 1: /A has more digits than a number can hold exactly'],
  ['x.ndjson', '{}\n[]', 'x.ndjson: line 2 is not an object'],
  ['x.ndjson', '{}\n\n{', 'x.ndjson: line 3: '],
  ['x.csv', 'A,B\n1', 'x.csv: line 2 has 1 cell, the first line has 2'],
  ['x.csv', 'A,B\n"1\n2",3\n4', 'x.csv: line 4 has 1 cell'],
  ['x.csv', 'A,A\n1,2', 'x.csv: the first line names "A" twice'],
  ['x.csv', 'A,\n1,2', 'x.csv: the first line names a column by nothing'],
  ['x.csv', 'A\n"never closed', 'x.csv: line 2: a quote'],
  ['x.yaml', 'A: 1', 'x.yaml: a parameter file ends in .json, .ndjson, .jsonl or .csv'],
])('%s holding %j is refused by name and place', (path, text, message) => {
  expect(() => setsOfFile(path, text)).toThrow(message);
});
