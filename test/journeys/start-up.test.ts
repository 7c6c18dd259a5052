/** What the service says when it cannot start or is told to stop, and that it leaves no process behind. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunStarted, RunView } from '#contract/views';

let dataDir: string;
let started: ChildProcess[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-start-'));
  started = [];
  // Whoever the service runs as must reach it.
  chmodSync(dataDir, 0o777);
});
afterEach(async () => {
  for (const process of started) process.kill('SIGKILL');
  await noneLeft();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** Processes whose command line names this test's directory: the embedded database does. */
function left(): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^[0-9]+$/.test(pid)) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(dataDir) ? [line] : [];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

async function noneLeft(): Promise<void> {
  for (let attempt = 0; attempt < 200 && left().length > 0; attempt += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(left()).toEqual([]);
}

interface Running {
  readonly process: ChildProcess;
  readonly said: () => string;
  readonly code: Promise<number | null>;
  /** Resolves once it listens, or has ended. */
  readonly url: Promise<string | undefined>;
}

interface Start {
  readonly args?: readonly string[];
  /** Root may write anywhere: what is not writable is tried as nobody. */
  readonly asNobody?: boolean;
  /** No file may grow beyond it: a disk that is full. */
  readonly largestFileBytes?: number;
}

function start({ args = [], asNobody = false, largestFileBytes }: Start = {}): Running {
  const command = ['.out/app/src/hosts/local/main.js', '--port', '0', '--data-dir', dataDir, ...args];
  const isRoot = process.getuid?.() === 0;
  const options = { ...(asNobody && isRoot ? { uid: 65_534, gid: 65_534 } : {}), env: { ...process.env, SLUICE_POLL_FLOOR_SECONDS: '1' } };
  const child =
    largestFileBytes === undefined
      ? spawn(process.execPath, command, options)
      : spawn('sh', ['-c', `ulimit -f ${Math.ceil(largestFileBytes / 512)}; exec "$@"`, 'sh', process.execPath, ...command], options);
  started.push(child);
  let said = '';
  let heard = '';
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = new Promise<string | undefined>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      heard += text.toString();
      const [, found] = /listens on (\S+)/.exec(heard) ?? [];
      if (found !== undefined) resolve(found);
    });
    void code.then(() => {
      resolve(undefined);
    });
  });
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  return { process: child, said: () => said, code, url };
}

const DATABASE = 'sluice.db';

async function once(): Promise<void> {
  const first = start();
  expect(await first.url).toBeDefined();
  first.process.kill('SIGINT');
  expect(await first.code).toBe(0);
}

/** What it said is one or two lines for a reader: what, and what to do; never a stack. */
async function refuses(running: Running, ...told: readonly (string | RegExp)[]): Promise<void> {
  expect(await running.url).toBeUndefined();
  expect(await running.code).toBe(70);
  for (const each of told) expect(running.said()).toMatch(each);
  expect(running.said()).not.toMatch(/^\s+at /m);
  await noneLeft();
}

test('a data directory that is a file is named, with what to do', async () => {
  const file = join(dataDir, 'file');
  writeFileSync(file, '');
  await refuses(start({ args: ['--data-dir', file] }), file, /--data-dir/);
});

test('a data directory that cannot be written is named, with what to do', async () => {
  chmodSync(dataDir, 0o555);
  await refuses(start({ asNobody: true }), dataDir, /cannot be (made|written)/, /--data-dir/);
});

test('an output root that cannot be written is named, with what to do', async () => {
  const outputRoot = join(dataDir, 'outputs');
  mkdirSync(outputRoot);
  chmodSync(outputRoot, 0o555);
  await refuses(start({ asNobody: true, args: ['--output-root', outputRoot] }), outputRoot, /--output-root/);
});

test('an output root below a file is named, with what to do', async () => {
  const file = join(dataDir, 'file');
  writeFileSync(file, '');
  await refuses(start({ args: ['--output-root', join(file, 'outputs')] }), file, /--output-root/);
});

test('a database that is none is named, with what to do, and is left as it is', async () => {
  writeFileSync(join(dataDir, DATABASE), 'this is no database, it is a shopping list'.repeat(100));
  await refuses(start(), DATABASE, /not a valid SQLite database/, /--data-dir/);
  expect(readFileSync(join(dataDir, DATABASE), 'utf8')).toContain('shopping list');
});

test('a database that was cut off is named, with what to do', async () => {
  await once();
  const file = join(dataDir, DATABASE);
  for (const name of readdirSync(dataDir).filter((each) => each.startsWith(`${DATABASE}-`))) rmSync(join(dataDir, name));
  writeFileSync(file, readFileSync(file).subarray(0, 2_000));
  await refuses(start(), DATABASE, /--data-dir/);
});

test('a database that may only be read is named, with what to do', async () => {
  await once();
  for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), name === DATABASE ? 0o444 : 0o777);
  chmodSync(join(dataDir, 'token'), 0o644);
  await refuses(start({ asNobody: true }), DATABASE, /--data-dir/);
});

test('a disk that is full at the start is told', async () => {
  await refuses(start({ largestFileBytes: 8 * 1024 }), DATABASE, /disk has room/);
});

test('a DynamoDB that does not answer is named, with what to do', async () => {
  const endpoint = 'http://127.0.0.1:9';
  await refuses(start({ args: ['--dynamodb-endpoint', endpoint] }), endpoint, /Start it, or choose another --dynamodb-endpoint/);
});

test.each([
  ['203.0.113.1', /This machine has no address 203\.0\.113\.1 to listen on\. Choose another --host/],
  ['nowhere.invalid', /The address nowhere\.invalid cannot be found\. Choose another --host/],
])('an address that cannot be listened on, %s, is named, with what to do', async (host, message) => {
  await refuses(start({ args: ['--host', host] }), message);
});

test('a flag that is not known ends it with 2, before anything is made', async () => {
  const running = start({ args: ['--frobnicate'] });
  expect(await running.code).toBe(2);
  expect(running.said()).toBe("Unknown option '--frobnicate'\nTry: npm start -- --help\n");
  expect(readdirSync(dataDir)).toEqual([]);
});

test.each([
  ['the command line', ['bin/sluice.js', '--help']],
  ['the build that npm start begins with', ['scripts/build.js', '--app']],
])('a Node that is too old is named by %s, with what to do', (_, command) => {
  const older = `data:text/javascript,Object.defineProperty(process, 'version', { value: 'v20.18.3' })`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', older, ...command], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([
    70,
    'sluice: this is Node v20.18.3, which is too old.\nWhy: Sluice needs Node >=20.19.\nNext: install a newer Node, or choose one (nvm use 24)\n',
  ]);
});

/** SQLite's own kind of lock on the whole file: neither Node nor flock(1) can take it. */
const LOCKING = `use Fcntl; open(my $file, '+<', $ARGV[0]) or die $!;
my $whole = pack('s s x4 q q l', F_WRLCK, 0, 0, 0, 0);
fcntl($file, F_SETLK, $whole) or die $!;
$| = 1; print "locked\n"; sleep 60;`;
const hasPerl = spawnSync('perl', ['-e', '']).status === 0;

test.skipIf(!hasPerl)('a database that another process has locked is named, with what to do, and starts once it is let go of', async () => {
  await once();
  const owner = spawn('perl', ['-e', LOCKING, join(dataDir, DATABASE)]);
  started.push(owner);
  await new Promise((resolve, reject) => {
    owner.stdout.once('data', resolve);
    owner.once('exit', () => {
      reject(new Error('the lock could not be taken'));
    });
  });
  const running = start();
  expect(await running.url).toBeUndefined();
  expect(await running.code).toBe(70);
  expect(running.said()).toMatch(/sluice\.db\. Another process has this file locked; end it, or choose another --data-dir/);
  expect(running.said()).not.toMatch(/^\s+at /m);
  owner.kill('SIGKILL');
  await noneLeft();
  await once();
});

/** What is said on one stream may be heard after what was said later on the other. */
async function toldStepFunctions({ said }: Running): Promise<{ readonly endpoint: string; readonly port: string }> {
  for (;;) {
    const [, endpoint, port] = /^Step Functions on (http:\/\/127\.0\.0\.1:(\d+)) \(/m.exec(said()) ?? [];
    if (endpoint !== undefined && port !== undefined) return { endpoint, port };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('the address of Step Functions is told, and any client of the SDK can talk to it; a port can be asked for, and a taken one is named', async () => {
  const first = start();
  expect(await first.url).toBeDefined();
  const { endpoint, port } = await toldStepFunctions(first);
  const client = new SFNClient({ endpoint, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } });
  const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({}));
  expect(stateMachines.map(({ name }) => name)).toEqual(['sluice-local-run', 'sluice-local-watch', 'sluice-local-nudge']);
  client.destroy();
  const elsewhere = ['--data-dir', join(dataDir, 'elsewhere'), '--step-functions-port', port];
  const second = start({ args: elsewhere });
  expect(await second.url).toBeUndefined();
  expect(await second.code).toBe(70);
  expect(second.said()).toContain(`Port ${port} is in use. Stop what uses it, or choose another --step-functions-port.`);
  first.process.kill('SIGINT');
  expect(await first.code).toBe(0);
  const third = start({ args: elsewhere });
  expect(await third.url).toBeDefined();
  expect(await toldStepFunctions(third)).toEqual({ endpoint, port });
});

/** Work for DuckDB of a few seconds, so that a signal finds it under way. */
async function underWay(url: string): Promise<RunStarted> {
  const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
  const request = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as Body;
  };
  await request('PUT', '/v1/templates/tmpl_count', {
    name: 'Count',
    engine: 'duckdb',
    definition: {
      target: { path: '$TARGET', sql: 'SELECT count(*) AS n FROM range($ROWS) WHERE hash(range) % 7 = 0', format: 'csv' },
    },
  });
  await request('PUT', '/v1/patterns/range/csv', { 'template-id': 'tmpl_count' });
  const run = await request<RunStarted>('POST', '/v1/runs', {
    'user-id': 'ada',
    'user-run-id': 'stopped',
    'source-type': 'range',
    'target-type': 'csv',
    'runtime-parameters': [{ ROWS: 300_000_000, TARGET: 'n.csv' }],
  });
  for (;;) {
    const { state } = await request<{ readonly state?: string }>('GET', `/v1/jobs/${run['job-ids'][0] ?? ''}`);
    if (state === 'RUNNING') return run;
  }
}

test('Ctrl-C ends it with 0 while a run is under way, and the next start goes on with that run', async () => {
  const first = start();
  const run = await underWay((await first.url) ?? '');
  first.process.kill('SIGINT');
  expect(await first.code).toBe(0);
  expect(first.said()).toMatch(/Sluice stops\. Ctrl-C again ends it at once\.\n$/);
  await noneLeft();
  const second = start();
  const url = (await second.url) ?? '';
  const headers = { authorization: `Bearer ${readFileSync(join(dataDir, 'token'), 'utf8').trim()}` };
  let view: RunView;
  do view = (await (await fetch(`${url}/v1/runs/${run['run-id']}`, { headers })).json()) as RunView;
  while (view['finished-at'] === undefined);
  expect([view.state, view.jobs.finished]).toEqual(['SUCCEEDED', 1]);
});

/** A caller that never finishes its request, which an orderly end waits for. */
async function dawdling(url: string): Promise<Socket> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('POST /v1/runs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  return socket;
}

test('Ctrl-C twice ends it at once with 130, and nothing is left behind', async () => {
  const running = start();
  const url = (await running.url) ?? '';
  await underWay(url);
  const socket = await dawdling(url);
  running.process.kill('SIGINT');
  // It has heard the first one when it takes no new connections.
  const refused = async (): Promise<boolean> =>
    fetch(url).then(
      () => false,
      () => true,
    );
  while (!(await refused()));
  running.process.kill('SIGINT');
  expect(await running.code).toBe(130);
  socket.destroy();
  await noneLeft();
});
