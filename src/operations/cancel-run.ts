/**
 * Cancels a run or one of its jobs. Here it is only asked for; ticks stop what runs on the engine, first politely and then
 * by force, and record the jobs as cancelled. The loop that is to see to it is started anew: it looks at once (for a single job
 * within a second, together with those that are cancelled in it), and it is there even where the one before had died.
 */
import { epochMs, instant, secondsBetween, type Instant, type JobRef, type RunId } from '#domain/ids';
import { isSettled, type Job } from '#domain/job';
import { isFinal, type Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'runs' | 'jobs' | 'orchestrator'>;

export interface CancelRun {
  readonly runId: RunId;
  readonly requestedBy: string;
}

export type CancelRunOutcome =
  /** Also where it was being cancelled, or had been, before. */
  | { readonly kind: 'cancelling' | 'cancelled'; readonly run: Run }
  | { readonly kind: 'ended'; readonly run: Run }
  | { readonly kind: 'not-found' };

export async function cancelRun(ports: Needs, { runId, requestedBy }: CancelRun): Promise<CancelRunOutcome> {
  const found = await ports.runs.load(runId);
  if (!found) return { kind: 'not-found' };
  const closing = { reason: 'cancelled', message: `cancelled by ${requestedBy}`, at: ports.clock.now() } as const;
  const run = await changeRun(ports, found, (latest) =>
    isFinal(latest) || latest.closing?.reason === 'cancelled' ? undefined : { closing, state: 'CANCELLING', watch: latest.watch + 1 },
  );
  if (isFinal(run)) return { kind: run.state === 'CANCELLED' ? 'cancelled' : 'ended', run };
  await ports.orchestrator.startWatch(run, 0);
  return { kind: 'cancelling', run };
}

export interface CancelJob {
  readonly job: JobRef;
  readonly requestedBy: string;
}

export type CancelJobOutcome =
  | { readonly kind: 'cancelling' | 'cancelled' | 'ended'; readonly job: Job }
  /** Its run has not made it yet, or not made it ready for the attempt that was asked for. */
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'conflict' };

const ATTEMPTS = 5;

export async function cancelJob(ports: Needs, { job: ref, requestedBy }: CancelJob): Promise<CancelJobOutcome> {
  const run = await ports.runs.load(ref.runId);
  if (!run || ref.index >= run.count) return { kind: 'not-found' };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const job = await ports.jobs.load(ref, run.count);
    if (!job) return { kind: 'not-ready' };
    if (isSettled(job) && (await isToBeReady(ports, run, job))) return { kind: 'not-ready' };
    if (isSettled(job)) return { kind: job.failure?.reason === 'cancelled' ? 'cancelled' : 'ended', job };
    const marked = job.start.cancel === undefined ? await mark(ports, run, job, requestedBy) : job;
    if (!marked) continue;
    await gathered(ports, run);
    return { kind: 'cancelling', job: marked };
  }
  return { kind: 'conflict' };
}

/** A retry has selected it, and has not come to it yet. */
async function isToBeReady({ runs }: Needs, run: Run, { index, runAttempt }: Job): Promise<boolean> {
  if (run.plannedAt !== undefined || isFinal(run) || runAttempt >= run.attempt) return false;
  return (await runs.retry(run))?.indexes.includes(index) === true;
}

/** A watch loop waits this long for its first look, so that jobs that are cancelled together have one loop and not one each. */
const GATHERING_SECONDS = 1;

/** Whoever comes while a loop is waiting for its first look starts that one: who wanted it may have died before he did. */
async function gathered(ports: Needs, run: Run): Promise<void> {
  const watched = await changeRun(ports, run, (latest) => {
    const now = ports.clock.now();
    if (isFinal(latest) || leftSeconds(latest, now) > 0) return undefined;
    const watch = latest.watch + 1;
    return { watch, gathering: { watch, until: instant(epochMs(now) + GATHERING_SECONDS * 1000) } };
  });
  if (!isFinal(watched)) await ports.orchestrator.startWatch(watched, Math.ceil(leftSeconds(watched, ports.clock.now())));
}

/** Until the first look of the run's loop. A time that is further away was written by another clock, and says nothing. */
function leftSeconds({ watch, gathering }: Run, now: Instant): number {
  if (gathering?.watch !== watch) return 0;
  const seconds = secondsBetween(now, gathering.until);
  return seconds > 0 && seconds <= GATHERING_SECONDS ? seconds : 0;
}

async function mark(ports: Needs, run: Run, job: Job, by: string): Promise<Job | undefined> {
  const after = { ...job, start: { ...job.start, cancel: { at: ports.clock.now(), by } } };
  const [saved] = await ports.jobs.save([{ before: job, after, entries: [] }], run.count);
  return saved?.kind === 'saved' ? saved.job : undefined;
}
