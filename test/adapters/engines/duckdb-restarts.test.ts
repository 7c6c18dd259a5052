/** What the next engine knows of the jobs of the one before: ended, begun without a result, or never begun. */
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planOrder } from '#adapters/engines/duckdb/plan-order';
import { resultFiles } from '#adapters/engines/duckdb/results';
import { runJob } from '#adapters/engines/duckdb/run-job';
import { engineJobId, engineJobName } from '#domain/ids';
import type { EngineJobId, EngineJobName } from '#domain/ids';
import { copyJob, duckdbFixture, ENDLESS, LOST, RUN, SHORT } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';
import { whenRunning } from './engine.contract.ts';

const nameOf = (index: number): EngineJobName => engineJobName({ runId: RUN, index }, 1);

let fixture: DuckdbFixture;
beforeEach(async () => {
  fixture = await duckdbFixture({ parallel: 1 });
});
afterEach(() => fixture.close());

const place = (name: string): string => path.join(fixture.root, name);
const kept = (): readonly string[] => readdirSync(place('work')).filter((name) => name !== 'scratch');
const startRunning = async (): Promise<EngineJobId> => {
  const id = await fixture.start(ENDLESS);
  await whenRunning(fixture.engine, id);
  return id;
};

test('jobs that ended are known, a job that ran is lost, and a job that was queued is unknown', async () => {
  fixture.input('in.csv', 'id\n1\n');
  const ended = await fixture.run(copyJob('csv', { SOURCE: 'in.csv', TARGET: 'out.csv' }));
  const failed = await fixture.run(copyJob('csv', { SOURCE: 'none.csv', TARGET: 'out.csv' }));
  const running = await startRunning();
  const queued = await fixture.start(ENDLESS);
  await fixture.restart();
  const known = [
    [ended.id, ended.status],
    [failed.id, failed.status],
    [running, LOST],
  ] as const;
  expect(await fixture.engine.status([ended.id, failed.id, running, queued])).toEqual(new Map(known));
  expect(await fixture.engine.metrics(ended.id)).toEqual(ended.metrics);
  expect(await fixture.engine.metrics(running)).toBeUndefined();
  expect(await Promise.all([1, 2, 3, 4].map((index) => fixture.engine.find(nameOf(index))))).toEqual([
    ended.id,
    failed.id,
    running,
    undefined,
  ]);
});

test('a job that was queued over two restarts runs once it is started again, once', async () => {
  await startRunning();
  const queued = await fixture.start(SHORT, nameOf(7));
  for (let restarts = 0; restarts < 2; restarts += 1) {
    await fixture.restart();
    expect(await fixture.engine.find(nameOf(7))).toBeUndefined();
    expect(existsSync(place('out/short.csv'))).toBe(false);
    if (restarts === 0) {
      await startRunning();
      await fixture.start(SHORT, nameOf(7));
    }
  }
  const told: string[] = [];
  fixture.engine.onChange(({ engineJobId: id }) => told.push(id));
  await Promise.all([fixture.start(SHORT, nameOf(7)), fixture.start(SHORT, nameOf(7))]);
  expect((await fixture.ended(queued)).status).toEqual({ state: 'succeeded' });
  expect(await fixture.start(SHORT, nameOf(7))).toBe(queued);
  expect(told).toEqual([queued]);
});

test('a job that was given to a process which had not begun it is unknown, like one that was queued', async () => {
  const id = await fixture.start(ENDLESS);
  expect((await fixture.engine.status([id])).get(id)).toEqual({ state: 'queued' });
  await fixture.restart();
  expect(await fixture.engine.status([id])).toEqual(new Map());
});

test('a lost job stays lost while others are started and swept, and its name starts nothing', async () => {
  const lost = await startRunning();
  await fixture.restart();
  expect(await fixture.start(SHORT, nameOf(1))).toBe(lost);
  expect((await fixture.run(SHORT)).status).toEqual({ state: 'succeeded' });
  expect(await fixture.engine.status([lost])).toEqual(new Map([[lost, LOST]]));
  expect(readdirSync(place('work/scratch'))).toEqual([]);
});

test('a mark goes with its job: it becomes the result, or is removed', async () => {
  const lost = await startRunning();
  expect(kept()).toEqual([`${lost}.begun`]);
  await fixture.engine.remove(lost);
  expect(kept()).toEqual([`${lost}.begun`]);
  await fixture.restart();
  const ended = await fixture.run(SHORT);
  expect(kept()).toEqual([`${lost}.begun`, `${ended.id}.json`]);
  await fixture.engine.remove(lost);
  await fixture.engine.remove(ended.id);
  expect(kept()).toEqual([]);
  expect(await fixture.engine.status([lost, ended.id])).toEqual(new Map());
});

test('a result file that was damaged is no result: the job is lost, and does not run again', async () => {
  const { id } = await fixture.run(SHORT);
  writeFileSync(place(`work/${id}.json`), '{"state":"succ');
  expect(await fixture.engine.status([id])).toEqual(new Map([[id, LOST]]));
  expect(await fixture.engine.find(nameOf(1))).toBe(id);
});

test('results and marks that nobody removed expire by their age', async () => {
  const names = ['old.json', 'old.begun', 'recent.json', 'recent.begun', 'old.txt'];
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
  for (const name of names) {
    writeFileSync(place(`work/${name}`), '');
    const age = daysAgo(name.startsWith('old') ? 31 : 29);
    utimesSync(place(`work/${name}`), age, age);
  }
  await resultFiles(fixture.options.workDir).expire(daysAgo(30).getTime());
  expect(kept()).toEqual(['old.txt', 'recent.begun', 'recent.json']);
});

test('the first start of an engine lets old marks expire', async () => {
  writeFileSync(place('work/old.begun'), '');
  utimesSync(place('work/old.begun'), new Date(0), new Date(0));
  await fixture.run(SHORT);
  await expect.poll(() => existsSync(place('work/old.begun'))).toBe(false);
});

test('where its mark cannot be made, nothing of a job runs, and its failure does not tell where the mark lies', async () => {
  const start = { engineJobName: nameOf(1), runId: RUN, ...SHORT };
  const planned = planOrder(engineJobId(nameOf(1)), start, { ...fixture.options, workDir: place('no/such/folder'), memoryLimit: '1GB' });
  if (planned.kind === 'refused') throw new Error(planned.message);
  mkdirSync(place('out'), { recursive: true });
  let begun = 0;
  const outcome = await runJob(planned.order, new AbortController().signal, () => (begun += 1));
  expect(outcome).toMatchObject({ state: 'failed', message: `ENOENT: no such file or directory, open '${nameOf(1)}.begun'` });
  expect([begun, readdirSync(place('out'))]).toEqual([0, []]);
});

test('names that are no file names are kept apart', async () => {
  const names = ['../../x', '..:..:x', 'x'.repeat(500)] as EngineJobName[];
  const ids = [];
  for (const name of names) ids.push((await fixture.ended(await fixture.start(SHORT, name))).id);
  expect((await fixture.engine.status(ids)).size).toBe(3);
  expect(kept()).toHaveLength(3);
});
