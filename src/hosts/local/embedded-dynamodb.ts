/**
 * DynamoDB on this machine: the `dynoxide` binary on a SQLite file. It runs as a child whose life is tied to ours by a pipe,
 * so that a `kill -9` of the service does not leave it behind with the database open.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';

export interface EmbeddedDynamodb {
  readonly endpoint: string;
  close(): Promise<void>;
}

const READY_ATTEMPTS = 400;
const READY_PAUSE_MS = 5;

/** The shell outlives neither: end of input (we are gone) ends the database, and the end of the database ends the shell. */
const TIED = 'exec 3<&0; "$@" >&2 & child=$!; (cat <&3 >/dev/null; kill $child 2>/dev/null) & wait $child';

export async function startEmbeddedDynamodb(databaseFile: string | undefined): Promise<EmbeddedDynamodb> {
  const port = await freePort();
  const path = databaseFile === undefined ? [] : ['--db-path', databaseFile];
  const child = spawn('sh', ['-c', TIED, 'sh', binary(), 'serve', '--host', '127.0.0.1', '--port', String(port), ...path], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // Its own group: Ctrl-C in a terminal must reach us first, who close it when we no longer need it.
    detached: true,
  });
  const complaints: string[] = [];
  child.stderr.on('data', (text: Buffer) => complaints.push(text.toString()));
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint, child).catch(() => {
    throw new Error(`The embedded DynamoDB did not start${on(databaseFile)}. ${complaints.join('').trim()}`);
  });
  return { endpoint, close: () => closed(child) };
}

function binary(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/dynoxide`);
  } catch {
    throw new Error(
      `The embedded DynamoDB is not installed for this platform. Install it (npm install ${name}) or set SLUICE_DYNAMODB_ENDPOINT to a DynamoDB.`,
    );
  }
}

function on(databaseFile: string | undefined): string {
  if (databaseFile === undefined) return '';
  return ` on ${databaseFile}. Check that this file may be written and that the disk has room; bring back a good copy of it, or choose another --data-dir`;
}

async function answering(endpoint: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < READY_ATTEMPTS; attempt += 1) {
    if (child.exitCode !== null) break;
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, READY_PAUSE_MS));
  }
  child.stdin?.end();
  throw new Error(`nothing answers on ${endpoint}`);
}

function closed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => {
      resolve();
    });
    child.stdin?.end();
  });
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}
