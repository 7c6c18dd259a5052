/** The folder that holds everything a local host keeps. One service at a time: two would both drive the same runs. */
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DataDir {
  readonly databaseFile: string;
  readonly workDir: string;
  readonly tokenFile: string;
  readonly simulatorTokenFile: string;
  release(): void;
}

export function takeDataDir(path: string): DataDir {
  makeWritable(path, '--data-dir', 0o700);
  const lockFile = join(path, 'service.pid');
  lock(lockFile, path);
  return {
    databaseFile: join(path, 'sluice.db'),
    workDir: join(path, 'work'),
    tokenFile: join(path, 'token'),
    simulatorTokenFile: join(path, 'control-hub-simulator-token'),
    release() {
      rmSync(lockFile, { force: true });
    },
  };
}

/** Makes the folder that a flag names, and says at the start what would otherwise be the end of every job. */
export function makeWritable(path: string, flag: string, mode?: number): void {
  try {
    mkdirSync(path, { recursive: true, ...(mode === undefined ? {} : { mode }) });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new Error(`The folder ${path} cannot be made or written (${code}). Make it writable, or choose another ${flag}.`, {
      cause: error,
    });
  }
}

function lock(lockFile: string, path: string): void {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = Number(readFileSync(lockFile, 'utf8'));
    if (isAlive(owner))
      throw new Error(`Another Sluice (process ${owner}) works in ${path}. Stop it, or choose another --data-dir.`, { cause: error });
    // Left behind by a process that was killed.
    writeFileSync(lockFile, String(process.pid));
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
