/** What a reported job leaves behind, on the local host: its archive lies below the data directory unless another root is named. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobOutputsView } from '#contract/job-archives';
import { parseSettings, type LocalSettings } from '#hosts/local/settings';
import { startService, type Service } from '#test/support/service';

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

test('is indexed, listed, and gone after a reset; what others have stays', async () => {
  const register = (number: number): Promise<{ readonly body: Readonly<Record<string, string>> }> =>
    service.request('POST', '/v1/jobs', { pipeline: 'nightly', data: { number }, 'archive-patterns': ['\\.csv$'] });
  const [mine, theirs] = [(await register(1)).body, (await register(2)).body];
  const folderOf = (job: Readonly<Record<string, string>>): string => join(service.dataDir, 'archives', job['archive-path'] ?? '');
  for (const job of [mine, theirs]) {
    mkdirSync(folderOf(job), { recursive: true });
    for (const name of ['weather.csv', 'log.txt']) writeFileSync(join(folderOf(job), name), 'a,b\n');
  }
  const path = `/v1/jobs/${mine['job-id'] ?? ''}`;
  for (const name of ['run', 'finish']) await service.request('POST', `${path}/events`, { name });
  expect(await service.request('POST', `${path}/index`)).toMatchObject({ status: 200, body: { state: 'FINISHED', outputs: 1 } });
  const { body } = await service.request<JobOutputsView>('GET', `${path}/outputs`);
  expect(body.items).toMatchObject([
    { key: 'weather.csv', 'size-bytes': 4, checksum: 'sha256:5be08c9684a1d25efcee09318204824278b08bbfb4aef973ffefd0b9d7478313' },
  ]);
  expect(await service.request('POST', `${path}/reset`)).toMatchObject({ status: 200, body: { state: 'CREATED', 'files-removed': 2 } });
  expect([readdirSync(folderOf(mine)), readdirSync(folderOf(theirs))]).toEqual([[], ['log.txt', 'weather.csv']]);
});

test('lies where --archive-root says, which may be a bucket', () => {
  const rootOf = (args: readonly string[], environment = {}): LocalSettings['archiveRoot'] | string => {
    const parsed = parseSettings(args, environment);
    return parsed.kind === 'settings' ? parsed.settings.archiveRoot : parsed.kind;
  };
  expect(rootOf([])).toBeUndefined();
  expect(rootOf(['--archive-root', 'a/b'])).toEqual({ kind: 'directory', path: resolve('a/b') });
  expect(rootOf([], { SLUICE_ARCHIVE_ROOT: 's3://lake/jobs/' })).toEqual({ kind: 's3', bucket: 'lake', prefix: 'jobs' });
  expect(rootOf(['--archive-root', 'gs://lake'])).toBe('invalid');
});
