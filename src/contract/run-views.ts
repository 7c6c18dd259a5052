/** From runs, jobs and history to what the API answers. */
import { idOf, isSettled, metricsStateOf, type HistoryEntry, type Job } from '#domain/job';
import type { EngineMetrics } from '#domain/engine-job';
import { epochMs, jobId, type Instant } from '#domain/ids';
import type { EffectiveParameters } from '#domain/parameters';
import type { MetricSample } from '#domain/samples';
import { priced } from '#domain/prices';
import { isFinal, settledCount, type Run, type RunCounts } from '#domain/run';
import { usedByRun, type RunUsage } from '#domain/run-cost';
import type { CostView, HistoryEntryView, JobView, MetricsRow, RunRetried, RunStarted, RunView, SampleView } from './views.ts';

/** What the last tick has left to tell. */
interface RunProgress {
  readonly nextPollAt?: Instant;
  readonly waiting?: { readonly jobs: number; readonly since: Instant; readonly reason: string };
  readonly trouble?: { readonly since: Instant; readonly message: string };
}

export function runLinks(run: Run): Record<string, string> {
  const self = `/v1/runs/${run.id}`;
  return { self, jobs: `${self}/jobs`, metrics: `/v1/metrics?user-run-id=${encodeURIComponent(run.userRunId)}` };
}

export function runStarted(run: Run): RunStarted {
  return {
    status: 'OK',
    'run-id': run.id,
    state: run.state,
    'user-run-id': run.userRunId,
    'job-ids': Array.from({ length: run.count }, (_, index) => jobId(run.id, index)),
    ...(run.skipped === undefined ? {} : { 'skipped-sets': run.skipped }),
    links: runLinks(run),
  };
}

export function runRetried(run: Run, indexes: readonly number[]): RunRetried {
  const ids = indexes.map((index) => jobId(run.id, index));
  return { 'run-id': run.id, state: run.state, attempt: run.attempt, 'job-ids': ids, links: runLinks(run) };
}

export function runView(run: Run, counts: RunCounts, progress?: RunProgress): RunView {
  const { waiting, trouble, nextPollAt } = isFinal(run) || !progress ? {} : progress;
  return {
    'run-id': run.id,
    state: run.state,
    'user-id': run.userId,
    'user-run-id': run.userRunId,
    'source-type': run.sourceType,
    'target-type': run.targetType,
    'template-id': run.templateId,
    'template-version': run.templateVersion,
    'requested-by': run.requestedBy,
    attempt: run.attempt,
    jobs: {
      total: run.count,
      finished: counts.finished,
      failed: counts.failed,
      cancelled: counts.cancelled,
      open: run.count - settledCount(counts),
    },
    records: { input: counts.inputRecordCount, output: counts.outputRecordCount, error: counts.errorRecordCount },
    ...(run.collecting ? { collecting: run.collecting } : {}),
    ...(run.closing ? { closing: run.closing } : {}),
    ...(run.skipped === undefined ? {} : { 'skipped-sets': run.skipped }),
    ...(run.clonedFrom ? { 'cloned-from': run.clonedFrom } : {}),
    ...(waiting ? { waiting } : {}),
    ...(trouble ? { 'engine-trouble': trouble } : {}),
    ...(nextPollAt ? { 'next-poll-at': nextPollAt } : {}),
    'created-at': run.createdAt,
    'updated-at': run.updatedAt,
    ...(run.finishedAt ? { 'finished-at': run.finishedAt } : {}),
    links: runLinks(run),
  };
}

/** `usage` as of the last tick. */
export function costView(run: Run, usage: RunUsage): CostView {
  const { count, attempt, watch, retriedJobs, setsBytes } = run;
  const used = usedByRun({ jobCount: count, attempts: attempt, watchLoops: watch, retriedJobs, setsBytes }, usage);
  const { total, stepFunctions, lambda, writes, reads, http } = priced(used);
  return {
    usd: rounded(total, 6),
    'usd-by-kind': {
      'step-functions': rounded(stepFunctions, 8),
      lambda: rounded(lambda, 8),
      'dynamodb-writes': rounded(writes, 8),
      'dynamodb-reads': rounded(reads, 8),
      'api-requests': rounded(http, 8),
    },
    'state-transitions': used.transitions,
    'lambda-invocations': used.invocations,
    'lambda-milliseconds': Math.round(used.lambdaSeconds * 1000),
    'lambda-gigabyte-seconds': rounded(used.gbSeconds, 3),
    'dynamodb-write-units': Math.round(used.writeUnits),
    'dynamodb-read-units': Math.round(used.readUnits),
    'api-requests': used.httpCalls,
    ticks: usage.ticks,
    'engine-status-calls': usage.statusCalls,
    'engine-metrics-calls': usage.metricsCalls,
    'engine-starts': count + retriedJobs + usage.tickStarts,
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

export function jobView(job: Job, parameters?: EffectiveParameters & { readonly setKey?: string }): JobView {
  const id = idOf(job);
  const self = `/v1/jobs/${id}`;
  return {
    'job-id': id,
    'run-id': job.runId,
    index: job.index,
    state: job.state,
    attempt: job.attempt,
    ...(job.failure ? { failure: job.failure } : {}),
    ...(job.metrics ? { metrics: metricsView(job.metrics) } : {}),
    ...metricsStateView(job),
    ...(job.start.warning !== undefined && !isSettled(job) ? { warning: job.start.warning } : {}),
    ...(job.start.engineJobId ? { 'engine-job-id': job.start.engineJobId } : {}),
    ...queuedView(job),
    ...(job.start.cancel && !isSettled(job) ? { 'cancel-requested-at': job.start.cancel.at } : {}),
    ...stoppingView(job),
    ...(parameters?.setKey === undefined ? {} : { 'set-key': parameters.setKey }),
    'created-at': job.createdAt,
    'updated-at': job.updatedAt,
    ...(parameters ? { parameters: parametersView(parameters) } : {}),
    links: { self, history: `${self}/history`, run: `/v1/runs/${job.runId}` },
  };
}

function metricsStateView(job: Job): Pick<JobView, 'metrics-state' | 'metrics-unavailable-because'> {
  const state = metricsStateOf(job);
  const reason = job.metricsStanding?.reason;
  return { ...(state ? { 'metrics-state': state } : {}), ...(reason === undefined ? {} : { 'metrics-unavailable-because': reason }) };
}

function stoppingView(job: Job): Pick<JobView, 'stopping'> {
  const { stop } = job.start;
  if (stop === undefined || isSettled(job)) return {};
  const { reason, askedAt, forcedAt, fault } = stop;
  const told = { ...(forcedAt === undefined ? {} : { 'forced-at': forcedAt }), ...(fault === undefined ? {} : { fault }) };
  return { stopping: { reason, 'asked-at': askedAt, ...told } };
}

function queuedView({ state, start }: Job): Pick<JobView, 'queued'> {
  const { queuedFor, notBefore, intentAt } = start;
  if (state !== 'CREATED' || queuedFor === undefined || intentAt !== undefined) return {};
  return { queued: { for: queuedFor, ...(notBefore === undefined ? {} : { 'not-before': notBefore }) } };
}

function metricsView(metrics: EngineMetrics): NonNullable<JobView['metrics']> {
  const { startedAt, finishedAt } = metrics;
  return {
    ...(metrics.engineId ? { 'engine-id': metrics.engineId } : {}),
    ...(metrics.pipelineId ? { 'pipeline-id': metrics.pipelineId } : {}),
    ...(metrics.pipelineCommitId ? { 'pipeline-commit-id': metrics.pipelineCommitId } : {}),
    'input-record-count': metrics.inputRecordCount,
    'output-record-count': metrics.outputRecordCount,
    'error-record-count': metrics.errorRecordCount,
    ...(startedAt ? { 'started-at': startedAt } : {}),
    ...(finishedAt ? { 'finished-at': finishedAt } : {}),
    ...(startedAt && finishedAt ? { 'duration-ms': epochMs(finishedAt) - epochMs(startedAt) } : {}),
    ...(metrics.outputs ? { outputs: [...metrics.outputs] } : {}),
  };
}

export function sampleView(sample: MetricSample): SampleView {
  return {
    at: sample.at,
    attempt: sample.attempt,
    ...(sample.engineId === undefined ? {} : { 'engine-id': sample.engineId }),
    'input-record-count': sample.inputRecordCount,
    'output-record-count': sample.outputRecordCount,
    'error-record-count': sample.errorRecordCount,
  };
}

export function parametersView({ values, provenance }: EffectiveParameters): NonNullable<JobView['parameters']> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const { origin, replaced } = provenance[key] ?? { origin: 'caller' as const };
      return [key, { value, origin, ...(replaced ? { replaced } : {}) }];
    }),
  ) as NonNullable<JobView['parameters']>;
}

export function historyEntryView(entry: HistoryEntry): HistoryEntryView {
  const { sequence, eventId, data, ...rest } = entry;
  return { sequence, 'event-id': eventId, ...rest, ...(data ? { data: data as HistoryEntryView['data'] } : {}) } as HistoryEntryView;
}

/** Empty text where the original wrote empty text (contracts/job-template-service.md §3). */
export function metricsRow(run: Run, job: Job): MetricsRow {
  const { metrics } = job;
  return {
    job_id: idOf(job),
    run_id: run.id,
    job_run_id: job.start.engineJobId ?? '',
    job_template_id: run.templateId,
    user_id: run.userId,
    user_run_id: run.userRunId,
    engine_id: metrics?.engineId ?? '',
    pipeline_id: metrics?.pipelineId ?? '',
    successful_run: job.failure === undefined,
    input_record_count: metrics?.inputRecordCount ?? 0,
    output_record_count: metrics?.outputRecordCount ?? 0,
    error_record_count: metrics?.errorRecordCount ?? 0,
    error_message: job.failure?.message ?? '',
    start_time: metrics?.startedAt ? originalTime(metrics.startedAt) : null,
    finish_time: metrics?.finishedAt ? originalTime(metrics.finishedAt) : null,
  };
}

/** `YYYY-MM-DD HH:MM:SS`, in UTC: the original's spelling, only in this view. */
const originalTime = (at: Instant): string => at.slice(0, 19).replace('T', ' ');
