/** Jobs: started, stopped, acknowledged; one by one, many at once, and as instances of a template. */
import type { Job } from '#hosts/control-hub-simulator/hub';
import { createInstances } from '#hosts/control-hub-simulator/instances';
import { act, checkAction, checkStart, jobOf, startJob, type ActionName } from '#hosts/control-hub-simulator/job-actions';
import { jobJson, startedStatusJson } from '#hosts/control-hub-simulator/job-json';
import { Refusal, refused } from '#hosts/control-hub-simulator/refusal';
import { idsOf, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';
import type { Parameters } from '#hosts/control-hub-simulator/run-plan';

const jobNamed = (call: HubCall): Job => jobOf(call.hub, param(call, 'id'), call.nowMs);

function started(call: HubCall): unknown {
  const job = jobNamed(call);
  startJob(call.hub, job, call.nowMs, parametersOf(call.body));
  return startedStatusJson(call.hub, job, call.nowMs);
}

function parametersOf(body: unknown): Parameters | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body !== 'object' || Array.isArray(body)) throw refused(400, 'SIMULATOR_02', 'the body must be an object of parameters');
  return body as Parameters;
}

const acted =
  (action: ActionName) =>
  (call: HubCall): unknown => {
    const job = jobNamed(call);
    act(call.hub, job, action, call.nowMs);
    return startedStatusJson(call.hub, job, call.nowMs);
  };

/** Whether one refused job refuses the call, or is passed over, is not known: `bulkActionWithRefusals`. */
function forEach(call: HubCall, check: (job: Job) => unknown, perform: (job: Job) => void): void {
  const skips = call.hub.switches.bulkActionWithRefusals === 'skipped';
  const allowed = idsOf(call).flatMap((id) => {
    try {
      const job = jobOf(call.hub, id, call.nowMs);
      check(job);
      return [job];
    } catch (error) {
      if (skips && error instanceof Refusal) return [];
      throw error;
    }
  });
  for (const job of allowed) perform(job);
}

const actedOnMany =
  (action: ActionName) =>
  (call: HubCall): undefined => {
    const { hub, nowMs } = call;
    forEach(
      call,
      (job) => checkAction(hub, job, action, nowMs),
      (job) => {
        act(hub, job, action, nowMs);
      },
    );
  };

function startedMany(call: HubCall): undefined {
  const { hub, nowMs } = call;
  forEach(
    call,
    (job) => {
      checkStart(hub, job, nowMs);
    },
    (job) => {
      startJob(hub, job, nowMs);
    },
  );
}

function instancesStarted(call: HubCall): unknown {
  const jobs = createInstances(call.hub, jobNamed(call), call.body, call.nowMs, call.nowMs);
  return jobs.map((job) => startedStatusJson(call.hub, job, call.nowMs));
}

function instancesStartedLater(call: HubCall): unknown {
  const startMs = call.nowMs + call.hub.switches.asyncStartMs;
  return createInstances(call.hub, jobNamed(call), call.body, call.nowMs, startMs).map((job) => jobJson(call.hub, job, call.nowMs));
}

const post = (name: string, path: string, source: string, handle: Route['handle']): Route => ({
  name,
  method: 'POST',
  path: `/jobrunner/rest/v1/${path}`,
  source,
  handle,
});

export const ACTION_ROUTES: readonly Route[] = [
  post('createAndStartJobInstances', 'job/{id}/createAndStartJobInstances', '[C:SW-job + SDK]', instancesStarted),
  post('createAndStartJobInstancesAsync', 'job/{id}/createAndStartJobInstancesAsync', '[C:SW-job + SDK]', instancesStartedLater),
  post('startJob', 'job/{id}/start', '[C:SW-job + SDK]', started),
  post('startJobs', 'jobs/startJobs', '[C:SW-job + SDK]', startedMany),
  post('stopJob', 'job/{id}/stop', '[C:SW-job + SDK]', acted('stop')),
  post('stopJobs', 'jobs/stopJobs', '[C:SW-job + SDK]', actedOnMany('stop')),
  post('forceStopJob', 'job/{id}/forceStop', '[C:SW-job + SDK]', acted('forceStop')),
  post('forceStopJobs', 'jobs/forceStopJobs', '[C:SW-job + SDK]', actedOnMany('forceStop')),
  post('acknowledgeError', 'job/{id}/acknowledgeError', '[C:SW-job + SDK]', acted('acknowledge')),
  post('acknowledgeErrors', 'jobs/acknowledgeErrors', '[C:SW-job + SDK]', actedOnMany('acknowledge')),
];
