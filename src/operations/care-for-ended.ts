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

export async function careForEnded(ports: Needs, caring: Caring): Promise<CaredFor> {
  const { run, engine, jobs, lookedAt } = caring;
  const from = ports.clock.now();
  const isDue = (care: Aftercare): boolean => isCareDue(care, engine.metricsSettleSeconds, lookedAt, from);
  const looked = jobs.flatMap((job): Looked[] => {
    const due = (job.aftercare ?? []).filter(isDue).map(({ attempt }) => attempt);
    return due.length > 0 ? [{ job, stored: job, now: job, due, isLost: false }] : [];
  });
  const asked = { metrics: 0 };
  await each(ports, from, looked, (care, { now }) => toldAndCounted(engine, care, { job: now, at: ports.clock.now(), asked }));
  await save(ports, run, looked.filter(hasCounted));
  // Only now: what an engine has forgotten can be counted no more.
  await each(
    ports,
    from,
    looked.filter(({ isLost }) => !isLost),
    (care) => removed(engine, care, ports.clock.now()),
  );
  await save(
    ports,
    run,
    looked.filter((one) => !one.isLost && one.now !== one.stored && !isOfRowAlone(one)),
  );
  const after = new Map(looked.map((one) => [one.job, one]));
  const settled = jobs.filter(isSettled).map((job) => after.get(job) ?? { job, stored: job, now: job, isLost: false });
  return {
    done: settled
      .filter(({ now, stored, job, isLost }) => !isLost && isFree(now) && (stored === job || !isFree(stored)))
      .map(({ stored }) => stored),
    left: settled.filter(({ now, isLost }) => isLost || !isFree(now)).length,
    after: new Map(looked.filter(({ isLost }) => !isLost).map(({ now }) => [now.index, now])),
    metricsCalls: asked.metrics,
  };
}

interface Looked {
  /** As it was given. */
  readonly job: Job;
  /** As it is in the store. */
  stored: Job;
  /** With what has been done meanwhile. */
  now: Job;
  /** Attempts. */
  readonly due: readonly number[];
  /** Somebody else has changed it: the next tick looks again. */
  isLost: boolean;
  records?: JobChange['records'];
}

const isFree = ({ aftercare }: Job): boolean => aftercare === undefined;

const hasCounted = ({ now, stored, records }: Looked): boolean =>
  now.metrics !== stored.metrics || now.metricsStanding !== stored.metricsStanding || records !== undefined;

/** The row of a settled job goes with its last duty: the job itself need not be written for that. */
const isOfRowAlone = (one: Looked): boolean => isSettled(one.now) && isFree(one.now) && !hasCounted(one);

async function save(ports: Needs, run: Run, looked: readonly Looked[]): Promise<void> {
  const changes = looked.map(({ stored, now, records }) => ({ before: stored, after: now, entries: [], ...(records ? { records } : {}) }));
  const outcomes = await ports.jobs.save(changes, run.count);
  for (const [place, one] of looked.entries()) {
    const outcome = outcomes[place];
    if (outcome?.kind === 'saved') [one.stored, one.now] = [outcome.job, outcome.job];
    else one.isLost = true;
    delete one.records;
  }
}

/** Not always the same ones first: those that take all the time must not take that of all others. */
async function each(
  ports: Needs,
  from: Instant,
  looked: readonly Looked[],
  act: (care: Aftercare, one: Looked) => Promise<Cared | undefined>,
): Promise<void> {
  const first = Math.floor(ports.randomness.fraction() * looked.length);
  await inTurns([...looked.slice(first), ...looked.slice(0, first)], async (one) => {
    for (const care of one.now.aftercare ?? []) {
      if (!one.due.includes(care.attempt)) continue;
      if (secondsBetween(from, ports.clock.now()) >= CARE_SECONDS) return;
      const cared = await act(care, one);
      if (cared === undefined) continue;
      const { after, records } = caredFor(one.now, cared, ports.clock.now());
      one.now = after;
      if (records) one.records = [...(one.records ?? []), ...records];
    }
  });
}

interface Counting {
  readonly job: Job;
  readonly at: Instant;
  readonly asked: { metrics: number };
}

/** Undefined where nothing has changed. */
async function toldAndCounted(engine: Engine, care: Aftercare, { job, at, asked }: Counting): Promise<Cared | undefined> {
  const { engineJobId, endedAt } = care;
  const { metricsSettleSeconds: settleSeconds } = engine;
  let left = care;
  let counts: Cared['counts'];
  if (care.acknowledge && ((await succeeds(() => engine.acknowledge(engineJobId))) || isPatienceOver(care, at))) {
    left = without(left, 'acknowledge');
  }
  if (isCollectable(care, settleSeconds, at)) {
    asked.metrics += 1;
    const known = care.attempt === job.attempt ? job.metrics : care.metrics;
    const ageSeconds = secondsBetween(endedAt, at);
    const seen = judged(await countsOf(engine, engineJobId), { ageSeconds, settleSeconds, ...(known ? { known } : {}) });
    const isPending = seen.standing?.state === 'pending';
    if (!isPending) left = without(left, 'collect');
    // The first counts are worth a write: they may remain the only ones.
    if (!isPending || (known === undefined && seen.metrics !== undefined)) counts = seen;
  }
  return left === care && counts === undefined ? undefined : { care: left, ...(counts ? { counts } : {}) };
}

async function removed(engine: Engine, care: Aftercare, at: Instant): Promise<Cared | undefined> {
  if (care.remove === undefined || care.collect) return undefined;
  const isRemoved = await succeeds(() => engine.remove(care.engineJobId));
  return isRemoved || isPatienceOver(care, at) ? { care: without(care, 'remove') } : undefined;
}

function without(care: Aftercare, duty: 'acknowledge' | 'collect' | 'remove'): Aftercare {
  const { [duty]: _done, ...left } = care;
  return left;
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
