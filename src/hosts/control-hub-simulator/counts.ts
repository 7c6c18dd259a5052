/** The record counts of a run as Control Hub has them: as of the engine's last report, never as of now. */
import { isTerminal, phasesOf, type PlannedRun } from './timeline.ts';

export interface Counts {
  readonly input: number;
  readonly output: number;
  readonly error: number;
  readonly reportedMs: number;
}

/**
 * Undefined before the first report. While it runs, an engine reports every `refreshMs` (JobJson.statsRefreshInterval); the last
 * report comes `plan.metricsSettleMs` after the end.
 */
export function countsAt(run: PlannedRun, nowMs: number, refreshMs: number): Counts | undefined {
  const { plan } = run;
  if (plan.metricsSettleMs === null) return undefined;
  const phases = phasesOf(run);
  const from = phases.find(({ pipelineStatus }) => pipelineStatus === 'RUNNING')?.atMs;
  if (from === undefined || from > nowMs) return undefined;
  const to = phases.find(({ atMs, pipelineStatus }) => atMs >= from && pipelineStatus !== 'RUNNING')?.atMs ?? Infinity;
  const ended = phases.find(({ status }) => isTerminal(status))?.atMs ?? Infinity;
  const lastReport = ended + plan.metricsSettleMs;
  const reportedMs = nowMs >= lastReport ? lastReport : from + Math.floor((Math.min(nowMs, to) - from) / refreshMs) * refreshMs;
  if (reportedMs <= from && nowMs < lastReport) return undefined;
  const share = shareOf(plan.takesMs, Math.min(reportedMs, to) - from, plan.streaming);
  return {
    input: Math.floor(plan.inputRecords * share),
    output: Math.floor(plan.outputRecords * share),
    error: Math.floor(plan.errorRecords * share),
    reportedMs,
  };
}

function shareOf(takesMs: number, ranMs: number, streaming: boolean): number {
  if (takesMs === 0) return 1;
  return streaming ? ranMs / takesMs : Math.min(1, ranMs / takesMs);
}
