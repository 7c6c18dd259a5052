/** A job at a moment: its latest run, and whether it is still there. */
import type { Hub, Job, JobRun } from './hub.ts';
import { isTerminal, phasesOf, runAt, type RunView } from './timeline.ts';

export interface RunNow {
  readonly run: JobRun;
  readonly view: RunView;
}

/** The latest run that has begun. */
export function latestRun(job: Job, nowMs: number): RunNow | undefined {
  const run = job.runs.findLast(({ startedMs }) => startedMs <= nowMs);
  const view = run && runAt(run, nowMs);
  return run && view && { run, view };
}

/** As status reads show it: for a time after a start they may still show what was before. */
export function shownRun(hub: Hub, job: Job, nowMs: number): { readonly current: RunNow | undefined; readonly stale: boolean } {
  const current = latestRun(job, nowMs);
  if (!current || nowMs - current.run.startedMs >= hub.switches.staleStartMs) return { current, stale: false };
  const run = job.runs.findLast(({ runCount }) => runCount < current.run.runCount);
  const view = run && runAt(run, nowMs);
  return { current: run && view && { run, view }, stale: true };
}

/** When the job went, by a call or because it is deleted after completion; undefined while it is there. */
export function deletedAtMs(job: Job, nowMs: number): number | undefined {
  if (job.deletedMs !== null && job.deletedMs <= nowMs) return job.deletedMs;
  const last = job.definition.deleteAfterCompletion ? job.runs.at(-1) : undefined;
  const done = last && phasesOf(last).at(-1);
  return done?.status === 'INACTIVE' && done.atMs <= nowMs ? done.atMs : undefined;
}

/** A start and an end that lie ahead make a job busy as well: an asynchronous start has been accepted. */
export function isSettled(job: Job, nowMs: number): boolean {
  const run = job.runs.at(-1);
  const view = run && runAt(run, nowMs);
  return !run || (view !== undefined && isTerminal(view.phase.status));
}
