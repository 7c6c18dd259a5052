/**
 * The operations on real stores, with a clock that stands still, the sleep engine and an orchestrator that only remembers.
 * A crash is a port's method that throws after its effect, and everything that was written stays.
 */
import { ulid } from 'ulid';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { decodeCursor, encodeCursor } from '#adapters/dynamodb/cursors';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import type { Table } from '#adapters/dynamodb/table';
import { canonicalDigest } from '#adapters/json/digest';
import { cfworkerParameterSchemas } from '#adapters/json/parameter-schemas';
import { instant } from '#domain/ids';
import type { Job } from '#domain/job';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import type { Template } from '#domain/template';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Engine, Policy, Ports } from '#operations/ports';
import { startRun, type StartRun } from '#operations/start-run';
import { aTemplate, at, START_MS, TEMPLATE_ID } from '#test/domain/builders';
import type { TestDatabase } from '#test/support/dynamodb';
import { jobPorts } from '#test/support/job-ports';
import { memoryOrchestrator, type MemoryOrchestrator } from '#test/support/memory-orchestrator';
import { sleepEngine, type SleepEngine, type SleepJob } from '#test/support/sleep-engine';

export interface World {
  readonly ports: Ports;
  readonly table: Table;
  readonly engine: SleepEngine;
  readonly orchestrator: MemoryOrchestrator;
  advance(seconds: number): void;
  /** A run that is accepted, claimed by execution `arn` and expanded. */
  planned(sets: readonly JsonObject[], change?: Partial<StartRun>): Promise<Run>;
  loadRun(run: Run): Promise<Run>;
  job(run: Run, index?: number): Promise<Job>;
  /** Ticks as the watch loop does, until the run has ended; the longest waits are cut to `mostSeconds`. */
  watch(run: Run, mostSeconds?: number): Promise<number>;
}

export interface WorldOptions {
  readonly template?: Partial<Template>;
  /** What stands between the operations and the engine. */
  readonly engine?: (engine: SleepEngine) => Engine;
  readonly engineLimits?: Policy['engineLimits'];
  readonly metricsSettleSeconds?: number;
}

export async function world(database: Pick<TestDatabase, 'freshTable'>, options: WorldOptions = {}): Promise<World> {
  const { template, engine: dressed, engineLimits = {}, metricsSettleSeconds = 0 } = options;
  const { table } = await database.freshTable();
  let nowMs = START_MS;
  let ulids = 0;
  const engine = sleepEngine({ nowMs: () => nowMs, jobs: new Map<string, SleepJob>(), metricsSettleSeconds });
  const used = dressed ? dressed(engine) : engine;
  const orchestrator = memoryOrchestrator(() => instant(nowMs));
  const ports: Ports = {
    clock: {
      now: () => instant(nowMs),
      pause(ms) {
        nowMs += ms;
        return Promise.resolve();
      },
    },
    // Ids sort by the order of their making, as real ones do.
    randomness: { newUlid: () => ulid(START_MS + (ulids += 1)), fraction: () => 0.5 },
    digest: canonicalDigest,
    parameterSchemas: cfworkerParameterSchemas,
    catalog: dynamoCatalogStore(table),
    runs: dynamoRunStore(table),
    jobs: dynamoJobStore(table),
    slots: dynamoSlotStore(table),
    durations: dynamoDurationStore(table),
    series: dynamoMetricSeries(table),
    orchestrator,
    engines: (name) => (name === 'sleep' ? used : undefined),
    cursors: { encode: encodeCursor, decode: decodeCursor },
    apiTokens: dynamoApiTokenStore(table),
    ...jobPorts(table),
    webhookSecret: (engine) => Promise.resolve(engine === 'control-hub' ? 'hush' : undefined),
    policy: { pollFloorSeconds: 5, starterSeconds: 60, leaseSeconds: 180, host: 'test', engineLimits },
  };
  await ports.catalog.addTemplateVersion(aTemplate(template));
  await ports.catalog.putPattern({ sourceType: 'http', targetType: 'gcs', templateId: TEMPLATE_ID, version: 1, updatedAt: at(0) });
  const advance = (seconds: number): void => {
    nowMs += seconds * 1000;
  };
  const loadRun = async ({ id }: Run): Promise<Run> => {
    const run = await ports.runs.load(id);
    if (!run) throw new Error(`${id} is not there`);
    return run;
  };
  return {
    ports,
    table,
    engine,
    orchestrator,
    advance,
    loadRun,
    async planned(sets, change = {}) {
      const outcome = await startRun(ports, request({ sets, ...change }));
      if (outcome.kind !== 'started') throw new Error(outcome.kind);
      await planRun(ports, { kind: 'accepted', execution: 'arn', runId: outcome.run.id });
      return loadRun(outcome.run);
    },
    async job(run, index = 0) {
      const job = await ports.jobs.load({ runId: run.id, index }, run.count);
      if (!job) throw new Error(`${run.id} has no job ${index}`);
      return job;
    },
    async watch(run, mostSeconds = Infinity) {
      for (let ticks = 1; ticks <= 200; ticks += 1) {
        const { ended, delaySeconds } = await pollRun(ports, { runId: run.id });
        if (ended) return ticks;
        advance(Math.min(delaySeconds, mostSeconds));
      }
      throw new Error('the run has not ended after 200 ticks');
    },
  };
}

export function request(change: Partial<StartRun> = {}): StartRun {
  return {
    userId: 'ada',
    userRunId: 'r1',
    sourceType: 'http',
    targetType: 'gcs',
    sets: [{ SECONDS: 10 }],
    requestedBy: 'tests',
    ...change,
  };
}

export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface Crashing {
  readonly ports: Ports;
  /** How many calls were made; a call after the crash is answered by a crash as well: the process is gone. */
  readonly calls: readonly string[];
}

/**
 * The nth call of a port, counted from 1, takes effect and then crashes; 0 crashes before anything. That covers every
 * place: a crash before a call leaves what a crash after the call before it leaves.
 */
export function crashingAt(ports: Ports, nth: number): Crashing {
  const calls: string[] = [];
  let crashed = false;
  const wrapped = <Port extends object>(name: string, port: Port): Port =>
    new Proxy(port, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method);
        if (typeof value !== 'function') return value;
        return async (...parameters: readonly unknown[]): Promise<unknown> => {
          calls.push(`${name}.${String(method)}`);
          const mine = calls.length;
          if (mine > nth && (crashed || nth === 0)) throw new Crash('the process is gone');
          const result: unknown = await Reflect.apply(value, target, parameters);
          if (mine === nth) {
            crashed = true;
            throw new Crash(`after ${name}.${String(method)}`);
          }
          return result;
        };
      },
    });
  const engines: Ports['engines'] = (name) => {
    const engine = ports.engines(name);
    return engine && wrapped('engine', engine);
  };
  return {
    calls,
    ports: {
      ...ports,
      engines,
      runs: wrapped('runs', ports.runs),
      jobs: wrapped('jobs', ports.jobs),
      slots: wrapped('slots', ports.slots),
      durations: wrapped('durations', ports.durations),
      series: wrapped('series', ports.series),
      orchestrator: wrapped('orchestrator', ports.orchestrator),
    },
  };
}
