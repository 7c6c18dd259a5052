import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from 'vitest';
import { duckdbEngine } from '#adapters/engines/duckdb/engine';
import type { DuckdbOptions } from '#adapters/engines/duckdb/engine';
import { resultFiles } from '#adapters/engines/duckdb/results';
import { engineJobId, engineJobName } from '#domain/ids';
import type { EngineJobName } from '#domain/ids';
import { copyJob, duckdbFixture, ENDLESS, RUN } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';

let fixtures: DuckdbFixture[] = [];
const open = async (overrides: Partial<DuckdbOptions> = {}): Promise<DuckdbFixture> => {
  const fixture = await duckdbFixture(overrides);
  fixtures.push(fixture);
  return fixture;
};
afterEach(async () => {
  await Promise.all(fixtures.map((fixture) => fixture.close()));
  fixtures = [];
});

const SHORT = { definition: { target: { path: 'short.csv', sql: 'SELECT 1 AS n', format: 'csv' } }, parameters: {} };
const nameOf = (index: number): EngineJobName => engineJobName({ runId: RUN, index }, 1);

describe('worker processes', () => {
  test('an engine without jobs has no process, and one that is idle for a while gives its processes back', async () => {
    const fixture = await open({ idleMs: 1 });
    expect(workersOf(process.pid)).toEqual([]);
    await fixture.run(SHORT);
    await until(() => workersOf(process.pid).length === 0);
    expect((await fixture.run(SHORT)).status?.state).toBe('succeeded');
  });

  test('a warm worker is used again, with an empty database', async () => {
    const fixture = await open({ parallel: 1 });
    const stages = [{ name: 'make', sql: 'CREATE TABLE once AS SELECT 1 AS n' }];
    const job = { definition: { stages, target: { path: 'once.csv', sql: 'FROM once', format: 'csv' } }, parameters: {} };
    await fixture.run(job);
    const workers = workersOf(process.pid);
    expect((await fixture.run(job)).status).toEqual({ state: 'succeeded' });
    expect(workersOf(process.pid)).toEqual(workers);
  });

  test('no more jobs run at once than allowed; the others are queued, and run in the order of their starts', async () => {
    const fixture = await open({ parallel: 2 });
    const ids = [];
    for (let index = 0; index < 3; index += 1) ids.push(await fixture.start(ENDLESS));
    const [first, , last] = ids;
    expect([...(await fixture.engine.status(ids)).values()].map(({ state }) => state)).toEqual(['running', 'running', 'queued']);
    expect(workersOf(process.pid)).toHaveLength(2);
    if (first === undefined || last === undefined) throw new Error('three were started');
    await fixture.engine.stop(first, { force: false });
    expect((await fixture.ended(first)).status).toEqual({ state: 'stopped' });
    expect((await fixture.engine.status([last])).get(last)?.state).toBe('running');
  });

  test('a queued job that is stopped never runs', async () => {
    const fixture = await open({ parallel: 1 });
    await fixture.start(ENDLESS);
    const queued = await fixture.start(SHORT);
    await fixture.engine.stop(queued, { force: false });
    expect((await fixture.engine.status([queued])).get(queued)).toEqual({ state: 'stopped' });
    expect(existsSync(path.join(fixture.root, 'out/short.csv'))).toBe(false);
  });

  test('a job that does not obey a stop in time is killed and stopped', async () => {
    const fixture = await open({ stopGraceMs: 0 });
    const id = await fixture.start(ENDLESS);
    await fixture.engine.stop(id, { force: false });
    expect((await fixture.ended(id)).status).toEqual({ state: 'stopped' });
  });

  test('a job whose worker is killed from outside is unknown, leaves nothing behind, and the engine goes on', async () => {
    const fixture = await open({ parallel: 1 });
    // Once a first job has ended the worker is known to be up.
    await fixture.run(SHORT);
    const told: string[] = [];
    fixture.engine.onChange(({ engineJobId: id }) => told.push(id));
    const id = await fixture.start(ENDLESS);
    for (const pid of workersOf(process.pid)) process.kill(pid, 'SIGKILL');
    expect(await fixture.ended(id)).toEqual({ id, status: undefined, metrics: undefined });
    expect(told).toEqual([id]);
    expect(readdirSync(path.join(fixture.root, 'work/scratch'))).toEqual([]);
    expect(readdirSync(path.join(fixture.root, 'out/.sluice'))).toEqual([]);
    expect((await fixture.run(SHORT)).status?.state).toBe('succeeded');
  });

  test('a worker that cannot begin fails its job and says how', async () => {
    const fixture = await open({ workerUrl: new URL('file:///no/such/worker.js') });
    const { status } = await fixture.run(SHORT);
    expect(status).toEqual({ state: 'failed', message: 'the DuckDB worker ended before it could begin (exit code 1)' });
  });
});

describe('a restart', () => {
  test('results of jobs that ended are known to the next engine, and jobs that had not are lost', async () => {
    const fixture = await open({ parallel: 1 });
    fixture.input('in.csv', 'id\n1\n');
    const ended = await fixture.run(copyJob('csv', { SOURCE: 'in.csv', TARGET: 'out.csv' }));
    const failed = await fixture.run(copyJob('csv', { SOURCE: 'none.csv', TARGET: 'out.csv' }));
    const running = await fixture.start(ENDLESS);
    const queued = await fixture.start(ENDLESS);
    await fixture.engine.close();

    const next = duckdbEngine(fixture.options);
    const statuses = await next.status([ended.id, failed.id, running, queued]);
    expect(statuses).toEqual(new Map([ended, failed].map(({ id, status }) => [id, status])));
    expect(await next.metrics(ended.id)).toEqual(ended.metrics);
    expect(await next.find(nameOf(1))).toBe(ended.id);
    expect(await next.find(nameOf(3))).toBeUndefined();
    await next.remove(ended.id);
    expect(await next.find(nameOf(1))).toBeUndefined();
    await next.close();
  });

  test('a service that is killed takes its workers with it; the next one sweeps what they left', async () => {
    const fixture = await open();
    const host = fork(await bundledHost(), [JSON.stringify(fixture.options)], { execArgv: [] });
    await new Promise((resolve) => host.once('message', resolve));
    const workers = workersOf(host.pid ?? 0);
    expect(workers).not.toEqual([]);
    const half = path.join(fixture.root, `out/.sluice/${nameOf(2)}.part`);
    await until(() => existsSync(half));
    // Of another service with the same output root: not ours to sweep.
    const others = path.join(fixture.root, 'out/.sluice/other.part');
    writeFileSync(others, 'half');
    host.kill('SIGKILL');
    await until(() => workers.every((pid) => !isWorker(pid)));
    expect(existsSync(half)).toBe(true);

    const [shortId, endlessId] = [engineJobId(nameOf(1)), engineJobId(nameOf(2))];
    expect([...(await fixture.engine.status([shortId, endlessId])).keys()]).toEqual([shortId]);
    await fixture.start(SHORT, nameOf(7));
    expect((await fixture.ended(engineJobId(nameOf(7)))).status?.state).toBe('succeeded');
    expect(readdirSync(path.join(fixture.root, 'work/scratch'))).toEqual([]);
    expect(readdirSync(path.join(fixture.root, 'out/.sluice'))).toEqual(['other.part']);
  });

  test('a result file that was damaged is no result: the job is lost', async () => {
    const fixture = await open();
    const { id } = await fixture.run(SHORT);
    writeFileSync(path.join(fixture.root, `work/${id}.json`), '{"state":"succ');
    expect(await fixture.engine.status([id])).toEqual(new Map());
  });

  test('results that nobody removed expire by their age', async () => {
    const fixture = await open();
    const old = await fixture.run(SHORT);
    const recent = await fixture.run(SHORT);
    const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    utimesSync(path.join(fixture.root, `work/${old.id}.json`), daysAgo(31), daysAgo(31));
    utimesSync(path.join(fixture.root, `work/${recent.id}.json`), daysAgo(29), daysAgo(29));
    await resultFiles(fixture.options.workDir).expire(daysAgo(30).getTime());
    expect([...(await fixture.engine.status([old.id, recent.id])).keys()]).toEqual([recent.id]);
  });

  test('names that are no file names are kept apart', async () => {
    const fixture = await open();
    const names = ['../../x', '..:..:x', 'x'.repeat(500)] as EngineJobName[];
    const ids = [];
    for (const name of names) ids.push((await fixture.ended(await fixture.start(SHORT, name))).id);
    expect((await fixture.engine.status(ids)).size).toBe(3);
    expect(readdirSync(path.join(fixture.root, 'work')).filter((file) => file.endsWith('.json'))).toHaveLength(3);
  });
});

/** Worker processes of a process, as the system lists them. */
function workersOf(parent: number): readonly number[] {
  const tasks = readdirSync(`/proc/${parent}/task`);
  const children = tasks.flatMap((task) => readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8').trim().split(' '));
  return children
    .filter((pid) => pid !== '')
    .map(Number)
    .filter(isWorker);
}

function isWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('duckdb-worker');
  } catch {
    return false;
  }
}

/** For what ends without telling us: processes of another process. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function bundledHost(): Promise<string> {
  const outfile = path.resolve('.out/test/duckdb-host.js');
  await build({
    entryPoints: ['test/adapters/engines/duckdb-host.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
  });
  return outfile;
}
