import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** All that is in a fresh checkout and that a build may ask for. */
const sources = readdirSync('.').filter((name) => !name.startsWith('.') && name !== 'node_modules');

let checkout: string;
let temporary: string;

beforeEach(() => {
  // The command builds: in a checkout of its own it takes no bundle away from the tests beside it.
  checkout = mkdtempSync(join(tmpdir(), 'sluice-checkout-'));
  temporary = mkdtempSync(join(tmpdir(), 'sluice-temporary-'));
  for (const name of sources) cpSync(name, join(checkout, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
});
afterEach(() => {
  rmSync(checkout, { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true });
});

test(
  '`npm run demo` runs every kind of set, shows what became of each, checks it, and leaves nothing behind',
  { timeout: 120_000 },
  async () => {
    const { stdout } = await promisify(execFile)('npm', ['run', 'demo'], {
      cwd: checkout,
      timeout: 110_000,
      env: { ...process.env, TMPDIR: temporary },
    });
    expect(stdout).toContain('created    template  tmpl_csv-to-parquet');
    expect(stdout.match(/^run_[0-9A-Z]{26} [A-Z]+$/gm)?.map((line) => line.split(' ')[1])).toEqual(['PARTIAL', 'SUCCEEDED', 'SUCCEEDED']);
    const rows = stdout.match(/^ *\d+ {2}(FINISHED|FAILED) .*$/gm)?.map((row) =>
      row
        .trim()
        .replaceAll(/ {2,}/g, ' ')
        .replace(/[\d.]+ s /, ''),
    );
    expect(rows).toEqual([
      '0 FINISHED 1,461 1,461 0 tables/seattle-weather.parquet',
      '1 FINISHED 3,376 3,376 0 tables/airports.parquet',
      '2 FINISHED 10,000 10,000 0 tables/birdstrikes.parquet',
      '3 FAILED 0 0 0 engine-error: $SOURCE_PATH: there is no file no-such-file.csv',
      '0 FINISHED 620 10 0 countries/Japan.csv',
      '1 FINISHED 620 10 0 countries/Germany.csv',
      '2 FINISHED 620 10 0 countries/Kenya.csv',
      '0 FINISHED 3,000,000 156 3 flights/airports.parquet',
    ]);
    expect(stdout.trimEnd()).toMatch(/\nEvery set ended as expected\.$/);
    expect(readdirSync(temporary).filter((name) => name.startsWith('sluice-'))).toEqual([]);
  },
);
