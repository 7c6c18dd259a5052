/**
 * The embedded engine: jobs queue here, the runs in turn, run in worker processes, and end as result files.
 *
 *   start ─▶ queued ─a worker begins it─▶ mark, running ─▶ result file ─▶ listeners are told
 *               └──── stop ────────────────────┴───────────────┘
 *
 * In memory are only the jobs that are queued or running. A job that is not here and has a mark but no result was lost with its
 * worker or with the service, and stays so; one that has neither was never begun and is unknown, so its name can be started
 * again. One work folder belongs to one service at a time.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { engineJobId, epochMs, instant } from '#domain/ids';
import type { DefinitionProblem, EngineJobStatus, EngineMetrics, EngineStart, EngineStartOutcome } from '#domain/engine-job';
import { Fault } from '#domain/faults';
import type { EngineJobId, Instant, RunId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import type { Engine } from '#operations/ports';
import { checkDefinition } from './check.ts';
import { JobRunner } from './job-runner.ts';
import { planOrder, scratchRoot, temporaryOutput } from './plan-order.ts';
import type { Places } from './plan-order.ts';
import type { CheckedStatement } from './protocol.ts';
import { idOfName, resultFiles } from './results.ts';
import type { JobResult, Results } from './results.ts';
import { workerPool } from './worker-pool.ts';
import type { WorkerPool } from './worker-pool.ts';

const DEFAULT_MEMORY_LIMIT = '1GB';
const DEFAULT_IDLE_MS = 30_000;
const DEFAULT_STOP_GRACE_MS = 5_000;
/** Far longer than anybody asks for a result, or for a job that was lost; callers remove what they have read. */
const KEEP_RESULTS_MS = 30 * 24 * 3_600_000;

export interface DuckdbOptions {
  readonly inputRoot: string;
  readonly outputRoot: string;
  /** Marks and results, and each running job's scratch space. */
  readonly workDir: string;
  /** Jobs that run at once, each in a process of its own. */
  readonly parallel: number;
  /** Of one job, in DuckDB's words; what does not fit spills to the work folder. */
  readonly memoryLimit?: string;
  readonly now: () => Instant;
  /** The bundled worker.ts. */
  readonly workerUrl: URL;
  readonly idleMs?: number;
  /** How long a job may take to obey a stop before its process is killed. */
  readonly stopGraceMs?: number;
  readonly workerEnvironment?: Readonly<Record<string, string>>;
}

export interface EngineJobChange {
  readonly engineJobId: EngineJobId;
  readonly runId: RunId;
}

export interface DuckdbEngine extends Engine {
  /** Tells when a job has ended or was lost; whoever listens asks for its status. */
  onChange(listener: (change: EngineJobChange) => void): () => void;
  /** Kills the workers. Jobs that they had begun and not ended are lost, those that were queued are unknown afterwards. */
  close(): Promise<void>;
}

export function duckdbEngine(options: DuckdbOptions): DuckdbEngine {
  const places: Places = { ...options, memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT };
  const results = resultFiles(options.workDir);
  const listeners = new Set<(change: EngineJobChange) => void>();
  const { idleMs = DEFAULT_IDLE_MS, stopGraceMs = DEFAULT_STOP_GRACE_MS, now } = options;
  const poolOptions = { workerUrl: options.workerUrl, idleMs, environment: { TZ: 'UTC', ...options.workerEnvironment } };
  const runner = new JobRunner({
    pool: workerPool({ ...poolOptions, size: options.parallel }),
    results,
    now,
    stopGraceMs,
    onEnded({ id, runId }) {
      for (const listener of listeners) listener({ engineJobId: id, runId });
    },
  });
  // Apart from the jobs' workers: registering a template does not wait for a long job.
  const checkers = workerPool({ ...poolOptions, size: 1 });
  const checkSyntax = oneByOne((statements: readonly string[]) => askSyntax(checkers, statements));
  const prepared = once(() => prepareFolders(places, results, now));
  return {
    // A start takes effect in this process or not at all, and the name of a job that is open or was ever begun starts nothing.
    fenceSeconds: 0,
    metricsSettleSeconds: 0,
    acknowledge: () => Promise.resolve(),
    check: (definition: JsonObject): Promise<readonly DefinitionProblem[]> => checkDefinition(definition, checkSyntax),
    start: (start) => available(() => startJob({ places, results, runner, prepared }, start)),
    async find(name) {
      const id = idOfName(name);
      return (await statusOf(runner, results, id)) === undefined ? undefined : id;
    },
    async status(ids) {
      const statuses = await Promise.all(ids.map(async (id) => [id, await statusOf(runner, results, id)] as const));
      return new Map(statuses.filter((entry): entry is readonly [EngineJobId, EngineJobStatus] => entry[1] !== undefined));
    },
    metrics: (id) => available(async () => metricsOf(await results.load(id))),
    stop: (id, { force }) => runner.stop(id, force),
    async remove(id) {
      if (runner.stateOf(id) === undefined) await available(() => results.remove(id));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await Promise.all([runner.close(), checkers.close()]);
    },
  };
}

interface Started {
  readonly places: Places;
  readonly results: Results;
  readonly runner: JobRunner;
  readonly prepared: () => Promise<void>;
}

/** A name that exists already answers its job's id and starts nothing. */
async function startJob({ places, results, runner, prepared }: Started, start: EngineStart): Promise<EngineStartOutcome> {
  const id = idOfName(start.engineJobName);
  await prepared();
  if ((await statusOf(runner, results, id)) !== undefined) return { kind: 'started', engineJobId: id };
  const planned = planOrder(id, start, places);
  if (planned.kind === 'refused') return planned;
  if (!runner.add({ id, runId: start.runId, order: planned.order })) throw new Fault('EngineUnavailable', 'the DuckDB engine is closed');
  return { kind: 'started', engineJobId: id };
}

/**
 * The open jobs are asked between the mark and the result: a job may be started and begun while we look, and it leaves the open
 * jobs only when its result can be read.
 */
async function statusOf(runner: JobRunner, results: Results, id: EngineJobId): Promise<EngineJobStatus | undefined> {
  const hasBegun = runner.stateOf(id) === undefined && (await available(() => results.hasBegun(id)));
  const state = runner.stateOf(id);
  if (state !== undefined) return { state };
  const result = await available(() => results.load(id));
  if (result !== undefined)
    return result.message === undefined ? { state: result.state } : { state: result.state, message: result.message };
  return hasBegun ? { state: 'lost', message: 'the job had begun, and left no result' } : undefined;
}

function metricsOf(result: JobResult | undefined): EngineMetrics | undefined {
  if (result === undefined) return undefined;
  const { engineId, startedAt, finishedAt, outputs, ...counts } = result.metrics;
  return {
    ...counts,
    ...(engineId === undefined ? {} : { engineId }),
    ...(startedAt === undefined ? {} : { startedAt: instant(Date.parse(startedAt)) }),
    ...(outputs === undefined ? {} : { outputs }),
    finishedAt: instant(Date.parse(finishedAt)),
  };
}

async function askSyntax(checkers: WorkerPool, statements: readonly string[]): Promise<readonly CheckedStatement[]> {
  const reply = await checkers.take()?.ask({ kind: 'check', statements });
  if (reply?.kind === 'answer' && reply.answer.kind === 'checked') return reply.answer.statements;
  const how = reply?.kind === 'died' ? reply.how : 'closed';
  throw new Fault('EngineUnavailable', `the DuckDB worker that checks statements is gone (${how})`);
}

/** Before the first job. What lies in scratch belongs to jobs of an earlier process, which are lost. */
async function prepareFolders(places: Places, results: Results, now: () => Instant): Promise<void> {
  const scratch = scratchRoot(places.workDir);
  await mkdir(scratch, { recursive: true });
  await mkdir(places.outputRoot, { recursive: true });
  for (const name of await readdir(scratch)) {
    await rm(temporaryOutput(places.outputRoot, engineJobId(name)), { force: true });
    await rm(`${scratch}/${name}`, { recursive: true, force: true });
  }
  // Nobody waits for this, and what it leaves the next service removes.
  void results.expire(epochMs(now()) - KEEP_RESULTS_MS).catch(() => undefined);
}

/** What the file system refuses us is the engine's trouble, not the job's. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('EngineUnavailable', 'the DuckDB engine cannot use its work folder', { cause: error });
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      // The next caller tries again.
      done = undefined;
      throw error;
    });
    return done;
  };
}

function oneByOne<Argument, Answer>(work: (argument: Argument) => Promise<Answer>): (argument: Argument) => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve();
  return (argument) => {
    const next = last.then(() => work(argument));
    last = next.catch(() => undefined);
    return next;
  };
}
