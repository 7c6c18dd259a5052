/** The metrics of a name that many runs have. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPorts } from '#hosts/wiring';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from '#test/operations/world';
import { apiOf, type Api } from './api.ts';

const USERS = 103;

let database: TestDatabase;
let it: World;
let api: Api;
const jobs: string[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  it = await world(database);
  installPorts(it.ports);
  api = await apiOf(it);
  for (let user = 0; user < USERS; user++) {
    const sets = user === 7 ? [{ SECONDS: 0 }, { SECONDS: 0 }, { SECONDS: 0 }] : [{ SECONDS: 0 }];
    const run = await api.started(sets, { 'user-id': `user ${user}`, 'user-run-id': 'everybody' });
    await api.drive(run);
    await it.watch(run);
    jobs.push(...sets.map((_, index) => `${run.id.replace('run_', 'job_')}_0000${index}`));
  }
}, 120_000);
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

test.each([1, 2, 500])('are those of every run, each once, in pages of %i', async (limit) => {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { 'user-run-id': 'everybody', limit: String(limit), ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await api.ask('GET /v1/metrics', { query });
    found.push(...(body['items'] as readonly { readonly job_id: string }[]).map((row) => row.job_id));
    cursor = body['next-cursor'] as string | undefined;
  } while (cursor !== undefined);
  expect(found.toSorted()).toEqual(jobs.toSorted());
});

test('of a name that no run has are an empty page', async () => {
  const { status, body } = await api.ask('GET /v1/metrics', { query: { 'user-run-id': 'nobody' } });
  expect([status, body]).toEqual([200, { items: [] }]);
});
