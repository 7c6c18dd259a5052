/**
 * How jobs ended, one small file each, so that an answer survives the service. A result is on disk before anybody hears of it;
 * a job without a result that no worker holds is lost.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { engineJobId } from '#domain/ids';
import type { EngineJobId, EngineJobName } from '#domain/ids';

const LONGEST_ID = 120;

const Count = z.int().nonnegative();
const StoredResult = z.object({
  state: z.enum(['succeeded', 'failed', 'stopped']),
  message: z.string().optional(),
  metrics: z.object({
    engineId: z.string().optional(),
    inputRecordCount: Count,
    outputRecordCount: Count,
    errorRecordCount: Count,
    startedAt: z.string().optional(),
    finishedAt: z.string(),
    outputs: z.array(z.string()).optional(),
  }),
});
export type JobResult = Readonly<z.infer<typeof StoredResult>>;

export interface Results {
  load(id: EngineJobId): Promise<JobResult | undefined>;
  save(id: EngineJobId, result: JobResult): Promise<void>;
  remove(id: EngineJobId): Promise<void>;
  /** Removes results that nobody removed and that ended before `beforeMs`. */
  expire(beforeMs: number): Promise<void>;
}

/** The id is the name where a file may be called so, else a readable part of it and its hash. */
export function idOfName(name: EngineJobName): EngineJobId {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, LONGEST_ID);
  return engineJobId(plain === name ? name : `${plain}.${createHash('sha256').update(name).digest('hex').slice(0, 16)}`);
}

export function resultFiles(folder: string): Results {
  // An id that we did not make, from an old record or another engine, names no file.
  const fileOf = (id: EngineJobId): string | undefined =>
    /^[A-Za-z0-9_-]+(\.[0-9a-f]{16})?$/.test(id) ? path.join(folder, `${id}.json`) : undefined;
  return {
    async load(id) {
      const file = fileOf(id);
      return file === undefined ? undefined : parse(await readIfPresent(file));
    },
    async save(id, result) {
      await mkdir(folder, { recursive: true });
      const file = path.join(folder, `${id}.json`);
      await writeDurably(`${file}.new`, JSON.stringify(result));
      await rename(`${file}.new`, file);
    },
    async remove(id) {
      const file = fileOf(id);
      if (file !== undefined) await rm(file, { force: true });
    },
    async expire(beforeMs) {
      for (const name of await readdir(folder)) {
        if (!name.endsWith('.json')) continue;
        const file = path.join(folder, name);
        const { mtimeMs } = await stat(file);
        if (mtimeMs < beforeMs) await rm(file, { force: true });
      }
    },
  };
}

/** A file that is no result counts as none: the job is then lost, and may be tried again. */
function parse(text: string | undefined): JobResult | undefined {
  if (text === undefined) return undefined;
  try {
    return StoredResult.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
