/**
 * What a run costs on AWS, counted: a change that makes a run dearer fails here. The numbers are what a run is made of; one that
 * is meant to change is changed here, and `npm run bench -- --bill` says what that is in dollars.
 */
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { measure, type Measured } from '#bench/bill';
import { total } from '#bench/counting';
import { priced } from '#domain/prices';
import { loading } from '#test/support/quiet';

/** An item of up to 1 KB costs two units in a transaction, because it is prepared and committed, and one by itself. */
const IN_TRANSACTION = 2;
const ALONE = 1;

const STATES_OF_RUN = { PlanRun: 1, FewOrMany: 1, FinishRun: 1, FirstDelay: 1, Watched: 1 } as const;
const STATES_OF_TICK = ['WaitToPoll', 'PollRun', 'WatchNext'] as const;

/** Of one job that is started, seen running, and seen to have finished. */
const WRITES_OF_JOB = {
  'creation JOB': IN_TRANSACTION,
  'creation OPEN': IN_TRANSACTION,
  'creation PARAMETERS': ALONE,
  'creation SET': ALONE,
  'start JOB': IN_TRANSACTION,
  'start OPEN': IN_TRANSACTION,
  'start TOKEN': IN_TRANSACTION,
  'recorded JOB': IN_TRANSACTION,
  'recorded OPEN': IN_TRANSACTION,
  'run event JOB': IN_TRANSACTION,
  'run event OPEN': IN_TRANSACTION,
  'run event EVENT': IN_TRANSACTION,
  'finish JOB': IN_TRANSACTION,
  'finish OPEN': IN_TRANSACTION,
  'finish EVENT': IN_TRANSACTION,
  'close TOKEN': ALONE,
} as const;

const LISTS_OF_RUN = 5;
const WRITES_OF_RUN = {
  'acceptance RUN': IN_TRANSACTION,
  'acceptance RUNKEY': IN_TRANSACTION,
  'acceptance LIST': LISTS_OF_RUN * IN_TRANSACTION,
  // Claimed with its move between the lists by state, then planned.
  'plan RUN': IN_TRANSACTION + ALONE,
  'plan LIST': 2 * IN_TRANSACTION,
  'run end RUN': IN_TRANSACTION,
  'run end LIST': 2 * IN_TRANSACTION,
  // Of all runs, and of the template's.
  'run end TOTALS': 2 * IN_TRANSACTION,
  'run end DURATIONS': ALONE,
} as const;
/** The lease is taken and given back. */
const WRITES_OF_TICK = 2 * ALONE;

/** Of a starter: the run, the job, the template's version, the parameters. */
const READS_OF_START = { 'startJob RUN': 1, 'startJob JOB': 1, 'startJob V': 1, 'startJob PARAMETERS': 1 } as const;
/** What the POST, PlanRun and FinishRun read besides the sets; and the version that the first tick's environment keeps. */
const READS_OF_RUN = {
  'runs APITOKEN': 1,
  'runs RUNKEY': 1,
  'runs PATTERNS': 1,
  'runs TEMPLATES': 1,
  'planRun RUN': 1,
  'planRun V': 1,
  'finishRun RUN': 1,
  'pollRun V': 1,
} as const;

interface Expected {
  readonly jobs: number;
  readonly transitionsOfMap: Readonly<Record<string, number>>;
  /** The sets are one item: units for all its KB. */
  readonly writesOfSets: number;
  readonly readsOfSets: number;
  /** Of a first run of ten minutes: as many as the rule of the next delay makes. */
  readonly mostTicks: number;
  /** The open rows, all of them at every tick, 4 KB a unit. */
  readonly mostReadsOfOpen: number;
  readonly mostMeanSeconds: number;
}

const FEW: Expected = {
  jobs: 5,
  transitionsOfMap: { RunJobs: 1, RunJob: 5 },
  writesOfSets: 1 * IN_TRANSACTION,
  readsOfSets: 1,
  mostTicks: 85,
  mostReadsOfOpen: 85,
  mostMeanSeconds: 15,
};
const MANY: Expected = {
  jobs: 60,
  transitionsOfMap: { RunManyJobs: 1, 'child start': 60, RunManyJob: 60 },
  writesOfSets: 4 * IN_TRANSACTION,
  readsOfSets: 1,
  mostTicks: 145,
  mostReadsOfOpen: 860,
  mostMeanSeconds: 10,
};

const project = pathToFileURL(`${process.cwd()}/`);
const load = (path: string): Promise<unknown> => loading(import(new URL(`${path}.ts`, project).href) as Promise<unknown>);

const oneRun = (jobs: number, nudges: boolean): Promise<Measured> =>
  measure({ name: '', runs: 1, jobsPerRun: jobs, jobSeconds: 600, nudges, pastRuns: 0 }, { project, load });

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const timesOf = (units: Readonly<Record<string, number>>, factor: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(units).map(([name, each]) => [name, each * factor]));

describe.each([FEW, MANY])('a run of $jobs jobs of ten minutes', (expected) => {
  const { jobs } = expected;
  let measured: Measured;
  let ticks: number;
  beforeAll(async () => {
    measured = await oneRun(jobs, false);
    ticks = measured.tally.invocations.get('pollRun') ?? 0;
  });

  test('is ticked as often as the rule of the next delay has it, and no oftener', () => {
    expect(ticks).toBeLessThanOrEqual(expected.mostTicks);
    expect(mean(measured.detectionSeconds)).toBeLessThanOrEqual(expected.mostMeanSeconds);
  });

  test('enters a state per job, two where it is a child of its own, three per tick and six more', () => {
    const ofTicks = Object.fromEntries(STATES_OF_TICK.map((state) => [state, ticks]));
    expect(Object.fromEntries(measured.tally.transitions)).toEqual({ ...STATES_OF_RUN, ...expected.transitionsOfMap, ...ofTicks });
  });

  test('invokes one function per job and per tick, and three more', () => {
    const invocations = { runs: 1, planRun: 1, startJob: jobs, pollRun: ticks, finishRun: 1 };
    expect(Object.fromEntries(measured.tally.invocations)).toEqual(invocations);
    expect(Object.fromEntries(measured.tally.httpCalls)).toEqual({ 'POST /v1/runs': 1 });
  });

  test('asks the engine once per tick about all its jobs, and once per job for each of start and metrics', () => {
    const { status = 0, ...perJob } = Object.fromEntries(measured.tally.engineCalls);
    expect(perJob).toEqual({ start: jobs, metrics: jobs });
    expect(status).toBeLessThanOrEqual(ticks);
  });

  test('writes what a job is made of, what a run is made of, and little else', () => {
    const { 'finish COUNTS': counts = 0, 'close OPEN': closing = 0, ...written } = Object.fromEntries(measured.tally.writeUnits);
    expect(written).toEqual({
      ...timesOf(WRITES_OF_JOB, jobs),
      ...WRITES_OF_RUN,
      'acceptance SETS': expected.writesOfSets,
      'tick lease TICK': ticks * WRITES_OF_TICK,
    });
    // Once per transaction that settles jobs, however many it settles.
    expect(counts).toBeLessThanOrEqual(jobs * IN_TRANSACTION);
    // In a transaction where a tick lets several jobs go.
    expect(closing).toBeGreaterThanOrEqual(jobs * ALONE);
    expect(closing).toBeLessThanOrEqual(jobs * IN_TRANSACTION);
  });

  test('reads four items per job and what is open at every tick', () => {
    const { 'pollRun OPEN': open = 0, 'pollRun TOKEN': tokens = 0, ...read } = Object.fromEntries(measured.tally.readUnits);
    expect(read).toEqual({
      ...timesOf(READS_OF_START, jobs),
      ...READS_OF_RUN,
      'planRun SETS': expected.readsOfSets,
      'pollRun RUN': ticks,
      'pollRun TICK': ticks,
      // Once more when the run's own durations are added.
      'pollRun DURATIONS': ticks + 1,
      'pollRun COUNTS': ticks,
    });
    expect(open).toBeLessThanOrEqual(expected.mostReadsOfOpen);
    // One query per tick that settles jobs.
    expect(tokens).toBeLessThanOrEqual(jobs);
  });
});

test('with nudges a job is recorded within two seconds of its end, at one tick per job at most', async () => {
  const { detectionSeconds, tally } = await oneRun(FEW.jobs, true);
  expect(Math.max(...detectionSeconds)).toBeLessThanOrEqual(2);
  expect(tally.invocations.get('pollRun')).toBeLessThanOrEqual(FEW.mostTicks + FEW.jobs);
  expect(total(tally.transitions)).toBeLessThanOrEqual(3 * FEW.mostTicks + 5 + 6);
});

test.each([1, 40, 60])('what a run of %i jobs tells of its own cost is what was counted', async (jobs) => {
  const { billed, told } = await oneRun(jobs, false);
  expect(told.transitions).toBe(billed.transitions);
  expect(told.invocations).toBe(billed.invocations);
  for (const unit of ['gbSeconds', 'writeUnits', 'readUnits'] as const)
    expect(Math.abs(told[unit] / billed[unit] - 1), `${unit}: told ${told[unit]}, counted ${billed[unit]}`).toBeLessThan(0.1);
  expect(Math.abs(priced(told).total / priced(billed).total - 1)).toBeLessThan(0.03);
});

test.each([1, 5, 60])(
  'what a run of %i jobs tells of its own cost is what was counted, also where ticks start its jobs, within a rate; between its starts it writes nothing of it',
  async (jobs) => {
    const engineLimits = { sleep: { startsPerSecond: 2 } };
    const scenario = { name: '', runs: 1, jobsPerRun: jobs, jobSeconds: 600, nudges: false, pastRuns: 0, engineLimits };
    const { billed, told, tally } = await measure(scenario, { project, load });
    expect(tally.engineCalls.get('start')).toBe(jobs);
    // Twenty at once, and two a second after that; the version of the rate's item, and the run's place among those that wait.
    expect(tally.writeUnits.get('run end SLOTS')).toBeLessThanOrEqual((1 + Math.ceil(jobs / 10)) * 2 * IN_TRANSACTION);
    expect([told.transitions, told.invocations]).toEqual([billed.transitions, billed.invocations]);
    for (const unit of ['gbSeconds', 'writeUnits', 'readUnits'] as const)
      expect(Math.abs(told[unit] / billed[unit] - 1), `${unit}: told ${told[unit]}, counted ${billed[unit]}`).toBeLessThan(0.1);
    expect(Math.abs(priced(told).total / priced(billed).total - 1)).toBeLessThan(0.03);
  },
);

test('where past runs tell what to expect, a run of one job keeps its budget, and its end is seen within twenty seconds', async () => {
  const scenario = { name: '', runs: 4, jobsPerRun: 1, jobSeconds: 600, nudges: false, pastRuns: 20 } as const;
  const { billed, detectionSeconds } = await measure(scenario, { project, load });
  expect(priced(billed).total).toBeLessThanOrEqual(1);
  expect(mean(detectionSeconds)).toBeLessThanOrEqual(20);
}, 60_000);
