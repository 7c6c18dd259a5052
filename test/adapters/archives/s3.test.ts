import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { s3Archives } from '#adapters/archives/s3';
import type { Archives } from '#operations/archive-ports';
import { at } from '#test/domain/builders';
import { CREDENTIALS, startFakeS3, type FakeS3 } from '#test/support/fake-s3';
import { archivePath, archivesContract, filesOf } from './archives.contract.ts';

let s3: FakeS3;
let paused: number[];

beforeEach(async () => {
  s3 = await startFakeS3();
  paused = [];
});
afterEach(() => s3.close());

const archivesWith = (change: Partial<Parameters<typeof s3Archives>[0]> = {}): Archives =>
  s3Archives({
    bucket: s3.bucket,
    prefix: 'the root',
    region: 'eu-west-1',
    credentials: () => Promise.resolve(CREDENTIALS),
    endpoint: s3.endpoint,
    now: () => at(0),
    pause: (ms) => Promise.resolve(void paused.push(ms)),
    fetch,
    ...change,
  });
const put = (key: string, content = '1'): void => void s3.objects.set(key, Buffer.from(content));

archivesContract(() => ({
  archives: archivesWith(),
  put(path, content) {
    put(`the root/${path}`, content);
    return Promise.resolve();
  },
  all: () => Promise.resolve([...s3.objects.keys()].map((key) => key.replace('the root/', '')).toSorted()),
}));

describe('a prefix', () => {
  test('of the bucket is where all of it stays', async () => {
    for (const key of ['job/a', 'the root/job/b', 'the rootjob/c', 'the root/job', 'the root/job/']) put(key);
    expect((await filesOf({ archives: archivesWith() }, '/job')).map(({ key }) => key)).toEqual(['b']);
    // The folder of a console is no file, and goes with the rest.
    expect(await archivesWith().clear(archivePath('/job'))).toBe(1);
    expect([...s3.objects.keys()].toSorted()).toEqual(['job/a', 'the root/job', 'the rootjob/c']);
  });

  test('that is empty is the whole bucket', async () => {
    put('job/a');
    expect(await filesOf({ archives: archivesWith({ prefix: '' }) }, '/job')).toMatchObject([{ key: 'a' }]);
  });
});

test('a listing tells the tag of a file, so that nothing more has to be asked', async () => {
  put('the root/job/a', 'hello');
  expect(await filesOf({ archives: archivesWith() }, '/job')).toMatchObject([{ checksum: 'etag:5d41402abc4b2a76b9719d911017c592' }]);
  expect(s3.asked).toHaveLength(1);
});

test('of an upload in parts the tag stands for the checksum, which is not that of the whole', async () => {
  put('the root/job/a.parts', 'hello');
  expect(await archivesWith().checksum(archivePath('/job'), 'a.parts')).toBe('etag:5d41402abc4b2a76b9719d911017c592');
});

test('a key that XML cannot write is removed by itself', async () => {
  put('the root/job/\u0001');
  put('the root/job/b');
  expect((await filesOf({ archives: archivesWith() }, '/job')).map(({ key }) => key)).toEqual(['\u0001', 'b']);
  expect(await archivesWith().clear(archivePath('/job'))).toBe(2);
  expect(s3.objects.size).toBe(0);
});

test('what a listing tells that is not below the path is neither shown nor removed', async () => {
  const contents = ['the root/other/a', 'the root/job/b'].map(
    (key) => `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size></Contents>`,
  );
  const body = `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
  put('the root/other/a');
  put('the root/job/b');
  s3.script({ status: 200, body });
  expect(await archivesWith().clear(archivePath('/job'))).toBe(1);
  expect([...s3.objects.keys()]).toEqual(['the root/other/a']);
});

describe('trouble', () => {
  const unavailable = { name: 'ArchiveUnavailable', retryable: true };
  const refused = { name: 'ArchiveRefused', retryable: false };
  const list = (change: Partial<Parameters<typeof s3Archives>[0]> = {}): Promise<unknown> =>
    filesOf({ archives: archivesWith(change) }, '/job');

  test('that passes is waited for', async () => {
    put('the root/job/a');
    s3.script({ status: 503 }, { status: 500 }, { status: 200, cut: true });
    expect(await list()).toMatchObject([{ key: 'a' }]);
    expect(paused).toEqual([100, 400, 1600]);
  });

  test.each([503, 500, 429])('by %i that stays is a fault that may be retried', async (status) => {
    s3.script(...Array.from({ length: 4 }, () => ({ status })));
    await expect(list()).rejects.toMatchObject(unavailable);
    expect(s3.asked).toHaveLength(4);
  });

  test.each([[301], [400], [403]])('by %i is not asked again', async (status) => {
    s3.script({ status, body: '<Error><Code>PermanentRedirect</Code></Error>' });
    await expect(list()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('PermanentRedirect') as string });
    expect(s3.asked).toHaveLength(1);
  });

  test('with credentials that are wrong, or a bucket that is not there, is refused', async () => {
    await expect(list({ credentials: () => Promise.resolve({ ...CREDENTIALS, secretAccessKey: 'other' }) })).rejects.toMatchObject(refused);
    await expect(list({ bucket: 'nobodys' })).rejects.toMatchObject(refused);
  });

  test('with a file that cannot be removed is no success', async () => {
    put('the root/job/a');
    s3.held.set('the root/job/a', 'AccessDenied');
    await expect(archivesWith().clear(archivePath('/job'))).rejects.toMatchObject(refused);
    s3.held.set('the root/job/a', 'SlowDown');
    await expect(archivesWith().clear(archivePath('/job'))).rejects.toMatchObject(unavailable);
    s3.held.clear();
    expect(await archivesWith().clear(archivePath('/job'))).toBe(1);
  });

  test('by an answer that is none is a fault', async () => {
    for (const body of ['', '<html>', '{}', '<ListBucketResult></ListBucketResult>']) {
      s3.script({ status: 200, body });
      await expect(list()).rejects.toMatchObject(unavailable);
    }
  });
});

test.each([
  ['plain', 'eu-west-1', 'https://plain.s3.eu-west-1.amazonaws.com/'],
  ['with.dots', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/with.dots/'],
  ['plain', 'cn-north-1', 'https://plain.s3.cn-north-1.amazonaws.com.cn/'],
])('the bucket %s in %s is asked at its address', async (bucket, region, address) => {
  const urls: string[] = [];
  const { endpoint: _endpoint, ...aws } = {
    bucket,
    prefix: '',
    region,
    endpoint: '',
    credentials: () => Promise.resolve(CREDENTIALS),
    now: () => at(0),
    pause: () => Promise.resolve(),
    fetch: ((input: string) => {
      urls.push(input);
      return Promise.resolve(new Response('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'));
    }) as typeof fetch,
  };
  expect(await filesOf({ archives: s3Archives(aws) }, '/job')).toEqual([]);
  expect(urls).toEqual([`${address}?list-type=2&encoding-type=url&prefix=job%2F`]);
});
