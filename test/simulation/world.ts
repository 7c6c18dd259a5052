/** Everything that a seed makes, put together: the scenario, what goes wrong, and a service that does not know of it. */
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import type { Table } from '#adapters/dynamodb/table';
import { memoryTable } from '#test/support/memory-table';
import { commitChecks, type Seen } from './commit-checks.ts';
import { engineModel, type EngineModel } from './engine-model.ts';
import { executions, taskRunner, type Executions, type TaskRunner } from './executions.ts';
import { seededFaults, type Faults } from './faults.ts';
import { machines } from './machines.ts';
import { portsFor, type Mutation } from './ports.ts';
import { processes, type Processes } from './processes.ts';
import { seededRandom, type Random } from './random.ts';
import { ENGINE_NAMES, scenarioOf, type EngineName, type Scenario } from './scenario.ts';
import { seededScheduler, type Scheduler } from './scheduler.ts';
import { slotChecks } from './slot-checks.ts';
import { keptTrace, NO_TRACE, openVerdict, type Trace, type Verdict } from './trace.ts';

export interface World {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly faults: Faults;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly verdict: Verdict;
  readonly seen: Seen;
  readonly executions: Executions;
  readonly processes: Processes;
  readonly tasks: TaskRunner;
  readonly engines: ReadonlyMap<string, EngineModel>;
  /** As it is, past all faults. */
  readonly table: Table;
  /**
   * Whether the clocks of all processes agree; where they do not, they are up to 20 minutes apart, more than the guards that
   * compare two of them are made for:
   *
   *   guard                  written by        read by          what comes of it
   *   fence of an intent     who starts a job  CloseJob, tick   a start that cannot be found yet is made again, or taken for failed
   *   life of a starter      who starts a job  CloseJob, tick   a job is failed, and then started by whom that took for dead
   *   lease of a tick        a tick            the next one     two ticks of one run at a time, each counting its jobs
   *   lease of slots         a tick            those of others  slots are given away that are still in use
   *
   * Each would hold with 1,200 seconds more. That is not done: a start without a trace would be repeated after 23 minutes instead
   * of 3, and a run whose tick died with its process would be left alone for as long, where the clocks of Lambda are milliseconds
   * apart and a local host has one. So this alone is promised for clocks that agree only:
   *
   *   - on an engine with a fence nothing runs twice, and nothing is left running;
   *   - on one without, nothing is left that was started when its attempt had ended already;
   *   - limits across runs are kept.
   *
   * All else holds for any clocks.
   */
  readonly clocksAgree: boolean;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Whether the steps are kept to be read. */
  readonly traced?: boolean;
  readonly mutation?: Mutation;
}

/** Shortly before midnight: some runs are of another day than others. */
export const START_MS = Date.UTC(2026, 0, 1, 23, 30);

/** What a world is made of. */
export interface WorldParts {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly faults: Faults;
  readonly traced: boolean;
  readonly mutation: Mutation;
  readonly engines: (known: KnownParts) => ReadonlyMap<string, EngineModel>;
  readonly dieTogether?: () => boolean;
  /** Who else is told of what is written. */
  readonly seenBy?: (seen: Seen) => Seen;
}

export type KnownParts = Pick<World, 'scenario' | 'random' | 'faults' | 'scheduler' | 'trace' | 'verdict' | 'seen' | 'clocksAgree'>;

export async function worldOf({ seed, traced = false, mutation = {} }: SimulationOptions): Promise<World> {
  const random = seededRandom(seed);
  const scenario = scenarioOf(random);
  const faults = seededFaults(random);
  const engines = (known: KnownParts): ReadonlyMap<string, EngineModel> =>
    new Map(ENGINE_NAMES.map((name) => [name, engineOf(name, known)]));
  return worldFrom({ scenario, random, faults, traced, mutation, engines });
}

export async function worldFrom(parts: WorldParts): Promise<World> {
  const { scenario, random, faults, traced, mutation } = parts;
  const scheduler = seededScheduler(random, START_MS);
  const nowMs = (): number => scheduler.nowMs();
  const trace = traced ? keptTrace(nowMs) : NO_TRACE;
  const verdict = openVerdict(trace);
  const checked = commitChecks(verdict);
  const seen = parts.seenBy?.(checked) ?? checked;
  const clocksAgree = scenario.mostSkewMs === 0;
  const table = memoryTable();
  const known = { scenario, random, faults, scheduler, trace, verdict, seen, table, clocksAgree };

  const started = executions(nowMs, trace);
  const engines = parts.engines(known);
  const slotsCommitted = slotChecks(known);
  const portsOf = portsFor({ ...known, executions: started, engines, slotsCommitted, mutation });
  const skewMs = (): number => Math.round(random.between(-scenario.mostSkewMs, scenario.mostSkewMs));
  const { dieTogether } = parts;
  const lambdas = processes({ scheduler, faults, trace, skewMs, portsOf, ...(dieTogether ? { dieTogether } : {}) });
  const tasks = taskRunner({ scheduler, processes: lambdas, faults, random, verdict });
  const { childTimeoutSeconds, ticksPerWatch } = scenario;
  started.drivenBy(machines({ scheduler, faults, tasks, executions: started, childTimeoutSeconds, ticksPerWatch }));
  await register(table, scenario);
  return { ...known, executions: started, processes: lambdas, tasks, engines };
}

function engineOf(name: EngineName, { scenario, random, faults, scheduler, verdict, seen, clocksAgree }: KnownParts): EngineModel {
  return engineModel({
    random,
    faults,
    nowMs: () => scheduler.nowMs(),
    fenceSeconds: name === 'exact' ? 0 : scenario.fenceSeconds,
    longestSeconds: scenario.longestJobSeconds,
    settleSeconds: name === 'exact' ? 0 : scenario.settleSeconds,
    isCounted: (id) => seen.counted.has(id),
    verdict,
    clocksAgree,
    isOver: (engineJob) => seen.isOver(engineJob),
  });
}

async function register(table: Table, { templates }: Scenario): Promise<void> {
  const catalog = dynamoCatalogStore(table);
  for (const [number, template] of templates.entries()) {
    const { id: templateId, createdAt: updatedAt } = template;
    await catalog.addTemplateVersion(template);
    await catalog.putPattern({ sourceType: `source-${number}`, targetType: 'target', templateId, version: 1, updatedAt });
  }
}
