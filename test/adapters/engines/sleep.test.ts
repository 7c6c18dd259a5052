import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { engineJobId, engineJobName, runId } from '#domain/ids';
import type { EngineStart } from '#domain/engine-job';
import { sleepEngine } from '#test/support/sleep-engine';
import type { SleepEngine, SleepJob } from '#test/support/sleep-engine';
import { engineContract, type EngineHarness } from './engine.contract.ts';

const RUN = runId('01K00000000000000000000000');
const start = (index: number, parameters: EngineStart['parameters']): EngineStart => ({
  engineJobName: engineJobName({ runId: RUN, index }, 1),
  runId: RUN,
  definition: {},
  parameters,
});

/** A clock that stands still until it is moved. */
function drivenClock(): {
  nowMs: () => number;
  at: (atMs: number, callback: () => void) => () => void;
  advance: (ms: number) => void;
  timers: () => number;
} {
  let now = 1_800_000_000_000;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  return {
    nowMs: () => now,
    timers: () => timers.size,
    at(atMs, callback) {
      const timer = { atMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter(({ atMs }) => atMs <= now)) {
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

engineContract(() => harnessOf(drivenClock(), new Map()));

function harnessOf(clock: ReturnType<typeof drivenClock>, jobs: Map<string, SleepJob>): EngineHarness {
  const engine = sleepEngine({ ...clock, jobs });
  return {
    engine,
    endsWell: { definition: {}, parameters: { SECONDS: 3, INPUT: 5, OUTPUT: 4, ERRORS: 1 } },
    endsWellCounts: { inputRecordCount: 5, outputRecordCount: 4, errorRecordCount: 1 },
    fails: { definition: {}, parameters: { SECONDS: 3, FAIL: 'disk on fire' } },
    failureMessage: 'disk on fire',
    endless: { definition: {}, parameters: { SECONDS: 1e9 } },
    elapse: () => {
      // A stop's change is due now, a job's end within seconds; the endless job outlives both.
      queueMicrotask(() => {
        clock.advance(10_000);
      });
    },
    restart() {
      engine.close();
      return harnessOf(clock, jobs);
    },
    close: () => {
      engine.close();
    },
  };
}

describe('the sleep engine', () => {
  const stateOf = async (engine: SleepEngine, index: number): Promise<string | undefined> => {
    const id = engineJobId(start(index, {}).engineJobName);
    return (await engine.status([id])).get(id)?.state;
  };

  test('10,000 jobs that end together are one timer and one call to the listener', async () => {
    const clock = drivenClock();
    const engine = sleepEngine(clock);
    let told = 0;
    engine.onChange(() => (told += 1));
    for (let index = 0; index < 10_000; index += 1) await engine.start(start(index, { SECONDS: 3 }));
    expect(clock.timers()).toBe(1);
    clock.advance(3_000);
    expect(told).toBe(1);
    expect(engine.calls).toMatchObject({ start: 10_000, status: 0 });
  });

  test('jobs survive the engine by a shared map, and those still running end in the next one', async () => {
    const clock = drivenClock();
    const jobs = new Map<string, SleepJob>();
    await sleepEngine({ ...clock, jobs }).start(start(1, { SECONDS: 60 }));
    const next = sleepEngine({ ...clock, jobs });
    let told = 0;
    next.onChange(() => (told += 1));
    expect(await stateOf(next, 1)).toBe('running');
    clock.advance(60_000);
    expect([await stateOf(next, 1), told]).toEqual(['succeeded', 1]);
  });

  test('jobs survive a killed process by a file, removals and a half-written line included', async () => {
    const clock = drivenClock();
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-sleep-'));
    const file = path.join(folder, 'jobs.ndjson');
    const first = sleepEngine({ ...clock, file });
    await first.start(start(1, { SECONDS: 60 }));
    await first.start(start(2, {}));
    await first.remove(engineJobId(start(2, {}).engineJobName));
    appendFileSync(file, '{"put":{"name":"job_');
    const next = sleepEngine({ ...clock, file });
    expect([await stateOf(next, 1), await stateOf(next, 2)]).toEqual(['running', undefined]);
    await next.start(start(3, { SECONDS: 60 }));
    expect(await stateOf(sleepEngine({ ...clock, file }), 3)).toBe('running');
    rmSync(folder, { recursive: true });
  });

  test('a start can be refused and can be poisoned', async () => {
    const engine = sleepEngine(drivenClock());
    expect(await engine.start(start(1, { REFUSE: 'no such city' }))).toEqual({ kind: 'refused', message: 'no such city' });
    await expect(engine.start(start(2, { POISON: true }))).rejects.toThrow(TypeError);
    expect(engine.jobs.size).toBe(0);
  });
});
