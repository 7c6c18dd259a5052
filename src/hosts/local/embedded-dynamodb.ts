/**
 * DynamoDB on this machine: the `dynoxide` binary on a SQLite file. It runs as a child whose life is tied to ours by a pipe,
 * so that a `kill -9` of the service does not leave it behind with the database open.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { constants } from 'node:os';

export interface EmbeddedDynamodb {
  readonly endpoint: string;
  readonly port: number;
  /** Resolves, with how and what it said of it, once nothing of it is left: after `close`, or by itself. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** Longer than the database waits for a file that another process has locked (5 s): then it says so and ends. */
const READY_WITHIN_MS = 15_000;
const READY_PAUSE_MS = 5;

/** The shell outlives neither: end of input (we are gone) ends the database, and the end of the database ends the shell. */
const TIED = 'exec 3<&0; "$@" >&2 & child=$!; (cat <&3 >/dev/null; kill $child 2>/dev/null) & wait $child';

/** @param port where it listens; any free one where none is given */
export async function startEmbeddedDynamodb(databaseFile: string | undefined, port?: number): Promise<EmbeddedDynamodb> {
  return startOn(databaseFile, port ?? (await freePort()));
}

async function startOn(databaseFile: string | undefined, port: number): Promise<EmbeddedDynamodb> {
  const path = databaseFile === undefined ? [] : ['--db-path', databaseFile];
  const child = spawn('sh', ['-c', TIED, 'sh', binary(), 'serve', '--host', '127.0.0.1', '--port', String(port), ...path], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // Its own group: Ctrl-C in a terminal must reach us first, who close it when we no longer need it.
    detached: true,
  });
  const complaints: string[] = [];
  child.stderr.on('data', (text: Buffer) => complaints.push(text.toString()));
  child.once('exit', () => {
    endGroup(child);
  });
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => {
      resolve([endText(code, signal), complaintOf(complaints)].filter((text) => text !== '').join(': '));
    }),
  );
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await answers(endpoint, child))) {
    child.stdin.end();
    await ended;
    const complaint = complaintOf(complaints);
    throw new Error(`The embedded DynamoDB did not start${on(databaseFile, complaint)}. ${complaint}`);
  }
  return {
    endpoint,
    port,
    ended,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Of a shell that was killed, the database and what ties it to us are left: as long as they live, its file and port are taken. */
function endGroup({ pid, stdin }: ChildProcess): void {
  stdin?.end();
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // Nothing was left.
  }
}

/** What it said, in one line, without its greeting and farewell and what the shell says of a signal. */
function complaintOf(said: readonly string[]): string {
  const lines = said
    .join('')
    .split('\n')
    .map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^(Dynoxide listening|Shutting down|Killed|Terminated|Aborted)/.test(line)).join(' ');
}

/** A shell tells the signal that ended its child as 128 and the signal's number. */
function endText(code: number | null, signal: NodeJS.Signals | null): string {
  const number = (code ?? 0) - 128;
  const [name] = Object.entries(constants.signals).find(([, each]) => each === number) ?? [];
  return signal ?? name ?? `exit code ${code ?? 0}`;
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
