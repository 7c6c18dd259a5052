/** Reading runs and jobs. Costs are constant per page: jobs are read by their keys, which follow from their indexes. */
import type { JobRef, RunId } from '#domain/ids';
import { createdJob, type Job } from '#domain/job';
import { effectiveParameters, type EffectiveParameters } from '#domain/parameters';
import { isFinal, NO_COUNTS, type Run, type RunCounts } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import type { Listed, PageRequest, Ports, RunProgress } from './ports.ts';

type Needs = Pick<Ports, 'catalog' | 'runs' | 'jobs' | 'cursors'>;

export interface RunStanding {
  readonly run: Run;
  readonly counts: RunCounts;
  /** What the last tick left; in a list only of runs that have not ended. */
  readonly progress?: RunProgress;
}

/** As of the last tick while it runs: two items, however many jobs it has. */
export async function getRun(ports: Pick<Ports, 'runs'>, id: RunId): Promise<RunStanding | undefined> {
  const [run, progress] = await Promise.all([ports.runs.load(id), ports.runs.progress(id)]);
  return run && standingOf(run, progress);
}

function standingOf(run: Run, progress: RunProgress | undefined): RunStanding {
  const counts = (isFinal(run) ? run.counts : progress?.counts) ?? NO_COUNTS;
  return { run, counts, ...(progress ? { progress } : {}) };
}

export async function listRuns(ports: Pick<Ports, 'runs'>, filter: RunFilter, page: PageRequest): Promise<Listed<RunStanding>> {
  const listed = await ports.runs.list(filter, page);
  if (listed.kind !== 'page') return listed;
  const items = await Promise.all(
    listed.page.items.map(async (run) => standingOf(run, isFinal(run) ? undefined : await ports.runs.progress(run.id))),
  );
  return { kind: 'page', page: { ...listed.page, items } };
}

export interface JobDetail {
  readonly job: Job;
  readonly parameters?: EffectiveParameters & { readonly setKey?: string };
}

export async function getJob(ports: Needs, ref: JobRef, options: { readonly parameters: boolean }): Promise<JobDetail | undefined> {
  const run = await ports.runs.load(ref.runId);
  if (!run || ref.index >= run.count) return undefined;
  const [detail] = await jobsBetween(ports, run, ref.index, ref.index + 1, options);
  return detail;
}

/** In the order of the parameter sets. */
export async function listJobs(
  ports: Needs,
  run: Run,
  page: PageRequest,
  options: { readonly parameters: boolean },
): Promise<Listed<JobDetail>> {
  const list = `jobs ${run.id}`;
  const position = page.cursor === undefined ? '0' : ports.cursors.decode(list, page.cursor);
  if (position === undefined) return { kind: 'malformed-cursor' };
  const from = Number(position);
  const to = Math.min(run.count, from + page.limit);
  const items = await jobsBetween(ports, run, from, to, options);
  return { kind: 'page', page: { items, ...(to < run.count ? { cursor: ports.cursors.encode(list, String(to)) } : {}) } };
}

/** A set that has no job item yet is answered as the job that it is about to become. */
async function jobsBetween(
  ports: Needs,
  run: Run,
  from: number,
  to: number,
  options: { readonly parameters: boolean },
): Promise<readonly JobDetail[]> {
  const stored = new Map((await ports.jobs.loadRange(run, from, to)).map((job) => [job.index, job]));
  const indexes = Array.from({ length: to - from }, (_, offset) => from + offset);
  return Promise.all(
    indexes.map(async (index): Promise<JobDetail> => {
      const ref = { runId: run.id, index };
      const job = stored.get(index) ?? createdJob(ref, run.createdAt, run.requestedBy).job;
      if (!options.parameters) return { job };
      const parameters = (await ports.jobs.parameters(ref)) ?? (await plannedParameters(ports, run, index));
      return { job, ...(parameters ? { parameters } : {}) };
    }),
  );
}

async function plannedParameters(ports: Needs, run: Run, index: number): Promise<EffectiveParameters | undefined> {
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const [set] = await ports.runs.sets(run, index, index + 1);
  return template && set && effectiveParameters(template, set);
}
