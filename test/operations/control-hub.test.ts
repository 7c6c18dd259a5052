/** Runs on the simulated Control Hub by a driven clock, each with a watch loop as the state machine has it: while all is well, and not. */
import { describe, expect, test } from 'vitest';
import { Fault } from '#domain/faults';
import { instant } from '#domain/ids';
import type { Run } from '#domain/run';
import { drivenClock, type DrivenClock } from '#hosts/local/driven-clock';
import { controlHubSimulator, sequentialIds, type ControlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import { pollRun } from '#operations/poll-run';
import type { Engine, Ports } from '#operations/ports';
import { startJob } from '#operations/start-job';
import { CREDENTIAL, hubFixture } from '#test/adapters/engines/control-hub/hub-fixture';
import { START_MS } from '#test/domain/builders';
import { memoryDatabase } from '#test/support/memory-table';
import { randomOf } from '#test/support/random';
import { historyOf, jobsOf, tokenOf } from './driving.ts';
import { world, type World } from './world.ts';

interface HubWorld {
  readonly it: World;
  readonly clock: DrivenClock;
  readonly simulator: ControlHubSimulator;
  readonly random: () => number;
  /** What reached, or would have reached, Control Hub, and when. */
  readonly requests: { readonly atMs: number; readonly lost: boolean }[];
  /** Another process: its clock is the same, and it knows nothing of the others. */
  newPorts(): Ports;
  isDown: boolean;
}

async function hubWorld(startsPerSecond?: number): Promise<HubWorld> {
  let inFlight = 0;
  const clock = drivenClock(START_MS, async () => {
    while (inFlight > 0) await new Promise(setImmediate);
  });
  const random = randomOf(7);
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.at(clock.nowMs() + ms, resolve));
  const simulator = controlHubSimulator({ nowMs: () => clock.nowMs(), newId: sequentialIds(), credential: CREDENTIAL });
  const template = simulator.createTemplate({ name: 'http-to-gcs' });
  const newEngine = (): Engine =>
    hubFixture({
      sharing: simulator,
      clock: { nowMs: () => clock.nowMs(), pause, advance: () => undefined },
      random,
      fetch: (inner) => async (input, init) => {
        hub.requests.push({ atMs: clock.nowMs(), lost: hub.isDown });
        if (hub.isDown) throw new TypeError('fetch failed', { cause: Object.assign(new Error('gone'), { code: 'ECONNRESET' }) });
        inFlight += 1;
        try {
          return await inner(input, init);
        } finally {
          inFlight -= 1;
        }
      },
    }).engine;
  const it = await world(memoryDatabase, {
    template: { definition: { 'job-template-id': template.id } },
    engine: newEngine,
    ...(startsPerSecond === undefined ? {} : { engineLimits: { sleep: { startsPerSecond } } }),
  });
  const hub: HubWorld = {
    it,
    clock,
    simulator,
    random,
    requests: [],
    isDown: false,
    newPorts() {
      const engine = newEngine();
      return {
        ...it.ports,
        clock: { now: () => instant(clock.nowMs()), pause },
        randomness: { ...it.ports.randomness, fraction: random },
        engines: (name) => (name === 'sleep' ? engine : undefined),
      };
    },
  };
  return hub;
}

interface Loop {
  ticks: number;
  readonly tickedAtMs: number[];
  hasEnded: boolean;
}

/** As watch.asl.json: three retries with full jitter, and a minute's pause when they did not help. */
function watching({ clock, random }: HubWorld, ports: Ports, run: Run): Loop {
  const loop: Loop = { ticks: 0, tickedAtMs: [], hasEnded: false };
  const waited = (seconds: number): Promise<void> => new Promise((resolve) => void clock.at(clock.nowMs() + seconds * 1000, resolve));
  const polled = async (): Promise<number | 'ended'> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { ended, delaySeconds } = await pollRun(ports, { runId: run.id });
        loop.ticks += 1;
        loop.tickedAtMs.push(clock.nowMs());
        return ended ? 'ended' : delaySeconds;
      } catch (error) {
        if (!(error instanceof Fault) || error.name !== 'EngineUnavailable') throw error;
        if (attempt === 3) return 60;
        await waited(2 * 2 ** attempt * random());
      }
    }
  };
  void (async () => {
    // Loops do not begin at the same moment, as the runs did not.
    await waited(10 * random());
    for (let delay = await polled(); delay !== 'ended'; delay = await polled()) await waited(delay);
    loop.hasEnded = true;
  })();
  return loop;
}

async function startedRun(
  hub: HubWorld,
  ports: Ports,
  userRunId: string,
  sets: readonly { readonly SIMULATE_SECONDS: number }[],
): Promise<Run> {
  const run = await hub.it.planned(sets, { userRunId });
  for (let index = 0; index < run.count; index += 1) {
    await startJob(ports, { runId: run.id, index, taskToken: tokenOf(run, index) });
  }
  return run;
}

const setsOf = (
  count: number,
  seconds: number,
): readonly { readonly SIMULATE_SECONDS: number; readonly SIMULATE_METRICS_SECONDS: number }[] =>
  Array.from({ length: count }, () => ({ SIMULATE_SECONDS: seconds, SIMULATE_METRICS_SECONDS: 0 }));

/** The most that fall into any window of so many milliseconds. */
function peak(timesMs: readonly number[], windowMs: number): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let first = 0;
  return sorted.reduce((most, time, last) => {
    while ((sorted[first] ?? time) <= time - windowMs) first += 1;
    return Math.max(most, last - first + 1);
  }, 0);
}

async function expectAllWell(hub: HubWorld, runs: readonly Run[]): Promise<void> {
  for (const run of runs) {
    expect((await hub.it.loadRun(run)).state).toBe('SUCCEEDED');
    const jobs = await jobsOf(hub.it, run);
    expect(new Set(jobs.map(({ state, attempt }) => `${state} ${attempt}`))).toEqual(new Set(['FINISHED 1']));
    expect(new Set(jobs.map(({ start }) => start.engineJobId)).size).toBe(run.count);
  }
  const instances = [...hub.simulator.hub.jobs.values()].filter(({ definition }) => !definition.jobTemplate);
  expect(instances).toHaveLength(runs.reduce((sum, { count }) => sum + count, 0));
}

test('1,000 sets are 1,000 starts at the rate of the engine, and as many status questions as ticks times ten at most', async () => {
  const hub = await hubWorld(10);
  const ports = hub.newPorts();
  const run = await startedRun(hub, ports, 'many', setsOf(1000, 60));
  const loop = watching(hub, ports, run);
  await hub.clock.runUntilIdle({ until: () => loop.hasEnded });
  await expectAllWell(hub, [run]);
  const { calls } = hub.simulator;
  expect(calls.count('createAndStartJobInstances')).toBe(1000);
  expect(calls.count('bulkStatus')).toBeLessThanOrEqual(loop.ticks * 10);
  expect(Math.max(...calls.of('bulkStatus').map(({ ids }) => ids ?? 0))).toBeLessThanOrEqual(100);
  // A burst of ten seconds, and ten a second: no minute has more.
  expect(
    peak(
      calls.of('createAndStartJobInstances').map(({ atMs }) => atMs),
      60_000,
    ),
  ).toBeLessThanOrEqual(700);
});

test('a start that took effect twice stands in the history of its job, whichever process looks after it', async () => {
  const hub = await hubWorld();
  const [starting, looking] = [hub.newPorts(), hub.newPorts()];
  hub.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'twice' }, next: 1 }] });
  hub.simulator.set({ plans: [{ plan: { activatingMs: 0 } }] });
  const [run] = await Promise.all([startedRun(hub, starting, 'doubled', setsOf(1, 60)), hub.clock.advanceBy(10_000)]);
  const loop = watching(hub, looking, run);
  await hub.clock.runUntilIdle({ until: () => loop.hasEnded });
  const history = await historyOf(hub.it, run);
  expect(history.map(({ name }) => name)).toEqual(['create', 'update', 'run', 'finish']);
  expect(history[1]?.data?.['warning']).toMatch(/took effect more than once: stopped \S+, which was not the one that is followed/);
});

describe('Control Hub is away for ten minutes, with jobs open in ten runs', () => {
  const MINUTES = 10;

  test.each([
    ['one process, 1,000 jobs', 1, 100],
    ['ten processes, 200 jobs', 10, 20],
  ] as const)('%s: few attempts, no peaks, back soon, and nothing failed', async (_, processes, jobsOfRun) => {
    const hub = await hubWorld();
    const ports = Array.from({ length: processes }, () => hub.newPorts());
    const portsOf = (index: number): Ports => ports[index % processes] ?? hub.newPorts();
    const runs: Run[] = [];
    for (let index = 0; index < 10; index += 1) runs.push(await startedRun(hub, portsOf(index), `r${index}`, setsOf(jobsOfRun, 1200)));
    const loops = runs.map((run, index) => watching(hub, portsOf(index), run));
    await hub.clock.advanceBy(300_000);

    hub.isDown = true;
    hub.requests.splice(0);
    const downFromMs = hub.clock.nowMs();
    await hub.clock.advanceBy(MINUTES * 60_000);
    hub.isDown = false;
    const backMs = hub.clock.nowMs();
    const lost = hub.requests.filter((request) => request.lost).map(({ atMs }) => atMs);

    // Where nobody rests it is 387 and 565, which is what the retries of the loops and of their calls come to.
    expect(lost.length).toBeGreaterThan(MINUTES);
    expect(lost.length).toBeLessThanOrEqual(MINUTES * (processes === 1 ? 10 : 40));
    // Where nobody rests a second has 10, and 17.
    const settledMs = lost.filter((atMs) => atMs > downFromMs + 60_000);
    expect(peak(settledMs, 1000)).toBeLessThanOrEqual(processes === 1 ? 2 : 5);
    const perMinute = Array.from(
      { length: MINUTES - 1 },
      (_each, minute) => settledMs.filter((atMs) => Math.floor((atMs - downFromMs) / 60_000) === minute + 1).length,
    );
    expect(Math.max(...perMinute)).toBeLessThanOrEqual(3 * Math.max(1, Math.min(...perMinute)));
    for (const run of runs) expect(await hub.it.ports.jobs.counts(run)).toMatchObject({ failed: 0 });

    await hub.clock.advanceBy(2 * 75_000);
    for (const { tickedAtMs } of loops) {
      const back = tickedAtMs.find((atMs) => atMs >= backMs);
      // A cycle is a minute and up to fourteen seconds of retries.
      expect(((back ?? Infinity) - backMs) / 1000).toBeLessThanOrEqual(2 * 74);
    }
    await hub.clock.runUntilIdle({ until: () => loops.every(({ hasEnded }) => hasEnded) });
    await expectAllWell(hub, runs);
  });
});
