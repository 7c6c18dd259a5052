/** The interface from the operations to what jobs leave behind. */
import type { ArchivePath } from '#domain/archive-path';
import type { Instant } from '#domain/ids';

/** A file below an archive path. */
export interface ArchivedFile {
  /** From the archive path on, with `/`. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Instant;
  /** Where listing it tells: two files of one key with the same checksum are the same. */
  readonly checksum?: string;
}

/**
 * What jobs leave behind, below one configured root. Nothing outside of it is read or removed, and symbolic links are not
 * followed: `ArchiveRefused` where a path leads through one. `ArchiveUnavailable` where the store does not answer.
 */
export interface Archives {
  /** What lies below the path, at whatever depth; nothing where there is no such path. Files alone, in no promised order. */
  files(path: ArchivePath): AsyncIterable<ArchivedFile>;
  /** `sha256:<hex>`, or `etag:<tag>` where the store knows no better. Undefined where the file has gone meanwhile. */
  checksum(path: ArchivePath, key: string): Promise<string | undefined>;
  /**
   * Removes what lies below the path, and answers how many files that was. Interrupted, it is called again. It is asked again and
   * again whether to go on, at the latest after a thousand files of a folder; nothing more is removed once it is not.
   */
  clear(path: ArchivePath, goesOn?: () => Promise<boolean>): Promise<number>;
}
