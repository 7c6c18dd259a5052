import { expect, test } from 'vitest';
import { archivePathText, baseName, parseArchivePath } from '#domain/archive-path';

test.each(['/products/v2/10650844/PAVp/0p5y', '/a', '/a b/ü', '/...', '/.hidden/..x', '/-rf', '/a:b', '/s3:'])(
  '%s is a path below the root',
  (text) => {
    const path = parseArchivePath(text);
    expect(path && archivePathText(path)).toBe(text);
  },
);

test.each([
  '',
  '/',
  '//',
  '.',
  '..',
  'a',
  'a/b',
  './a',
  '/.',
  '/..',
  '/a/..',
  '/a/../b',
  '/../a',
  '/a/./b',
  '/a//b',
  '/a/',
  '//a',
  '/a\\..\\b',
  '/a\0b',
  '/a\nb',
  '/a/\u0085',
  '/\ud800',
  `/${'x'.repeat(256)}`,
  `/${'x/'.repeat(600)}y`,
])('%j is none', (text) => {
  expect(parseArchivePath(text)).toBeUndefined();
});

test('the base name is what follows the last slash', () => {
  expect(['a.csv', 'x/y/a.csv', 'x/'].map(baseName)).toEqual(['a.csv', 'a.csv', '']);
});
