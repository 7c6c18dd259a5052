import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from 'vitest';
import type { DuckdbOptions } from '#adapters/engines/duckdb/engine';
import { engineJobId, engineJobName } from '#domain/ids';
import type { EngineJobName } from '#domain/ids';
import { duckdbFixture, ENDLESS, LOST, RUN, SHORT } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';
import { whenRunning } from './engine.contract.ts';

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
    const [first, second, last] = ids;
    if (first === undefined || second === undefined || last === undefined) throw new Error('three were started');
    for (const id of [first, second]) await whenRunning(fixture.engine, id);
    expect((await fixture.engine.status([last])).get(last)?.state).toBe('queued');
    expect(workersOf(process.pid)).toHaveLength(2);
    await fixture.engine.stop(first, { force: false });
    expect((await fixture.ended(first)).status).toEqual({ state: 'stopped' });
    await whenRunning(fixture.engine, last);
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

  test('a job whose worker is killed from outside is lost, leaves nothing behind, and the engine goes on', async () => {
    const fixture = await open({ parallel: 1 });
    // Once a first job has ended the worker is known to be up.
    await fixture.run(SHORT);
    const told: string[] = [];
    fixture.engine.onChange(({ engineJobId: id }) => told.push(id));
    const id = await fixture.start(ENDLESS);
    await whenRunning(fixture.engine, id);
    for (const pid of workersOf(process.pid)) process.kill(pid, 'SIGKILL');
    expect(await fixture.ended(id)).toEqual({ id, status: LOST, metrics: undefined });
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

describe('a service that is killed', () => {
  test('takes its workers with it; the next one sweeps what they left, and knows what had begun', async () => {
    const fixture = await open({ parallel: 1 });
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

    const [short, endless, queued] = [1, 2, 3].map((index) => engineJobId(nameOf(index)));
    if (short === undefined || endless === undefined || queued === undefined) throw new Error('three were started');
    const known = [
      [short, { state: 'succeeded' }],
      [endless, LOST],
    ] as const;
    expect(await fixture.engine.status([short, endless, queued])).toEqual(new Map(known));
    await fixture.start(SHORT, nameOf(3));
    expect((await fixture.ended(queued)).status?.state).toBe('succeeded');
    expect(await fixture.engine.status([short, endless])).toEqual(new Map(known));
    expect(readdirSync(path.join(fixture.root, 'work/scratch'))).toEqual([]);
    expect(readdirSync(path.join(fixture.root, 'out/.sluice'))).toEqual(['other.part']);
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
