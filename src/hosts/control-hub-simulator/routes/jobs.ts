/** Jobs: made, read, deleted. */
import type { Job } from '#hosts/control-hub-simulator/hub';
import { definitionOf } from '#hosts/control-hub-simulator/job-definition';
import { checkDeletion, createJob, deleteJob, jobOf, presentJob, redefineJob } from '#hosts/control-hub-simulator/job-actions';
import { jobJson } from '#hosts/control-hub-simulator/job-json';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { idsOf, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';

const jobNamed = (call: HubCall): Job => jobOf(call.hub, param(call, 'id'), call.nowMs);

function created(call: HubCall, body: unknown): unknown {
  if (body === undefined) throw refused(400, 'SIMULATOR_02', 'body is missing');
  return jobJson(call.hub, createJob(call.hub, definitionOf(body), call.nowMs), call.nowMs);
}

function createdMany(call: HubCall): unknown {
  if (!Array.isArray(call.body)) throw refused(400, 'SIMULATOR_02', 'the body must be a list of jobs');
  return call.body.map((body: unknown) => created(call, body));
}

function updated(call: HubCall): unknown {
  const job = jobNamed(call);
  redefineJob(call.hub, job, definitionOf(call.body).definition, call.nowMs);
  return jobJson(call.hub, job, call.nowMs);
}

function removed(call: HubCall): unknown {
  const job = jobNamed(call);
  deleteJob(call.hub, job, call.nowMs);
  return jobJson(call.hub, job, call.nowMs);
}

/** All or none: what becomes of the others when one is refused is not known. */
function removedMany(call: HubCall): undefined {
  const jobs = idsOf(call).map((id) => jobOf(call.hub, id, call.nowMs));
  for (const job of jobs) checkDeletion(call.hub, job, call.nowMs);
  for (const job of jobs) deleteJob(call.hub, job, call.nowMs);
}

function removedTemplates(call: HubCall): undefined {
  const { hub, nowMs } = call;
  const templates = idsOf(call).map((id) => jobOf(hub, id, nowMs));
  const own = (id: string) => [...hub.jobs.values()].filter((job) => job.templateId === id && presentJob(hub, job.id, nowMs));
  const all = templates.flatMap((template) => [template, ...own(template.id)]);
  for (const job of all) checkDeletion(hub, job, nowMs);
  for (const job of all) deleteJob(hub, job, nowMs);
}

function archived(call: HubCall): undefined {
  const templates = idsOf(call).map((id) => jobOf(call.hub, id, call.nowMs));
  for (const template of templates) template.archived = true;
}

export const JOB_ROUTES: readonly Route[] = [
  {
    name: 'getJob',
    method: 'GET',
    path: '/jobrunner/rest/v1/job/{id}',
    source: '[C:SW-job + SDK]',
    handle: (call) => jobJson(call.hub, jobNamed(call), call.nowMs),
  },
  {
    name: 'getJobs',
    method: 'POST',
    path: '/jobrunner/rest/v1/jobs',
    source: '[C:SW-job + SDK]',
    handle: (call) =>
      idsOf(call).flatMap((id) => {
        const job = presentJob(call.hub, id, call.nowMs);
        return job ? [jobJson(call.hub, job, call.nowMs)] : [];
      }),
  },
  {
    name: 'createJob',
    method: 'PUT',
    path: '/jobrunner/rest/v1/jobs',
    source: '[C:SW-job + SDK]',
    handle: (call) => created(call, call.body),
  },
  { name: 'createJobs', method: 'PUT', path: '/jobrunner/rest/v1/jobs/createJobs', source: '[C:SW-job + SDK]', handle: createdMany },
  { name: 'updateJob', method: 'POST', path: '/jobrunner/rest/v1/job/{id}', source: '[C:SW-job + SDK]', handle: updated },
  {
    name: 'deleteJob',
    method: 'DELETE',
    path: '/jobrunner/rest/v1/job/{id}',
    source: '[C:SW-job + SDK]',
    handle: (call) => void removed(call),
  },
  { name: 'deleteJobV2', method: 'DELETE', path: '/jobrunner/rest/v2/job/{id}', source: '[C:SW-job + SDK]', handle: removed },
  { name: 'deleteJobs', method: 'POST', path: '/jobrunner/rest/v1/jobs/deleteJobs', source: '[C:SW-job + SDK]', handle: removedMany },
  {
    name: 'deleteJobTemplates',
    method: 'POST',
    path: '/jobrunner/rest/v1/jobs/deleteJobTemplates',
    source: '[C:SW-job + SDK]',
    handle: removedTemplates,
  },
  {
    name: 'archiveJobTemplates',
    method: 'POST',
    path: '/jobrunner/rest/v1/jobs/archiveJobTemplates',
    source: '[C:SW-job + SDK]',
    handle: archived,
  },
];
