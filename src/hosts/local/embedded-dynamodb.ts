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

/** Longer than the database waits for a file that another process has locked (5 s): then it says so and ends. */
const READY_WITHIN_MS = 15_000;
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
  const ended = new Promise((resolve) => child.once('close', resolve));
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await answers(endpoint, child))) {
    child.stdin.end();
    await ended;
    const complaint = complaints.join('').trim();
    throw new Error(`The embedded DynamoDB did not start${on(databaseFile, complaint)}. ${complaint}`);
  }
  const tell = (): void => {
    process.emitWarning(
      `The embedded DynamoDB has ended: no request can be served until Sluice is started again. ${complaints.join('').trim()}`,
    );
  };
  child.once('exit', tell);
  return {
    endpoint,
    close() {
      child.off('exit', tell);
      return closed(child);
    },
  };
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

function on(databaseFile: string | undefined, complaint: string): string {
  if (databaseFile === undefined) return '';
  const advice = /database is locked/i.test(complaint)
    ? 'Another process has this file locked; end it'
    : 'Check that this file may be written and that the disk has room; bring back a good copy of it';
  return ` on ${databaseFile}. ${advice}, or choose another --data-dir`;
}

/** Whether it answered before it ended, or its time was up. */
async function answers(endpoint: string, child: ChildProcess): Promise<boolean> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return true;
    await new Promise((resolve) => setTimeout(resolve, READY_PAUSE_MS));
  }
  return false;
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
