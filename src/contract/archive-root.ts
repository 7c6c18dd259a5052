/** `SLUICE_ARCHIVE_ROOT`: a directory, or `s3://bucket/prefix`. Below it lie the archives of jobs, and nothing else should. */
import * as z from 'zod';

export type ArchiveRoot =
  { readonly kind: 'directory'; readonly path: string } | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export const ArchiveRoot = z.string().transform((text, context): ArchiveRoot => {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  if (bucket === undefined) {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'directory', path: text };
    context.addIssue({ code: 'custom', message: 'must be a directory, or s3://bucket/prefix' });
    return z.NEVER;
  }
  const parts = prefix.split('/').filter((part) => part !== '');
  if (BUCKET.test(bucket) && !parts.includes('..') && !parts.includes('.')) return { kind: 's3', bucket, prefix: parts.join('/') };
  context.addIssue({ code: 'custom', message: 'must name a bucket and a prefix without . and ..: s3://bucket/prefix' });
  return z.NEVER;
});
