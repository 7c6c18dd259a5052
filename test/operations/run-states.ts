/** Every state that a run can be in before it has ended, and how it comes there. */
import { expect } from 'vitest';
import { Fault } from '#domain/faults';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import { cancelRun } from '#operations/cancel-run';
import { closeRun } from '#operations/close-run';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Engine } from '#operations/ports';
import { retryRun } from '#operations/retry-run';
import { startJob } from '#operations/start-job';
import { newJobs } from '#test/domain/builders';
import { accepted, begun, children, ended, executed, tokenOf } from './driving.ts';
import type { World, WorldOptions } from './world.ts';

const LONG = { SECONDS: 1e6 };

export interface RunState {
  readonly name: string;
  readonly world?: WorldOptions;
  /** What stands between the operations and the engine, apart from how it stops. */
  readonly engine?: (engine: Engine) => Engine;
  readonly reach: (it: World) => Promise<Run>;
  /** What becomes of the jobs, where it is not that all of them are cancelled. */
  readonly ends?: readonly string[];
}

const unreachable = (): Promise<never> => Promise.reject(new Fault('EngineUnavailable', 'no answer'));
const claimed = async (it: World): Promise<Run> => {
  const run = await accepted(it, [LONG, LONG, LONG]);
  const saved = await it.ports.runs.save({ ...run, execution: it.orchestrator.executionOf(run), state: 'RUNNING' }, run);
  if (saved.kind !== 'saved') throw new Error(saved.kind);
  return saved.run;
};
const planned = async (it: World, sets: readonly JsonObject[] = [LONG, LONG]): Promise<Run> => {
  const run = await accepted(it, sets);
  await planRun(it.ports, { kind: 'accepted', execution: it.orchestrator.executionOf(run), runId: run.id });
  return it.loadRun(run);
};
const retried = async (it: World): Promise<Run> => {
  const run = await ended(it, [{ SECONDS: 0 }, { FAIL: 'x', SECONDS: 1 }]);
  await retryRun(it.ports, { runId: run.id, selection: {}, requestedBy: 'ada' });
  return it.loadRun(run);
};

export const STATES: readonly RunState[] = [
  { name: 'accepted, and no execution has claimed it', reach: (it) => accepted(it, [LONG, LONG]) },
  { name: 'claimed, and none of its jobs made', reach: (it) => claimed(it) },
  {
    name: 'half planned',
    async reach(it: World): Promise<Run> {
      const run = await claimed(it);
      await it.ports.jobs.create(newJobs(run).slice(0, 1), run.count);
      return run;
    },
  },
  { name: 'planned, and nothing started', reach: (it) => planned(it) },
  {
    name: 'being started: the intents are written, and the engine was never reached',
    engine: (engine) => ({ ...engine, start: unreachable }),
    async reach(it: World): Promise<Run> {
      const run = await planned(it);
      await expect(startJob(it.ports, { runId: run.id, index: 0, taskToken: tokenOf(run, 0) })).rejects.toThrow('no answer');
      return run;
    },
  },
  {
    name: 'being started: the engine has the jobs, and its answers were lost',
    engine: (engine) => ({
      ...engine,
      start: async (start) => {
        await engine.start(start);
        return unreachable();
      },
    }),
    async reach(it: World): Promise<Run> {
      const run = await planned(it);
      await expect(startJob(it.ports, { runId: run.id, index: 0, taskToken: tokenOf(run, 0) })).rejects.toThrow('no answer');
      return run;
    },
  },
  {
    name: 'in the queue of its engine',
    engine: (engine) => ({
      ...engine,
      status: async (ids) =>
        new Map([...(await engine.status(ids))].map(([id, { state }]) => [id, { state: state === 'running' ? 'queued' : state }])),
    }),
    reach: (it) => begun(it, [LONG, LONG]),
  },
  { name: 'started, and not looked at yet', reach: (it) => begun(it, [LONG, LONG]) },
  {
    name: 'running',
    async reach(it: World): Promise<Run> {
      const run = await begun(it, [LONG, LONG]);
      await pollRun(it.ports, { runId: run.id });
      return run;
    },
  },
  {
    name: 'running, and some have ended',
    ends: ['FINISHED', 'engine-error', 'cancelled', 'cancelled'],
    async reach(it: World): Promise<Run> {
      const run = await planned(it, [{ SECONDS: 1 }, { SECONDS: 1, FAIL: 'x' }, LONG, LONG]);
      await children(it, run, [0, 1, 2]);
      it.advance(2);
      await pollRun(it.ports, { runId: run.id });
      return run;
    },
  },
  {
    name: 'waiting for a retry that is not due yet',
    world: {
      template: { limits: { maxWaitSeconds: 3600, maxParallel: 10, retries: { 'engine-error': { times: 3, backoffSeconds: 1800 } } } },
    },
    async reach(it: World): Promise<Run> {
      const run = await begun(it, [{ SECONDS: 1, FAIL: 'x' }]);
      it.advance(2);
      await pollRun(it.ports, { runId: run.id });
      expect((await it.job(run)).start).toMatchObject({ queuedFor: 'retry', notBefore: expect.any(String) as string });
      return run;
    },
  },
  {
    name: 'waiting for slots',
    world: { engineLimits: { sleep: { maxParallel: 1 } } },
    async reach(it: World): Promise<Run> {
      const run = await begun(it, [LONG, LONG, LONG]);
      await pollRun(it.ports, { runId: run.id });
      expect(await it.ports.runs.progress(run.id)).toMatchObject({ waiting: { jobs: 2 } });
      return run;
    },
  },
  {
    name: 'closing already, because its execution gave up',
    async reach(it: World): Promise<Run> {
      const run = await begun(it, [LONG, LONG]);
      await pollRun(it.ports, { runId: run.id });
      await closeRun(it.ports, { execution: it.orchestrator.executionOf(run), driven: { runId: run.id }, message: 'x' });
      return it.loadRun(run);
    },
  },
  {
    name: 'closing already, and its jobs were told so',
    ends: ['aborted', 'aborted'],
    async reach(it: World): Promise<Run> {
      const run = await planned(it);
      await children(it, run, [0]);
      await closeRun(it.ports, { execution: it.orchestrator.executionOf(run), driven: { runId: run.id }, message: 'x' });
      await pollRun(it.ports, { runId: run.id });
      return it.loadRun(run);
    },
  },
  {
    name: 'being cancelled already',
    async reach(it: World): Promise<Run> {
      const run = await begun(it, [LONG, LONG]);
      await cancelRun(it.ports, { runId: run.id, requestedBy: 'bob' });
      await pollRun(it.ports, { runId: run.id });
      return it.loadRun(run);
    },
  },
  { name: 'reopened, and its next attempt not begun', ends: ['FINISHED', 'cancelled'], reach: retried },
  {
    name: 'reopened, and its next attempt running',
    ends: ['FINISHED', 'cancelled'],
    reach: async (it) => executed(it, await retried(it)),
  },
];
