/** What a run says while its engine cannot do what it is asked: nothing is failed for that, and nobody is left to guess. */
import { expect, test } from 'vitest';
import { runView } from '#contract/run-views';
import { Fault } from '#domain/faults';
import type { Run } from '#domain/run';
import { cancelRun } from '#operations/cancel-run';
import { pollRun } from '#operations/poll-run';
import type { Engine } from '#operations/ports';
import { memoryDatabase } from '#test/support/memory-table';
import { begun, jobsOf, secondsToEnd } from './driving.ts';
import { world as worldOn, type World } from './world.ts';

const TOLD = 'Control Hub answered 401: SSO_01: User not authenticated';

interface Troubled {
  readonly it: World;
  /** Of the engine that is in trouble from here on: undefined for none. */
  troubled: 'start' | 'stop' | 'status' | undefined;
}

async function troubledWorld(first: Troubled['troubled']): Promise<Troubled> {
  const made: { it?: World; troubled: Troubled['troubled'] } = { troubled: first };
  const away = (): Promise<never> => Promise.reject(new Fault('EngineUnavailable', TOLD));
  const it = await worldOn(memoryDatabase, {
    engine: (engine): Engine => ({
      ...engine,
      start: (start) => (made.troubled === 'start' ? Promise.resolve({ kind: 'not-now', message: TOLD }) : engine.start(start)),
      stop: (id, how) => (made.troubled === 'stop' ? away() : engine.stop(id, how)),
      status: (ids) => (made.troubled === 'status' ? away() : engine.status(ids)),
    }),
  });
  return Object.assign(made, { it });
}

const troubleOf = async ({ ports }: World, run: Run): Promise<unknown> => {
  const [loaded, counts, progress] = await Promise.all([ports.runs.load(run.id), ports.jobs.counts(run), ports.runs.progress(run.id)]);
  if (!loaded) throw new Error('there is no such run');
  return runView(loaded, counts, progress)['engine-trouble'];
};

test('an engine that starts nothing is quoted, with the time since when, until it starts again', async () => {
  const world = await troubledWorld('start');
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 5 }, { SECONDS: 5 }]);
  await pollRun(it.ports, { runId: run.id });
  const since = it.ports.clock.now();
  expect(await troubleOf(it, run)).toEqual({ since, message: TOLD });
  it.advance(60);
  await pollRun(it.ports, { runId: run.id });
  expect(await troubleOf(it, run)).toEqual({ since, message: TOLD });
  expect((await jobsOf(it, run)).map(({ state }) => state)).toEqual(['CREATED', 'CREATED']);
  world.troubled = undefined;
  await pollRun(it.ports, { runId: run.id });
  expect(await troubleOf(it, run)).toBeUndefined();
  await secondsToEnd(it, run);
  expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
});

test('an engine that does not tell how jobs stand is quoted, though no tick comes to its end', async () => {
  const world = await troubledWorld(undefined);
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 300 }]);
  await pollRun(it.ports, { runId: run.id });
  const before = await it.ports.runs.progress(run.id);
  world.troubled = 'status';
  it.advance(10);
  const since = it.ports.clock.now();
  for (let ticks = 0; ticks < 3; ticks += 1) {
    await expect(pollRun(it.ports, { runId: run.id })).rejects.toThrow(TOLD);
    expect(await troubleOf(it, run)).toEqual({ since, message: TOLD });
    it.advance(60);
  }
  expect(await it.ports.runs.progress(run.id)).toEqual({ ...before, trouble: { since, message: TOLD } });
  world.troubled = undefined;
  await pollRun(it.ports, { runId: run.id });
  expect(await troubleOf(it, run)).toBeUndefined();
});

test('an engine that takes no stop is quoted', async () => {
  const world = await troubledWorld('stop');
  const { it } = world;
  const run = await begun(it, [{ SECONDS: 300 }]);
  await pollRun(it.ports, { runId: run.id });
  await cancelRun(it.ports, { runId: run.id, requestedBy: 'ada' });
  await pollRun(it.ports, { runId: run.id });
  expect(await troubleOf(it, run)).toMatchObject({ message: TOLD });
  world.troubled = undefined;
  await secondsToEnd(it, run);
  expect((await it.loadRun(run)).state).toBe('CANCELLED');
  expect(await troubleOf(it, run)).toBeUndefined();
});
