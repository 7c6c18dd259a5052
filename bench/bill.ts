/**
 * The bill: what 1,000 jobs cost on AWS, and how long after its end a job is recorded (design §10). The template has run
 * twenty times before, one job at a time; every job's duration varies by a fifth.
 */
import type { LoadModule } from '#hosts/local/functions';
import { billedOf, functionMemory, sum, times } from './billed.ts';
import { count, type Counts, type Tally } from './counting.ts';
import { JOB_PHASES } from './phases.ts';
import type { RunId } from '#domain/ids';
import { priced, type Billed } from '#domain/prices';
import { table } from './table.ts';
import { TIMES, virtualService, type VirtualService, type VirtualServiceOptions } from './virtual-service.ts';

export interface Scenario {
  readonly name: string;
  readonly runs: number;
  readonly jobsPerRun: number;
  readonly jobSeconds: number;
  readonly nudges: boolean;
  /** Of one job each, before what is measured. */
  readonly pastRuns: number;
  readonly engineLimits?: VirtualServiceOptions['engineLimits'];
  /** Of 1,000 jobs. */
  readonly mostUsd?: number;
  readonly mostMeanSeconds?: number;
}

export interface Measured {
  readonly scenario: Scenario;
  readonly tally: Tally;
  /** Of 1,000 jobs. */
  readonly billed: Billed;
  readonly detectionSeconds: readonly number[];
  /** Of 1,000 jobs, as the runs tell it themselves. */
  readonly told: Billed;
}

const VARIATION = 0.2;
const POLLED = { pastRuns: 20, nudges: false } as const;
const NUDGED = { pastRuns: 20, nudges: true } as const;
/** As Control Hub has it where nothing else is said. */
const TEN_STARTS = { sleep: { startsPerSecond: 10 } } as const;
const MINUTES_10 = 600;
const HOURS_4 = 4 * 3600;

export const SCENARIOS: readonly Scenario[] = [
  { name: '10 min, N = 1,000', ...POLLED, runs: 1, jobsPerRun: 1000, jobSeconds: MINUTES_10, mostUsd: 0.08, mostMeanSeconds: 10 },
  { name: '10 min, N = 10', ...POLLED, runs: 5, jobsPerRun: 10, jobSeconds: MINUTES_10, mostUsd: 0.4 },
  { name: '10 min, N = 1', ...POLLED, runs: 20, jobsPerRun: 1, jobSeconds: MINUTES_10, mostUsd: 1, mostMeanSeconds: 20 },
  { name: '4 h, N = 1,000', ...POLLED, runs: 1, jobsPerRun: 1000, jobSeconds: HOURS_4, mostUsd: 0.15 },
  {
    name: '10 min, N = 1, ten starts a second',
    ...POLLED,
    engineLimits: TEN_STARTS,
    runs: 20,
    jobsPerRun: 1,
    jobSeconds: MINUTES_10,
    mostUsd: 1,
  },
  { name: '10 min, N = 1,000, nudges', ...NUDGED, runs: 1, jobsPerRun: 1000, jobSeconds: MINUTES_10, mostMeanSeconds: 2 },
  { name: '10 min, N = 1, nudges', ...NUDGED, runs: 5, jobsPerRun: 1, jobSeconds: MINUTES_10, mostMeanSeconds: 2 },
];

export interface BillOptions {
  /** Holds serverless.yml and state-machines/. */
  readonly project: URL;
  readonly load: LoadModule;
}

export async function measure(scenario: Scenario, { project, load }: BillOptions): Promise<Measured> {
  const { runs, jobsPerRun, jobSeconds, nudges, pastRuns, engineLimits } = scenario;
  const service = await virtualService({ project, load, seed: 1, nudges, ...(engineLimits ? { engineLimits } : {}) });
  try {
    for (let run = 0; run < pastRuns; run += 1) await runOne(service, `past ${run}`, 1, jobSeconds);
    service.takeTally();
    const detectionSeconds: number[] = [];
    const ids: RunId[] = [];
    for (let run = 0; run < runs; run += 1) {
      const ended = await runOne(service, `measured ${run}`, jobsPerRun, jobSeconds);
      detectionSeconds.push(...ended.detectionSeconds);
      ids.push(ended.id);
    }
    const tally = service.takeTally();
    const per1000 = 1000 / (runs * jobsPerRun);
    const billed = times(billedOf(tally, functionMemory(new URL('serverless.yml', project))), per1000);
    const told = times((await Promise.all(ids.map((id) => service.used(id)))).reduce(sum), per1000);
    return { scenario, tally, billed, detectionSeconds, told };
  } finally {
    await service.close();
  }
}

interface Ended {
  readonly id: RunId;
  readonly detectionSeconds: readonly number[];
}

async function runOne(service: VirtualService, name: string, jobs: number, seconds: number): Promise<Ended> {
  const durations = Array.from({ length: jobs }, () => Math.round(seconds * (1 - VARIATION + 2 * VARIATION * service.random())));
  const id = await service.start(name, durations);
  await service.untilEnded();
  return { id, detectionSeconds: await service.detectionSeconds(id) };
}

const usd = (value: number): string => `$${value.toFixed(value < 0.1 ? 4 : 3)}`;
const round = (value: number): string => Math.round(value).toLocaleString('en');
const oneDecimal = (value: number): string => value.toFixed(1);
const against = (figure: string, budget: string | undefined, holds: boolean): string =>
  budget === undefined ? figure : `${figure} ${holds ? '≤' : '>'} ${budget}`;

/** `named`: a part of the names of the scenarios that are wanted. */
export async function printBill(options: BillOptions, named: string, print: (text: string) => void): Promise<void> {
  const measured: Measured[] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => name.includes(named))) {
    const from = performance.now();
    measured.push(await measure(scenario, options));
    print(`${scenario.name}: measured in ${oneDecimal((performance.now() - from) / 1000)} s\n`);
  }
  print(`\nPer 1,000 jobs; list prices; ticks per run\n\n${table(HEAD, measured.map(row))}\n`);
  print(`Where it goes, in $ per 1,000 jobs\n\n${table(PRICE_HEAD, measured.map(priceRow))}\n`);
  print(`Write units per job, by phase, and per run\n\n${table(PHASE_HEAD, measured.map(phaseRow))}\n`);
  print(`Assumed: ${ASSUMED}\n`);
}

const HEAD = [
  'scenario',
  'price',
  'mean delay',
  'max delay',
  'ticks',
  'transitions',
  'invocations',
  'GB-s',
  'WRU',
  'RRU',
  'HTTP',
  'engine calls',
];

function row({ scenario, tally, billed, detectionSeconds }: Measured): readonly string[] {
  const { name, runs, jobsPerRun, mostUsd, mostMeanSeconds } = scenario;
  const { total: price } = priced(billed);
  const mean = detectionSeconds.reduce((sum, value) => sum + value, 0) / detectionSeconds.length;
  const per1000 = 1000 / (runs * jobsPerRun);
  return [
    name,
    against(usd(price), mostUsd?.toFixed(2), price <= (mostUsd ?? Infinity)),
    against(
      `${oneDecimal(mean)} s`,
      mostMeanSeconds === undefined ? undefined : `${mostMeanSeconds} s`,
      mean <= (mostMeanSeconds ?? Infinity),
    ),
    `${oneDecimal(Math.max(...detectionSeconds))} s`,
    round((tally.invocations.get('pollRun') ?? 0) / runs),
    round(billed.transitions),
    round(billed.invocations),
    round(billed.gbSeconds),
    round(billed.writeUnits),
    round(billed.readUnits),
    round(billed.httpCalls),
    [...tally.engineCalls].map(([method, calls]) => `${method} ${round(calls * per1000)}`).join(', '),
  ];
}

const PRICE_HEAD = ['scenario', 'Step Functions', 'Lambda', 'writes', 'reads', 'HTTP'];

function priceRow({ scenario, billed }: Measured): readonly string[] {
  const { stepFunctions, lambda, writes, reads, http } = priced(billed);
  return [scenario.name, ...[stepFunctions, lambda, writes, reads, http].map(usd)];
}

const RUN_PHASES = ['acceptance', 'plan', 'tick lease', 'run end', 'other'] as const;
const PHASE_HEAD = ['scenario', ...JOB_PHASES, 'sum per job', ...RUN_PHASES.map((phase) => `${phase} (run)`)];

/** By phase, from `finish JOB` and its like. */
export function byPhase(writeUnits: Counts): Counts {
  const phases: Counts = new Map();
  for (const [name, units] of writeUnits) count(phases, name.slice(0, name.lastIndexOf(' ')), units);
  return phases;
}

function phaseRow({ scenario: { name, runs, jobsPerRun }, tally }: Measured): readonly string[] {
  const phases = byPhase(tally.writeUnits);
  const perJob = JOB_PHASES.map((phase) => (phases.get(phase) ?? 0) / (runs * jobsPerRun));
  const perRun = RUN_PHASES.map((phase) => (phases.get(phase) ?? 0) / runs);
  return [name, ...[...perJob, perJob.reduce((sum, units) => sum + units, 0), ...perRun].map(oneDecimal)];
}

const ASSUMED = [
  `a starter takes ${TIMES.startJob + TIMES.engineStart} ms, ${TIMES.engineStart} of them the engine's`,
  `a tick ${TIMES.pollRun} ms and ${TIMES.engineStatusPerJob} ms per job that it asks about`,
  `planning ${TIMES.planRun} ms and ${TIMES.planRunPerSet} ms per set`,
  `any other function ${TIMES.other} ms`,
  'every child of a Map starts at once',
  'one API call per run, its POST',
  'no logs, no storage, no cold starts',
].join('; ');
