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
 *   job-row-left            a reported job that is not due, whose row says so    told only where a sweep could not move it
 *                           still
 *   run-unreadable          a run of which an item is not what its store         none: somebody restores the item
 *                           writes, or is gone
 *   slots-unreadable        slots of which an item is not what its store writes  none: likewise
 */
import { counted } from '#domain/counted';
import { Fault } from '#domain/faults';
import { epochMs, instant, parseRunId, secondsBetween, type Instant, type RunId } from '#domain/ids';
import { isFinal, type Run, type RunState } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import type { SlotHolder } from '#domain/slots';
import { isLeftToChild } from '#domain/tick';
import type { JobRow } from './job-ports.ts';
import type { Ports, RunningExecution, RunProgress, SlotRead } from './ports.ts';
import { readable } from './readable.ts';
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
    | { readonly kind: 'run-unreadable'; readonly runId: RunId }
    | { readonly kind: 'slots-unreadable'; readonly resource: string }
    | JobStray
  );

export interface Strays {
  readonly runs: number;
  readonly executions: number;
  readonly strays: readonly Stray[];
  /** Rows of reported jobs that are not overdue any more. */
  readonly settledRows: readonly JobRow[];
  /** The time was over before everything had been looked at. */
  readonly unfinished?: true;
}

export type SweepNeeds = Pick<Ports, 'clock' | 'catalog' | 'runs' | 'jobs' | 'slots' | 'orchestrator' | 'reportedJobs'>;

interface Watched {
  readonly run: Run;
  readonly progress?: RunProgress;
}

/** One look at everything, and what it has come across. */
interface Look extends SweepNeeds {
  readonly strays: Stray[];
  /** Runs that are told of as unreadable: each once, however often it is met. */
  readonly unreadable: Set<string>;
  readonly until: Instant;
  unfinished: boolean;
}

/** A request that was accepted starts its execution at once; this much later nobody will any more. */
const START_GRACE_SECONDS = 60;
/** A tick may take as long as its task may, fail three times and wait a minute. */
const OVERDUE_SECONDS = 240;
/** An execution outlives its run by a wait of its last state. */
const LEFT_OVER_SECONDS = 120;
const LEFT_OVER_LONG_SECONDS = 900;

const OPEN_STATES: readonly RunState[] = ['ACCEPTED', 'RUNNING', 'CANCELLING'];
const PAGE = 500;

/** @param withinSeconds after them nothing more is looked at: what is left is for the next sweep */
export async function findStrays(ports: SweepNeeds, withinSeconds = Infinity): Promise<Strays> {
  const until = withinSeconds === Infinity ? NEVER : instant(epochMs(ports.clock.now()) + withinSeconds * 1000);
  const look: Look = { ...ports, strays: [], unreadable: new Set(), until, unfinished: false };
  const running = await ports.orchestrator.running();
  const runs = await openRuns(look);
  const runningArns = new Set(running.map(({ arn }) => arn));
  await lookAtEach(
    look,
    runs,
    (standing) => straysOfRun(look, standing, runningArns),
    ({ run }) => run.id,
  );
  const collecting = await runsOf(look, { collecting: true });
  look.strays.push(...collecting.filter(({ run }) => isFinal(run)).flatMap((standing) => overdueWatch(look, standing)));
  const driven = new Set(runs.flatMap(({ run }) => run.execution ?? []));
  const undriven = running.filter(({ arn }) => !driven.has(arn));
  await lookAtEach(
    look,
    undriven,
    (execution) => leftOver(look, execution),
    ({ name }) => runIn(name),
  );
  await unreturnedSlots(look);
  const jobs = await findOverdueJobs(ports);
  const { strays, unfinished } = look;
  const seen = { runs: runs.length, executions: running.length, ...(unfinished ? { unfinished } : {}) };
  return { ...seen, strays: [...strays, ...jobs.strays], settledRows: jobs.settled };
}

const NEVER = '9999-12-31T23:59:59.999Z' as Instant;
/** Describing an execution is what is slow: 3,000 of them one after the other are more than a request may take. */
const LOOKED_AT_ONCE = 16;

/** What cannot be read is told as the run's, and the next one is looked at. */
async function lookAtEach<Item>(
  look: Look,
  items: readonly Item[],
  straysOf: (item: Item) => Promise<readonly Stray[]>,
  runOf: (item: Item) => RunId | undefined,
): Promise<void> {
  const found = new Map<number, readonly Stray[]>();
  const remaining = items.entries();
  const worker = async (): Promise<void> => {
    for (const [place, item] of remaining) {
      if (isOver(look)) return;
      const read = await readable(() => straysOf(item));
      if (read.kind === 'read') found.set(place, read.value);
      else tellRun(look, runOf(item), read.detail);
    }
  };
  await Promise.all(Array.from({ length: LOOKED_AT_ONCE }, worker));
  // In their own order, whichever was answered first.
  for (const place of items.keys()) look.strays.push(...(found.get(place) ?? []));
}

function isOver(look: Look): boolean {
  if (look.clock.now() < look.until) return false;
  look.unfinished = true;
  return true;
}

function tellRun(look: Look, runId: RunId | undefined, what: string): void {
  if (runId === undefined || look.unreadable.has(runId)) return;
  look.unreadable.add(runId);
  look.strays.push({ kind: 'run-unreadable', runId, since: look.clock.now(), detail: `${runId} cannot be looked after: ${what}` });
}

async function openRuns(look: Look): Promise<readonly Watched[]> {
  const found: Watched[] = [];
  for (const state of OPEN_STATES) found.push(...(await runsOf(look, { state })));
  return found.filter(({ run }) => !isFinal(run));
}

async function runsOf(look: Look, filter: RunFilter): Promise<readonly Watched[]> {
  const found: Watched[] = [];
  let cursor: string | undefined;
  do {
    const listed = await look.runs.list(filter, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    if (listed.kind !== 'page') break;
    for (const { id, detail } of listed.page.unreadable ?? []) tellRun(look, parseRunId(id), detail);
    const progress = await Promise.all(listed.page.items.map(({ id }) => readable(() => look.runs.progress(id))));
    for (const [place, run] of listed.page.items.entries()) {
      const read = progress[place];
      if (read?.kind === 'unreadable') tellRun(look, run.id, read.detail);
      else found.push({ run, ...(read?.value ? { progress: read.value } : {}) });
    }
    cursor = listed.page.cursor;
  } while (cursor !== undefined && !isOver(look));
  return found;
}

async function straysOfRun(look: Look, standing: Watched, running: ReadonlySet<string>): Promise<readonly Stray[]> {
  const { run } = standing;
  const driving = await strayOfExecution(look, run, running);
  const isWatched = run.execution !== undefined || run.closing !== undefined;
  const overdue = isWatched ? overdueWatch(look, standing) : [];
  if (driving || overdue.length > 0) await readAll(look, run);
  return [...(driving ? [driving] : []), ...overdue];
}

/** What a tick reads of a run: where one of it is damaged, every tick fails, and starting others is in vain. */
async function readAll(look: Look, run: Run): Promise<void> {
  const parts = [
    async () => {
      if (await look.catalog.template(run.templateId, run.templateVersion)) return;
      throw new Fault('Vanished', `version ${run.templateVersion} of ${run.templateId} is gone`);
    },
    () => look.jobs.open(run),
    () => look.jobs.counts(run),
  ];
  for (const part of parts) {
    const read = await readable<unknown>(part);
    if (read.kind === 'unreadable') tellRun(look, run.id, read.detail);
  }
}

function overdueWatch({ clock }: SweepNeeds, { run, progress }: Watched): readonly Stray[] {
  const since = progress?.nextPollAt ?? run.updatedAt;
  if (secondsBetween(since, clock.now()) <= OVERDUE_SECONDS) return [];
  return [{ kind: 'watch-overdue', run, since, detail: `${run.id} was to be looked at at ${since}` }];
}

async function strayOfExecution(ports: SweepNeeds, run: Run, running: ReadonlySet<string>): Promise<Stray | undefined> {
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

async function unstarted(ports: SweepNeeds, run: Run): Promise<number> {
  const open = await ports.jobs.open(run);
  return open.filter((job) => isLeftToChild(job, run.attempt)).length;
}

async function leftOver(ports: SweepNeeds, { arn, name, startedAt }: RunningExecution): Promise<readonly Stray[]> {
  const now = ports.clock.now();
  const id = await runIdOf(ports, arn, name);
  const run = id && (await ports.runs.load(id));
  if (run && !isFinal(run)) return [];
  const since = run?.finishedAt ?? startedAt;
  const seconds = secondsBetween(since, now);
  if (seconds <= (run ? LEFT_OVER_SECONDS : LEFT_OVER_LONG_SECONDS)) return [];
  const detail = run ? `${name} goes on though ${run.id} has ended as ${run.state}` : `${name} drives no run`;
  return [
    { kind: 'execution-left-over', execution: arn, since, detail, isLong: seconds > LEFT_OVER_LONG_SECONDS, ...(run ? { run } : {}) },
  ];
}

const runIn = (executionName: string): RunId | undefined => parseRunId(executionName.replace(/-a[0-9]+$/, ''));

/** By its name where the API started it; else by what it was started with. */
async function runIdOf(ports: SweepNeeds, arn: string, name: string): Promise<RunId | undefined> {
  const named = runIn(name);
  if (named !== undefined) return named;
  const input = (await ports.orchestrator.execution(arn))?.input;
  const body = input === undefined ? undefined : (JSON.parse(input) as Readonly<Record<string, unknown>> | null);
  const userId = body?.['user-id'];
  const userRunId = body?.['user-run-id'];
  if (typeof userId !== 'string' || typeof userRunId !== 'string') return undefined;
  return (await ports.runs.earlierRequest({ userId, userRunId, now: ports.clock.now() }))?.runId;
}

async function unreturnedSlots(look: Look): Promise<void> {
  for (const resource of await look.slots.resources()) {
    const slots = await readable(() => look.slots.load(resource));
    if (slots.kind === 'unreadable') {
      const detail = `the slots of ${resource} cannot be given out: ${slots.detail}`;
      look.strays.push({ kind: 'slots-unreadable', resource, since: look.clock.now(), detail });
      continue;
    }
    const read = slots.value;
    await lookAtEach(
      look,
      read.holders,
      (holder) => unreturned(look, read, holder),
      ({ runId }) => runId,
    );
  }
}

async function unreturned({ clock, runs }: SweepNeeds, read: SlotRead, holder: SlotHolder): Promise<readonly Stray[]> {
  const run = await runs.load(holder.runId);
  const hasEnded = run === undefined || isFinal(run);
  if (!hasEnded && holder.until > clock.now()) return [];
  const why = hasEnded ? 'has ended' : `had until ${holder.until} to give back what it holds`;
  const detail = `${holder.runId} holds ${counted(holder.held, 'slot')} of ${read.resource} and ${why}`;
  return [{ kind: 'slots-not-returned', read, holder, since: holder.until, detail }];
}
