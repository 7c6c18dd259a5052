#!/usr/bin/env node
/** Runs the built command line. A package has it with it; the first use in a fresh checkout builds it. */
import './node-version.js';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const isCheckout = existsSync(new URL('scripts/build.js', root));
const main = new URL(`.out/${isCheckout ? 'app' : 'packed'}/src/cli/main.js`, root);

if (isCheckout && !existsSync(main)) {
  const built = spawnSync(process.execPath, ['scripts/build.js', '--app'], { cwd: fileURLToPath(root), stdio: ['ignore', 2, 2] });
  if (built.status !== 0) {
    process.stderr.write(
      'sluice: the command line is not built.\nWhy: scripts/build.js failed, see above.\nNext: npm ci && npm run build\n',
    );
    process.exit(70);
  }
}
await import(main.href);
