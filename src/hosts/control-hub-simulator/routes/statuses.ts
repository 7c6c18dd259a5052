/** How jobs stand: one, many, all. */
import { jobOf, presentJob } from '#hosts/control-hub-simulator/job-actions';
import { currentStatusJson, type Json } from '#hosts/control-hub-simulator/job-json';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { idsOf, page, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';

function statuses(call: HubCall): unknown {
  const { hub, nowMs } = call;
  const entries = idsOf(call).flatMap((id): (readonly [string, Json | null])[] => {
    const job = presentJob(hub, id, nowMs);
    if (job) return [[id, withoutCounts(call, currentStatusJson(hub, job, nowMs))]];
    switch (hub.switches.unknownIdsInBulkStatus) {
      case 'omitted':
        return [];
      case 'null':
        return [[id, null]];
      case 'error':
        throw refused(404, 'SIMULATOR_01', `there is no job ${id}`);
    }
  });
  return Object.fromEntries(entries);
}

const COUNTS: readonly string[] = ['inputRecordCount', 'outputRecordCount', 'errorRecordCount', 'lastReportedMetricTime'];

/** The swagger types the values only as objects; that they hold the counts is an inference: `bulkStatusHasCounts`. */
function withoutCounts({ hub }: HubCall, status: Json | null): Json | null {
  if (!status || hub.switches.bulkStatusHasCounts) return status;
  return Object.fromEntries(Object.entries(status).filter(([key]) => !COUNTS.includes(key)));
}

function allStatuses(call: HubCall): unknown {
  const { hub, nowMs } = call;
  const jobs = [...hub.jobs.values()].filter((job) => !job.definition.jobTemplate && presentJob(hub, job.id, nowMs));
  return page(call, jobs, (job) => currentStatusJson(hub, job, nowMs) ?? { jobId: job.id });
}

export const STATUS_ROUTES: readonly Route[] = [
  { name: 'bulkStatus', method: 'POST', path: '/jobrunner/rest/v1/jobs/status', source: '[C:SW-job + SDK, OSS]', handle: statuses },
  { name: 'allStatuses', method: 'GET', path: '/jobrunner/rest/v1/jobs/status', source: 'contract 2.2, untagged', handle: allStatuses },
  {
    name: 'currentStatus',
    method: 'GET',
    path: '/jobrunner/rest/v1/job/{id}/currentStatus',
    source: '[C:SW-job, SDK, OSS]',
    handle: (call) => currentStatusJson(call.hub, jobOf(call.hub, param(call, 'id'), call.nowMs), call.nowMs) ?? undefined,
  },
];
