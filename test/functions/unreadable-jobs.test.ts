/** A job whose item is no job any more: told by both sweeps, and no hindrance to what they do for the others. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { keys } from '#adapters/dynamodb/keys';
import type { Unguarded } from '#adapters/dynamodb/table';
import type { SweepView } from '#contract/sweep-view';
import { parseReportedJobId, type Instant, type ReportedJobId } from '#domain/ids';
import { installPorts } from '#hosts/wiring';
import { sweepJobs } from '#operations/sweep';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from '#test/operations/world';
import { apiOf, type Api } from './api.ts';
import { reporting, type Registered, type Reporting } from './reporting.ts';

let database: TestDatabase;
let it: World;
let api: Api;
let jobs: Reporting;

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  it = await world(database);
  installPorts(it.ports);
  api = await apiOf(it);
  jobs = reporting(api);
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const watched = (data: object): Promise<Registered> => jobs.registered({ pipeline: 'watched', data, 'expect-update-within-seconds': 60 });
const state = async (job: Registered): Promise<unknown> => (await jobs.view(job)).body['state'];
const findings = async (method: 'GET' | 'POST'): Promise<SweepView['findings']> =>
  ((await api.ask(`${method} /v1/sweep`)).body as unknown as SweepView).findings;

async function spoilt(job: Registered): Promise<() => Promise<void>> {
  const id = parseReportedJobId(job.id);
  const item = id && (await it.table.get(keys.reportedJob(id)));
  if (!item) throw new Error(`${job.id} has no item`);
  await it.table.write({ kind: 'put', item: { ...item, body: '{"state":"LOST"}' } });
  return async () => {
    await it.table.write({ kind: 'put', item });
  };
}

test('the sweep on demand tells of it with what to do, and mends the others; once it is restored it is a job as any other', async () => {
  const [bad, good] = [await watched({ n: 1 }), await watched({ n: 2 })];
  const restore = await spoilt(bad);
  it.advance(61);
  const unreadable = {
    kind: 'job-unreadable',
    'job-id': bad.id,
    since: '2026-01-01T00:01:00.000Z',
    detail: `${bad.id} was to be looked at: the item JOB#${bad.id} / JOB is not what its store writes`,
    repair: 'nothing mends it by itself: restore the item in the table from a backup, or remove all items of the job',
  };
  const told = await findings('GET');
  expect(told).toHaveLength(2);
  expect(told).toContainEqual(unreadable);
  expect(told).toContainEqual(expect.objectContaining({ kind: 'job-lost', 'job-id': good.id }));
  const mended = await findings('POST');
  expect(mended).toContainEqual({ ...unreadable, outcome: 'failed', message: `the item JOB#${bad.id} / JOB is not what its store writes` });
  expect(mended).toContainEqual(expect.objectContaining({ 'job-id': good.id, outcome: 'repaired' }));
  expect([await state(good), await findings('GET')]).toEqual(['FAILED', [unreadable]]);
  await restore();
  expect(await findings('POST')).toMatchObject([{ kind: 'job-lost', 'job-id': bad.id, outcome: 'repaired' }]);
  expect([await state(bad), await findings('GET')]).toEqual(['FAILED', []]);
});

test('the sweep of every minute fails and removes the others, and says each time that this one could not be read', async () => {
  const [bad, good, gone] = [await watched({ n: 1 }), await watched({ n: 2 }), await jobs.registered()];
  await api.ask('DELETE /v1/jobs/{jobId}', { path: { jobId: gone.id } });
  await spoilt(bad);
  // Registered anew or reset, a job may have several rows: it is told of once.
  const id = parseReportedJobId(bad.id);
  if (id) await it.table.write({ kind: 'put', item: { pk: keys.dueJobs, sk: keys.jobAt('2026-01-01T00:00:30.000Z' as Instant, id) } });
  it.advance(31 * 86_400);
  const kinds = async (): Promise<readonly unknown[]> =>
    (await sweepJobs(it.ports)).map(({ stray, outcome }) => `${stray.kind} ${outcome?.kind ?? ''}`).toSorted();
  expect(await kinds()).toEqual(['deleted-job-kept repaired', 'job-lost repaired', 'job-unreadable failed']);
  expect([await state(good), (await jobs.view(gone)).status]).toEqual(['FAILED', 404]);
  expect(await kinds()).toEqual(['job-unreadable failed']);
});

test('more of them than a sweep reads at once, all before it, do not hide a job that is due', async () => {
  const good = await watched({ n: 1 });
  const spoiltOnes = Array.from({ length: 1001 }, (_, n) => `107a90b7-f083-5167-a63d-${n.toString(16).padStart(12, '0')}` as ReportedJobId);
  const writes = spoiltOnes.flatMap((id): readonly Unguarded[] => [
    { kind: 'put', item: { ...keys.reportedJob(id), body: '{}' } },
    { kind: 'put', item: { pk: keys.dueJobs, sk: keys.jobAt('2026-01-01T00:00:01.000Z' as Instant, id) } },
  ]);
  await it.table.writeAll(writes);
  it.advance(61);
  const swept = await sweepJobs(it.ports);
  expect(swept.filter(({ stray }) => stray.kind === 'job-unreadable')).toHaveLength(1001);
  expect(await state(good)).toBe('FAILED');
});
