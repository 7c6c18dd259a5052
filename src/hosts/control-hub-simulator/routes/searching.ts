/** SAQL searches. [C:SW-job; fields C:SDK] What is new may come late here too: `searchDelayMs`. */
import { countsAt } from '#hosts/control-hub-simulator/counts';
import type { Job, JobRun } from '#hosts/control-hub-simulator/hub';
import { jobOf } from '#hosts/control-hub-simulator/job-actions';
import { currentStatusJson, jobJson, runStatusJson, type Json } from '#hosts/control-hub-simulator/job-json';
import { deletedAtMs } from '#hosts/control-hub-simulator/job-times';
import { indexedJobs } from '#hosts/control-hub-simulator/routes/listing';
import { numberParam, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { parseSearch, type FieldReader } from '#hosts/control-hub-simulator/saql';
import { runAt } from '#hosts/control-hub-simulator/timeline';

function jobFields({ hub, nowMs }: HubCall, job: Job): FieldReader {
  const { definition } = job;
  const status = (): Json => currentStatusJson(hub, job, nowMs) ?? { status: 'INACTIVE', color: 'GRAY', pipelineStatus: [] };
  const text = (key: 'status' | 'color'): string => String(status()[key]);
  const fields: Readonly<Record<string, () => ReturnType<FieldReader>>> = {
    archived: () => job.archived,
    attached_to_template: () => job.templateId !== null,
    color: () => text('color'),
    created_by: () => job.creator,
    created_on: () => job.createdMs,
    description: () => definition.description,
    engine_label: () => definition.labels,
    engine_type: () => definition.executorType,
    failover: () => definition.migrateOffsets,
    id: () => job.id,
    instances: () => definition.numInstances,
    modified_by: () => job.creator,
    modified_on: () => job.modifiedMs,
    name: () => definition.name,
    pipeline_name: () => definition.pipelineName,
    pipeline_status: () => (status()['pipelineStatus'] as readonly { readonly status: string }[]).map((each) => each.status),
    pipeline_version: () => definition.pipelineCommitLabel,
    status: () => text('status'),
    tag: () => definition.rawJobTags,
  };
  return (field) => (Object.hasOwn(fields, field) ? fields[field]?.() : undefined);
}

function runFields(run: JobRun, nowMs: number): FieldReader {
  const view = runAt(run, nowMs);
  const counts = countsAt(run, nowMs, run.refreshMs);
  const fields: Readonly<Record<string, ReturnType<FieldReader>>> = {
    color: view?.phase.color ?? null,
    current_retry_count: 0,
    error_message: view?.errorMessage ?? null,
    error_record_count: counts?.error ?? 0,
    finish_time: view?.finishedMs ?? null,
    id: run.statusId,
    input_record_count: counts?.input ?? 0,
    output_record_count: counts?.output ?? 0,
    pipeline_commit_id: run.pipelineCommitId,
    previous_id: null,
    run_count: run.runCount,
    start_time: run.startedMs,
    status: view?.phase.status ?? null,
  };
  return (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined);
}

export interface SearchedRow<T> {
  readonly row: T;
  readonly read: FieldReader;
}

/** Search, order and page as all SAQL paths have them. What `len` means when it is absent is not known: `saqlWithoutLen`. */
export function searched<T>(call: HubCall, rows: readonly SearchedRow<T>[], json: (row: T) => unknown): unknown {
  const search = parseSearch(call.query.get('search') ?? '');
  const found = ordered(
    call,
    rows.filter(({ read }) => search(read)),
  );
  const offset = numberParam(call, 'offset', 0);
  const len = numberParam(call, 'len', 0);
  const everything = len < 0 || (len === 0 && call.hub.switches.saqlWithoutLen === 'everything');
  const data = found.slice(offset, everything ? undefined : offset + len).map(({ row }) => json(row));
  return { totalCount: found.length, offset, len, data };
}

function ordered<T>({ query }: HubCall, rows: readonly SearchedRow<T>[]): readonly SearchedRow<T>[] {
  const field = query.get('orderBy')?.toLowerCase();
  if (field === undefined || field === '') return rows;
  const keyed = rows.map((each) => {
    const value = each.read(field);
    if (value === undefined) throw refused(400, 'SIMULATOR_14', `there is no field ${field} to order by`);
    return { each, key: typeof value === 'number' ? value : String(value) };
  });
  const sign = query.get('order')?.toUpperCase() === 'DESC' ? -1 : 1;
  return keyed.toSorted((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0)).map(({ each }) => each);
}

const jobsWhere =
  (belongs: (job: Job) => boolean) =>
  (call: HubCall): unknown => {
    const { hub, nowMs } = call;
    const jobs = indexedJobs(call).filter((job) => belongs(job) && deletedAtMs(job, nowMs) === undefined);
    return searched(
      call,
      jobs.map((job) => ({ row: job, read: jobFields(call, job) })),
      (job) => jobJson(hub, job, nowMs),
    );
  };

function runs(call: HubCall): unknown {
  const { hub, nowMs } = call;
  const begun = jobOf(hub, param(call, 'id'), nowMs).runs.filter(({ startedMs }) => startedMs <= nowMs);
  return searched(
    call,
    begun.toReversed().map((run) => ({ row: run, read: runFields(run, nowMs) })),
    (run) => runStatusJson(hub, run, nowMs),
  );
}

export const SEARCH_ROUTES: readonly Route[] = [
  {
    name: 'searchJobs',
    method: 'GET',
    path: '/jobrunner/rest/v1/saql/jobs/search',
    source: '[C:SW-job + SDK]',
    handle: jobsWhere(({ definition }) => !definition.jobTemplate && !definition.draftRun),
  },
  {
    name: 'searchTemplates',
    method: 'GET',
    path: '/jobrunner/rest/v1/saql/jobs/search/templates',
    source: '[C:SW-job + SDK]',
    handle: jobsWhere(({ definition }) => definition.jobTemplate),
  },
  {
    name: 'searchRuns',
    method: 'GET',
    path: '/jobrunner/rest/v1/saql/jobs/search/{id}/runs',
    source: '[C:SW-job + SDK]',
    handle: runs,
  },
];
