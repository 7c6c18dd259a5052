/** What runs counted. */
import { countsAt, type Counts } from '#hosts/control-hub-simulator/counts';
import type { Job, JobRun } from '#hosts/control-hub-simulator/hub';
import { jobOf } from '#hosts/control-hub-simulator/job-actions';
import { latestRun } from '#hosts/control-hub-simulator/job-times';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { numberParam, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';

const jobNamed = (call: HubCall): Job => jobOf(call.hub, param(call, 'id'), call.nowMs);
const countsOf = (run: JobRun, nowMs: number): Counts | undefined => countsAt(run, nowMs, run.refreshMs);

/** A meter's rates are over the whole run: the simulator's pipelines run evenly. */
function meter(count: number, seconds: number): object {
  const rate = seconds > 0 ? count / seconds : 0;
  const rates = ['m1', 'm5', 'm15', 'm30', 'h1', 'h6', 'h12', 'h24', 'mean'].map((name) => [`${name}_rate`, rate] as const);
  return { count, ...Object.fromEntries(rates), units: 'events/second' };
}

/** MetricRegistryJson. [C:SW-job; keys C:OSS] */
function registry(call: HubCall): unknown {
  const job = jobNamed(call);
  const wanted = numberParam(call, 'runCount', 0);
  const run = wanted === 0 ? latestRun(job, call.nowMs)?.run : job.runs.find(({ runCount }) => runCount === wanted);
  const counts = run && countsOf(run, call.nowMs);
  // Any status but 200 means "no metrics" to the vendor's client.
  if (!run || !counts) throw refused(404, 'SIMULATOR_12', `job ${job.id} has no metrics`);
  const seconds = (counts.reportedMs - run.startedMs) / 1000;
  const measured = {
    'pipeline.batchInputRecords': counts.input,
    'pipeline.batchOutputRecords': counts.output,
    'pipeline.batchErrorRecords': counts.error,
    'pipeline.batchErrorMessages': 0,
    'pipeline.batchCount': Math.ceil(counts.input / 1000),
  };
  const each = (kind: string, of: (count: number) => object): object =>
    Object.fromEntries(Object.entries(measured).map(([name, count]) => [`${name}.${kind}`, of(count)]));
  return {
    version: '4.0.0',
    gauges: {
      'RuntimeStatsGauge.gauge': { value: { batchCount: measured['pipeline.batchCount'], timeOfLastReceivedRecord: counts.reportedMs } },
    },
    counters: each('counter', (count) => ({ count })),
    histograms: {},
    meters: each('meter', (count) => meter(count, seconds)),
    timers: {},
    slaves: [],
  };
}

/** Keyed by the number of the run; "0" is the latest and has no runCount. [C:SDK] */
function countsOfAllRuns(call: HubCall): unknown {
  const job = jobNamed(call);
  const latest = latestRun(job, call.nowMs)?.run;
  const rows = job.runs.flatMap((run): (readonly [string, object])[] => {
    const counts = countsOf(run, call.nowMs);
    if (!counts) return [];
    const row = rowOf(call, run, counts);
    return run === latest ? [['0', row]] : [[String(run.runCount), { ...row, runCount: run.runCount }]];
  });
  return Object.fromEntries(rows);
}

function rowOf({ hub }: HubCall, run: JobRun, counts: Counts): object {
  const minutes = (counts.reportedMs - run.startedMs) / 60_000;
  const rate = (count: number): number => (minutes > 0 ? count / minutes / 60 : 0);
  return {
    inputCount: counts.input,
    outputCount: counts.output,
    errorCount: counts.error,
    stageErrorsCount: 0,
    inputM1Rate: rate(counts.input),
    outputM1Rate: rate(counts.output),
    errorM1Rate: rate(counts.error),
    stageErrorsM1Rate: 0,
    sdcId: run.engineId,
    pipelineVersion: run.pipelineCommitLabel,
    jobId: run.jobId,
    stageId: null,
    organization: hub.organizationId,
    lastUpdatedOn: counts.reportedMs,
  };
}

export const MEASUREMENT_ROUTES: readonly Route[] = [
  { name: 'jobMetrics', method: 'GET', path: '/jobrunner/rest/v1/metrics/job/{id}', source: '[C:SW-job, OSS]', handle: registry },
  {
    name: 'recordCountsForAllRuns',
    method: 'GET',
    path: '/timeseries/rest/v1/metrics/job/{id}/recordCountsForAllRuns',
    source: '[C:SDK]',
    handle: countsOfAllRuns,
  },
];
