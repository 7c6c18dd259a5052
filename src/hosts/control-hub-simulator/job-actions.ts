/** What can be done to jobs, and when Control Hub refuses it. */
import type { Engine, Hub, Job } from './hub.ts';
import { newHubId } from './hub.ts';
import type { JobDefinition } from './job-definition.ts';
import { deletedAtMs, isSettled, latestRun } from './job-times.ts';
import { commitOf } from './pipelines.ts';
import { refused, type Refusal } from './refusal.ts';
import { plannedBy, type Parameters, type RunPlan } from './run-plan.ts';
import type { JobStatusName } from './timeline.ts';

/** @throws Refusal 404 for a job that is not, or no longer, there */
export function jobOf(hub: Hub, id: string, nowMs: number): Job {
  const job = presentJob(hub, id, nowMs);
  if (!job) throw refused(404, 'SIMULATOR_01', `there is no job ${id}`);
  return job;
}

export function presentJob(hub: Hub, id: string, nowMs: number): Job | undefined {
  const job = hub.jobs.get(id);
  return job && deletedAtMs(job, nowMs) === undefined ? job : undefined;
}

export interface NewJob {
  readonly id?: string | undefined;
  readonly definition: JobDefinition;
  readonly template?: Job;
}

export function createJob(hub: Hub, { id = newHubId(hub), definition, template }: NewJob, nowMs: number): Job {
  if (hub.jobs.has(id)) throw refused(400, 'SIMULATOR_03', `there is already a job ${id}`);
  const job: Job = {
    id,
    creator: hub.userId,
    createdMs: nowMs,
    modifiedMs: nowMs,
    definition: completed(hub, definition, nowMs),
    templateId: template?.id ?? null,
    effectiveParameters: { ...template?.definition.runtimeParameters, ...definition.runtimeParameters },
    runs: [],
    deletedMs: null,
    archived: false,
  };
  hub.jobs.set(id, job);
  return job;
}

/** @throws Refusal for a template that would become a job or the reverse, and for an attached instance [C:DOC JobInstances] */
export function redefineJob(hub: Hub, job: Job, definition: JobDefinition, nowMs: number): void {
  if (definition.jobTemplate !== job.definition.jobTemplate) throw refused(400, 'SIMULATOR_04', 'a job does not become a template');
  if (job.templateId !== null) throw refused(400, 'SIMULATOR_04', 'an instance that is attached to its template cannot be edited');
  job.definition = completed(hub, definition, nowMs);
  job.effectiveParameters = definition.runtimeParameters;
  job.modifiedMs = nowMs;
}

function completed(hub: Hub, definition: JobDefinition, nowMs: number): JobDefinition {
  const { pipeline, commit } = commitOf(hub, definition, nowMs);
  return {
    ...definition,
    pipelineId: pipeline.pipelineId,
    pipelineName: pipeline.name,
    pipelineCommitId: commit.commitId,
    pipelineCommitLabel: `v${commit.version}`,
  };
}

/**
 * Starts a job at `startMs`. The parameters, where some are given, replace the job's. [C:SW-job]
 * @throws Refusal where it runs already, has an error to acknowledge, or no engine has its labels
 */
export function startJob(hub: Hub, job: Job, startMs: number, parameters?: Parameters): void {
  checkStart(hub, job, startMs);
  // In this order: a start that is refused must not use up a rule for the next run.
  const planned = plannedBy(parameters ?? job.effectiveParameters, hub.defaultPlan);
  const engine = engineFor(hub, job, startMs);
  const runCount = (job.runs.at(-1)?.runCount ?? 0) + 1;
  job.runs.push({
    statusId: newHubId(hub),
    jobId: job.id,
    runCount,
    user: hub.userId,
    startedMs: startMs,
    plan: { ...planned, ...ruledPlan(hub), ...(engine ? {} : { queuedMs: Infinity }) },
    engineId: engine?.id ?? null,
    pipelineCommitId: job.definition.pipelineCommitId,
    pipelineCommitLabel: job.definition.pipelineCommitLabel,
    refreshMs: job.definition.statsRefreshInterval,
    interventions: [],
  });
}

export function checkStart(hub: Hub, job: Job, startMs: number): void {
  if (job.definition.jobTemplate) throw refused(400, 'SIMULATOR_04', 'a job template is started by createAndStartJobInstances');
  if (!isSettled(job, startMs) || unacknowledged(job, startMs)) throw notAllowed(hub, job, startMs, 'started');
}

function ruledPlan(hub: Hub): Partial<RunPlan> {
  const rule = hub.switches.plans.find(({ next }) => next !== 0);
  if (!rule) return {};
  if (rule.next !== undefined) rule.next -= 1;
  return Object.fromEntries(Object.entries(rule.plan).filter(([, value]) => value !== undefined));
}

/** Of the engines that have all labels of the job, the one with the fewest jobs. [C:DOC] */
function engineFor(hub: Hub, job: Job, nowMs: number): Engine | undefined {
  const { labels, executorType } = job.definition;
  const matching = [...hub.engines.values()].filter(
    (engine) => engine.responding && engine.executorType === executorType && labels.every((label) => engine.labels.includes(label)),
  );
  if (matching.length < 2) {
    if (matching[0] || hub.switches.noMatchingEngine === 'active-red') return matching[0];
    throw refused(400, 'SIMULATOR_05', `no responding engine has the labels ${labels.join(', ')}`);
  }
  const busy = new Map<string, number>();
  for (const { runs } of hub.jobs.values()) {
    const last = runs.at(-1);
    if (last?.engineId != null && last.startedMs <= nowMs) busy.set(last.engineId, (busy.get(last.engineId) ?? 0) + 1);
  }
  return matching.toSorted((a, b) => (busy.get(a.id) ?? 0) - (busy.get(b.id) ?? 0))[0];
}

/** Started or not: an asynchronous start that lies ahead counts as ACTIVATING. */
const statusOf = (job: Job, nowMs: number): JobStatusName =>
  isSettled(job, nowMs) || (job.runs.at(-1)?.startedMs ?? 0) <= nowMs
    ? (latestRun(job, nowMs)?.view.phase.status ?? 'INACTIVE')
    : 'ACTIVATING';

const unacknowledged = (job: Job, nowMs: number): boolean => statusOf(job, nowMs) === 'INACTIVE_ERROR';

const notAllowed = (hub: Hub, job: Job, nowMs: number, verb: string): Refusal =>
  refused(hub.switches.refusedActionStatus, 'SIMULATOR_07', `job ${job.id} is ${statusOf(job, nowMs)} and cannot be ${verb}`);

export type ActionName = 'stop' | 'forceStop' | 'acknowledge';

/**
 * The contract says that nothing is allowed while a job activates or deactivates or has an error to acknowledge; that a force stop
 * ends a DEACTIVATING job is its inference.
 * @throws Refusal
 */
export function act(hub: Hub, job: Job, action: ActionName, nowMs: number): void {
  if (checkAction(hub, job, action, nowMs) === 'nothing') return;
  const { switches } = hub;
  const interventions = job.runs.at(-1)?.interventions;
  switch (action) {
    case 'stop':
      interventions?.push({ kind: 'stop', atMs: nowMs });
      break;
    case 'forceStop':
      interventions?.push({
        kind: 'force-stop',
        atMs: nowMs,
        color: switches.forceStoppedColor,
        reportsFinishTime: switches.forceStoppedHasFinishTime,
      });
      break;
    case 'acknowledge':
      interventions?.push({ kind: 'acknowledge', atMs: nowMs, color: switches.acknowledgedColor });
  }
}

const DONE: Readonly<Record<ActionName, string>> = { stop: 'stopped', forceStop: 'stopped by force', acknowledge: 'acknowledged' };

/**
 * `nothing`: allowed, and without effect.
 * @throws Refusal
 */
export function checkAction(hub: Hub, job: Job, action: ActionName, nowMs: number): 'possible' | 'nothing' {
  const status = statusOf(job, nowMs);
  if (statusesFor(hub, action).includes(status)) return 'possible';
  if (hub.switches.stopOfInactive === 'ignored' && (status === 'INACTIVE' || status === 'ACTIVATION_ERROR')) return 'nothing';
  throw notAllowed(hub, job, nowMs, DONE[action]);
}

function statusesFor(hub: Hub, action: ActionName): readonly JobStatusName[] {
  switch (action) {
    case 'stop':
      return ['ACTIVE'];
    case 'forceStop':
      return ['ACTIVE', 'DEACTIVATING', ...(hub.switches.forceStopWhileActivating === 'allowed' ? (['ACTIVATING'] as const) : [])];
    case 'acknowledge':
      return ['INACTIVE_ERROR'];
  }
}

/** @throws Refusal for a job that runs, or has an error to acknowledge */
export function deleteJob(hub: Hub, job: Job, nowMs: number): void {
  checkDeletion(hub, job, nowMs);
  job.deletedMs = nowMs;
}

export function checkDeletion(hub: Hub, job: Job, nowMs: number): void {
  if (!isSettled(job, nowMs) || unacknowledged(job, nowMs)) throw notAllowed(hub, job, nowMs, 'deleted');
}
