import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import { closeJob } from '#operations/close-job';
import { closeRun } from '#operations/close-run';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { startJob } from '#operations/start-job';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { memoryDatabase } from '#test/support/memory-table';
import { Crash, crashingAt, world, type World, type WorldOptions } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const first = (run: Run, taskToken = 'token'): Parameters<typeof startJob>[1] => ({ runId: run.id, index: 0, taskToken });
const tokensOf = async ({ ports }: World, run: Run): Promise<readonly string[]> =>
  (await ports.jobs.taskTokens(run, [{ runId: run.id, index: 0 }])).map(({ taskToken }) => taskToken);
const historyOf = async ({ ports }: World, run: Run): Promise<readonly string[]> => {
  const listed = await ports.jobs.history({ runId: run.id, index: 0 }, { limit: 100 });
  return listed.kind === 'page' ? listed.page.items.map(({ name }) => name) : [];
};

describe('starting a job', () => {
  test('its token and its intent are stored before the engine is asked', async () => {
    let seen: unknown;
    const it: World = await world(database, {
      engine: (engine) => ({
        ...engine,
        start: async (start) => {
          const run = await it.ports.runs.load(start.runId);
          if (run) seen = { tokens: await tokensOf(it, run), start: (await it.job(run)).start };
          return engine.start(start);
        },
      }),
    });
    const run = await it.planned([{ SECONDS: 10 }]);
    await startJob(it.ports, first(run));
    expect(seen).toMatchObject({
      tokens: ['token'],
      start: { intentAt: it.ports.clock.now(), engineJobName: (await it.job(run)).start.engineJobName },
    });
    expect((await it.job(run)).start.engineJobId).toBeDefined();
    expect(it.orchestrator.released.size).toBe(0);
  });

  test('the engine gets the effective parameters and the definition of the version that the run is pinned to', async () => {
    const starts: unknown[] = [];
    const it = await world(database, {
      template: {
        definition: { job: 'a' },
        static: { sourceParameters: { MODE: 'POLLING' }, targetParameters: {}, sourceConnection: {}, targetConnection: {} },
      },
      engine: (engine) => ({
        ...engine,
        start: (start) => {
          starts.push(start);
          return engine.start(start);
        },
      }),
    });
    const run = await it.planned([{ CITY: 'London' }]);
    await startJob(it.ports, first(run));
    expect(starts).toMatchObject([{ definition: { job: 'a' }, parameters: { MODE: 'POLLING', CITY: 'London' }, runId: run.id }]);
  });

  test('a repeated start keeps both tokens and starts nothing again', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    for (const token of ['one', 'two']) await startJob(it.ports, first(run, token));
    expect(it.engine.calls.start).toBe(1);
    expect((await tokensOf(it, run)).toSorted()).toEqual(['one', 'two']);
    it.advance(10);
    await it.watch(run);
    expect([...it.orchestrator.released].toSorted()).toEqual(['one', 'two']);
    expect(await tokensOf(it, run)).toEqual([]);
  });

  test('of two starters at once one starts the engine job, and the job has it', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    await Promise.all(['one', 'two'].map((token) => startJob(it.ports, first(run, token))));
    expect(it.engine.jobs.size).toBe(1);
    it.advance(10);
    await it.watch(run);
    expect([...it.orchestrator.released].toSorted()).toEqual(['one', 'two']);
    expect(await historyOf(it, run)).toEqual(['create', 'run', 'finish']);
  });

  test('a settled job lets the token of a late starter go at once', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 0 }]);
    await startJob(it.ports, first(run));
    await it.watch(run);
    await startJob(it.ports, first(run, 'late'));
    expect([...it.orchestrator.released]).toEqual(['token', 'late']);
    expect(it.engine.calls.start).toBe(1);
  });

  test('a run that is being closed starts nothing; the tick settles the job and lets its child go', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    await closeRun(it.ports, { execution: 'arn', driven: { runId: run.id }, message: 'the machine gave up' });
    await startJob(it.ports, first(run));
    expect(it.engine.calls.start).toBe(0);
    expect(it.orchestrator.released.size).toBe(0);
    await it.watch(run);
    expect([...it.orchestrator.released]).toEqual(['token']);
    expect((await it.job(run)).failure).toEqual({ reason: 'aborted', message: 'the machine gave up' });
  });

  test('a job that the engine refuses has failed in the words of the engine, and its child is let go at once', async () => {
    const it = await world(database);
    const run = await it.planned([{ REFUSE: "no such 'city'" }]);
    await startJob(it.ports, first(run));
    expect((await it.job(run)).failure).toEqual({ reason: 'start-failed', message: "no such 'city'" });
    expect([...it.orchestrator.released]).toEqual(['token']);
    expect((await it.loadRun(run)).state).toBe('FAILED');
  });

  test('a run or a job that is not there is gone for good', async () => {
    const it = await world(database);
    const run = await it.planned([{}]);
    await expect(startJob(it.ports, { ...first(run), index: 1 })).rejects.toMatchObject({ name: 'Vanished', retryable: false });
  });
});

describe('an engine that cannot be reached', () => {
  const unreachable = (): Promise<never> => Promise.reject(new Fault('EngineUnavailable', 'no answer'));

  test('fails the start, which leaves the token and the intent; the repeated start is made once', async () => {
    let down = true;
    const it = await world(database, {
      engine: (engine) => ({ ...engine, start: (start) => (down ? unreachable() : engine.start(start)) }),
    });
    const run = await it.planned([{ SECONDS: 10 }]);
    await expect(startJob(it.ports, first(run))).rejects.toMatchObject({ name: 'EngineUnavailable', retryable: true });
    down = false;
    await startJob(it.ports, first(run, 'second'));
    expect(it.engine.calls.start).toBe(1);
    it.advance(10);
    await it.watch(run);
    expect([...it.orchestrator.released].toSorted()).toEqual(['second', 'token']);
  });

  test('an engine whose starts take effect late is not asked again before its fence, and what it made is adopted', async () => {
    const it = await world(database, {
      engine: (engine) => ({
        ...engine,
        fenceSeconds: 90,
        // The answer is lost; the engine job appears all the same.
        start: async (start) => {
          await engine.start(start);
          return unreachable();
        },
        find: (name) => (it.ports.clock.now() < '2026-01-01T00:00:30.000Z' ? Promise.resolve(undefined) : engine.find(name)),
      }),
    });
    const run = await it.planned([{ SECONDS: 100 }]);
    await expect(startJob(it.ports, first(run))).rejects.toMatchObject({ name: 'EngineUnavailable' });
    await startJob(it.ports, first(run, 'second'));
    expect(it.engine.calls.start).toBe(1);
    await it.watch(run);
    expect(it.engine.calls.start).toBe(1);
    expect(await historyOf(it, run)).toEqual(['create', 'run', 'finish']);
    expect([...it.orchestrator.released].toSorted()).toEqual(['second', 'token']);
  });
});

describe('a crash at any step of a job', () => {
  interface Scenario {
    readonly name: string;
    readonly set: JsonObject;
    readonly deleteAfterCompletion: boolean;
    readonly fenceSeconds: number;
    readonly ends: 'FINISHED' | 'FAILED';
    readonly attempts: number;
    /** The engine forgets the first attempt while it runs. */
    readonly loses?: boolean;
  }
  const common = { deleteAfterCompletion: false, fenceSeconds: 0, attempts: 1 };
  const scenarios: readonly Scenario[] = [
    { ...common, name: 'ends well', set: { SECONDS: 10 }, ends: 'FINISHED' },
    {
      ...common,
      name: 'ends well behind a fence, and is removed',
      set: { SECONDS: 10 },
      deleteAfterCompletion: true,
      fenceSeconds: 90,
      ends: 'FINISHED',
    },
    { ...common, name: 'is refused', set: { REFUSE: 'no' }, ends: 'FAILED' },
    { ...common, name: 'is poisoned', set: { POISON: true }, ends: 'FAILED' },
    { ...common, name: 'is lost once', set: { SECONDS: 190 }, ends: 'FINISHED', attempts: 2, loses: true },
  ];

  /** What the state machine does with one child: start it, repeat what failed for the moment, close what failed for good. */
  async function child(ports: Ports, run: Run, token: string): Promise<'parked' | 'closed'> {
    try {
      await startJob(ports, first(run, token));
      return 'parked';
    } catch (error) {
      if (error instanceof Crash) throw error;
      await closeJob(ports, { runId: run.id, index: 0, fault: String(error) });
      return 'closed';
    }
  }

  /** Ticks of the watch loop; a crashed one keeps the run until its lease is void. */
  async function watched(it: World, ports: Ports, run: Run, everySeconds: number): Promise<void> {
    for (let ticks = 0; ticks < 30; ticks += 1) {
      it.advance(everySeconds);
      if ((await pollRun(ports, { runId: run.id })).ended) return;
    }
    throw new Error('the run has not ended after 30 ticks');
  }

  test.each(scenarios)('that $name: one engine job an attempt, an end, no child left parked', async (scenario) => {
    const visited = new Set<string>();
    for (let nth = 0; ; nth += 1) {
      const started: string[] = [];
      const it = await world(memoryDatabase, {
        template: { deleteAfterCompletion: scenario.deleteAfterCompletion },
        engine: (engine) => ({
          ...engine,
          fenceSeconds: scenario.fenceSeconds,
          start: (start) => {
            started.push(start.engineJobName);
            return engine.start(start);
          },
        }),
      });
      const run = await it.planned([scenario.set]);
      const crashing = crashingAt(it.ports, nth);
      const parked: string[] = [];
      const lose = (): void => {
        const { engine } = it;
        for (const name of engine.jobs.keys())
          if (scenario.loses && name.endsWith('_a1')) (engine.jobs as Map<string, unknown>).delete(name);
      };

      let crashed: string | undefined;
      const process = async (act: (ports: Ports) => Promise<void>): Promise<void> => {
        try {
          await act(crashed === undefined ? crashing.ports : it.ports);
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          // The call, and not the error: what cleans up after a fault meets a process that is gone.
          crashed = `after ${crashing.calls[nth - 1] ?? 'nothing'}`;
          visited.add(crashed);
          // Another host takes over: leases of the dead one have to run out.
          it.advance(it.ports.policy.leaseSeconds + 1);
          await act(it.ports);
        }
      };
      let tries = 0;
      await process(async (ports) => {
        tries += 1;
        if ((await child(ports, run, `token ${tries}`)) === 'parked') parked.push(`token ${tries}`);
      });
      // Lost is what had begun: a look finds it running.
      if (scenario.loses)
        await process(async (ports) => {
          await pollRun(ports, { runId: run.id });
        });
      lose();
      await process((ports) => watched(it, ports, run, scenario.loses ? 60 : 5));

      const story = `${crashed ?? 'no crash'} (${nth})`;
      const job = await it.job(run);
      expect([story, job.state, job.attempt]).toEqual([story, scenario.ends, scenario.attempts]);
      const perName = [...new Set(started)].map((name) => started.filter((one) => one === name).length);
      // A refused start has made nothing, so it may be asked for again; so may one that never came back.
      if (scenario.set['REFUSE'] === undefined && scenario.set['POISON'] === undefined)
        expect([story, ...perName]).toEqual([story, ...perName.map(() => 1)]);
      for (const token of parked) expect([story, it.orchestrator.released.has(token)]).toEqual([story, true]);
      expect([story, await it.ports.jobs.open(run)]).toEqual([story, []]);
      const counts = await it.ports.jobs.counts(run);
      expect([story, counts.finished, counts.failed]).toEqual([story, ...(scenario.ends === 'FINISHED' ? [1, 0] : [0, 1])]);
      expect([story, (await it.loadRun(run)).state]).toEqual([story, scenario.ends === 'FINISHED' ? 'SUCCEEDED' : 'FAILED']);
      if (crashing.calls.length < nth) break;
    }
    expect(visited.size).toBeGreaterThan(8);
  });
});

describe('an engine that can start nothing now', () => {
  const busyFor = (calls: number): { starts: number; readonly options: WorldOptions } => {
    const seen: { starts: number; readonly options: WorldOptions } = {
      starts: 0,
      options: {
        engine: (engine) => ({
          ...engine,
          fenceSeconds: 600,
          start: (start) => ((seen.starts += 1) <= calls ? Promise.resolve({ kind: 'not-now', message: 'busy' }) : engine.start(start)),
        }),
      },
    };
    return seen;
  };

  test('leaves the job queued, without an intent, and the tick starts it without waiting for the fence', async () => {
    const { options } = busyFor(2);
    const it = await world(database, options);
    const run = await it.planned([{ SECONDS: 10 }]);
    await startJob(it.ports, first(run));
    expect((await it.job(run)).start).toEqual({ queuedFor: 'slot' });
    expect(await tokensOf(it, run)).toEqual(['token']);
    await pollRun(it.ports, { runId: run.id });
    expect((await it.job(run)).start).toEqual({ queuedFor: 'slot' });
    await pollRun(it.ports, { runId: run.id });
    expect((await it.job(run)).start.engineJobId).toBeDefined();
    await it.watch(run);
    expect((await it.loadRun(run)).state).toBe('SUCCEEDED');
    expect(await historyOf(it, run)).toEqual(['create', 'run', 'finish']);
  });

  test('is not asked for every job of a tick', async () => {
    const seen = busyFor(Infinity);
    const it = await world(database, { ...seen.options, engineLimits: { sleep: { startsPerSecond: 100 } } });
    const run = await it.planned(Array.from({ length: 200 }, () => ({ SECONDS: 10 })));
    for (let index = 0; index < run.count; index += 1) await startJob(it.ports, { runId: run.id, index, taskToken: `token ${index}` });
    await pollRun(it.ports, { runId: run.id });
    expect(seen.starts).toBeGreaterThan(0);
    expect(seen.starts).toBeLessThanOrEqual(64);
  });
});
