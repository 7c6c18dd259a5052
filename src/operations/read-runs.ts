/** Reading runs and jobs. Costs are constant per page: jobs are read by their keys, which follow from their indexes. */
import type { JobRef, RunId } from '#domain/ids';
import { createdJob, type Job } from '#domain/job';
import type { JobState } from '#domain/job-state';
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
  const [job] = await jobsBetween(ports, run, ref.index, ref.index + 1);
  return job && (options.parameters ? withParameters(ports, run, job) : { job });
}

export interface JobsWanted {
  readonly parameters: boolean;
  /** The jobs in this state alone. */
  readonly state?: JobState;
}

export type ListedJobs =
  | Exclude<Listed<JobDetail>, { kind: 'page' }>
  | (Extract<Listed<JobDetail>, { kind: 'page' }> & {
      /** Index of the first and the last set that were looked at; absent where there was none. */
      readonly looked?: { readonly from: number; readonly to: number };
    });

/** Of one page: past this many jobs of other states the page is short, or empty, and its cursor goes on from there. */
const LOOKED_MOST = 2000;
const LOOKED_AT_ONCE = { least: 100, most: 500 } as const;

/**
 * In the order of the parameter sets. There is no list of a run's jobs by state, which every change of every job would have to
 * write: those in a state are looked for, a bounded number at a time.
 */
export async function listJobs(ports: Needs, run: Run, page: PageRequest, { parameters, state }: JobsWanted): Promise<ListedJobs> {
  const list = `jobs ${run.id}${state === undefined ? '' : ` ${state}`}`;
  const position = page.cursor === undefined ? '0' : ports.cursors.decode(list, page.cursor);
  if (position === undefined) return { kind: 'malformed-cursor' };
  const from = Number(position);
  const { jobs, to } =
    state === undefined ? await jobsFrom(ports, run, from, page.limit) : await jobsInState(ports, run, { from, limit: page.limit, state });
  const items = parameters ? await Promise.all(jobs.map((job) => withParameters(ports, run, job))) : jobs.map((job) => ({ job }));
  return {
    kind: 'page',
    page: { items, ...(to < run.count ? { cursor: ports.cursors.encode(list, String(to)) } : {}) },
    ...(to > from ? { looked: { from, to: to - 1 } } : {}),
  };
}

/** `to`: the index of the first job that was not looked at. */
interface Looked {
  readonly jobs: readonly Job[];
  readonly to: number;
}

async function jobsFrom(ports: Needs, run: Run, from: number, count: number): Promise<Looked> {
  const to = Math.min(run.count, from + count);
  return { jobs: await jobsBetween(ports, run, from, to), to };
}

async function jobsInState(
  ports: Needs,
  run: Run,
  { from, limit, state }: { readonly from: number; readonly limit: number; readonly state: JobState },
): Promise<Looked> {
  const end = Math.min(run.count, from + LOOKED_MOST);
  const found: Job[] = [];
  let at = from;
  for (let count = Math.max(limit, LOOKED_AT_ONCE.least); at < end; count *= 2) {
    const { jobs, to } = await jobsFrom(ports, run, at, Math.min(count, LOOKED_AT_ONCE.most, end - at));
    for (const job of jobs) {
      if (job.state === state) found.push(job);
      if (found.length === limit) return { jobs: found, to: job.index + 1 };
    }
    at = to;
  }
  return { jobs: found, to: at };
}

/** A set that has no job item yet is answered as the job that it is about to become. */
async function jobsBetween(ports: Needs, run: Run, from: number, to: number): Promise<readonly Job[]> {
  const stored = new Map((await ports.jobs.loadRange(run, from, to)).map((job) => [job.index, job]));
  const indexes = Array.from({ length: to - from }, (_, offset) => from + offset);
  return indexes.map((index) => stored.get(index) ?? createdJob({ runId: run.id, index }, run.createdAt, run.requestedBy).job);
}

async function withParameters(ports: Needs, run: Run, job: Job): Promise<JobDetail> {
  const parameters = (await ports.jobs.parameters(job)) ?? (await plannedParameters(ports, run, job.index));
  return { job, ...(parameters ? { parameters } : {}) };
}

async function plannedParameters(ports: Needs, run: Run, index: number): Promise<EffectiveParameters | undefined> {
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const [set] = await ports.runs.sets(run, index, index + 1);
  return template && set && effectiveParameters(template, set);
}
