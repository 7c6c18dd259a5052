/** Items of runs that are not what their stores write: told by the sweep and by the lists, and no hindrance to the others. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { keys, type Key } from '#adapters/dynamodb/keys';
import type { SweepView } from '#contract/sweep-view';
import { Fault } from '#domain/faults';
import { jobId, parseReportedJobId } from '#domain/ids';
import type { Run } from '#domain/run';
import { tickOpenRuns } from '#hosts/local/tick-open-runs';
import { installPorts } from '#hosts/wiring';
import { pollRun } from '#operations/poll-run';
import { sweep, sweepJobs } from '#operations/sweep';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from '#test/operations/world';
import { apiOf, type Api } from './api.ts';
import { reporting } from './reporting.ts';

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

/** It is there, and nothing that its store knows. */
async function spoil(key: Key): Promise<() => Promise<void>> {
  const item = await it.table.get(key);
  if (!item) throw new Error(`there is no item ${key.pk} ${key.sk}`);
  await it.table.write({
    kind: 'put',
    item: { ...key, state: 'LOST', body: '{"state":"LOST"}', counts: 'many', version: 'x', holders: 1 },
  });
  return async () => {
    await it.table.write({ kind: 'put', item });
  };
}
const LONG = [{ SECONDS: 6000 }];
const swept = async (method: 'GET' | 'POST'): Promise<SweepView> => {
  const { status, body } = await api.ask(`${method} /v1/sweep`);
  expect(status).toBe(200);
  return body as unknown as SweepView;
};
const outcomes = ({ findings }: SweepView): readonly string[] =>
  findings.map((found) => `${found.kind} ${found['run-id'] ?? found.resource ?? ''} ${found.outcome ?? ''}`.trim()).toSorted();

describe('a sweep', () => {
  test.each<readonly [string, (run: Run) => Key, string]>([
    ['the run itself', ({ id }) => keys.run(id), 'RUN'],
    ['its progress', ({ id }) => keys.tick(id), 'TICK'],
    ['the open row of one of its jobs', (run) => keys.open({ runId: run.id, index: 0 }, run.count), 'OPEN#00000'],
    ['the version of its template', ({ templateId, templateVersion }) => keys.templateVersion(templateId, templateVersion), 'V#000001'],
  ])('that meets a damaged item, %s, tells of it with what to do, and mends the others', async (_, keyOf, named) => {
    const [bad, good] = [await api.running(LONG), await api.running(LONG)];
    const restore = await spoil(keyOf(bad));
    // A process remembers the versions that it has met: this is another one.
    installPorts({ ...it.ports, catalog: dynamoCatalogStore(it.table) });
    it.advance(3600);
    const found = (await swept('GET')).findings.find(({ kind, 'run-id': id }) => kind === 'run-unreadable' && id === bad.id);
    expect(found).toMatchObject({
      detail: expect.stringMatching(
        new RegExp(`^${bad.id} cannot be looked after: the item .* / ${named} is not what its store writes$`),
      ) as string,
      repair: 'nothing mends it by itself: restore the item in the table from a backup; the run goes on by itself then',
    });
    const mended = outcomes(await swept('POST'));
    expect(mended).toContain(`run-unreadable ${bad.id} failed`);
    expect(mended).toContain(`watch-overdue ${good.id} repaired`);
    await restore();
    expect(outcomes(await swept('GET')).filter((each) => each.startsWith('run-unreadable'))).toEqual([]);
    for (const run of [bad, good]) await it.watch(run);
    expect([(await it.loadRun(bad)).state, (await it.loadRun(good)).state]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  });

  test('that meets damaged slots tells of them, and gives back the others', async () => {
    const run = await api.ended([{ SECONDS: 1 }]);
    for (const resource of ['engine:a', 'engine:b'])
      await it.ports.slots.hold([
        { read: await it.ports.slots.load(resource), holder: { runId: run.id, held: 1, waiting: 0, until: run.createdAt } },
      ]);
    const restore = await spoil(keys.slotHolder('engine:a', run.id));
    expect(outcomes(await swept('POST'))).toEqual(['slots-not-returned ' + run.id + ' repaired', 'slots-unreadable engine:a failed']);
    await restore();
    expect(outcomes(await swept('POST'))).toEqual([`slots-not-returned ${run.id} repaired`]);
  });

  test('that finds an execution of a run that cannot be read leaves it alone', async () => {
    const run = await api.ended([{ SECONDS: 1 }]);
    const restore = await spoil(keys.run(run.id));
    it.advance(3600);
    expect(outcomes(await swept('POST'))).toEqual([`run-unreadable ${run.id} failed`]);
    expect(it.orchestrator.stopped.size).toBe(0);
    await restore();
    expect(outcomes(await swept('POST'))).toEqual([`execution-left-over ${run.id} repaired`]);
  });

  test('that cannot move a row of a reported job says so, and repairs the runs', async () => {
    const jobs = reporting(api);
    const job = await jobs.registered({ pipeline: 'watched', data: {}, 'expect-update-within-seconds': 60 });
    const run = await api.running(LONG);
    it.advance(3600);
    // It has been heard of just now: its row is where it was, and to be moved.
    await jobs.send(job, { name: 'run' });
    const reportedJobs = { ...it.ports.reportedJobs, settleDue: () => Promise.reject(new Fault('StoreBusy', 'throttled')) };
    const failed = { stray: { kind: 'job-row-left', row: { id: job.id } }, outcome: { kind: 'failed', message: 'throttled' } };
    const { rows } = await sweep({ ...it.ports, reportedJobs }, { repair: true });
    expect(rows).toMatchObject([failed, { stray: { kind: 'watch-overdue', run: { id: run.id } }, outcome: { kind: 'repaired' } }]);
    expect(await sweepJobs({ ...it.ports, reportedJobs })).toMatchObject([failed]);
    expect(await sweepJobs(it.ports)).toEqual([]);
  });

  test('whose time is over looks at nothing more, and says so', async () => {
    for (const _ of [1, 2, 3]) await api.running(LONG);
    it.advance(3600);
    // Each read takes its time.
    const catalog = {
      ...it.ports.catalog,
      template: (...given: Parameters<World['ports']['catalog']['template']>) => {
        it.advance(10);
        return it.ports.catalog.template(...given);
      },
    };
    const { rows, unfinished } = await sweep({ ...it.ports, catalog }, { repair: true, withinSeconds: 20 });
    expect([unfinished, rows.length, rows.some(({ outcome }) => outcome === undefined)]).toEqual([true, 3, true]);
    const again = await sweep(it.ports, { repair: true, withinSeconds: 20 });
    expect([again.unfinished, again.rows.map(({ outcome }) => outcome?.kind)]).toEqual([undefined, ['repaired', 'repaired', 'repaired']]);
  });
});

interface Listed {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly unreadable?: unknown;
  readonly 'next-cursor'?: string;
}

describe('a list', () => {
  const list = async (routeKey: string, query: Readonly<Record<string, string>>, path = {}) => {
    const { status, body } = await api.ask(routeKey, { query, path });
    expect(status).toBe(200);
    const { items, ...rest } = body as unknown as Listed;
    return { ids: items.map((item) => item['job-id'] ?? item['run-id']), ...rest };
  };
  const damaged = (key: Key): string => `the item ${key.pk} / ${key.sk} is not what its store writes`;

  test.each<readonly [string, (run: Run) => Key]>([
    ['run', ({ id }) => keys.run(id)],
    ['progress', ({ id }) => keys.tick(id)],
  ])('of runs tells of a damaged %s, and has the others, on whatever pages', async (_, keyOf) => {
    const runs = [await api.running(LONG), await api.running(LONG), await api.running(LONG)];
    const [first, bad, last] = runs.map(({ id }) => id);
    const key = keyOf(runs[1] as Run);
    const restore = await spoil(key);
    const unreadable = [{ id: bad, detail: damaged(key) }];
    expect(await list('GET /v1/runs', {})).toEqual({ ids: [last, first], unreadable });
    expect(await list('GET /v1/runs', { state: 'RUNNING', 'user-id': 'ada' })).toEqual({ ids: [last, first], unreadable });
    const page = await list('GET /v1/runs', { limit: '1' });
    expect(page.ids).toEqual([last]);
    const rest: unknown[] = [];
    let left = 0;
    for (let at: Omit<Listed, 'items'> = page; at['next-cursor'] !== undefined;) {
      const next = await list('GET /v1/runs', { limit: '1', cursor: at['next-cursor'] });
      rest.push(...next.ids);
      if (next.unreadable) left += 1;
      at = next;
    }
    expect([rest, left]).toEqual([[first], 1]);
    await restore();
    expect((await list('GET /v1/runs', {})).ids).toEqual([last, bad, first]);
  });

  test('of the jobs of a run likewise, with and without parameters, and by state', async () => {
    const run = await api.running([...LONG, ...LONG, ...LONG]);
    const [first, bad, last] = [0, 1, 2].map((index) => jobId(run.id, index));
    const ofRun = (query: Readonly<Record<string, string>>) => list('GET /v1/runs/{runId}/jobs', query, { runId: run.id });
    const job = keys.job({ runId: run.id, index: 1 }, run.count);
    const restore = await spoil(job);
    const unreadable = [{ id: bad, detail: damaged(job) }];
    expect(await ofRun({})).toEqual({ ids: [first, last], unreadable });
    expect(await ofRun({ limit: '1' })).toMatchObject({ ids: [first], 'next-cursor': expect.any(String) as string });
    expect(await ofRun({ include: 'parameters' })).toEqual({ ids: [first, last], unreadable });
    expect(await ofRun({ state: 'RUNNING' })).toEqual({ ids: [first, last], unreadable, 'looked-at': { from: 0, to: 2 } });
    // It is told by the page that it is on.
    const one = await ofRun({ state: 'RUNNING', limit: '1' });
    expect(one).toMatchObject({ ids: [first], 'looked-at': { from: 0, to: 0 } });
    expect(one).not.toHaveProperty('unreadable');
    expect(await ofRun({ state: 'RUNNING', limit: '1', cursor: String(one['next-cursor']) })).toMatchObject({
      ids: [last],
      unreadable,
    });
    await restore();
    const parameters = keys.parameters({ runId: run.id, index: 1 });
    await spoil(parameters);
    expect(await ofRun({})).toEqual({ ids: [first, bad, last] });
    expect(await ofRun({ include: 'parameters' })).toEqual({ ids: [first, last], unreadable: [{ id: bad, detail: damaged(parameters) }] });
  });

  test('of jobs whose sets are gone has those whose parameters are kept', async () => {
    const run = await api.started(LONG);
    await it.table.write({ kind: 'delete', key: keys.sets(run.id, 0) });
    const answer = await list('GET /v1/runs/{runId}/jobs', { include: 'parameters' }, { runId: run.id });
    expect(answer).toEqual({ ids: [], unreadable: [{ id: jobId(run.id, 0), detail: `the sets of ${run.id} from index 0 are gone` }] });
  });

  test('of reported jobs likewise', async () => {
    const jobs = reporting(api);
    const [first, bad, last] = [await jobs.registered(), await jobs.registered(), await jobs.registered()];
    const id = parseReportedJobId(bad.id);
    if (!id) throw new Error(bad.id);
    const key = keys.reportedJob(id);
    await spoil(key);
    const { ids, unreadable } = await list('GET /v1/jobs', {});
    expect([ids.toSorted(), unreadable]).toEqual([[first.id, last.id].toSorted(), [{ id: bad.id, detail: damaged(key) }]]);
  });

  test('that sums up, and a template that may be in use, are refused while a run cannot be read', async () => {
    const run = await api.running(LONG);
    await spoil(keys.run(run.id));
    expect((await api.ask('GET /v1/metrics', { query: { 'user-run-id': run.userRunId } })).status).toBe(500);
    await api.ask('DELETE /v1/patterns/{sourceType}/{targetType}', { path: { sourceType: run.sourceType, targetType: run.targetType } });
    expect((await api.ask('DELETE /v1/templates/{templateId}', { path: { templateId: run.templateId } })).status).toBe(500);
    expect(await it.ports.catalog.template(run.templateId)).toBeDefined();
  });
});

test('a host that starts looks at the runs that can be read, and tells of the others', async () => {
  const [bad, good] = [await api.running(LONG), await api.running(LONG)];
  await spoil(keys.run(bad.id));
  const [looked, told]: [string[], string[]] = [[], []];
  const looks = tickOpenRuns(
    it.ports,
    async (runId) => {
      looked.push(runId);
      await pollRun(it.ports, { runId });
    },
    (line) => told.push(line),
  );
  while (looked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await looks.close();
  expect(looked).toEqual([good.id]);
  expect(told).toEqual([expect.stringContaining(`${bad.id} cannot be read`)]);
});
