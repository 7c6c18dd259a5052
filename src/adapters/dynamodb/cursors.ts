/**
 * Cursors are opaque to callers and bound to their list: a cursor of another list, or one that was tampered with, is
 * malformed. The check is a digest, not a secret: a cursor opens nothing that its list would not show.
 */
import { createHash } from 'node:crypto';

export function encodeCursor(list: string, position: string): string {
  return Buffer.from(JSON.stringify([checksum(list, position), position])).toString('base64url');
}

/** The position, or undefined when `cursor` was not given out by `list`. */
export function decodeCursor(list: string, cursor: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
    const [check, position] = parsed as readonly unknown[];
    return typeof position === 'string' && check === checksum(list, position) ? position : undefined;
  } catch {
    return undefined;
  }
}

const checksum = (list: string, position: string): string =>
  createHash('sha256').update(`${list}\u0000${position}`).digest('base64url').slice(0, 12);
