/** The text of a file. A byte that is no UTF-8 is refused: with the replacement character in its place it would be another value. */
import { readFileSync } from 'node:fs';

/** The byte order mark stays: whoever reads the text knows whether one may stand there. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws what the file system says, or that the file is not UTF-8. */
export function readText(path: string): string {
  const bytes = readFileSync(path);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error(`${path} is not UTF-8: save it as UTF-8`);
  }
}
