/**
 * Compares what should be with what is, where no execution looks any more: runs without an execution, executions without a
 * run, loops that have stopped looking, slots that nobody gives back. Only finds; `sweep` repairs.
 *
 *   finding                 what is                                              repair
 *   run-not-started         a run that no execution has claimed                  start its execution
 *   execution-failed        a run whose execution has ended without it           close the run: stop its jobs, settle the rest
 *   jobs-not-started        an execution that has ended before all jobs began    queue these jobs for the tick
 *   watch-overdue           a run that should have been looked at long ago,      start its watch loop anew
 *                           open or ended with engine jobs to look after
 *   execution-left-over     an execution whose run has ended, or is not there    let its children go; later stop it
 *   slots-not-returned      slots of a run that has ended, or whose lease has    give them back
 *   job-lost                a reported job that was silent for too long          fail it
 *   job-timed-out           a reported job that is past its deadline             fail it
 *   job-not-indexed         a reported job that is to be indexed, and nobody     index it: the sweep of every minute alone
 *   job-not-reset           a reported job whose reset was begun, and nobody     empty its archive, make it ready: the sweep of every minute
 *                           goes on with it
 *   deleted-job-kept        a deleted job that was kept for long enough          remove it
 *   job-unreadable          a reported job that is due, and whose item is no     none: somebody restores the item, or removes it
 *                           job any more
 */
import { counted } from '#domain/counted';
import { parseRunId, secondsBetween, type Instant, type RunId } from '#domain/ids';
import { isFinal, type Run, type RunState } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import type { SlotHolder } from '#domain/slots';
import { isLeftToChild } from '#domain/tick';
import type { JobRow } from './job-ports.ts';
import type { Ports, RunningExecution, SlotRead } from './ports.ts';
import { getRun, type RunStanding } from './read-runs.ts';
import { findOverdueJobs, type JobStray } from './sweep-jobs.ts';

interface Found {
  readonly since: Instant;
  readonly detail: string;
}

export type Stray = Found &
  (
    | { readonly kind: 'run-not-started' | 'watch-overdue' | 'jobs-not-started'; readonly run: Run }
    | { readonly kind: 'execution-failed'; readonly run: Run; readonly execution: string; readonly status: string }
    | { readonly kind: 'execution-left-over'; readonly execution: string; readonly run?: Run; readonly isLong: boolean }
    | { readonly kind: 'slots-not-returned'; readonly read: SlotRead; readonly holder: SlotHolder }
    | JobStray
  );

export interface Strays {
  readonly runs: number;
  readonly executions: number;
  readonly strays: readonly Stray[];
  /** Rows of reported jobs that are not overdue any more. */
  readonly settledRows: readonly JobRow[];
}

type Needs = Pick<Ports, 'clock' | 'runs' | 'jobs' | 'slots' | 'orchestrator' | 'reportedJobs'>;

/** A request that was accepted starts its execution at once; this much later nobody will any more. */
const START_GRACE_SECONDS = 60;
/** A tick may take as long as its task may, fail three times and wait a minute. */
const OVERDUE_SECONDS = 240;
/** An execution outlives its run by a wait of its last state. */
const LEFT_OVER_SECONDS = 120;
const LEFT_OVER_LONG_SECONDS = 900;

const OPEN_STATES: readonly RunState[] = ['ACCEPTED', 'RUNNING', 'CANCELLING'];
const PAGE = 500;

export async function findStrays(ports: Needs): Promise<Strays> {
  const running = await ports.orchestrator.running();
  const runs = await openRuns(ports);
  const runningArns = new Set(running.map(({ arn }) => arn));
  const strays: Stray[] = [];
  for (const standing of runs) strays.push(...(await straysOfRun(ports, standing, runningArns)));
  const collecting = await runsOf(ports, { collecting: true });
  strays.push(...collecting.filter(({ run }) => isFinal(run)).flatMap((standing) => overdueWatch(ports, standing)));
  const driven = new Set(runs.flatMap(({ run }) => run.execution ?? []));
  for (const execution of running) {
    const stray = driven.has(execution.arn) ? undefined : await leftOver(ports, execution);
    if (stray) strays.push(stray);
  }
  strays.push(...(await unreturnedSlots(ports)));
  const jobs = await findOverdueJobs(ports);
  return { runs: runs.length, executions: running.length, strays: [...strays, ...jobs.strays], settledRows: jobs.settled };
}

async function openRuns(ports: Needs): Promise<readonly RunStanding[]> {
  const found: RunStanding[] = [];
  for (const state of OPEN_STATES) found.push(...(await runsOf(ports, { state })));
  return found.filter(({ run }) => !isFinal(run));
}

async function runsOf(ports: Needs, filter: RunFilter): Promise<readonly RunStanding[]> {
  const found: RunStanding[] = [];
  let cursor: string | undefined;
  do {
    const listed = await ports.runs.list(filter, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    if (listed.kind !== 'page') break;
    const standings = await Promise.all(listed.page.items.map(({ id }) => getRun(ports, id)));
    found.push(...standings.flatMap((standing) => standing ?? []));
    cursor = listed.page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function straysOfRun(ports: Needs, standing: RunStanding, running: ReadonlySet<string>): Promise<readonly Stray[]> {
  const { run } = standing;
  const driving = await strayOfExecution(ports, run, running);
  const isWatched = run.execution !== undefined || run.closing !== undefined;
  return [...(driving ? [driving] : []), ...(isWatched ? overdueWatch(ports, standing) : [])];
}

function overdueWatch({ clock }: Needs, { run, progress }: RunStanding): readonly Stray[] {
  const since = progress?.nextPollAt ?? run.updatedAt;
  if (secondsBetween(since, clock.now()) <= OVERDUE_SECONDS) return [];
  return [{ kind: 'watch-overdue', run, since, detail: `${run.id} was to be looked at at ${since}` }];
}

async function strayOfExecution(ports: Needs, run: Run, running: ReadonlySet<string>): Promise<Stray | undefined> {
  // A run that closes is brought to its end by ticks alone.
  if (run.closing !== undefined) return undefined;
  if (run.execution !== undefined && running.has(run.execution)) return undefined;
  if (secondsBetween(run.updatedAt, ports.clock.now()) <= START_GRACE_SECONDS) return undefined;
  const arn = run.execution ?? ports.orchestrator.executionOf(run);
  const execution = await ports.orchestrator.execution(arn);
  if (execution?.isRunning === true) return undefined;
  const since = run.updatedAt;
  if (run.execution === undefined && execution === undefined)
    return { kind: 'run-not-started', run, since, detail: `${run.id} was accepted at ${run.createdAt}, and nothing has claimed it` };
  const status = execution?.status ?? 'gone';
  // An execution is forgotten 90 days after its end, and a streaming job may run for longer: what has begun needs none.
  if (status === 'SUCCEEDED' || (status === 'gone' && run.plannedAt !== undefined)) {
    const left = await unstarted(ports, run);
    if (left === 0) return undefined;
    return {
      kind: 'jobs-not-started',
      run,
      since,
      detail: `${counted(left, 'job')} of ${run.id} never started, and its execution has ended`,
    };
  }
  return {
    kind: 'execution-failed',
    run,
    execution: arn,
    status,
    since,
    detail: `the execution of ${run.id} is ${status}, the run ${run.state}`,
  };
}

async function unstarted(ports: Needs, run: Run): Promise<number> {
  const open = await ports.jobs.open(run);
  return open.filter((job) => isLeftToChild(job, run.attempt)).length;
}

async function leftOver(ports: Needs, { arn, name, startedAt }: RunningExecution): Promise<Stray | undefined> {
  const now = ports.clock.now();
  const id = await runIdOf(ports, arn, name);
  const run = id && (await ports.runs.load(id));
  if (run && !isFinal(run)) return undefined;
  const since = run?.finishedAt ?? startedAt;
  const seconds = secondsBetween(since, now);
  if (seconds <= (run ? LEFT_OVER_SECONDS : LEFT_OVER_LONG_SECONDS)) return undefined;
  const detail = run ? `${name} goes on though ${run.id} has ended as ${run.state}` : `${name} drives no run`;
  return { kind: 'execution-left-over', execution: arn, since, detail, isLong: seconds > LEFT_OVER_LONG_SECONDS, ...(run ? { run } : {}) };
}

/** By its name where the API started it; else by what it was started with. */
async function runIdOf(ports: Needs, arn: string, name: string): Promise<RunId | undefined> {
  const named = parseRunId(name.replace(/-a[0-9]+$/, ''));
  if (named !== undefined) return named;
  const input = (await ports.orchestrator.execution(arn))?.input;
  const body = input === undefined ? undefined : (JSON.parse(input) as Readonly<Record<string, unknown>> | null);
  const userId = body?.['user-id'];
  const userRunId = body?.['user-run-id'];
  if (typeof userId !== 'string' || typeof userRunId !== 'string') return undefined;
  return (await ports.runs.earlierRequest({ userId, userRunId, now: ports.clock.now() }))?.runId;
}

async function unreturnedSlots(ports: Needs): Promise<readonly Stray[]> {
  const now = ports.clock.now();
  const strays: Stray[] = [];
  for (const resource of await ports.slots.resources()) {
    const read = await ports.slots.load(resource);
    for (const holder of read.holders) {
      const run = await ports.runs.load(holder.runId);
      const hasEnded = run === undefined || isFinal(run);
      if (!hasEnded && holder.until > now) continue;
      const why = hasEnded ? 'has ended' : `had until ${holder.until} to give back what it holds`;
      const detail = `${holder.runId} holds ${counted(holder.held, 'slot')} of ${resource} and ${why}`;
      strays.push({ kind: 'slots-not-returned', read, holder, since: holder.until, detail });
    }
  }
  return strays;
}
