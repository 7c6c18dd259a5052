import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readText } from '#cli/read-text';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-text-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function holding(bytes: Uint8Array | string): string {
  const path = join(folder, 'sets.csv');
  writeFileSync(path, bytes);
  return path;
}

test('a file is read as it is, with its byte order mark', () => {
  expect(readText(holding('\uFEFFZürich'))).toBe('\uFEFFZürich');
});

test('one in another encoding is refused by its name, and no letter of it is replaced', () => {
  expect(() => readText(holding(Buffer.from('Zürich', 'latin1')))).toThrow(/sets\.csv is not UTF-8/);
});
