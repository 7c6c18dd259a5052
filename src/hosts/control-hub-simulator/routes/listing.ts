/** Jobs found: lists with their filters. What is new may come late here: `searchDelayMs`. */
import type { Job } from '#hosts/control-hub-simulator/hub';
import { currentStatusJson, jobJson } from '#hosts/control-hub-simulator/job-json';
import { deletedAtMs } from '#hosts/control-hub-simulator/job-times';
import { page, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';

/** Jobs and templates that the search index knows, in the order in which they were made. */
export function indexedJobs({ hub, nowMs }: HubCall): readonly Job[] {
  return [...hub.jobs.values()].filter((job) => nowMs - job.createdMs >= hub.switches.searchDelayMs);
}

type Filter = (job: Job, call: HubCall) => boolean;
const status = (job: Job, { hub, nowMs }: HubCall): Readonly<Record<string, unknown>> =>
  currentStatusJson(hub, job, nowMs) ?? { status: 'INACTIVE', color: 'GRAY' };
const yes = (text: string): boolean => text === 'true';

/** The cheap ones first: a status has to be computed. A parameter that is not here is accepted and does nothing. */
const FILTERS: Readonly<Record<string, (value: string) => Filter>> = {
  jobTemplate: (value) => (job) => job.definition.jobTemplate === yes(value),
  templateJobId: (value) => (job) => job.templateId === value,
  jobTag:
    (value) =>
    (job, { hub }) =>
      job.definition.rawJobTags.some((tag) => `${tag}:${hub.organizationId}` === value),
  jobLabel: (value) => (job) => job.definition.labels.includes(value),
  executorType: (value) => (job) => job.definition.executorType === value,
  archived: (value) => (job) => job.archived === yes(value),
  filterText: (value) => (job) => job.definition.name.toLowerCase().includes(value.toLowerCase()),
  jobStatus: (value) => (job, call) => status(job, call)['status'] === value,
  jobStatusColor: (value) => (job, call) => status(job, call)['color'] === value,
};

function searchText({ query }: HubCall): Filter {
  const text = query.get('jobSearchText');
  if (text === null || text === '') return () => true;
  return query.get('jobSearchOperation') === 'STARTS_WITH'
    ? (job) => job.definition.name.startsWith(text)
    : (job) => job.definition.name === text;
}

function found(call: HubCall, overrides: Readonly<Record<string, string>> = {}): readonly Job[] {
  const removed = yes(call.query.get('removed') ?? 'false');
  const draftRun = yes(call.query.get('draftRun') ?? 'false');
  const filters: Filter[] = [
    (job) => job.definition.draftRun === draftRun,
    ...Object.entries(FILTERS).flatMap(([name, filter]) => {
      const value = overrides[name] ?? call.query.get(name);
      return value === null || value === '' ? [] : [filter(value)];
    }),
    searchText(call),
    (job, { nowMs }) => (deletedAtMs(job, nowMs) !== undefined) === removed,
  ];
  return ordered(
    call,
    indexedJobs(call).filter((job) => filters.every((filter) => filter(job, call))),
  );
}

const ORDERS: Readonly<Record<string, (job: Job, call: HubCall) => string | number>> = {
  NAME: (job) => job.definition.name,
  PIPELINE_NAME: (job) => job.definition.pipelineName ?? '',
  PIPELINE_COMMIT_LABEL: (job) => job.definition.pipelineCommitLabel ?? '',
  STATUS: (job, call) => String(status(job, call)['status']),
  CREATOR: (job) => job.creator,
  CREATE_TIME: (job) => job.createdMs,
  DELETE_TIME: (job, { nowMs }) => deletedAtMs(job, nowMs) ?? 0,
  LAST_MODIFIED_ON: (job) => job.modifiedMs,
  LAST_MODIFIED_BY: (job) => job.creator,
};

function ordered(call: HubCall, jobs: readonly Job[]): readonly Job[] {
  const orderBy = call.query.get('orderBy') ?? '';
  const order = Object.hasOwn(ORDERS, orderBy) ? ORDERS[orderBy] : undefined;
  if (!order) return jobs;
  const sign = call.query.get('order') === 'DESC' ? -1 : 1;
  const keyed = jobs.map((job) => ({ job, key: order(job, call) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0)).map(({ job }) => job);
}

const listed = (call: HubCall, jobs: readonly Job[]): unknown => page(call, jobs, (job) => jobJson(call.hub, job, call.nowMs));

function countsByStatus(call: HubCall): unknown {
  const counts = new Map<string, number>();
  const count = (name: string): unknown => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const job of found(call, { jobTemplate: 'false' })) {
    const current = status(job, call);
    count(String(current['status']));
    if (current['status'] === 'ACTIVE') count(`ACTIVE_${String(current['color'])}`);
  }
  return { data: [...counts].map(([name, number]) => ({ status: name, count: number })) };
}

export const LISTING_ROUTES: readonly Route[] = [
  {
    name: 'listJobs',
    method: 'GET',
    path: '/jobrunner/rest/v1/jobs',
    source: '[C:SW-job + SDK]',
    handle: (call) => listed(call, found(call)),
  },
  {
    name: 'listJobsByStatus',
    method: 'GET',
    path: '/jobrunner/rest/v1/jobs/byStatus',
    source: '[C:SW-job + SDK]',
    handle: (call) => listed(call, found(call, { jobTemplate: 'false', jobStatus: call.query.get('jobStatus') ?? 'INACTIVE' })),
  },
  {
    name: 'countJobs',
    method: 'GET',
    path: '/jobrunner/rest/v1/jobs/count',
    source: '[C:SW-job + SDK]',
    handle: (call) => ({ count: found(call).length }),
  },
  {
    name: 'countJobsByStatus',
    method: 'GET',
    path: '/jobrunner/rest/v1/metrics/jobCountByStatus',
    source: '[C:SW-job + SDK]',
    handle: countsByStatus,
  },
];
