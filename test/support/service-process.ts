/** The service as the process that users run: it can be stopped, killed and limited like one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sluiceClient, type SluiceClient } from '#client/sluice-client';

export interface ServiceProcess {
  readonly process: ChildProcess;
  readonly dataDir: string;
  /** What it wrote to stderr so far. */
  readonly said: () => string;
  /** Its exit code once it has ended; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Its exit code once its last word was heard as well, which its workers can delay. */
  readonly silent: Promise<number | null>;
  /** Once it listens; undefined where it ended first. */
  readonly url: Promise<string | undefined>;
}

export interface ServiceProcessOptions {
  readonly dataDir: string;
  readonly args?: readonly string[];
  /** Leads a process group of its own, so that a signal can reach it with its workers. */
  readonly ownGroup?: boolean;
  /** The bundle's `main.js`, where the tests' build is not meant; or another program with the words that start the service. */
  readonly main?: string | readonly string[];
}

export function startServiceProcess(options: ServiceProcessOptions): ServiceProcess {
  const { dataDir, args = [], ownGroup = false, main = '.out/app/src/hosts/local/main.js' } = options;
  const child = spawn(process.execPath, [...[main].flat(), '--port', '0', '--data-dir', dataDir, '--poll-floor-seconds', '1', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
    env: { ...process.env, POWERTOOLS_LOG_LEVEL: 'SILENT' },
  });
  let said = '';
  let heard = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const silent = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = new Promise<string | undefined>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      heard += text.toString();
      const [, found] = /listens on (\S+)/.exec(heard) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => {
      resolve(undefined);
    });
  });
  return { process: child, dataDir, said: () => said, ended, silent, url };
}

/** Who speaks to a service that listens. */
export async function clientOf({ url, dataDir, said }: ServiceProcess): Promise<SluiceClient> {
  const at = await url;
  if (at === undefined) throw new Error(`the service ended before it listened: ${said()}`);
  return sluiceClient({ url: at, token: readFileSync(join(dataDir, 'token'), 'utf8').trim() });
}

/** The process and all below it, parents first: the database and the workers of a service with it. */
export function processTree(root: number): readonly number[] {
  if (!existsSync('/proc/self/stat')) return [root];
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^[0-9]+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid: string): number | undefined {
  try {
    // The name, in parentheses, may hold anything; the state and the parent follow it.
    return Number(/\) \S+ ([0-9]+) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    // It ended while we looked.
    return undefined;
  }
}
