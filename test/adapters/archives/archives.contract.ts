/** What archives promise to the operations (src/operations/ports.ts), wherever they are. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseArchivePath, type ArchivePath } from '#domain/archive-path';
import type { ArchivedFile, Archives } from '#operations/archive-ports';

export interface ArchivesUnderTest {
  readonly archives: Archives;
  /** Puts a file there, from the root on. */
  put(path: string, content: string): Promise<void>;
  /** All files below the root, also those that no archive has. */
  all(): Promise<readonly string[]>;
}

export function archivePath(text: string): ArchivePath {
  const path = parseArchivePath(text);
  if (!path) throw new Error(`${text} is no archive path`);
  return path;
}

export async function filesOf({ archives }: Pick<ArchivesUnderTest, 'archives'>, path: string): Promise<readonly ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  for await (const file of archives.files(archivePath(path))) files.push(file);
  return files.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** Names that are nothing special to anybody but to a careless shell, URL or XML. */
const NAMES = [
  'a b.csv',
  'ü☃😀.csv',
  "it's (1)!*.csv",
  'a+b=c&d.csv',
  'a%20b%2Fc.csv',
  '-rf',
  '.hidden',
  '<k>&amp;.xml',
  '#?;:@$,~.txt',
  '..x',
  'q"q',
];

export function archivesContract(make: () => ArchivesUnderTest): void {
  const keys = async (path: string): Promise<readonly string[]> => (await filesOf(make(), path)).map(({ key }) => key);

  describe('what lies below a path', () => {
    test('is told with key, size and time, at whatever depth', async () => {
      const it = make();
      await it.put('job/one.csv', 'one');
      await it.put('job/deep/er/two.csv', 'second');
      const files = await filesOf(it, '/job');
      expect(files).toMatchObject([
        { key: 'deep/er/two.csv', sizeBytes: 6 },
        { key: 'one.csv', sizeBytes: 3 },
      ]);
      for (const { modifiedAt } of files) expect(modifiedAt).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    test('is nothing where there is no such path, and an empty file is a file', async () => {
      expect(await keys('/nothing/there')).toEqual([]);
      await make().put('job/empty', '');
      expect(await filesOf(make(), '/job')).toMatchObject([{ key: 'empty', sizeBytes: 0 }]);
    });

    test('is not what lies beside it under a longer name', async () => {
      await make().put('job/a', '1');
      await make().put('job2/b', '1');
      await make().put('jo/c', '1');
      expect(await keys('/job')).toEqual(['a']);
    });

    test('keeps its names, whatever is in them', async () => {
      for (const name of NAMES) await make().put(`job/d i+r/${name}`, name);
      expect((await keys('/job')).toSorted()).toEqual(NAMES.map((name) => `d i+r/${name}`).toSorted());
    });

    test('is told whole where it is more than a page', async () => {
      const names = Array.from({ length: 10 }, (_, index) => `f${index}`);
      for (const name of names) await make().put(`job/${name}`, name);
      expect(await keys('/job')).toEqual(names);
    });
  });

  describe('the checksum of a file', () => {
    test('is that of its content', async () => {
      const it = make();
      for (const name of NAMES) await it.put(`job/${name}`, `content of ${name}`);
      for (const name of NAMES) {
        const sha256 = createHash('sha256').update(`content of ${name}`).digest('hex');
        expect([name, await it.archives.checksum(archivePath('/job'), name)]).toEqual([name, `sha256:${sha256}`]);
      }
    });

    test('of no file is none', async () => {
      expect(await make().archives.checksum(archivePath('/job'), 'gone')).toBeUndefined();
      await make().put('job/a', '1');
      expect(await make().archives.checksum(archivePath('/job'), 'b')).toBeUndefined();
    });
  });

  describe('clearing a path', () => {
    test('removes what lies below it and nothing else, and says how much that was', async () => {
      const it = make();
      for (const path of ['job/a', 'job/b/c/d', 'job/b/e', 'job2/f', 'jo/g', 'other']) await it.put(path, '1');
      expect(await it.archives.clear(archivePath('/job'))).toBe(3);
      expect(await it.all()).toEqual(['jo/g', 'job2/f', 'other']);
      expect(await keys('/job')).toEqual([]);
    });

    test('again, or of nothing, is nothing', async () => {
      const it = make();
      await it.put('job/a', '1');
      expect([await it.archives.clear(archivePath('/job')), await it.archives.clear(archivePath('/job'))]).toEqual([1, 0]);
      expect(await it.archives.clear(archivePath('/never'))).toBe(0);
      await it.put('job/a', 'new');
      expect(await keys('/job')).toEqual(['a']);
    });

    test('removes every name, also of more than a page', async () => {
      const it = make();
      for (const name of NAMES) await it.put(`job/${name}/${name}`, '1');
      expect(await it.archives.clear(archivePath('/job'))).toBe(NAMES.length);
      expect(await it.all()).toEqual([]);
    });

    test('removes nothing more once it is not to go on', async () => {
      const it = make();
      for (const name of NAMES) await it.put(`job/${name}/${name}`, '1');
      expect(await it.archives.clear(archivePath('/job'), () => Promise.resolve(false))).toBe(0);
      expect(await it.all()).toHaveLength(NAMES.length);
    });

    test('goes on where it was interrupted', async () => {
      const it = make();
      for (const name of ['a', 'b/c', 'd/e/f']) await it.put(`job/${name}`, '1');
      for await (const file of it.archives.files(archivePath('/job'))) {
        await it.archives.clear(archivePath('/job'));
        expect(file.sizeBytes).toBe(1);
        break;
      }
      expect(await it.all()).toEqual([]);
    });
  });
}
