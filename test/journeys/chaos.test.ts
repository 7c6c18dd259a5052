/** Twenty rounds of `npm run chaos`; two hundred are run by hand before a release. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'sluice-chaos-test-'));
});
afterEach(() => {
  rmSync(temporary, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** As `npm run chaos` runs it, on the bundle that the tests have built. */
function chaos(...flags: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['.out/app/scripts/chaos.js', ...flags], { env: { ...process.env, TMPDIR: temporary } });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, said });
    });
  });
}

test(
  'killed twenty times at random moments, every accepted job ends recorded once, with whole outputs and nothing left running',
  { timeout: 180_000 },
  async () => {
    const { code, said } = await chaos('--rounds', '20');
    // What it says holds the seed and the offending ids.
    expect(code, said).toBe(0);
    expect(said).toMatch(/^20 rounds, seed [0-9]+,/);
    expect(said.trimEnd()).toMatch(/\nEvery job of every accepted run has ended and is recorded once\.$/);
    const count = (what: string): number => Number(new RegExp(`^${what} +([0-9,]+)$`, 'm').exec(said)?.[1]?.replaceAll(',', ''));
    expect(count('kills of process') + count('kills of group') + count('kills of all')).toBe(20);
    expect(count('jobs finished')).toBeGreaterThan(0);
    expect(readdirSync(temporary)).toEqual([]);
  },
);

test('its flags are explained, and a wrong one is told', async () => {
  const help = await chaos('--help');
  expect(help.code).toBe(0);
  for (const flag of ['--rounds', '--seed', '--keep', '--help']) expect(help.said).toContain(flag);
  for (const flags of [['--rounds', '0'], ['--seed', 'x'], ['--unknown']]) expect((await chaos(...flags)).code).toBe(2);
  expect(existsSync(join(temporary, 'sluice-chaos'))).toBe(false);
});
