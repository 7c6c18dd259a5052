/** Builds the app once before all tests: some of them run it as the processes that users run. */
import { execFileSync } from 'node:child_process';

export function setup(): void {
  execFileSync(process.execPath, ['scripts/build.js', '--app'], { stdio: 'inherit' });
}
