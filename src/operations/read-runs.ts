/** Reading runs and jobs. Costs are constant per page: jobs are read by their keys, which follow from their indexes. */
import { jobId, type JobRef, type RunId } from '#domain/ids';
import { createdJob, type Job } from '#domain/job';
import type { JobState } from '#domain/job-state';
import { effectiveParameters, type EffectiveParameters } from '#domain/parameters';
import { isFinal, NO_COUNTS, type Run, type RunCounts } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import type { Unreadable } from './pages.ts';
import type { Listed, PageRequest, Ports, RunProgress } from './ports.ts';
import { readable } from './readable.ts';

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
  const { cursor, unreadable = [] } = listed.page;
  const read = await Promise.all(
    listed.page.items.map(async (run) => {
      const progress = await readable(() => (isFinal(run) ? Promise.resolve(undefined) : ports.runs.progress(run.id)));
      return progress.kind === 'read' ? standingOf(run, progress.value) : { id: run.id, detail: progress.detail };
    }),
  );
  const items = read.flatMap((each) => ('run' in each ? each : []));
  const left = [...unreadable, ...read.flatMap((each) => ('run' in each ? [] : each))];
  return { kind: 'page', page: { items, ...told(left), ...(cursor === undefined ? {} : { cursor }) } };
}

const told = (unreadable: readonly Unreadable[]): { readonly unreadable?: readonly Unreadable[] } =>
  unreadable.length === 0 ? {} : { unreadable };

export interface JobDetail {
  readonly job: Job;
  readonly parameters?: EffectiveParameters & { readonly setKey?: string };
}

export async function getJob(ports: Needs, ref: JobRef, options: { readonly parameters: boolean }): Promise<JobDetail | undefined> {
  const run = await ports.runs.load(ref.runId);
  if (!run || ref.index >= run.count) return undefined;
  const job = (await ports.jobs.load(ref, run.count)) ?? createdJob(ref, run.createdAt, run.requestedBy).job;
  return options.parameters ? withParameters(ports, run, job) : { job };
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
  const { jobs, unreadable, to } =
    state === undefined ? await jobsFrom(ports, run, from, page.limit) : await jobsInState(ports, run, { from, limit: page.limit, state });
  const details = parameters ? await detailsOf(ports, run, jobs) : { items: jobs.map((job) => ({ job })), unreadable: [] };
  const cursor = to < run.count ? { cursor: ports.cursors.encode(list, String(to)) } : {};
  return {
    kind: 'page',
    page: { items: details.items, ...told([...unreadable, ...details.unreadable]), ...cursor },
    ...(to > from ? { looked: { from, to: to - 1 } } : {}),
  };
}

/** `to`: the index of the first job that was not looked at. */
interface Looked {
  readonly jobs: readonly Job[];
  readonly unreadable: readonly Unreadable[];
  readonly to: number;
}

async function jobsFrom(ports: Needs, run: Run, from: number, count: number): Promise<Looked> {
  const to = Math.min(run.count, from + count);
  return { ...(await jobsBetween(ports, run, from, to)), to };
}

async function jobsInState(
  ports: Needs,
  run: Run,
  { from, limit, state }: { readonly from: number; readonly limit: number; readonly state: JobState },
): Promise<Looked> {
  const end = Math.min(run.count, from + LOOKED_MOST);
  const found: Job[] = [];
  const left: Unreadable[] = [];
  let at = from;
  for (let count = Math.max(limit, LOOKED_AT_ONCE.least); at < end; count *= 2) {
    const { jobs, unreadable, to } = await jobsFrom(ports, run, at, Math.min(count, LOOKED_AT_ONCE.most, end - at));
    const fitting = jobs.filter((job) => job.state === state).slice(0, limit - found.length);
    found.push(...fitting);
    const last = fitting.at(-1);
    const isFull = found.length === limit && last !== undefined;
    at = isFull ? last.index + 1 : to;
    // Those behind where the page ends are the next one's to tell.
    left.push(...unreadable.filter(({ id }) => id < jobId(run.id, at)));
    if (isFull) break;
  }
  return { jobs: found, unreadable: left, to: at };
}

/** A set that has no job item yet is answered as the job that it is about to become. */
async function jobsBetween(ports: Needs, run: Run, from: number, to: number): Promise<Omit<Looked, 'to'>> {
  const refs = Array.from({ length: to - from }, (_, offset): JobRef => ({ runId: run.id, index: from + offset }));
  // Asked for together, they are read together.
  const read = await Promise.all(refs.map((ref) => readable(() => ports.jobs.load(ref, run.count))));
  const jobs: Job[] = [];
  const unreadable: Unreadable[] = [];
  for (const [offset, ref] of refs.entries()) {
    const each = read[offset];
    if (each?.kind === 'unreadable') unreadable.push({ id: jobId(ref.runId, ref.index), detail: each.detail });
    else jobs.push(each?.value ?? createdJob(ref, run.createdAt, run.requestedBy).job);
  }
  return { jobs, unreadable };
}

async function detailsOf(
  ports: Needs,
  run: Run,
  jobs: readonly Job[],
): Promise<{ readonly items: readonly JobDetail[]; readonly unreadable: readonly Unreadable[] }> {
  const read = await Promise.all(jobs.map(async (job) => ({ job, detail: await readable(() => withParameters(ports, run, job)) })));
  return {
    items: read.flatMap(({ detail }) => (detail.kind === 'read' ? detail.value : [])),
    unreadable: read.flatMap(({ job, detail }) =>
      detail.kind === 'read' ? [] : { id: jobId(job.runId, job.index), detail: detail.detail },
    ),
  };
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
