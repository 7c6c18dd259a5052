/**
 * What a run counted. Control Hub learns of counts when the engine reports them (`statsRefreshInterval`, a minute as a rule), so those
 * of a run that has just ended may still change: they have settled once the last report is not older than the end.
 */
import type { EngineMetrics } from '#domain/engine-job';
import { instant } from '#domain/ids';
import type { Hub } from './hub.ts';
import { hasEnded, isBegun } from './job-state.ts';
import { decidingRun, hasSeveralRuns } from './runs.ts';
import { isSet, RunCountsRow, type HubJob, type HubStatus } from './wire.ts';

interface Counts {
  readonly input: number;
  readonly output: number;
  readonly error: number;
  readonly reportedMs: number | undefined;
}

/** So long after an end the time series are asked as well; before, what they have the status will have soon. */
const PATIENCE_MS = 60_000;

/** Undefined where there are no counts (yet). `isHeldBack`: they are not to be told as settled yet. */
export async function metricsOf(hub: Hub, job: HubJob, isHeldBack: boolean): Promise<EngineMetrics | undefined> {
  const { id, currentJobStatus: latest } = job;
  if (!latest || !isBegun(latest)) return undefined;
  const run = hasSeveralRuns(latest) ? await decidingRun(hub, id) : latest;
  if (!run) return undefined;
  const finishedMs = isSet(run.finishTime) ? run.finishTime : undefined;
  const ofStatus = countsOfStatus(run);
  const isLate = hasEnded(run) && hub.nowMs() - (finishedMs ?? 0) >= PATIENCE_MS;
  const ofSeries =
    !isLate || isSettled(ofStatus, finishedMs) ? undefined : await countsOfSeries(hub, id, run, run.runCount === latest.runCount);
  const counts = later(ofStatus, ofSeries);
  if (!counts) return undefined;
  return {
    ...described(job, run),
    inputRecordCount: counts.input,
    outputRecordCount: counts.output,
    errorRecordCount: counts.error,
    ...(hasEnded(run) && isSettled(counts, finishedMs) && !isHeldBack ? {} : { provisional: true }),
  };
}

function described({ pipelineId, pipelineCommitId }: HubJob, run: HubStatus): Partial<EngineMetrics> {
  const engineId = run.sdcIds?.[0];
  const commitId = run.pipelineCommitId ?? pipelineCommitId;
  return {
    ...(engineId === undefined ? {} : { engineId }),
    ...(pipelineId == null ? {} : { pipelineId }),
    ...(commitId == null ? {} : { pipelineCommitId: commitId }),
    ...(isSet(run.startTime) ? { startedAt: instant(run.startTime) } : {}),
    ...(isSet(run.finishTime) ? { finishedAt: instant(run.finishTime) } : {}),
  };
}

const isSettled = (counts: Counts | undefined, finishedMs: number | undefined): boolean =>
  counts?.reportedMs !== undefined && finishedMs !== undefined && counts.reportedMs >= finishedMs;

/** Zeros that were never reported are no counts. */
function countsOfStatus(run: HubStatus): Counts | undefined {
  const { inputRecordCount: input, outputRecordCount: output, errorRecordCount: error, lastReportedMetricTime } = run;
  if (typeof input !== 'number' || typeof output !== 'number') return undefined;
  const reportedMs = isSet(lastReportedMetricTime) ? lastReportedMetricTime : undefined;
  if (reportedMs === undefined && input === 0 && output === 0 && (error ?? 0) === 0) return undefined;
  return { input, output, error: error ?? 0, reportedMs };
}

/** By the number of the run; the latest run stands under "0" and does not say its number. [C:SDK] */
async function countsOfSeries({ client }: Hub, id: string, run: HubStatus, isLatest: boolean): Promise<Counts | undefined> {
  const path = `/timeseries/rest/v1/metrics/job/${id}/recordCountsForAllRuns`;
  const answer = await client.call({ method: 'GET', path, repeatable: true });
  const body = answer.kind === 'answer' ? answer.body : undefined;
  if (typeof body !== 'object' || body === null) return undefined;
  const byRun = body as Readonly<Record<string, unknown>>;
  const row = RunCountsRow.safeParse(byRun[String(run.runCount ?? 1)] ?? (isLatest ? byRun['0'] : undefined));
  if (!row.success || typeof row.data.inputCount !== 'number' || typeof row.data.outputCount !== 'number') return undefined;
  const { inputCount: input, outputCount: output, errorCount, lastUpdatedOn } = row.data;
  return { input, output, error: errorCount ?? 0, reportedMs: isSet(lastUpdatedOn) ? lastUpdatedOn : undefined };
}

function later(a: Counts | undefined, b: Counts | undefined): Counts | undefined {
  if (!a || !b) return a ?? b;
  return (b.reportedMs ?? 0) > (a.reportedMs ?? 0) ? b : a;
}
