/** The service as one process has it: the real stores, and models of everything beyond. */
import { encodeTime } from 'ulid';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { decodeCursor, encodeCursor } from '#adapters/dynamodb/cursors';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import type { Table } from '#adapters/dynamodb/table';
import { canonicalDigest } from '#adapters/json/digest';
import { cfworkerParameterSchemas } from '#adapters/json/parameter-schemas';
import { epochMs, instant, type Instant } from '#domain/ids';
import type { Ports } from '#operations/ports';
import { jobPorts } from '#test/support/job-ports';
import { faultyTable } from './faulty-table.ts';
import { LIMIT_SECONDS } from './machines.ts';
import { orchestratorFor } from './orchestrator-model.ts';
import type { Process } from './processes.ts';
import type { Random } from './random.ts';
import type { SlotsCommitted } from './slot-checks.ts';
import type { World } from './world.ts';

/** What a planted bug is planted into. */
export interface Mutation {
  readonly table?: (table: Table) => Table;
  readonly ports?: (ports: Ports) => Ports;
}

export interface PortsInput extends Omit<World, 'processes' | 'tasks'> {
  readonly slotsCommitted: SlotsCommitted;
  readonly mutation: Mutation;
}

export function portsFor(world: PortsInput): (process: Process) => Ports {
  const { scenario, scheduler, faults, random, seen, executions, engines, mutation } = world;
  const nowMs = (): number => scheduler.nowMs();
  const written = new Map<string, number>();
  const released = (token: string): void => {
    const waiting = executions.parked.get(token);
    if (waiting) seen.released(waiting);
  };
  return (process) => {
    const now = (): Instant => instant(nowMs() + process.skewMs);
    const table = faultyTable(process, {
      table: world.table,
      faults,
      nowMs,
      written,
      committed(actions) {
        seen.committed(actions);
        world.slotsCommitted(actions, now());
      },
    });
    const reached = new Map([...engines].map(([name, engine]) => [name, engine.portFor(process)]));
    const ports: Ports = {
      ...storesOn(mutation.table?.(table) ?? table),
      clock: { now, pause: (milliseconds) => process.pause(milliseconds) },
      randomness: randomnessOf(random),
      digest: canonicalDigest,
      parameterSchemas: cfworkerParameterSchemas,
      orchestrator: orchestratorFor(process, { executions, faults, random, nowMs, released }),
      engines: (name) => reached.get(name),
      cursors: { encode: encodeCursor, decode: decodeCursor },
      ...jobPorts(table),
      webhookSecret: () => Promise.resolve(undefined),
      policy: {
        pollFloorSeconds: scenario.pollFloorSeconds,
        // What starts jobs is the starter and the tick.
        starterSeconds: Math.max(LIMIT_SECONDS.startJob, LIMIT_SECONDS.pollRun),
        leaseSeconds: 180,
        host: 'simulated',
        engineLimits: scenario.engineLimits,
      },
    };
    return mutation.ports?.(ports) ?? ports;
  };
}

function storesOn(table: Table): Pick<Ports, 'catalog' | 'runs' | 'jobs' | 'slots' | 'durations' | 'series' | 'apiTokens'> {
  return {
    catalog: dynamoCatalogStore(table),
    runs: dynamoRunStore(table),
    jobs: dynamoJobStore(table),
    slots: dynamoSlotStore(table),
    durations: dynamoDurationStore(table),
    series: dynamoMetricSeries(table),
    apiTokens: dynamoApiTokenStore(table),
  };
}

function randomnessOf(random: Random): Ports['randomness'] {
  const digits = (): string => String(random.below(1e8)).padStart(8, '0');
  return { fraction: () => random.fraction(), newUlid: (at) => `${encodeTime(epochMs(at), 10)}${digits()}${digits()}` };
}
