/** The process of `sluice`: what it reads from its surroundings is read here and nowhere else. */
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ExitCode } from './command.ts';
import { readText } from './read-text.ts';
import { sluice } from './sluice.ts';

/** From `src/cli/main.js` below it, where the build puts this. */
const app = new URL('../../', import.meta.url);

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return process.env['USER'] ?? 'unknown';
  }
}

function newRunName(user: string): string {
  const at = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `${user}-${at}-${randomBytes(3).toString('hex')}`;
}

function writeSecret(path: string, text: string): void {
  // The mode is for a file that is new; one that is there is closed before the secret is in it.
  writeFileSync(path, '', { mode: 0o600 });
  chmodSync(path, 0o600);
  writeFileSync(path, text);
}

// `sluice run list | head` closes our stdout: nothing is left to do then.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** Loaded when it is asked for: no other command needs a server. */
async function controlHubSimulator(words: readonly string[]): Promise<ExitCode> {
  const { serveControlHubSimulator } = await import('#hosts/control-hub-simulator/main');
  return serveControlHubSimulator(words, process);
}

/** The service itself. Stopped, it has connections that would keep the process for a while: it ends here. */
async function serve(words: readonly string[]): Promise<never> {
  const { serve: served } = await import('#hosts/local/serve');
  process.exit(await served('sluice serve', words, app));
}

process.exitCode = await sluice(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  userName: userName(),
  newRunName,
  readText,
  writeSecret,
  programs: { serve, 'control-hub-simulator': controlHubSimulator },
});
