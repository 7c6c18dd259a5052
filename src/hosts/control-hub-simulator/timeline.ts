/**
 * A run as a function of the clock: everything that will happen to it is known when it starts, and changes only when somebody
 * stops it, forces it or acknowledges it. So no timer is needed, and a driven clock can show any moment.
 */
import type { RunPlan } from './run-plan.ts';

export type JobStatusName = 'INACTIVE' | 'ACTIVATING' | 'ACTIVATION_ERROR' | 'ACTIVE' | 'DEACTIVATING' | 'INACTIVE_ERROR';
export type Color = 'GRAY' | 'GREEN' | 'RED';
export type PipelineStatusName = 'STARTING' | 'START_ERROR' | 'RUNNING' | 'FINISHED' | 'RUN_ERROR' | 'STOPPING' | 'STOPPED' | 'KILLED';

export interface Phase {
  readonly atMs: number;
  readonly status: JobStatusName;
  readonly color: Color;
  /** On the engine; null while no engine has the pipeline. */
  readonly pipelineStatus: PipelineStatusName | null;
  /** What the run's history says of it. */
  readonly message: string;
  /** From here on the run's errorMessage. */
  readonly errorMessage?: string;
  /** While it lasts. */
  readonly warning?: string;
  /** A forced end need not report when it was: contract, job-template-service §3. */
  readonly withoutFinishTime?: true;
}

export type Intervention =
  | { readonly kind: 'stop'; readonly atMs: number }
  | { readonly kind: 'force-stop'; readonly atMs: number; readonly color: Color; readonly reportsFinishTime: boolean }
  | { readonly kind: 'acknowledge'; readonly atMs: number; readonly color: Color };

export interface PlannedRun {
  readonly startedMs: number;
  readonly plan: RunPlan;
  /** In the order of their times. */
  readonly interventions: readonly Intervention[];
}

export const INSUFFICIENT_RESOURCES =
  'JOBRUNNER_72 - Insufficient Data Collector resources to run job. All matching Data Collectors have reached their maximum CPU usage limits.';
export const FORCE_STOPPED = 'JOBRUNNER_64 - Force stopping job';

const TERMINAL: readonly JobStatusName[] = ['INACTIVE', 'ACTIVATION_ERROR', 'INACTIVE_ERROR'];
export const isTerminal = (status: JobStatusName): boolean => TERMINAL.includes(status);

/** All phases that a run has had and will have, in the order of time. */
export function phasesOf({ startedMs, plan, interventions }: PlannedRun): readonly Phase[] {
  return interventions.reduce((phases, intervention) => interrupted(phases, intervention, plan), phasesLeftAlone(startedMs, plan));
}

function phasesLeftAlone(startedMs: number, plan: RunPlan): readonly Phase[] {
  const activating: Phase = phase(startedMs, 'ACTIVATING', 'GRAY', 'STARTING', 'Job is being activated');
  if (plan.end === 'stuck-activating') return [activating];
  const activeMs = startedMs + plan.activatingMs;
  if (plan.end === 'ACTIVATION_ERROR') {
    const failed = phase(activeMs, 'ACTIVATION_ERROR', 'RED', 'START_ERROR', plan.errorMessage);
    return [activating, { ...failed, errorMessage: plan.errorMessage }];
  }
  const runningMs = activeMs + plan.queuedMs;
  const queued: Phase = {
    ...phase(activeMs, 'ACTIVE', 'RED', null, INSUFFICIENT_RESOURCES),
    warning: INSUFFICIENT_RESOURCES,
  };
  const running = phase(runningMs, 'ACTIVE', 'GREEN', 'RUNNING', 'Job is active');
  const started = [activating, ...(plan.queuedMs > 0 ? [queued] : []), running];
  return plan.streaming ? started : [...started, ...ending(runningMs + plan.takesMs, plan)];
}

function ending(atMs: number, plan: RunPlan): readonly Phase[] {
  const endMs = atMs + plan.deactivatingMs;
  const failure = { errorMessage: plan.errorMessage };
  switch (plan.end) {
    case 'success':
      return [
        ...brief(plan, phase(atMs, 'DEACTIVATING', 'GREEN', 'FINISHED', 'Pipeline has finished')),
        phase(endMs, 'INACTIVE', 'GRAY', 'FINISHED', 'Job is inactive'),
      ];
    case 'INACTIVE_RED':
    case 'INACTIVE_ERROR':
      return [
        ...brief(plan, { ...phase(atMs, 'DEACTIVATING', 'RED', 'RUN_ERROR', plan.errorMessage), ...failure }),
        { ...phase(endMs, plan.end === 'INACTIVE_RED' ? 'INACTIVE' : 'INACTIVE_ERROR', 'RED', 'RUN_ERROR', plan.errorMessage), ...failure },
      ];
    case 'stuck-deactivating':
      return [phase(atMs, 'DEACTIVATING', 'GREEN', 'STOPPING', 'Pipeline is being stopped')];
    case 'ACTIVATION_ERROR':
    case 'stuck-activating':
      return [];
  }
}

/** A time of nothing is no phase: nobody could ever see it. */
const brief = (plan: RunPlan, deactivating: Phase): readonly Phase[] => (plan.deactivatingMs > 0 ? [deactivating] : []);

function interrupted(phases: readonly Phase[], intervention: Intervention, plan: RunPlan): readonly Phase[] {
  const { atMs } = intervention;
  const past = phases.filter((each) => each.atMs <= atMs);
  switch (intervention.kind) {
    case 'stop': {
      const stopping = phase(atMs, 'DEACTIVATING', 'GREEN', 'STOPPING', 'Job was asked to stop');
      if (plan.end === 'stuck-deactivating') return [...past, stopping];
      return [...past, ...brief(plan, stopping), phase(atMs + plan.deactivatingMs, 'INACTIVE', 'GRAY', 'STOPPED', 'Job was stopped')];
    }
    case 'force-stop': {
      const forced = { ...phase(atMs, 'INACTIVE', intervention.color, 'KILLED', FORCE_STOPPED), errorMessage: FORCE_STOPPED };
      return [...past, intervention.reportsFinishTime ? forced : { ...forced, withoutFinishTime: true }];
    }
    case 'acknowledge':
      return [...past, phase(atMs, 'INACTIVE', intervention.color, past.at(-1)?.pipelineStatus ?? null, 'Error was acknowledged')];
  }
}

function phase(atMs: number, status: JobStatusName, color: Color, pipelineStatus: PipelineStatusName | null, message: string): Phase {
  return { atMs, status, color, pipelineStatus, message };
}

/** A run at one moment. */
export interface RunView {
  readonly phase: Phase;
  /** The phases so far, oldest first. */
  readonly history: readonly Phase[];
  readonly errorMessage: string | null;
  readonly finishedMs: number | null;
}

/** Undefined before the run has begun. */
export function runAt(run: PlannedRun, nowMs: number): RunView | undefined {
  const history = phasesOf(run).filter(({ atMs }) => atMs <= nowMs);
  const current = history.at(-1);
  if (!current) return undefined;
  const end = history.find(({ status }) => isTerminal(status));
  return {
    phase: current,
    history,
    errorMessage: history.findLast(({ errorMessage }) => errorMessage !== undefined)?.errorMessage ?? null,
    finishedMs: !end || end.withoutFinishTime ? null : end.atMs,
  };
}

/** When the run's status will change next; undefined where it stays as it is. */
export function nextChangeMs(run: PlannedRun, nowMs: number): number | undefined {
  return phasesOf(run).find(({ atMs }) => atMs > nowMs)?.atMs;
}
