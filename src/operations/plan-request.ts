/** What a request would do, without doing it: the same preparation as a start's, and what past runs say about time and calls. */
import { expectationOf, type Expectation } from '#domain/durations';
import { effectiveParameters, type EffectiveParameters } from '#domain/parameters';
import { nextDelaySeconds } from '#domain/poll-delay';
import { setKeyOf } from './expand-run.ts';
import type { Ports } from './ports.ts';
import { patternOf, prepareRun, type PreparedRun, type PrepareOutcome, type RunDemand } from './prepare-run.ts';

export interface PlannedSet extends EffectiveParameters {
  readonly index: number;
  readonly setKey: string;
}

export interface RunForecast {
  /** Of one job, from the template's past jobs. */
  readonly job: Expectation;
  /** Of the whole run, when jobs take what half of them took: waves of as many as may run at once. */
  readonly runSeconds: number;
  readonly statusCalls: number;
}

export interface PlannedRun extends PreparedRun {
  readonly planned: readonly PlannedSet[];
  /** Where the next page of sets begins; absent at the end. */
  readonly next?: number;
  /** Undefined while too few jobs of the template have finished. */
  readonly forecast: RunForecast | undefined;
}

type Needs = Pick<Ports, 'digest' | 'parameterSchemas' | 'catalog' | 'runs' | 'jobs' | 'durations' | 'policy'>;

export interface SetPage {
  /** A place among the sets that remain. */
  readonly from: number;
  readonly limit: number;
}

export async function planRequest(
  ports: Needs,
  demand: RunDemand,
  page: SetPage,
): Promise<PlannedRun | Exclude<PrepareOutcome, PreparedRun>> {
  const prepared = await prepareRun(ports, demand, await patternOf(ports, demand));
  if (prepared.kind !== 'prepared') return prepared;
  const { template, sets } = prepared;
  const to = page.from + page.limit;
  const planned = sets.slice(page.from, to).map(({ index, set }): PlannedSet => {
    return { index, setKey: setKeyOf(ports.digest, template, set), ...effectiveParameters(template, set) };
  });
  const expected = expectationOf(await ports.durations.load(template.id));
  const forecast = expected && forecastOf(ports, prepared, expected);
  return { ...prepared, planned, forecast, ...(to < sets.length ? { next: to } : {}) };
}

/** By the very rule that the watch loop goes by, for jobs that all start at once and take what half of them took. */
function forecastOf({ policy }: Needs, { template, sets }: PreparedRun, job: Expectation): RunForecast {
  const { maxParallel, maxParallelAcrossRuns = maxParallel } = template.limits;
  const atOnce = Math.min(sets.length, maxParallel, maxParallelAcrossRuns);
  const waves = Math.ceil(sets.length / Math.max(1, atOnce));
  const ages = Array.from({ length: atOnce }, () => 0);
  let looks = 0;
  for (let age = 0; age < job.p50; looks += 1) {
    const agesSeconds = ages.map(() => age);
    age += nextDelaySeconds({
      jobCount: sets.length,
      agesSeconds,
      deadlinesSeconds: [],
      expected: job,
      floorSeconds: policy.pollFloorSeconds,
      random: 0,
    });
  }
  return { job, runSeconds: Math.round(waves * job.p50), statusCalls: waves * looks };
}
