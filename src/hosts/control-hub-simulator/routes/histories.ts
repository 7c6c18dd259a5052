/** What became of jobs: their runs, the events of a run, its log, the starts of a template. */
import type { Job, JobRun } from '#hosts/control-hub-simulator/hub';
import { jobOf } from '#hosts/control-hub-simulator/job-actions';
import { runStatusJson } from '#hosts/control-hub-simulator/job-json';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { numberParam, page, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';
import { runAt, type Phase } from '#hosts/control-hub-simulator/timeline';

const jobNamed = (call: HubCall, id = param(call, 'id')): Job => jobOf(call.hub, id, call.nowMs);

export const begunRuns = (job: Job, nowMs: number): readonly JobRun[] => job.runs.filter(({ startedMs }) => startedMs <= nowMs);

/** Newest first. [C:SDK docs] */
function runs(call: HubCall): unknown {
  return page(call, begunRuns(jobNamed(call), call.nowMs).toReversed(), (run) => runStatusJson(call.hub, run, call.nowMs));
}

/** The path takes the id of a run's status, not of the job. [C:SW-job + SDK] */
function events(call: HubCall): unknown {
  const statusId = param(call, 'id');
  for (const job of call.hub.jobs.values()) {
    const run = job.runs.find((each) => each.statusId === statusId);
    if (!run) continue;
    jobNamed(call, job.id);
    return page(call, phases(run, call.nowMs), ({ atMs, status, message }) => ({
      user: run.user,
      time: atMs,
      message,
      status,
      jobStatusId: statusId,
    }));
  }
  throw refused(404, 'SIMULATOR_01', `there is no job status ${statusId}`);
}

const phases = (run: JobRun, nowMs: number): readonly Phase[] => runAt(run, nowMs)?.history ?? [];

function logMessages(call: HubCall): unknown {
  const jobId = call.query.get('jobId');
  if (jobId === null || jobId === '') throw refused(400, 'SIMULATOR_02', 'jobId is missing');
  const wanted = numberParam(call, 'runCount', 0);
  const ofJob = begunRuns(jobNamed(call, jobId), call.nowMs);
  const run = wanted === 0 ? ofJob.at(-1) : ofJob.find(({ runCount }) => runCount === wanted);
  const lines = run && call.hub.switches.logMessages === 'history' ? phases(run, call.nowMs) : [];
  const newestFirst = call.query.get('order') !== 'ASC';
  return page(call, newestFirst ? lines.toReversed() : lines, ({ atMs, color, message }) => ({
    id: `${run?.statusId ?? ''}:${atMs}`,
    jobId,
    runCount: run?.runCount ?? 0,
    component: 'JOB_RUNNER',
    logLevel: color === 'RED' ? 'ERROR' : 'INFO',
    logMessage: message,
    logTimestamp: atMs,
  }));
}

/** JobTemplateRunHistoryJson. [C:SW-job] */
function templateRuns(call: HubCall): unknown {
  const template = jobNamed(call);
  const own = call.hub.templateRuns.filter(({ templateId }) => templateId === template.id).toReversed();
  return page(
    call,
    own,
    ({ id, user, atMs, runCount, configuration, jobInstanceIds }) => ({
      id,
      jobTemplateId: template.id,
      user,
      time: atMs,
      runCount,
      configuration,
      jobInstanceIds,
    }),
    call.query.get('withTotalCount') === 'true',
  );
}

export const HISTORY_ROUTES: readonly Route[] = [
  { name: 'jobHistory', method: 'GET', path: '/jobrunner/rest/v1/job/{id}/history', source: '[C:SW-job, SDK docs]', handle: runs },
  {
    name: 'jobStatusHistory',
    method: 'GET',
    path: '/jobrunner/rest/v1/job/{id}/jobStatusHistory',
    source: '[C:SW-job + SDK]',
    handle: events,
  },
  { name: 'logMessages', method: 'GET', path: '/jobrunner/rest/v1/job/logMessages', source: '[C:SW-job + SDK]', handle: logMessages },
  {
    name: 'templateRunHistory',
    method: 'GET',
    path: '/jobrunner/rest/v1/job/{id}/runHistory',
    source: '[C:SW-job + SDK]',
    handle: templateRuns,
  },
];
