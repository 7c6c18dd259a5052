/**
 * Archives in a directory of this machine. A symbolic link may lead anywhere, so none is followed: an archive path is used only
 * where its real path is the one that it says, asked again before every folder is read or emptied; links within are no files
 * when listed, and are removed as links.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, opendir, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { archivePathText, type ArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import { instant } from '#domain/ids';
import type { ArchivedFile, Archives } from '#operations/archive-ports';

export function directoryArchives(root: string): Archives {
  return {
    async *files(archive) {
      try {
        const base = await folderOf(root, archive);
        if (base !== undefined) yield* filesBelow(base, '');
      } catch (error) {
        throw faultOf(archive, error);
      }
    },
    checksum: (archive, key) =>
      translated(archive, async () => {
        if (!isKey(key)) throw refused(archive, `${JSON.stringify(key)} is no key of a file`);
        const base = await folderOf(root, archive);
        return base === undefined ? undefined : digestOf(path.join(base, key));
      }),
    clear: (archive, goesOn = always) =>
      translated(archive, async () => {
        const base = await folderOf(root, archive);
        return base === undefined ? 0 : (await emptied(Buffer.from(base), goesOn)).removed;
      }),
  };
}

const always = (): Promise<boolean> => Promise.resolve(true);
/** Files that are removed before it is asked whether to go on. */
const REMOVED_AT_ONCE = 1000;

interface Emptied {
  readonly removed: number;
  /** It was told not to go on. */
  readonly isStopped: boolean;
}

/** As a listing gave it out. */
const isKey = (key: string): boolean => !key.includes('\0') && key.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** Where the archive path really is; undefined where nothing is there. */
async function folderOf(root: string, archive: ArchivePath): Promise<string | undefined> {
  const realRoot = await realpath(root).catch((error: unknown) => {
    throw new Fault('ArchiveUnavailable', 'the root of the archives cannot be read', { cause: error });
  });
  const said = path.join(realRoot, ...archive);
  const real = await existing(said);
  if (real === undefined) return undefined;
  if (real !== said) throw refused(archive, 'it leads through a symbolic link');
  if (!(await lstat(real)).isDirectory()) throw refused(archive, 'it is a file');
  return real;
}

async function* filesBelow(folder: string, prefix: string): AsyncGenerator<ArchivedFile, void, undefined> {
  if ((await existing(folder)) !== folder) return;
  for await (const entry of await opendir(folder)) {
    const key = `${prefix}${entry.name}`;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(full, `${key}/`);
    else if (entry.isFile()) {
      const found = await unlessGone(() => lstat(full));
      if (found?.isFile()) yield { key, sizeBytes: found.size, modifiedAt: instant(Math.trunc(found.mtimeMs)) };
    }
  }
}

async function digestOf(full: string): Promise<string | undefined> {
  if ((await existing(full)) !== full) return undefined;
  const file = await unlessGone(() => open(full, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (!file) return undefined;
  try {
    const hash = createHash('sha256');
    for await (const part of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) hash.update(part);
    return `sha256:${hash.digest('hex')}`;
  } finally {
    await file.close();
  }
}

/** By bytes: a name that is not UTF-8 would be another one as text, and its file would stay. */
async function emptied(folder: Buffer, goesOn: () => Promise<boolean>): Promise<Emptied> {
  const real = await unlessGone(() => realpath(folder, { encoding: 'buffer' }));
  if (real === undefined || !folder.equals(real)) return { removed: 0, isStopped: false };
  let removed = 0;
  let unasked = REMOVED_AT_ONCE;
  for (const entry of await readdir(folder, { encoding: 'buffer', withFileTypes: true })) {
    const full = Buffer.concat([folder, Buffer.from(path.sep), entry.name]);
    if (unasked >= REMOVED_AT_ONCE) {
      if (!(await goesOn())) return { removed, isStopped: true };
      unasked = 0;
    }
    if (entry.isDirectory()) {
      const below = await emptied(full, goesOn);
      removed += below.removed;
      if (below.isStopped) return { removed, isStopped: true };
      await unlessGone(() => rmdir(full));
    } else {
      await unlessGone(() => unlink(full));
      removed += 1;
    }
    unasked += 1;
  }
  return { removed, isStopped: false };
}

const existing = (at: string): Promise<string | undefined> => unlessGone(() => realpath(at));

async function unlessGone<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

const BUSY = new Set(['EMFILE', 'ENFILE', 'EIO', 'EBUSY', 'EAGAIN', 'ENOTEMPTY']);

async function translated<Result>(archive: ArchivePath, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw faultOf(archive, error);
  }
}

function faultOf(archive: ArchivePath, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  const why = `the file system answered ${code}`;
  if (!BUSY.has(code)) return refused(archive, why, error);
  return new Fault('ArchiveUnavailable', `${archivePathText(archive)}: ${why}`, { cause: error });
}

function refused(archive: ArchivePath, why: string, cause?: unknown): Fault {
  return new Fault('ArchiveRefused', `${archivePathText(archive)} cannot be used: ${why}`, { cause });
}
