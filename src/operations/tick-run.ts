/**
 * The work of one tick: reads what is open, asks the engine once, decides (`#domain/tick`), writes, starts what may start,
 * and only then lets parked children go. It is the only writer of what engines report.
 */
import { agesSeconds, deadlinesSeconds, isUnderWay } from '#domain/deadlines';
import { expectationOf, sampled, type Durations } from '#domain/durations';
import { isFinalState } from '#domain/engine-job';
import { Fault } from '#domain/faults';
import { secondsBetween, type EngineJobId, type Instant } from '#domain/ids';
import { isSettled, type Job } from '#domain/job';
import type { JobChange } from '#domain/job-change';
import { nextDelaySeconds } from '#domain/poll-delay';
import { isFinal, type Run } from '#domain/run';
import { NO_USAGE } from '#domain/run-cost';
import { nextSampleSeconds, sampleIntervalSeconds, type SampleClock } from '#domain/samples';
import type { Template } from '#domain/template';
import { isDue, isFirstStart, tick, unheard, type EngineReport, type TickPlan } from '#domain/tick';
import { admitJobs, limitsOf, type Admission } from './admit-jobs.ts';
import { careForEnded, countsOf } from './care-for-ended.ts';
import { expandRun } from './expand-run.ts';
import { inTurns } from './in-turns.ts';
import { giveUpSecondsOf, launchAlone } from './launch-job.ts';
import { letGo } from './let-go.ts';
import type { Engine, Ports, RunProgress, Waiting } from './ports.ts';
import { sampleMetrics, type Sampled, type Sampling } from './sample-metrics.ts';
import { closeSettledRun } from './settle-run.ts';

export interface Ticked {
  readonly ended: boolean;
  readonly delaySeconds: number;
  /** Without `nextPollAt`. */
  readonly progress: RunProgress;
}

type Needs = Omit<Ports, 'parameterSchemas' | 'cursors' | 'apiTokens'>;

/** Of one status question. A run of 10,000 jobs is asked about in ten. */
const STATUS_CHUNK = 1000;

export async function tickRun(
  ports: Needs,
  found: Run,
  before: RunProgress | undefined,
  { isLoop, isPush }: { readonly isLoop: boolean; readonly isPush: boolean },
): Promise<Ticked> {
  const { run, template, engine } = await prepared(ports, found);
  const [past, openJobs] = await Promise.all([ports.durations.load(template.id), ports.jobs.open(run)]);
  // How long streaming jobs went on until somebody stopped them says nothing about the next one.
  const expected = template.streaming ? undefined : expectationOf(past);
  const { reports, calls, metricsCalls } = await reportsOf(engine, openJobs);
  const fenceSeconds = giveUpSecondsOf(ports, engine);
  const now = ports.clock.now();
  const startsAreRepeatable = engine.fenceSeconds === 0;
  const { closing } = run;
  const { metricsSettleSeconds } = engine;
  const { limits, deleteAfterCompletion: removes } = template;
  const lookedAt = before?.lookedAt;
  const context = { closing, limits, fenceSeconds, startsAreRepeatable, metricsSettleSeconds, removes, lookedAt, now };
  const plan = tick({ openJobs, reports, ...context });

  const troubles: string[] = [];
  // Asked before it is noted: a crash in between asks twice, the other way round would never ask.
  const faults = await stopped(engine, plan.stops);
  troubles.push(...faults.values());
  const saved = await savedJobs(
    ports,
    run,
    plan.changes.flatMap((change) => noted(change, faults) ?? []),
  );
  const jobs = openJobs.map((job) => saved.get(job.index) ?? job);
  const due = jobs.filter((job) => isDue(job, now));
  const delays = { run, jobs, template, fenceSeconds, metricsSettleSeconds, expected };
  const admission = await admitted(ports, { run, template, jobs, due: due.length, before, delaySeconds: delayOf(ports, delays) });
  const starting = due.slice(0, admission.granted);
  const refused: Job[] = [];
  let engineRests = false;
  await inTurns([...plan.launches, ...starting], async (job) => {
    // An engine that has no time for one of them has none for the others.
    if (engineRests) return;
    const { settled, isNotNow = false, trouble } = await launchAlone(ports, run, job);
    engineRests ||= isNotNow;
    if (trouble !== undefined) troubles.push(trouble);
    if (settled) refused.push(settled);
  });
  const leaving = [...plan.releases, ...[...saved.values()].filter(isSettled), ...refused];
  const tokens = await letGo(ports, run, leaving);
  // What was started just now has moved on: the attempts before it are looked after by the next tick.
  const moved = new Set([...plan.launches, ...starting].map(({ index }) => index));
  const waiting = jobs.filter((job) => !isSettled(job) && !moved.has(job.index));
  const cared = await careForEnded(ports, { run, engine, jobs: [...leaving, ...waiting], lookedAt: before?.lookedAt });
  await ports.jobs.close(run, cared.done, tokens);

  // A job whose end was written though its answer was lost is let go by one more tick.
  const left = openJobs.length - leaving.length + cared.left;
  const settled = await closeSettledRun(ports, run, { collecting: left > 0 });
  const { counts } = settled;
  const ended = settled.ended && left === 0;
  // A start that the engine refused had its slot until here, and a run that has ended holds none.
  if (settled.ended && admission.granted > 0) await admitted(ports, { run, template, jobs: [], due: 0, before, delaySeconds: 0 });
  const after = jobs.map((job) => cared.after.get(job.index) ?? job);
  const series = await sampledRunning(ports, { run, engine, template, jobs: after, lookedAt: before?.lookedAt, now });
  const usage = before?.usage ?? NO_USAGE;
  const progress: RunProgress = {
    counts,
    usage: {
      ticks: usage.ticks + 1,
      loopTicks: usage.loopTicks + (isLoop ? 1 : 0),
      jobsRead: usage.jobsRead + openJobs.length,
      statusCalls: usage.statusCalls + calls,
      metricsCalls: usage.metricsCalls + metricsCalls + cared.metricsCalls + series.metricsCalls,
      samples: usage.samples + series.samples,
      pushes: usage.pushes + (isPush ? 1 : 0),
      tickStarts: usage.tickStarts + plan.launches.length + starting.filter((job) => !isFirstStart(job)).length,
      slotStarts: usage.slotStarts + starting.filter(isFirstStart).length,
      slotHolds: usage.slotHolds + admission.holds,
    },
    ...withTaken(ports, before, template.streaming ? [] : durationsOf(plan.changes, saved, now)),
    ...(admission.waiting ? { waiting: admission.waiting } : {}),
    ...troubleOf(before, troubles, now),
    lookedAt: now,
  };
  const kept = settled.ended ? await handedOver(ports, template, progress) : progress;
  const delaySeconds = ended
    ? 0
    : delayOf(ports, {
        ...delays,
        jobs: after,
        started: starting.length,
        waiting: admission.waiting,
        hasEnded: settled.ended,
      });
  return { ended, delaySeconds, progress: kept };
}

async function prepared(ports: Needs, found: Run): Promise<{ readonly run: Run; readonly template: Template; readonly engine: Engine }> {
  // A closing run may have been left before all its jobs were made; a job must exist to be settled.
  const run = found.closing !== undefined && !isFinal(found) ? await expandRun(ports, found) : found;
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const engine = template && ports.engines(template.engine);
  if (!engine) throw new Fault('Vanished', `the engine or the template of ${run.id} is not there`);
  return { run, template, engine };
}

/** Why the engine could not be told of some of them. What it does not take for one of them is told again, and holds up no other. */
async function stopped(engine: Engine, stops: TickPlan['stops']): Promise<ReadonlyMap<EngineJobId, string>> {
  const faults = new Map<EngineJobId, string>();
  await inTurns(stops, async ({ engineJobId, force }) => {
    try {
      await engine.stop(engineJobId, { force });
    } catch (error) {
      if (!(error instanceof Fault && error.retryable)) throw error;
      faults.set(engineJobId, error.message);
    }
  });
  return faults;
}

function noted(change: JobChange, faults: ReadonlyMap<EngineJobId, string>): JobChange | undefined {
  const { engineJobId } = change.before.start;
  const fault = engineJobId === undefined ? undefined : faults.get(engineJobId);
  return fault === undefined ? change : unheard(change, fault);
}

const TROUBLE_LENGTH = 1000;

/** The first of a tick tells it: the others are of the same engine. */
export function troubleOf(before: RunProgress | undefined, [message]: readonly string[], now: Instant): Pick<RunProgress, 'trouble'> {
  return message === undefined ? {} : { trouble: { since: before?.trouble?.since ?? now, message: message.slice(0, TROUBLE_LENGTH) } };
}

async function reportsOf(
  engine: Engine,
  openJobs: readonly Job[],
): Promise<{ readonly reports: ReadonlyMap<EngineJobId, EngineReport>; readonly calls: number; readonly metricsCalls: number }> {
  const ids = openJobs.flatMap((job) => (isSettled(job) ? [] : (job.start.engineJobId ?? [])));
  const reports = new Map<EngineJobId, EngineReport>();
  let [calls, metricsCalls] = [0, 0];
  for (let from = 0; from < ids.length; from += STATUS_CHUNK) {
    const statuses = await engine.status(ids.slice(from, from + STATUS_CHUNK));
    calls += 1;
    await inTurns([...statuses], async ([id, status]) => {
      const isOver = isFinalState(status.state);
      metricsCalls += isOver ? 1 : 0;
      reports.set(id, { status, ...(isOver ? await countsOf(engine, id) : {}) });
    });
  }
  return { reports, calls, metricsCalls };
}

interface SamplingTemplate extends Omit<Sampling, 'clock'> {
  readonly template: Template;
}

async function sampledRunning(ports: Needs, { template, ...sampling }: SamplingTemplate): Promise<Sampled> {
  const clock = sampleClockOf(template, sampling.run);
  return clock ? sampleMetrics(ports, { ...sampling, clock }) : { samples: 0, metricsCalls: 0 };
}

function sampleClockOf({ streaming }: Template, { createdAt, count }: Run): SampleClock | undefined {
  return streaming && { since: createdAt, intervalSeconds: sampleIntervalSeconds(streaming, count) };
}

/** By index. A change that lost its race is left out: the next tick sees what the winner made of the job. */
async function savedJobs(ports: Needs, run: Run, changes: readonly JobChange[]): Promise<ReadonlyMap<number, Job>> {
  const outcomes = await ports.jobs.save(changes, run.count);
  return new Map(outcomes.flatMap((outcome) => (outcome.kind === 'saved' ? [[outcome.job.index, outcome.job] as const] : [])));
}

/** Slots outlive the next tick by this much: a tick that comes late must not find them given away. */
const SLOT_SLACK_SECONDS = 600;

interface Admitting {
  readonly run: Run;
  readonly template: Template;
  readonly jobs: readonly Job[];
  readonly due: number;
  readonly before: RunProgress | undefined;
  readonly delaySeconds: number;
}

function admitted(ports: Needs, { run, template, jobs, due, before, delaySeconds }: Admitting): Promise<Admission> {
  return admitJobs(ports, limitsOf(ports.policy, template), {
    runId: run.id,
    held: jobs.filter(isUnderWay).length,
    wanted: due,
    leaseSeconds: 3 * delaySeconds + SLOT_SLACK_SECONDS,
    waitingBefore: before?.waiting,
  });
}

interface Delaying {
  readonly run: Run;
  readonly jobs: readonly Job[];
  readonly template: Template;
  readonly fenceSeconds: number;
  readonly metricsSettleSeconds: number;
  readonly expected: ReturnType<typeof expectationOf>;
  /** How many of the jobs were started just now. */
  readonly started?: number;
  readonly waiting?: Waiting | undefined;
  /** Nothing is under way any more: there are only engine jobs to look after. */
  readonly hasEnded?: boolean;
}

/** Queued jobs are looked after at a twentieth of the time that they have waited. */
const WAITING = { part: 0.05, mostSeconds: 60 } as const;

function delayOf(ports: Needs, delaying: Delaying): number {
  const { run, jobs, template, fenceSeconds, metricsSettleSeconds, expected, started = 0, waiting, hasEnded = false } = delaying;
  const now = ports.clock.now();
  const waited = waiting ? [Math.min(WAITING.part * secondsBetween(waiting.since, now), WAITING.mostSeconds)] : [];
  const clock = jobs.some(isUnderWay) ? sampleClockOf(template, run) : undefined;
  const sample = clock ? [nextSampleSeconds(clock, now)] : [];
  return nextDelaySeconds({
    jobCount: run.count,
    agesSeconds: [...agesSeconds(jobs, now), ...Array.from({ length: started }, () => 0)],
    deadlinesSeconds: [
      ...deadlinesSeconds(jobs, { limits: template.limits, fenceSeconds, metricsSettleSeconds, now }),
      ...waited,
      ...sample,
    ],
    expected,
    hasEnded,
    floorSeconds: ports.policy.pollFloorSeconds,
    random: ports.randomness.fraction(),
  });
}

function durationsOf(changes: readonly JobChange[], saved: ReadonlyMap<number, Job>, now: Instant): Durations {
  return changes.flatMap(({ before }) => {
    const job = saved.get(before.index);
    return job?.state === 'FINISHED' ? [secondsTaken(job, now)] : [];
  });
}

/** By the engine's own clock, which agrees with itself; without its word from our start to our noticing. */
function secondsTaken({ metrics, start, createdAt }: Job, now: Instant): number {
  const { startedAt, finishedAt } = metrics ?? {};
  if (startedAt !== undefined && finishedAt !== undefined) return Math.max(0, secondsBetween(startedAt, finishedAt));
  return Math.max(0, secondsBetween(start.intentAt ?? createdAt, now));
}

function withTaken(ports: Needs, before: RunProgress | undefined, taken: Durations): Pick<RunProgress, 'durations' | 'durationsSeen'> {
  const durationsSeen = before?.durationsSeen ?? 0;
  return {
    durations: sampled(before?.durations ?? [], durationsSeen, taken, () => ports.randomness.fraction()),
    durationsSeen: durationsSeen + taken.length,
  };
}

/** By whichever tick sees the end, for FinishRun may have been faster to write it; once, for it is not kept. */
async function handedOver(ports: Needs, template: Template, progress: RunProgress): Promise<RunProgress> {
  if (progress.durations.length > 0) await ports.durations.add(template.id, progress.durations);
  return { ...progress, durations: [], durationsSeen: 0 };
}
