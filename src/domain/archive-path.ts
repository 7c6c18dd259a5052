/**
 * Where a job's outputs lie: a path below the configured root, whatever that is. It is text from outside, and everything below
 * it is what a reset removes: so it is taken apart and checked once, and adapters take nothing else.
 */
declare const brand: unique symbol;
/** The parts of the path. There is at least one: the root itself is nobody's. */
export type ArchivePath = readonly string[] & { readonly [brand]: 'ArchivePath' };

const LENGTH = 1024;
const PART_LENGTH = 255;

/** `/products/v2/…`; undefined where it is not absolute, is the root, or has a part that could lead elsewhere. */
export function parseArchivePath(text: string): ArchivePath | undefined {
  if (!text.startsWith('/') || text.length > LENGTH || !text.isWellFormed()) return undefined;
  const parts = text.slice(1).split('/');
  return parts.every(isPart) ? (parts as readonly string[] as ArchivePath) : undefined;
}

/** Empty, `.`, `..`, a control character, and what is a separator on another machine. */
function isPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && part.length <= PART_LENGTH && !/[\p{Cc}\\]/u.test(part);
}

export const archivePathText = (path: ArchivePath): string => `/${path.join('/')}`;

/** What follows the last slash of a file's key. */
export const baseName = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
