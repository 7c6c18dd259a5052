/** What a job has left in its archive, as it was when it was indexed. */
import type { Instant } from './ids.ts';

export interface JobOutput {
  /** From the archive path on. */
  readonly key: string;
  readonly sizeBytes: number;
  /** `sha256:<hex>`, or `etag:<tag>`. */
  readonly checksum: string;
  readonly modifiedAt: Instant;
}

/** One indexing: the newest that came to its end is the one that counts. */
export interface OutputIndex {
  /** Of the `index` event that it began with. */
  readonly sequence: number;
  /** Of the job: outputs are those of one attempt. */
  readonly attempt: number;
  readonly at: Instant;
  readonly count: number;
  readonly sizeBytes: number;
}
