/** A DuckDB engine over throw-away folders, and the two ways in which tests use it: start a job, wait for its end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { duckdbEngine } from '#adapters/engines/duckdb/engine';
import type { DuckdbEngine, DuckdbOptions } from '#adapters/engines/duckdb/engine';
import type { EngineJobStatus, EngineMetrics } from '#domain/engine-job';
import { engineJobName, instant, runId } from '#domain/ids';
import type { EngineJobId, EngineJobName } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { duckdbWorkerUrl } from '#test/support/duckdb-worker';
import { whenEnded } from './engine.contract.ts';
import type { Job } from './engine.contract.ts';

export const RUN = runId('01K00000000000000000000000');

export interface Ended {
  readonly id: EngineJobId;
  readonly status: EngineJobStatus | undefined;
  readonly metrics: EngineMetrics | undefined;
}

export interface DuckdbFixture {
  /** The engine of now: `restart` puts another in its place. */
  readonly engine: DuckdbEngine;
  readonly root: string;
  readonly options: DuckdbOptions;
  /** Writes a file under the input root. */
  input(name: string, text: string): void;
  output(name: string): string;
  start(job: Job, name?: EngineJobName): Promise<EngineJobId>;
  run(job: Job): Promise<Ended>;
  ended(id: EngineJobId): Promise<Ended>;
  /** Ends the engine, and makes the next one on the same folders. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function duckdbFixture(overrides: Partial<DuckdbOptions> = {}): Promise<DuckdbFixture> {
  const root = mkdtempSync(path.join(tmpdir(), 'sluice-duckdb-'));
  const options: DuckdbOptions = {
    inputRoot: path.join(root, 'in'),
    outputRoot: path.join(root, 'out'),
    workDir: path.join(root, 'work'),
    parallel: 2,
    now: () => instant(Date.now()),
    workerUrl: await duckdbWorkerUrl(),
    ...overrides,
  };
  for (const folder of ['in', 'out', 'work']) mkdirSync(path.join(root, folder));
  let engine = duckdbEngine(options);
  let started = 0;
  const start = async (job: Job, name = engineJobName({ runId: RUN, index: (started += 1) }, 1)): Promise<EngineJobId> => {
    const outcome = await engine.start({ engineJobName: name, runId: RUN, ...job });
    if (outcome.kind !== 'started') throw new Error(outcome.message);
    return outcome.engineJobId;
  };
  const ended = async (id: EngineJobId): Promise<Ended> => {
    const status = await whenEnded({ engine, elapse: () => undefined }, id);
    return { id, status, metrics: await engine.metrics(id) };
  };
  return {
    get engine() {
      return engine;
    },
    root,
    options,
    start,
    ended,
    input: (name, text) => {
      writeFileSync(path.join(root, 'in', name), text);
    },
    output: (name) => readFileSync(path.join(root, 'out', name), 'utf8'),
    run: async (job) => ended(await start(job)),
    async restart() {
      await engine.close();
      engine = duckdbEngine(options);
    },
    async close() {
      await engine.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** One file in, one file out, by parameters `SOURCE` and `TARGET`. */
export function copyJob(
  format: 'csv' | 'parquet' | 'json',
  parameters: JsonObject,
  read = 'SELECT * FROM read_csv($source, store_rejects = true)',
): Job {
  const definition = {
    inputs: [{ name: 'source', path: '$SOURCE' }],
    stages: [{ name: 'read', role: 'input', sql: `CREATE TABLE raw AS ${read}` }],
    target: { path: '$TARGET', sql: 'SELECT * FROM raw', format },
  };
  return { definition, parameters };
}

export const SHORT: Job = {
  definition: { target: { path: 'short.csv', sql: 'SELECT 1 AS n', format: 'csv' } },
  parameters: {},
};

/** Counts further than anybody waits. */
export const ENDLESS: Job = {
  definition: { target: { path: 'endless.csv', sql: 'SELECT sum(sqrt(range)) AS total FROM range(10000000000000)', format: 'csv' } },
  parameters: {},
};

/** What becomes of a job that was begun by a worker or a service that is gone. */
export const LOST: EngineJobStatus = { state: 'lost', message: 'the job had begun, and left no result' };
