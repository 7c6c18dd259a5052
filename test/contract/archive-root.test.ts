import { expect, test } from 'vitest';
import { ArchiveRoot } from '#contract/archive-root';

test.each([
  ['/var/archives', { kind: 'directory', path: '/var/archives' }],
  ['.sluice/archives', { kind: 'directory', path: '.sluice/archives' }],
  ['s3://lake', { kind: 's3', bucket: 'lake', prefix: '' }],
  ['s3://lake/', { kind: 's3', bucket: 'lake', prefix: '' }],
  ['s3://lake.of-data/raw/jobs/', { kind: 's3', bucket: 'lake.of-data', prefix: 'raw/jobs' }],
])('%s is %j', (text, root) => {
  expect(ArchiveRoot.parse(text)).toEqual(root);
});

test.each(['s3://', 's3:///x', 's3://Lake', 's3://ab', 's3://lake/../other', 's3://lake/./x', 'gs://lake', 'https://lake', 's3://la_ke'])(
  '%s is none',
  (text) => {
    expect(ArchiveRoot.safeParse(text).success).toBe(false);
  },
);
