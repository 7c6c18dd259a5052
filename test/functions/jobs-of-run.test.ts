/** The jobs of a run by their state: which are found, in what pages, and how many are read for one. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JobsOfRun } from '#contract/views';
import type { Run } from '#domain/run';
import { installPorts } from '#hosts/wiring';
import { pollRun } from '#operations/poll-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from '#test/operations/world';
import { apiOf, pointers, slug, type Api } from './api.ts';
import type { Answer } from './http-call.ts';

let database: TestDatabase;
let it: World;
let api: Api;

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  it = await world(database);
  installPorts(it.ports);
  api = await apiOf(it);
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

type Query = Readonly<Record<string, string>>;
const ask = (run: Run, query: Query): Promise<Answer> => api.ask('GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, query });
const listed = async (run: Run, query: Query): Promise<JobsOfRun> => {
  const { status, body } = await ask(run, query);
  expect(status).toBe(200);
  return body as unknown as JobsOfRun;
};
/** Every page, each with a cursor of the one before. */
async function pages(run: Run, query: Query): Promise<readonly JobsOfRun[]> {
  const read: JobsOfRun[] = [];
  let cursor: string | undefined;
  do {
    const page = await listed(run, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    read.push(page);
    cursor = page['next-cursor'];
  } while (cursor !== undefined);
  return read;
}
const indexes = (read: readonly JobsOfRun[]): readonly number[] => read.flatMap(({ items }) => items.map(({ index }) => index));

/** Every third is to fail; every second ends soon, the others go on. */
const mixed = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ SECONDS: index % 2 === 0 ? 1 : 600, ...(index % 3 === 0 ? { FAIL: 'broken' } : {}) }));

test('are all of those in the state and no others, on whatever pages, in the order of the sets', async () => {
  const run = await api.running(mixed(10));
  it.advance(10);
  await pollRun(it.ports, { runId: run.id });
  const all = indexes(await pages(run, {}));
  expect(all).toEqual(Array.from({ length: 10 }, (_, index) => index));
  const [everything] = await pages(run, { limit: '500' });
  const byState = new Map<string, number[]>();
  for (const { state, index } of everything?.items ?? []) byState.set(state, [...(byState.get(state) ?? []), index]);
  expect([...byState.keys()].toSorted()).toEqual(['FAILED', 'FINISHED', 'RUNNING']);
  for (const state of ['CREATED', 'RUNNING', 'FAILED', 'FINISHED', 'RETIRED'])
    for (const limit of ['1', '3', '10', '500']) {
      const read = await pages(run, { state, limit });
      expect([state, limit, indexes(read)]).toEqual([state, limit, byState.get(state) ?? []]);
      // What was looked at is told without a gap, from the first set to the last.
      const looked = read.flatMap((page) => page['looked-at'] ?? []);
      expect(looked.map(({ from }) => from)).toEqual([0, ...looked.slice(0, -1).map(({ to }) => to + 1)]);
      expect(looked.at(-1)?.to).toBe(9);
    }
});

test('have their parameters where these are asked for, and what is looked at is told only where a state is', async () => {
  const run = await api.ended([{ SECONDS: 1 }, { SECONDS: 1, FAIL: 'broken' }]);
  const { items, ...rest } = await listed(run, { state: 'FAILED', include: 'parameters' });
  expect(items).toMatchObject([{ index: 1, state: 'FAILED', parameters: { FAIL: { value: 'broken' } } }]);
  expect(rest).toEqual({ 'looked-at': { from: 0, to: 1 } });
  expect(Object.keys(await listed(run, {}))).toEqual(['items']);
});

test('in a state that hardly any is in are looked for among 2,000, by 20 reads of 100, and the page says so and goes on', async () => {
  const run = await api.started(Array.from({ length: 4500 }, () => ({ SECONDS: 1 })));
  database.forgetRequests();
  const first = await listed(run, { state: 'FAILED', limit: '1' });
  expect(first.items).toEqual([]);
  expect(first['looked-at']).toEqual({ from: 0, to: 1999 });
  // And one, of the run and how it stands.
  expect(database.requests.get('BatchGetItemCommand')).toBe(21);
  const read = await pages(run, { state: 'FAILED', limit: '1' });
  expect(read.map((page) => page['looked-at'])).toEqual([
    { from: 0, to: 1999 },
    { from: 2000, to: 3999 },
    { from: 4000, to: 4499 },
  ]);
  // Those that are not made yet are about to be CREATED, and a full page is read with little more than itself.
  database.forgetRequests();
  const created = await listed(run, { state: 'CREATED', limit: '3' });
  expect([indexes([created]), created['looked-at'], database.requests.get('BatchGetItemCommand')]).toEqual([
    [0, 1, 2],
    { from: 0, to: 2 },
    2,
  ]);
  expect(indexes(await pages(run, { state: 'CREATED', limit: '500' }))).toHaveLength(4500);
});

test('in a state that there is not, and by the cursor of another list, are refused', async () => {
  const run = await api.started([{}, {}, {}]);
  const wrong = await ask(run, { state: 'created' });
  expect([wrong.status, slug(wrong), pointers(wrong)]).toEqual([400, 'invalid-request', ['state']]);
  const { 'next-cursor': cursor = '' } = await listed(run, { limit: '1', state: 'CREATED' });
  for (const query of [{ cursor }, { cursor, state: 'FAILED' }]) expect(slug(await ask(run, query))).toBe('malformed-cursor');
  const { 'next-cursor': plain = '' } = await listed(run, { limit: '1' });
  expect(slug(await ask(run, { cursor: plain, state: 'CREATED' }))).toBe('malformed-cursor');
});
