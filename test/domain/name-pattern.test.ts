import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyMatches, parseNamePattern, PATTERN_LENGTH, type NamePattern } from '#domain/name-pattern';

function pattern(text: string): NamePattern {
  const parsed = parseNamePattern(text);
  if (parsed.kind === 'invalid') throw new Error(`${text}: ${parsed.message}`);
  return parsed.pattern;
}
const message = (text: string): string | undefined => {
  const parsed = parseNamePattern(text);
  return parsed.kind === 'invalid' ? parsed.message : undefined;
};

describe('a pattern is searched for in a name', () => {
  test.each<readonly [string, readonly string[], readonly string[]]>([
    ['\\.csv$', ['a.csv', '.csv', 'a.csv\n'], ['a.csv.gz', 'acsv', 'a.CSV']],
    ['csv', ['a.csv.gz', 'csv'], ['c.s.v']],
    ['', ['', 'anything'], []],
    ['^sample', ['sample.txt'], ['a sample']],
    ['^(?:plate|well)_[0-9]{2,3}\\.fcs$', ['plate_01.fcs', 'well_123.fcs'], ['plate_1.fcs', 'plate_1234.fcs', 'plate_01xfcs']],
    ['(?P<kind>raw|clean)-(\\d+)', ['raw-7', 'x clean-42'], ['raw-', 'dirty-7']],
    ['(?i)^readme\\.(md|txt)$', ['README.md', 'readme.TXT'], ['readme.rst']],
    ['(?i)[a-c]x', ['AX', 'bX'], ['dx']],
    ['[]a]', [']', 'a'], ['b']],
    ['[^]a]', ['b'], [']', 'a', '']],
    ['[a-]', ['-', 'a'], ['b']],
    ['[\\d.-]+$', ['1.2-3'], ['a']],
    ['a{2}', ['aa', 'baab'], ['a']],
    ['^a{,2}$', ['', 'a', 'aa'], ['aaa']],
    ['^a{2,}$', ['aa', 'aaaa'], ['a']],
    ['a{x}', ['a{x}'], ['ax']],
    ['\\bfinal\\b', ['a final b', 'final'], ['finale', 'semifinal']],
    ['\\Ba', ['ba'], ['a']],
    ['\\Aab\\Z', ['ab'], ['ab\n', 'xab']],
    ['^.$', ['x', '☃', '😀'], ['', 'ab', '\n']],
    ['^\\w+$', ['naïve_7', 'Ünï'], ['a-b']],
    ['a+?b*?c??$', ['a', 'abc', 'aab'], ['b']],
    ['\\x41\\u00e9\\t', ['Aé\t'], ['A']],
    ['a|', ['', 'b'], []],
    ['(a*)*b', ['b', 'aab'], ['a']],
    ['\\(\\[\\{\\.\\\\', ['([{.\\'], ['x']],
  ])('%s', (text, matching, others) => {
    const { matches } = pattern(text);
    expect(matching.filter((name) => !matches(name))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });
});

test.each<readonly [string, RegExp]>([
  ['(a)\\1', /refers back/],
  ['(?P=kind)', /looking around/],
  ['a(?=b)', /looking around/],
  ['(?<!a)b', /looking around/],
  ['(a', /\( without/],
  ['a)', /\) without/],
  ['[a', /ends too early/],
  ['[]', /ends too early/],
  ['a\\', /ends too early/],
  ['*a', /nothing before \*/],
  ['(+)', /nothing before \+/],
  ['a**', /repeats a repetition/],
  ['a{2}{3}', /repeats a repetition/],
  ['^*', /repeats a place/],
  ['[z-a]', /wrong way round/],
  ['[\\d-z]', /range/],
  ['\\q', /means nothing/],
  ['a{3,2}', /from 3 to 2/],
  ['a{101}', /more than 100 times/],
  ['(a{100}){100}', /more than 500 steps/],
  ['((((a{9}){9}){9}){9}){9}', /more than 500 steps/],
  ['a'.repeat(PATTERN_LENGTH + 1), /more than 256 characters/],
])('%s is no pattern, and it is said why', (text, why) => {
  expect(message(text)).toMatch(why);
});

describe('of patterns that a backtracking engine does not finish with', () => {
  const HOSTILE = ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '^([a-z]+)*[0-9]$', '(.*.*.*.*)x$', '(a?){50}a{50}$', '^((a*)*)*b$', '(x+x+)+y'];

  test.each(HOSTILE)('%s is answered within a second for a name of 255 characters', (text) => {
    const { matches } = pattern(text);
    const from = performance.now();
    matches(`${'a'.repeat(254)}!`);
    matches('x'.repeat(255));
    matches('a'.repeat(255));
    expect(performance.now() - from).toBeLessThan(1000);
  });

  test('the time grows with the name, not with its power', () => {
    const { matches } = pattern('^(a+)+$');
    const took = (length: number): number => {
      const name = `${'a'.repeat(length)}!`;
      const from = performance.now();
      for (let times = 0; times < 20; times += 1) matches(name);
      return performance.now() - from;
    };
    took(1000);
    expect(took(10_000)).toBeLessThan(60 * Math.max(1, took(1000)));
  });
});

/** Expressions of a small alphabet, so that matches are as frequent as misses. */
const expressions: fc.Arbitrary<string> = fc.letrec<{ atom: string; repeated: string; sequence: string; choice: string }>((tie) => ({
  atom: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '[a-c]', '\\w', '\\W', '\\d', '\\.', '\\-', '[.\\-]'),
    tie('choice').map((inner) => `(${inner})`),
    tie('choice').map((inner) => `(?:${inner})`),
  ),
  repeated: fc.oneof(
    { weight: 3, arbitrary: tie('atom') },
    fc.tuple(tie('atom'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?')).map((parts) => parts.join('')),
    fc.constantFrom('^', '$', '\\b', '\\B'),
  ),
  sequence: fc.array(tie('repeated'), { maxLength: 4 }).map((parts) => parts.join('')),
  choice: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((options) => options.join('|')),
})).choice;

test('what is a pattern matches what the built-in engine matches', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', '-', '_'), maxLength: 8 });
  let compared = 0;
  fc.assert(
    fc.property(expressions, fc.array(name, { minLength: 5, maxLength: 5 }), (text, names) => {
      const parsed = parseNamePattern(text);
      if (parsed.kind === 'invalid') return;
      compared += 1;
      const builtIn = new RegExp(text);
      expect(names.map((each) => [text, each, parsed.pattern.matches(each)])).toEqual(
        names.map((each) => [text, each, builtIn.test(each)]),
      );
    }),
    { seed: 20261121, numRuns: 1500 },
  );
  expect(compared).toBeGreaterThan(700);
});

test('any text is a pattern or is refused with a reason, and none is thrown', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }), (text, name) => {
      const parsed = parseNamePattern(text);
      if (parsed.kind === 'invalid') expect(parsed.message.length).toBeGreaterThan(5);
      else expect(typeof parsed.pattern.matches(name)).toBe('boolean');
    }),
    { seed: 20261121, numRuns: 3000 },
  );
});

test('a name is taken that one of the patterns matches; without patterns, every name', () => {
  const both = [pattern('\\.csv$'), pattern('^x')];
  expect(['a.csv', 'x.txt', 'a.txt'].map((name) => anyMatches(both, name))).toEqual([true, true, false]);
  expect(anyMatches([], 'a.txt')).toBe(true);
});
