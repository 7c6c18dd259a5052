/**
 * What is known of jobs for good, one small file each, so that an answer survives the service.
 *
 *   (none) ──the worker begins──▶ <id>.begun ──the job's end──▶ <id>.json
 *
 * The mark is on disk before anything of the job runs, and the result before anybody hears of it: a job that no worker holds
 * was never begun if it has neither file, and is lost if it has no result.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { engineJobId } from '#domain/ids';
import type { EngineJobId, EngineJobName } from '#domain/ids';
import { writeDurably } from './durable-file.ts';

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
  /** Whether a worker has begun the job, now or before, whatever became of it. */
  hasBegun(id: EngineJobId): Promise<boolean>;
  save(id: EngineJobId, result: JobResult): Promise<void>;
  /** Of the job's mark and result. */
  remove(id: EngineJobId): Promise<void>;
  /** Removes what nobody removed: results of before `beforeMs`, and marks of jobs that began before then. */
  expire(beforeMs: number): Promise<void>;
}

/** The id is the name where a file may be called so, else a readable part of it and its hash. */
export function idOfName(name: EngineJobName): EngineJobId {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, LONGEST_ID);
  return engineJobId(plain === name ? name : `${plain}.${createHash('sha256').update(name).digest('hex').slice(0, 16)}`);
}

/** Where the worker says that it begins the job. */
export function markFile(folder: string, id: EngineJobId): string {
  return path.resolve(folder, `${id}.begun`);
}

export function resultFiles(folder: string): Results {
  const resultFile = (id: EngineJobId): string => path.resolve(folder, `${id}.json`);
  return {
    async load(id) {
      return isOurs(id) ? parse(await ifPresent(() => readFile(resultFile(id), 'utf8'))) : undefined;
    },
    async hasBegun(id) {
      // A result that cannot be read counts: it is the end of a job that had begun.
      return isOurs(id) && ((await isPresent(resultFile(id))) || (await isPresent(markFile(folder, id))));
    },
    async save(id, result) {
      await mkdir(folder, { recursive: true });
      // The mark becomes the result, so that at no moment there is neither.
      const mark = markFile(folder, id);
      await writeDurably(mark, JSON.stringify(result));
      await rename(mark, resultFile(id));
    },
    async remove(id) {
      if (!isOurs(id)) return;
      await rm(resultFile(id), { force: true });
      await rm(markFile(folder, id), { force: true });
    },
    async expire(beforeMs) {
      for (const name of await readdir(folder)) {
        if (!/\.(json|begun)$/.test(name)) continue;
        const file = path.join(folder, name);
        // Jobs begin and end meanwhile, and a mark that has become a result is not there any more.
        const { mtimeMs } = (await ifPresent(() => stat(file))) ?? { mtimeMs: beforeMs };
        if (mtimeMs < beforeMs) await rm(file, { force: true });
      }
    },
  };
}

/** An id that we did not make, from an old record or another engine, names no file. */
function isOurs(id: EngineJobId): boolean {
  return /^[A-Za-z0-9_-]+(\.[0-9a-f]{16})?$/.test(id);
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

async function isPresent(file: string): Promise<boolean> {
  return (await ifPresent(() => access(file).then(() => true))) ?? false;
}

async function ifPresent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
