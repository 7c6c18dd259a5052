import path from 'node:path';
import { expect, test } from 'vitest';
import { JobRunner } from '#adapters/engines/duckdb/job-runner';
import { NO_RECORDS, type WorkerTask } from '#adapters/engines/duckdb/protocol';
import type { JobResult, Results } from '#adapters/engines/duckdb/results';
import type { Reply, Worker, WorkerPool } from '#adapters/engines/duckdb/worker-pool';
import { engineJobId, instant, runId } from '#domain/ids';

const RUNS = ['01K00000000000000000000001', '01K00000000000000000000002', '01K00000000000000000000003'].map(runId);

/** The runner removes what a job leaves there, which is nothing. */
const NOWHERE = path.resolve('.out/no-such-folder');

interface ScriptedPool {
  readonly pool: WorkerPool;
  /** The jobs that were given to workers. */
  readonly begun: string[];
  /** The workers begin the jobs that they were given. */
  readonly begin: () => void;
  readonly endNext: () => Promise<void>;
}

/** Workers that begin and end a job when they are told to, and remember which they had. */
function scriptedPool(size: number): ScriptedPool {
  const begun: string[] = [];
  const given: (() => void)[] = [];
  const busy: ((reply: Reply) => void)[] = [];
  let free = size;
  const worker: Worker = {
    pid: undefined,
    ask: (task: WorkerTask, onBegun) =>
      new Promise((resolve) => {
        if (onBegun !== undefined) given.push(onBegun);
        begun.push(task.kind === 'run' ? path.basename(task.order.scratch) : task.kind);
        busy.push(resolve);
      }),
    stop: () => undefined,
    kill: () => undefined,
  };
  return {
    begun,
    pool: {
      take() {
        if (free === 0) return undefined;
        free -= 1;
        return worker;
      },
      close() {
        for (const reply of busy.splice(0)) reply({ kind: 'died', wasReady: false, how: 'SIGKILL' });
        return Promise.resolve();
      },
    },
    begin() {
      for (const onBegun of given.splice(0)) onBegun();
    },
    async endNext() {
      free += 1;
      busy.shift()?.({
        kind: 'answer',
        engineId: 'one',
        answer: { kind: 'ended', outcome: { state: 'succeeded', counts: NO_RECORDS, outputs: [] } },
      });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** In memory: what is on disk is the matter of the tests beside this one. */
function keptResults(): Results {
  const kept = new Map<string, JobResult>();
  return {
    load: (id) => Promise.resolve(kept.get(id)),
    hasBegun: (id) => Promise.resolve(kept.has(id)),
    save: (id, result) => Promise.resolve(void kept.set(id, result)),
    remove: (id) => Promise.resolve(void kept.delete(id)),
    expire: () => Promise.resolve(),
  };
}

function queue(size: number) {
  const { pool, begun, begin, endNext } = scriptedPool(size);
  const ended: string[] = [];
  const results = keptResults();
  const runner = new JobRunner({
    pool,
    results,
    now: () => instant(0),
    stopGraceMs: 1000,
    onEnded: ({ id }) => ended.push(id),
  });
  const add = (run: number, job: string): boolean => {
    const order = {
      definition: { inputs: [], stages: [], target: { path: 'x', sql: 'SELECT 1', format: 'csv' as const } },
      parameters: {},
      inputRoot: NOWHERE,
      outputRoot: NOWHERE,
      scratch: path.join(NOWHERE, 'scratch', job),
      temporaryOutput: path.join(NOWHERE, `${job}.part`),
      mark: path.join(NOWHERE, `${job}.begun`),
      memoryLimit: '1GB',
    };
    return runner.add({ id: engineJobId(job), runId: RUNS[run] ?? runId(''), order });
  };
  return { runner, results, add, begun, begin, endNext, ended };
}

test('a job of a run that comes late begins after one job of every other run, not after all that were queued', async () => {
  const { add, begun, endNext } = queue(2);
  for (let job = 0; job < 50; job += 1) add(0, `a${job}`);
  for (let job = 0; job < 50; job += 1) add(1, `b${job}`);
  add(2, 'late');
  for (let ends = 0; ends < 3; ends += 1) await endNext();
  expect(begun).toEqual(['a0', 'a1', 'a2', 'b0', 'late']);
  for (let ends = 0; ends < 96; ends += 1) await endNext();
  expect(begun).toHaveLength(101);
  expect(new Set(begun).size).toBe(101);
  expect(begun.filter((job) => job.startsWith('b'))).toEqual(Array.from({ length: 50 }, (_, job) => `b${job}`));
});

test('a queued job that is stopped takes no turn of its run', async () => {
  const { runner, add, begun, endNext, ended } = queue(1);
  for (const job of ['a0', 'a1', 'a2']) add(0, job);
  add(1, 'b0');
  await runner.stop(engineJobId('a1'), false);
  expect(ended).toEqual(['a1']);
  for (let ends = 0; ends < 3; ends += 1) await endNext();
  expect(begun).toEqual(['a0', 'a2', 'b0']);
  expect(runner.stateOf(engineJobId('a1'))).toBeUndefined();
});

test('a job is queued until its worker has begun it, and its result tells when that was', async () => {
  const { runner, results, add, begun, begin, endNext } = queue(1);
  const id = engineJobId('a0');
  add(0, id);
  expect([begun, runner.stateOf(id)]).toEqual([['a0'], 'queued']);
  begin();
  expect(runner.stateOf(id)).toBe('running');
  await endNext();
  await expect.poll(() => runner.stateOf(id)).toBeUndefined();
  expect((await results.load(id))?.metrics.startedAt).toBe(instant(0));
});

test('a job whose worker was still starting when the engine was closed has no result, and has not failed', async () => {
  const { runner, results, add, ended } = queue(1);
  add(0, 'a0');
  add(0, 'a1');
  await runner.close();
  expect(await Promise.all(['a0', 'a1'].map((job) => results.load(engineJobId(job))))).toEqual([undefined, undefined]);
  expect(ended).toEqual([]);
  expect(add(0, 'a2')).toBe(false);
});
