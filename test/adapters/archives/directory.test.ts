import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directoryArchives } from '#adapters/archives/directory';
import type { Archives } from '#operations/archive-ports';
import { archivePath, archivesContract, filesOf } from './archives.contract.ts';

let folder: string;
let root: string;
let archives: Archives;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-archives-'));
  root = join(folder, 'root');
  mkdirSync(root);
  archives = directoryArchives(root);
  write('outside/secret.csv', 'outside');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** From the folder that the root is in. */
function write(path: string, content = '1'): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}
const filesBelow = (at: string): readonly string[] =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1))
    .toSorted();

archivesContract(() => ({
  archives,
  put(path, content) {
    write(`root/${path}`, content);
    return Promise.resolve();
  },
  all: () => Promise.resolve(filesBelow(root)),
}));

const refusal = { name: 'ArchiveRefused', retryable: false };
const use = (path: string): readonly (() => Promise<unknown>)[] => [
  () => filesOf({ archives }, path),
  () => archives.checksum(archivePath(path), 'secret.csv'),
  () => archives.clear(archivePath(path)),
];

describe('a symbolic link', () => {
  test.each(['/link', '/link/deeper', '/job/link'])('%s in an archive path is not followed, whatever it leads to', async (path) => {
    mkdirSync(join(root, 'job'));
    mkdirSync(join(folder, 'outside/deeper'));
    symlinkSync('../outside', join(root, 'link'));
    symlinkSync('../../outside', join(root, 'job/link'));
    for (const used of use(path)) await expect(used()).rejects.toMatchObject(refusal);
    expect(readFileSync(join(folder, 'outside/secret.csv'), 'utf8')).toBe('outside');
  });

  test('that stays within the root is not followed either: it is another job’s archive', async () => {
    write('root/theirs/a');
    symlinkSync('theirs', join(root, 'mine'));
    for (const used of use('/mine')) await expect(used()).rejects.toMatchObject(refusal);
    expect(filesBelow(join(root, 'theirs'))).toEqual(['a']);
  });

  test('below a path is no file, and is removed without what it leads to', async () => {
    write('root/job/a');
    symlinkSync('../../outside', join(root, 'job/folder'));
    symlinkSync('../../outside/secret.csv', join(root, 'job/file'));
    symlinkSync('nowhere', join(root, 'job/dangling'));
    symlinkSync('.', join(root, 'job/loop'));
    expect((await filesOf({ archives }, '/job')).map(({ key }) => key)).toEqual(['a']);
    for (const key of ['file', 'folder/secret.csv', 'dangling', 'loop/a'])
      expect([key, await archives.checksum(archivePath('/job'), key)]).toEqual([key, undefined]);
    expect(await archives.clear(archivePath('/job'))).toBe(5);
    expect(readdirSync(join(root, 'job'))).toEqual([]);
    expect(filesBelow(join(folder, 'outside'))).toEqual(['secret.csv']);
  });

  test('may be the root: what its owner configured is where it leads', async () => {
    write('elsewhere/job/a');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'linked'));
    archives = directoryArchives(join(folder, 'linked'));
    expect(await filesOf({ archives }, '/job')).toHaveLength(1);
    expect(await archives.clear(archivePath('/job'))).toBe(1);
  });
});

test.each(['../secret.csv', 'a/../../../outside/secret.csv', '', '.', '/etc/passwd', 'a//b', 'a\0b'])(
  'the key %j is no key of a file',
  async (key) => {
    write('root/job/a');
    await expect(archives.checksum(archivePath('/job'), key)).rejects.toMatchObject(refusal);
  },
);

test('a file in the place of the folder is refused, and stays', async () => {
  write('root/job');
  for (const used of use('/job')) await expect(used()).rejects.toMatchObject(refusal);
  expect(filesBelow(root)).toEqual(['job']);
});

test('the folder of a cleared path stays, for the next attempt to write to', async () => {
  write('root/job/a/b');
  await archives.clear(archivePath('/job'));
  expect(statSync(join(root, 'job')).isDirectory()).toBe(true);
});

test('a folder is no file of which there could be a checksum', async () => {
  write('root/job/a/b');
  await expect(archives.checksum(archivePath('/job'), 'a')).rejects.toMatchObject(refusal);
});

test('names that are not UTF-8, or not pretty, are removed like others', async () => {
  write('root/job/a\\b\n.csv', 'x');
  expect(await filesOf({ archives }, '/job')).toMatchObject([{ key: 'a\\b\n.csv' }]);
  expect(await archives.checksum(archivePath('/job'), 'a\\b\n.csv')).toMatch(/^sha256:/);
  const latin1 = Buffer.from('na\xefve', 'latin1');
  const folderOfLatin1 = Buffer.concat([Buffer.from(join(root, 'job/')), latin1]);
  mkdirSync(folderOfLatin1);
  writeFileSync(Buffer.concat([folderOfLatin1, Buffer.from('/'), latin1]), '1');
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'job/')), Buffer.from('\xff', 'latin1')]), '1');
  expect(await archives.clear(archivePath('/job'))).toBe(3);
  expect(readdirSync(join(root, 'job'))).toEqual([]);
});

test('a root that is not there is a fault that may be retried: a mount may come back', async () => {
  archives = directoryArchives(join(folder, 'unmounted'));
  for (const used of use('/job')) await expect(used()).rejects.toMatchObject({ name: 'ArchiveUnavailable', retryable: true });
});
