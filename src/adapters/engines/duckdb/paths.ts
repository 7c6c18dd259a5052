/**
 * Paths that callers name stay under their root. Text alone cannot tell: a symbolic link may lead anywhere, so what counts is
 * where the deepest existing part really lies, asked again right before the file is put in place.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { JobFailure } from './protocol.ts';

/** Where the engine keeps unfinished outputs, under the output root because a rename cannot cross file systems. */
export const UNFINISHED = '.sluice';

/** A path as the job's owner knows it: the given text and, in messages, the parameter that held it. */
export interface NamedPath {
  readonly given: string;
  /** `$SOURCE_PATH`, or `target.path` for a literal. */
  readonly origin: string;
}

/** The real path of an existing input file. */
export async function inputPath(root: string, named: NamedPath): Promise<string> {
  const lexical = insideLexically(root, named);
  if (/[*?[\]]/.test(lexical)) throw new JobFailure(`${named.origin}: the characters * ? [ ] are patterns to DuckDB: ${named.given}`);
  const real = await existing(lexical);
  if (real === undefined) throw new JobFailure(`${named.origin}: there is no file ${named.given}`);
  if (!isInside(await realpath(root), real)) throw outside(named);
  if (!(await stat(real)).isFile()) throw new JobFailure(`${named.origin}: ${named.given} is not a file`);
  return real;
}

export interface TargetPath {
  /** As outputs are reported: relative to the output root, with `/`. */
  readonly relative: string;
  /** Throws when a folder above the target was replaced in the meantime by one that leads elsewhere. */
  confirm(): Promise<string>;
}

/** Makes the folders above the target. */
export async function targetPath(root: string, named: NamedPath): Promise<TargetPath> {
  const lexical = insideLexically(root, named);
  const relative = path.relative(path.resolve(root), lexical);
  if (relative === '' || named.given.endsWith('/'))
    throw new JobFailure(`${named.origin}: a file is expected, not a folder: ${named.given}`);
  if (relative.split(path.sep)[0] === UNFINISHED) throw new JobFailure(`${named.origin}: ${UNFINISHED} is the engine's own folder`);
  const realRoot = await realpath(root);
  const parent = path.dirname(lexical);
  if (!isInside(realRoot, await deepestExisting(parent))) throw outside(named);
  await makeFolder(parent, named);
  const confirm = async (): Promise<string> => {
    const realParent = await existing(parent);
    if (realParent === undefined || !isInside(realRoot, realParent)) throw outside(named);
    return path.join(realParent, path.basename(lexical));
  };
  await confirm();
  return { relative: relative.split(path.sep).join('/'), confirm };
}

function insideLexically(root: string, named: NamedPath): string {
  const { given, origin } = named;
  if (given === '' || given.includes('\0')) throw new JobFailure(`${origin}: not a path`);
  if (given.split(/[/\\]/).includes('..')) throw new JobFailure(`${origin}: a path may not contain ..: ${given}`);
  const resolvedRoot = path.resolve(root);
  const absolute = path.resolve(resolvedRoot, given);
  if (!isInside(resolvedRoot, absolute)) throw outside(named);
  return absolute;
}

function isInside(root: string, candidate: string): boolean {
  return candidate === root || candidate.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

function outside({ given, origin }: NamedPath): JobFailure {
  return new JobFailure(`${origin}: the path leads out of its root: ${given}`);
}

async function deepestExisting(start: string): Promise<string> {
  for (let candidate = start; ; candidate = path.dirname(candidate)) {
    const real = await existing(candidate);
    if (real !== undefined) return real;
  }
}

async function existing(candidate: string): Promise<string | undefined> {
  try {
    return await realpath(candidate);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function makeFolder(folder: string, { given, origin }: NamedPath): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    // A file, or a link that leads nowhere, stands where a folder is needed.
    throw new JobFailure(`${origin}: the folder of ${given} cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}
