/**
 * Looks after engine jobs whose attempts have ended: acknowledges failures, collects counts that settle late, and removes what
 * is to be removed. Their jobs are settled and let go of already: trouble with one holds up nothing else, and is met again at
 * the next of its times. Each step may be repeated.
 */
import { isCareDue, isCollectable, isPatienceOver, judged, type Aftercare, type CountsAnswer } from '#domain/attempt-end';
import { secondsBetween, type EngineJobId, type Instant } from '#domain/ids';
import { isSettled, type Job } from '#domain/job';
import { caredFor, type Cared, type JobChange } from '#domain/job-change';
import type { Run } from '#domain/run';
import { inTurns } from './in-turns.ts';
import type { Engine, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'randomness' | 'jobs'>;

export interface Caring {
  readonly run: Run;
  readonly engine: Engine;
  /** Some of which have aftercare. */
  readonly jobs: readonly Job[];
  /** When a tick that came to its end looked last. */
  readonly lookedAt: Instant | undefined;
}

export interface CaredFor {
  /** Settled jobs of these about which nothing is left to do, and whose rows are still there: those of others went with their counts. */
  readonly done: readonly Job[];
  /** Settled jobs that are to be looked after again. */
  readonly left: number;
  /** By index: jobs as they are now, where they have changed. */
  readonly after: ReadonlyMap<number, Job>;
  readonly metricsCalls: number;
}

/** A tick has more to do: what is left over when this is over is for the next one. */
const CARE_SECONDS = 20;

export async function careForEnded(ports: Needs, { run, engine, jobs, lookedAt }: Caring): Promise<CaredFor> {
  const from = ports.clock.now();
  const asked = { metrics: 0 };
  const cares = jobs.flatMap((job) => (job.aftercare ?? []).map((care) => ({ job, care })));
  const due = cares.filter(({ care }) => isCareDue(care, engine.metricsSettleSeconds, lookedAt, from));
  const cared = new Map<Job, Cared[]>();
  await inTurns(rotated(due, ports.randomness), async ({ job, care }) => {
    const now = ports.clock.now();
    if (secondsBetween(from, now) >= CARE_SECONDS) return;
    const outcome = await caredOne(engine, { care, known: care.attempt === job.attempt ? job.metrics : care.metrics, now, asked });
    if (outcome) cared.set(job, [...(cared.get(job) ?? []), outcome]);
  });
  const changes = new Map([...cared].map(([job, outcomes]) => [job, caredFor(job, outcomes, ports.clock.now())]));
  const written = [...changes.values()].filter((change) => !isOfRowAlone(change));
  const saves = await ports.jobs.save(written, run.count);
  const saved = new Map(written.map(({ before }, place) => [before, saves[place]?.kind === 'saved']));
  const held = [...changes.values()].filter(({ before }) => saved.get(before) !== false);
  const settled = jobs.filter(isSettled);
  const isFree = (job: Job): boolean => (changes.get(job)?.after ?? job).aftercare === undefined;
  return {
    done: settled.filter((job) => isFree(job) && !saved.has(job)),
    left: settled.filter((job) => !isFree(job) || saved.get(job) === false).length,
    after: new Map(held.map(({ after }) => [after.index, after])),
    metricsCalls: asked.metrics,
  };
}

/** The row of a settled job goes with its last duty: the job itself need not be written for that. */
function isOfRowAlone({ before, after, records }: JobChange): boolean {
  const isUncounted = after.metrics === before.metrics && after.metricsStanding === before.metricsStanding && records === undefined;
  return isSettled(after) && after.aftercare === undefined && isUncounted;
}

/** Not always the same ones first: those that take all the time must not take that of all others. */
function rotated<Item>(items: readonly Item[], { fraction }: Ports['randomness']): readonly Item[] {
  const from = Math.floor(fraction() * items.length);
  return [...items.slice(from), ...items.slice(0, from)];
}

interface CaringForOne {
  readonly care: Aftercare;
  readonly known: Job['metrics'];
  readonly now: Instant;
  readonly asked: { metrics: number };
}

/** Undefined where nothing has changed. */
async function caredOne(engine: Engine, { care, known, now, asked }: CaringForOne): Promise<Cared | undefined> {
  const { engineJobId, endedAt } = care;
  const isOver = isPatienceOver(care, now);
  let { acknowledge, collect, remove, ...left } = care;
  let counts: Cared['counts'];
  if (acknowledge && ((await succeeds(() => engine.acknowledge(engineJobId))) || isOver)) acknowledge = undefined;
  if (collect && isCollectable(care, engine.metricsSettleSeconds, now)) {
    asked.metrics += 1;
    const ageSeconds = secondsBetween(endedAt, now);
    const seen = judged(await countsOf(engine, engineJobId), {
      ageSeconds,
      settleSeconds: engine.metricsSettleSeconds,
      ...(known ? { known } : {}),
    });
    const isPending = seen.standing?.state === 'pending';
    if (!isPending) collect = undefined;
    // The first counts are worth a write: they may remain the only ones.
    if (!isPending || (known === undefined && seen.metrics !== undefined)) counts = seen;
  }
  if (remove && !collect && ((await succeeds(() => engine.remove(engineJobId))) || isOver)) remove = undefined;
  if (acknowledge === care.acknowledge && collect === care.collect && remove === care.remove && counts === undefined) return undefined;
  const flags = { ...(acknowledge ? { acknowledge } : {}), ...(collect ? { collect } : {}), ...(remove ? { remove } : {}) } as const;
  return { care: { ...left, ...flags }, ...(counts ? { counts } : {}) };
}

/** What the engine throws is its trouble with this one job. */
async function succeeds(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}

/** Of a final job. An engine that cannot be asked delays no end. */
export async function countsOf(engine: Engine, id: EngineJobId): Promise<CountsAnswer> {
  try {
    const metrics = await engine.metrics(id);
    return metrics ? { metrics } : {};
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'unknown fault' };
  }
}
