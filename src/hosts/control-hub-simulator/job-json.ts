/** JobJson and JobStatusJson as Control Hub writes them. [C:SW-job] All times are milliseconds since 1970. */
import { countsAt } from './counts.ts';
import type { Hub, Job, JobRun } from './hub.ts';
import { deletedAtMs, latestRun, shownRun } from './job-times.ts';
import { runAt } from './timeline.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The status of a job as reads show it; null where it has none. */
export function currentStatusJson(hub: Hub, job: Job, nowMs: number): Json | null {
  const { current, stale } = shownRun(hub, job, nowMs);
  if (current) return runStatusJson(hub, current.run, nowMs);
  // Just started, and the answer is from before: an INACTIVE that says nothing about the new run.
  return stale || hub.switches.neverStartedStatus === 'inactive' ? neverStartedJson(hub, job) : null;
}

/** The status of the latest run, never a stale one: what the action itself answers. */
export function startedStatusJson(hub: Hub, job: Job, nowMs: number): Json {
  const current = latestRun(job, nowMs);
  return current ? runStatusJson(hub, current.run, nowMs) : neverStartedJson(hub, job);
}

export function runStatusJson(hub: Hub, run: JobRun, nowMs: number): Json {
  const view = runAt(run, nowMs);
  const phase = view?.phase;
  const counts = countsAt(run, nowMs, run.refreshMs);
  const engines = run.engineId === null || phase?.pipelineStatus == null ? [] : [run.engineId];
  return {
    id: run.statusId,
    jobId: run.jobId,
    pipelineCommitId: run.pipelineCommitId,
    pipelineCommitLabel: run.pipelineCommitLabel,
    runCount: run.runCount,
    user: run.user,
    startTime: run.startedMs,
    finishTime: view?.finishedMs ?? hub.switches.unsetTime,
    errorMessage: view?.errorMessage ?? null,
    color: phase?.color ?? 'GRAY',
    sdcIds: engines,
    status: phase?.status ?? 'INACTIVE',
    errorInfos: [],
    warnings: phase?.warning === undefined ? [] : [phase.warning],
    ackTrackers: [],
    pipelineOffsets: [],
    pipelineStatus: engines.map((sdcId) => ({
      sdcId,
      name: enginePipelineId(run.jobId),
      title: null,
      jobId: run.jobId,
      localPipeline: false,
      status: phase?.pipelineStatus ?? null,
      lastReportedTime: nowMs,
      worker: [],
      message: view?.errorMessage ?? null,
      clusterMode: false,
    })),
    upgradeStatus: null,
    edge: false,
    inputRecordCount: counts?.input ?? 0,
    outputRecordCount: counts?.output ?? 0,
    errorRecordCount: counts?.error ?? 0,
    lastReportedMetricTime: counts?.reportedMs ?? hub.switches.unsetTime,
    enginePipelineId: engines.length > 0 ? enginePipelineId(run.jobId) : null,
    runtimeAttributes: [],
  };
}

/** Engines write `__` for `:`, and end the id with the job's. [C:OSS LogResource] */
export const enginePipelineId = (jobId: string): string => `simulated__${jobId.replaceAll(':', '__')}`;

function neverStartedJson(hub: Hub, job: Job): Json {
  const unset = hub.switches.unsetTime;
  return {
    id: null,
    jobId: job.id,
    runCount: 0,
    startTime: unset,
    finishTime: unset,
    errorMessage: null,
    color: 'GRAY',
    sdcIds: [],
    status: 'INACTIVE',
    warnings: [],
    pipelineStatus: [],
    inputRecordCount: 0,
    outputRecordCount: 0,
    errorRecordCount: 0,
    lastReportedMetricTime: unset,
  };
}

export function jobJson(hub: Hub, job: Job, nowMs: number): Json {
  const { rawJobTags, runtimeParameters, ...definition } = job.definition;
  const deletedMs = deletedAtMs(job, nowMs);
  return {
    id: job.id,
    ...definition,
    organization: hub.organizationId,
    creator: job.creator,
    createTime: job.createdMs,
    lastModifiedBy: job.creator,
    lastModifiedOn: job.modifiedMs,
    destroyer: deletedMs === undefined ? null : hub.userId,
    deleteTime: deletedMs ?? hub.switches.unsetTime,
    jobDeleted: deletedMs !== undefined,
    currentJobStatus: job.definition.jobTemplate ? null : currentStatusJson(hub, job, nowMs),
    currentUpgradeStatus: null,
    parentJobId: null,
    systemJobId: null,
    runtimeParameters: JSON.stringify(runtimeParameters),
    effectiveParameters: JSON.stringify(job.effectiveParameters),
    provenanceMetaData: null,
    templateJobId: job.templateId,
    cdConfig: null,
    rawJobTags,
    jobTags: rawJobTags.map((tag) => tagJson(hub, tag)),
    archived: job.archived,
    projectId: null,
  };
}

function tagJson(hub: Hub, tag: string): Json {
  const parent = tag.includes('/') ? tag.slice(0, tag.lastIndexOf('/')) : undefined;
  return {
    id: `${tag}:${hub.organizationId}`,
    tag: tag.slice(tag.lastIndexOf('/') + 1),
    parentId: parent === undefined ? null : `${parent}:${hub.organizationId}`,
    organization: hub.organizationId,
  };
}
