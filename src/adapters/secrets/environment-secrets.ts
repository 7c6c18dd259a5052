/** Secrets in the environment of the process, and in files that only its user can read. */
import { readFile } from 'node:fs/promises';
import type { ReadSecret } from './secret-reader.ts';

export const environmentSecrets =
  (environment: Readonly<Record<string, string | undefined>>): ReadSecret =>
  (name) =>
    Promise.resolve(environment[name]);

export const fileSecrets: ReadSecret = async (path) => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new Error(typeof code === 'string' ? code : 'unreadable', { cause: error });
  }
};
