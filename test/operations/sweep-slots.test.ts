/** Slots that are not given back, runs that need no repair, and repairs that fail. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import type { Run } from '#domain/run';
import { DEFAULT_LIMITS } from '#domain/template';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { startRun } from '#operations/start-run';
import { REPAIRS, sweep } from '#operations/sweep';
import { at, nextRunId, TEMPLATE_ID } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { accepted, begun, ended, secondsToEnd } from './driving.ts';
import { STATES } from './run-states.ts';
import { request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const RESOURCE = `template:${TEMPLATE_ID}`;
const limited = { template: { limits: { ...DEFAULT_LIMITS, maxParallelAcrossRuns: 1 } } };
const swept = (it: World, repair: boolean): ReturnType<typeof sweep> => sweep(it.ports, { repair });
const kinds = async (it: World): Promise<readonly string[]> => (await swept(it, false)).rows.map(({ stray }) => stray.kind);
const hold = async ({ ports }: World, runId: Run['id'], until: number): Promise<void> => {
  await ports.slots.hold([{ read: await ports.slots.load(RESOURCE), holder: { runId, held: 1, waiting: 2, until: at(until) } }]);
};

describe('slots', () => {
  test('of a run that has ended, and of one that is not there, are given back', async () => {
    const it = await world(database, limited);
    const run = await ended(it, [{ SECONDS: 1 }]);
    await hold(it, run.id, 1e6);
    await hold(it, nextRunId(), 1e6);
    expect(await kinds(it)).toEqual(['slots-not-returned', 'slots-not-returned']);
    expect((await swept(it, true)).rows.map(({ outcome }) => outcome)).toEqual([{ kind: 'repaired' }, { kind: 'repaired' }]);
    expect((await it.ports.slots.load(RESOURCE)).holders).toEqual([]);
    expect(await kinds(it)).toEqual([]);
  });

  test('whose lease has run out are given back, though their run goes on, and are had again at its next tick', async () => {
    const it = await world(database, limited);
    const run = await begun(it, [{ SECONDS: 1e6 }]);
    await pollRun(it.ports, { runId: run.id });
    expect(await kinds(it)).toEqual([]);
    const [holder] = (await it.ports.slots.load(RESOURCE)).holders;
    it.advance((Date.parse(holder?.until ?? '') - Date.parse(it.ports.clock.now())) / 1000);
    expect(await kinds(it)).toEqual(['watch-overdue', 'slots-not-returned']);
    await swept(it, true);
    expect((await it.ports.slots.load(RESOURCE)).holders).toEqual([]);
    await pollRun(it.ports, { runId: run.id });
    expect((await it.ports.slots.load(RESOURCE)).holders).toMatchObject([{ runId: run.id, held: 1 }]);
    expect(await kinds(it)).toEqual([]);
  });

  test('that are held by runs that are looked at are nobody else’s business', async () => {
    const it = await world(database, limited);
    for (const userRunId of ['one', 'two']) await pollRun(it.ports, { runId: (await begun(it, [{ SECONDS: 1e6 }], { userRunId })).id });
    const before = await it.ports.slots.load(RESOURCE);
    expect((await swept(it, true)).rows).toEqual([]);
    expect(await it.ports.slots.load(RESOURCE)).toEqual(before);
  });
});

test('slots of a run that is looked at between the finding and the repair stay with it', async () => {
  const it = await world(database, limited);
  const run = await begun(it, [{ SECONDS: 1e6 }]);
  await pollRun(it.ports, { runId: run.id });
  it.advance(1000);
  const runs: Ports['runs'] = {
    ...it.ports.runs,
    // The repair of its watch loop comes first, and this one looks at once.
    async save(...given) {
      const outcome = await it.ports.runs.save(...given);
      await pollRun(it.ports, { runId: run.id });
      return outcome;
    },
  };
  const { rows } = await sweep({ ...it.ports, runs }, { repair: true });
  expect(rows.map(({ stray }) => stray.kind)).toEqual(['watch-overdue', 'slots-not-returned']);
  expect((await it.ports.slots.load(RESOURCE)).holders).toMatchObject([{ runId: run.id, held: 1 }]);
});

describe('where nothing is wrong', () => {
  test.each(STATES)('with a run that is $name, nothing is found and nothing is changed', async ({ world: options, engine, reach }) => {
    const it = await world(database, { ...options, ...(engine ? { engine } : {}) });
    const run = await reach(it);
    const before = await it.loadRun(run);
    for (const execution of it.orchestrator.executions.values())
      if (execution.name.endsWith('-a1') && before.attempt > 1) execution.status = 'SUCCEEDED';
    it.advance(30);
    expect(await swept(it, true)).toMatchObject({ runs: 1, rows: [] });
    expect(await it.loadRun(run)).toEqual(before);
  });

  test('also at no time of a run that is looked at as it asks to be, to its end and after', async () => {
    const it = await world(database, limited);
    const run = await begun(it, [{ SECONDS: 400 }, { SECONDS: 3 }, { SECONDS: 900, FAIL: 'x' }]);
    for (let ticks = 0; ; ticks += 1) {
      const { ended: hasEnded, delaySeconds } = await pollRun(it.ports, { runId: run.id });
      expect((await swept(it, true)).rows).toEqual([]);
      if (hasEnded) break;
      it.advance(delaySeconds);
      expect((await swept(it, true)).rows).toEqual([]);
      if (ticks > 300) throw new Error('the run has not ended');
    }
    for (const execution of it.orchestrator.executions.values()) execution.status = 'SUCCEEDED';
    it.advance(1e5);
    expect(await swept(it, true)).toEqual({ runs: 0, executions: 0, rows: [] });
  });
});

describe('a sweep', () => {
  const notStarted = async (it: World, userRunId: string): Promise<void> => {
    const down: Ports = {
      ...it.ports,
      orchestrator: { ...it.orchestrator, startRun: () => Promise.reject(new Fault('OrchestratorUnavailable', 'down')) },
    };
    await expect(startRun(down, request({ userRunId }))).rejects.toThrow('down');
  };

  test('that only looks changes nothing', async () => {
    const it = await world(database);
    await notStarted(it, 'r1');
    it.advance(61);
    const { rows } = await swept(it, false);
    expect(rows).toMatchObject([
      { stray: { kind: 'run-not-started', detail: expect.stringContaining('nothing has claimed it') as string } },
    ]);
    expect(rows[0]).not.toHaveProperty('outcome');
    expect(it.orchestrator.runs.size).toBe(0);
  });

  test('one of whose repairs fails says so, and makes the others', async () => {
    const it = await world(database);
    for (const name of ['r1', 'r2', 'r3']) await notStarted(it, name);
    it.advance(61);
    let asked = 0;
    const ports: Ports = {
      ...it.ports,
      orchestrator: {
        ...it.orchestrator,
        startRun: (id, attempt) => {
          asked += 1;
          return asked === 2 ? Promise.reject(new Fault('OrchestratorUnavailable', 'throttled')) : it.orchestrator.startRun(id, attempt);
        },
      },
    };
    const { rows } = await sweep(ports, { repair: true });
    expect(rows.map(({ outcome }) => outcome)).toEqual([
      { kind: 'repaired' },
      { kind: 'failed', message: 'throttled' },
      { kind: 'repaired' },
    ]);
    expect(await kinds(it)).toEqual(['run-not-started']);
  });

  test('repairs several things of several runs at once, twice over, to one end each', async () => {
    const it = await world(database);
    await notStarted(it, 'lost');
    const overdue = await begun(it, [{ SECONDS: 5 }], { userRunId: 'overdue' });
    await pollRun(it.ports, { runId: overdue.id });
    const failed = await begun(it, [{ SECONDS: 1e6 }], { userRunId: 'failed' });
    const execution = it.orchestrator.executions.get(it.orchestrator.executionOf(failed));
    if (execution) execution.status = 'FAILED';
    it.advance(600);
    await Promise.all([swept(it, true), swept(it, true)]);
    for (const run of [overdue, failed]) await secondsToEnd(it, run);
    expect([(await it.loadRun(overdue)).state, (await it.loadRun(failed)).state]).toEqual(['SUCCEEDED', 'FAILED']);
    expect(it.orchestrator.runs.size).toBe(3);
  });

  test('looks at many runs, more than a page of them', async () => {
    const it = await world(database);
    await Promise.all(Array.from({ length: 520 }, (_, index) => accepted(it, [{}], { userRunId: `r${index}` })));
    expect(await swept(it, false)).toEqual({ runs: 520, executions: 520, rows: [] });
  });

  test('names the repair of everything that it may find', () => {
    for (const repair of Object.values(REPAIRS)) expect(repair.length).toBeGreaterThan(10);
    expect(Object.keys(REPAIRS)).toHaveLength(15);
  });
});
