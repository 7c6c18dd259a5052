/** `npm start` as a process: how long until it answers, and what it weighs when nothing happens. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface IdleProcess {
  readonly startMs: number;
  /** Of the service and the embedded DynamoDB together. */
  readonly residentMb: number;
}

const SETTLING_MS = 2000;

export async function idleProcess(app: URL): Promise<IdleProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL('src/hosts/local/main.js', app)), '--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => {
        reject(new Error('the service did not start'));
      });
      child.stdout.on('data', (text: Buffer) => {
        const [, found] = /listens on (\S+)/.exec(text.toString()) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
    await fetch(`${url}/v1/runs`, { headers: { authorization: `Bearer ${token}` } });
    const startMs = performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    return { startMs, residentMb: residentKb([child.pid ?? 0]) / 1024 };
  } finally {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A process and all below it. Linux only; 0 elsewhere. */
function residentKb(pids: readonly number[]): number {
  try {
    const parents = readdirSync('/proc')
      .filter((entry) => /^[0-9]+$/.test(entry))
      .flatMap((entry) => {
        const status = statusOf(entry);
        return status === undefined ? [] : [{ pid: Number(entry), parent: status.parent, kb: status.kb }];
      });
    const own = parents.filter(({ pid }) => pids.includes(pid)).reduce((sum, { kb }) => sum + kb, 0);
    const children = parents.filter(({ parent }) => pids.includes(parent)).map(({ pid }) => pid);
    return own + (children.length > 0 ? residentKb(children) : 0);
  } catch {
    return 0;
  }
}

function statusOf(pid: string): { readonly parent: number; readonly kb: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return { parent: Number(/PPid:\s+(\d+)/.exec(status)?.[1]), kb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) };
  } catch {
    // It ended while we looked.
    return undefined;
  }
}
