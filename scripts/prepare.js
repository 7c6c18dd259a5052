/**
 * npm's `prepare`, which it runs here whenever this checkout is installed or packed. Whoever installs from a git address gets what is
 * packed after nothing but this; whoever runs `npm ci` in a checkout needs no package, and may have left out what builds it.
 */
import { spawnSync } from 'node:child_process';

// Set where what is prepared is to be installed elsewhere.
if (process.env.npm_package_resolved !== undefined)
  process.exitCode = spawnSync(process.execPath, ['scripts/build.js', '--package'], { stdio: ['ignore', 2, 2] }).status ?? 70;
