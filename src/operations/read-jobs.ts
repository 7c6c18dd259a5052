/** Reading jobs of either kind: how one stood at a time, and waiting for one. */
import { epochMs, parseJobId, parseReportedJobId, type AnyJobId, type Instant } from '#domain/ids';
import { isSettled, type Failure, type HistoryEntry, type Job } from '#domain/job';
import type { JobEventName, JobState } from '#domain/job-state';
import type { EffectiveParameters } from '#domain/parameters';
import { failureOf, isHidden, isTerminal, type JobDefinition, type ReportedJob } from '#domain/reported-job';
import type { HistoryRequest } from './job-ports.ts';
import type { Listed, Ports } from './ports.ts';
import { getJob } from './read-runs.ts';
import { definitionOf } from './register-job.ts';

type Needs = Pick<Ports, 'clock' | 'catalog' | 'runs' | 'jobs' | 'cursors' | 'reportedJobs' | 'jobEvents'>;

export type AnyJob =
  | { readonly kind: 'managed'; readonly job: Job; readonly parameters?: EffectiveParameters & { readonly setKey?: string } }
  | { readonly kind: 'reported'; readonly job: ReportedJob; readonly definition?: JobDefinition };

/** `details`: with its parameters, or with what it was registered with. */
export async function getAnyJob(ports: Needs, id: AnyJobId, options: { readonly details: boolean }): Promise<AnyJob | undefined> {
  const ref = parseJobId(id);
  if (ref) {
    const detail = await getJob(ports, ref, { parameters: options.details });
    return detail && { kind: 'managed', ...detail };
  }
  const reported = parseReportedJobId(id);
  const job = reported && (await ports.reportedJobs.load(reported));
  if (!job) return undefined;
  return { kind: 'reported', job, ...(options.details ? { definition: await definitionOf(ports, job.id) } : {}) };
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
const GROWTH = 1.5;

/** Nothing more is to be expected of it; or it is in the state that was waited for. */
export type Awaited = 'terminal' | JobState;

/** As the job stands when what is waited for is there or when the time is up. Undefined: there is no such job. */
export async function waitForJob(
  ports: Needs,
  id: AnyJobId,
  { until, timeoutSeconds }: { readonly until: Awaited; readonly timeoutSeconds: number },
): Promise<AnyJob | undefined> {
  const endsMs = epochMs(ports.clock.now()) + timeoutSeconds * 1000;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS)) {
    const found = await getAnyJob(ports, id, { details: false });
    const leftMs = endsMs - epochMs(ports.clock.now());
    if (!found || isThere(found, until) || leftMs <= 0) return found && getAnyJob(ports, id, { details: true });
    await ports.clock.pause(Math.min(pauseMs, leftMs));
  }
}

function isThere(found: AnyJob, until: Awaited): boolean {
  if (until !== 'terminal') return found.job.state === until;
  return found.kind === 'managed' ? isSettled(found.job) : isTerminal(found.job) || isHidden(found.job);
}

/** How a job stood at a time, folded from its events. */
export interface Standing {
  readonly state: JobState;
  readonly attempt: number;
  readonly sequence: number;
  readonly lastEvent: JobEventName;
  readonly updatedAt: Instant;
  readonly failure?: Failure;
}

/**
 * Undefined: it was not there yet. Events are in the order of their times, hence the last one is found by halving: fourteen
 * reads among ten thousand. What it led to is the sum of all before it.
 */
export async function standingAt(ports: Needs, found: AnyJob, id: AnyJobId, at: Instant): Promise<Standing | undefined> {
  if (at < found.job.createdAt) return undefined;
  let [low, high] = [1, found.job.sequence];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const entry = await ports.jobEvents.entry(id, middle);
    if (entry === undefined || entry.at > at) high = middle - 1;
    else low = middle;
  }
  const last = await ports.jobEvents.entry(id, low);
  // The first entry of a managed job is kept with its parameters.
  if (!last) return { state: 'CREATED', attempt: 1, sequence: 1, lastEvent: 'create', updatedAt: found.job.createdAt };
  const failure = await failureAt(ports, found, id, last);
  const { to, attempt, sequence, name } = last;
  return { state: to, attempt, sequence, lastEvent: name, updatedAt: last.at, ...(failure ? { failure } : {}) };
}

/** A failure is told by the event that led to FAILED; only `retire` follows it without taking it back. */
async function failureAt(ports: Needs, { kind }: AnyJob, id: AnyJobId, last: HistoryEntry): Promise<Failure | undefined> {
  const failed = last.to === 'RETIRED' && last.from === 'FAILED' ? await ports.jobEvents.entry(id, last.sequence - 1) : last;
  if (failed?.to !== 'FAILED') return undefined;
  if (kind === 'reported') return failureOf(failed);
  const { reason, message } = failed.data ?? {};
  return { reason: (reason ?? 'reported') as Failure['reason'], message: typeof message === 'string' ? message : '' };
}

/** With what was refused; up to a time, where one is given. */
export async function listJobHistory(
  ports: Needs,
  id: AnyJobId,
  { at, ...page }: HistoryRequest & { readonly at?: Instant },
): Promise<Listed<HistoryEntry> | { readonly kind: 'not-found' }> {
  const found = await getAnyJob(ports, id, { details: false });
  if (!found) return { kind: 'not-found' };
  const standing = at === undefined ? undefined : await standingAt(ports, found, id, at);
  if (at !== undefined && standing === undefined) return { kind: 'page', page: { items: [] } };
  const request = { ...page, ...(standing ? { upTo: standing.sequence } : {}) };
  const ref = parseJobId(id);
  if (ref) return ports.jobs.history(ref, request);
  const reported = parseReportedJobId(id);
  return reported === undefined ? { kind: 'not-found' } : ports.reportedJobs.history(reported, request);
}
