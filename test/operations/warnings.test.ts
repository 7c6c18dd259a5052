/** What an engine says about a job that goes on. */
import { expect, test } from 'vitest';
import { jobView } from '#contract/run-views';
import type { EngineJobStatus } from '#domain/engine-job';
import { closeJob } from '#operations/close-job';
import { Fault } from '#domain/faults';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import { memoryDatabase } from '#test/support/memory-table';
import { begun, children, expectSound, historyOf, secondsToEnd } from './driving.ts';
import { world as worldOn, type World, type WorldOptions } from './world.ts';

const world = (options: WorldOptions = {}): Promise<World> => worldOn(memoryDatabase, options);

const SCARCE = 'JOBRUNNER_72 - Insufficient resources to run job';

/** A world whose engine says what the test has put last. */
async function saying(first: EngineJobStatus): Promise<{ readonly it: World; says: EngineJobStatus | undefined }> {
  const told: { it?: World; says: EngineJobStatus | undefined } = { says: first };
  const it = await world({
    engine: (engine) => ({
      ...engine,
      status: async (ids) => (told.says ? new Map(ids.map((id) => [id, told.says ?? first])) : engine.status(ids)),
    }),
  });
  return Object.assign(told, { it });
}

test('a warning is one entry of the history, is shown while it lasts, and changes nothing else', async () => {
  const world = await saying({ state: 'queued', warning: SCARCE });
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 1 }]);
  for (let ticks = 0; ticks < 3; ticks += 1) await pollRun(it.ports, { runId: run.id });
  expect(await it.job(run)).toMatchObject({ state: 'CREATED' });
  expect(jobView(await it.job(run)).warning).toBe(SCARCE);
  world.says = { state: 'running', warning: SCARCE };
  await pollRun(it.ports, { runId: run.id });
  world.says = { state: 'unanswered' };
  await pollRun(it.ports, { runId: run.id });
  expect(jobView(await it.job(run)).warning).toBe(SCARCE);
  world.says = { state: 'running' };
  await pollRun(it.ports, { runId: run.id });
  expect(jobView(await it.job(run))).not.toHaveProperty('warning');
  world.says = { state: 'running', warning: SCARCE };
  await pollRun(it.ports, { runId: run.id });
  expect(jobView(await it.job(run)).warning).toBe(SCARCE);
  world.says = { state: 'running', warning: 'another' };
  await pollRun(it.ports, { runId: run.id });
  expect((await historyOf(it, run)).map(({ name, to, data }) => [name, to, data?.['warning']])).toEqual([
    ['create', 'CREATED', undefined],
    ['update', 'CREATED', SCARCE],
    ['run', 'RUNNING', undefined],
    ['update', 'RUNNING', 'another'],
  ]);
  world.says = undefined;
  it.advance(5);
  await secondsToEnd(it, run);
  expect(jobView(await it.job(run))).not.toHaveProperty('warning');
  await expectSound(it, run);
});

test('an engine that forgets a job it had only queued, and warns of it again, is not told of twice', async () => {
  const world = await saying({ state: 'queued', warning: SCARCE });
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 1 }]);
  await pollRun(it.ports, { runId: run.id });
  const forgotten = (await it.job(run)).start.engineJobId ?? '';
  world.says = undefined;
  (it.engine.jobs as Map<string, unknown>).delete(forgotten);
  await pollRun(it.ports, { runId: run.id });
  expect((await it.job(run)).start).toMatchObject({ restarts: 1, engineJobId: forgotten });
  world.says = { state: 'running', warning: SCARCE };
  await pollRun(it.ports, { runId: run.id });
  expect(jobView(await it.job(run)).warning).toBe(SCARCE);
  expect((await historyOf(it, run)).map(({ name }) => name)).toEqual(['create', 'update', 'run']);
});

test.each(['a tick', 'its closing'])('what a look-up has brought to light stands in the history of the job that %s adopts', async (by) => {
  const it = await world({ engine: (engine) => ({ ...engine, fenceSeconds: 600, noticed: () => 'the start took effect twice' }) });
  const run = await it.planned([{ SECONDS: 30 }]);
  const adopting = async (): Promise<void> => {
    if (by === 'a tick') await pollRun(it.ports, { runId: run.id });
    else await closeJob(it.ports, { runId: run.id, index: 0, fault: 'Lambda.Unknown' });
  };
  const { ports } = it;
  // The start is made, and whoever made it dies before it can say so.
  const dying = { ...ports.jobs, save: dyingAtSecond(ports.jobs) };
  await expect(startJob({ ...ports, jobs: dying }, { runId: run.id, index: 0, taskToken: 'token' })).rejects.toThrow('died');
  it.advance(800);
  await adopting();
  expect((await it.job(run)).start.engineJobId).toBeDefined();
  expect((await historyOf(it, run)).find(({ name }) => name === 'update')?.data).toEqual({ warning: 'the start took effect twice' });
  await secondsToEnd(it, run);
  await expectSound(it, run);
});

function dyingAtSecond(jobs: World['ports']['jobs']): World['ports']['jobs']['save'] {
  let saves = 0;
  return (changes, count) => ((saves += 1) === 2 ? Promise.reject(new Error('died')) : jobs.save(changes, count));
}

test.each([
  ['made', false],
  ['found', true],
] as const)(
  'what is to be told of a start is in the history once it is %s, though nobody who looks later knows of it',
  async (_, isLost) => {
    const twice = 'the start took effect more than once';
    const it = await world({
      engine: (engine) => ({
        ...engine,
        fenceSeconds: 30,
        start: async (start) => {
          const outcome = await engine.start(start);
          if (isLost) throw new Fault('EngineUnavailable', 'no answer');
          return outcome;
        },
        noticed: () => twice,
      }),
    });
    const run = await it.planned([{ SECONDS: 1000 }]);
    if (isLost) await expect(children(it, run)).rejects.toThrow('no answer');
    await children(it, run);
    expect(jobView(await it.job(run)).warning).toBe(twice);
    await pollRun(it.ports, { runId: run.id });
    expect((await historyOf(it, run)).map(({ name, data }) => [name, data?.['warning']])).toEqual([
      ['create', undefined],
      ['update', twice],
      ['run', undefined],
    ]);
    it.advance(1000);
    await secondsToEnd(it, run);
    await expectSound(it, run);
  },
);

test('a tick that hears the same warning again writes nothing', async () => {
  const it = await world();
  const run = await begun(it, [{ SECONDS: 100, WARN: SCARCE }]);
  await pollRun(it.ports, { runId: run.id });
  const job = await it.job(run);
  expect(job.start.warning).toBe(SCARCE);
  for (let ticks = 0; ticks < 3; ticks += 1) await pollRun(it.ports, { runId: run.id });
  expect(await it.job(run)).toEqual(job);
});

test('an engine that says something else each time fills neither the history nor the bill', async () => {
  const world = await saying({ state: 'running' });
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 1 }]);
  for (let ticks = 0; ticks < 60; ticks += 1) {
    world.says = { state: 'running', warning: `used ${ticks} % of ${'x'.repeat(5000)}` };
    await pollRun(it.ports, { runId: run.id });
  }
  expect((await historyOf(it, run)).filter(({ name }) => name === 'update')).toHaveLength(20);
  const job = await it.job(run);
  expect(job.start.warning?.length).toBe(1000);
  await pollRun(it.ports, { runId: run.id });
  expect(await it.job(run)).toEqual(job);
});

test('a job that is retried begins without the warnings of the attempt before', async () => {
  const it = await world({
    template: { limits: { maxWaitSeconds: 600, maxParallel: 1, retries: { 'engine-error': { times: 1, backoffSeconds: 0 } } } },
  });
  const run = await begun(it, [{ SECONDS: 20, WARN: SCARCE, FAIL: 'x' }]);
  await secondsToEnd(it, run);
  const warned = (await historyOf(it, run)).filter(({ name }) => name === 'update').map(({ attempt }) => attempt);
  expect(warned).toEqual([1, 2]);
});
