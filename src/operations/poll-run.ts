/**
 * Task state `PollRun` of watch.asl.json, and what a nudge invokes: one tick of a run. It reads what is open, asks the
 * engine once, decides (`#domain/tick`), writes, and only then lets parked children go. It is the only writer of what
 * engines report. One at a time per run: who comes second leaves word, and the first goes round again.
 */
import { Fault } from '#domain/faults';
import { epochMs, instant, type EngineJobId, type RunId } from '#domain/ids';
import { isSettled, type Job } from '#domain/job';
import { nextDelaySeconds } from '#domain/poll-delay';
import { isFinal, type Run, type RunCounts } from '#domain/run';
import { tick, type EngineReport, type JobChange } from '#domain/tick';
import { expandRun } from './expand-run.ts';
import { inTurns } from './in-turns.ts';
import { launchAlone } from './launch-job.ts';
import { letGo } from './let-go.ts';
import type { Engine, Ports, TickLease } from './ports.ts';
import { closeSettledRun } from './settle-run.ts';

export interface PollResult {
  readonly ended: boolean;
  /** When to ask again; 0 when the run has ended. */
  readonly delaySeconds: number;
}

type Needs = Pick<Ports, 'clock' | 'randomness' | 'digest' | 'catalog' | 'runs' | 'jobs' | 'engines' | 'orchestrator' | 'policy'>;

/** Of one status question. A run of 10,000 jobs is asked about in ten. */
const STATUS_CHUNK = 1000;

export async function pollRun(ports: Needs, id: RunId): Promise<PollResult> {
  const { host, leaseSeconds } = ports.policy;
  const now = ports.clock.now();
  const lease = { host, owner: `${host}/${ports.randomness.newUlid(now)}`, now, until: instant(epochMs(now) + leaseSeconds * 1000) };
  const taken = await ports.runs.takeTick(id, lease);
  if (taken === 'busy') return { ended: false, delaySeconds: ports.policy.pollFloorSeconds };
  try {
    for (;;) {
      const { counts, ...result } = await tickOnce(ports, id);
      const nextPollAt = instant(epochMs(ports.clock.now()) + result.delaySeconds * 1000);
      const seen = result.ended ? { counts } : { counts, nextPollAt };
      if ((await ports.runs.releaseTick(id, lease, seen)) === 'released') return result;
    }
  } catch (fault) {
    // The next try must not find the run held by this one, which has given up. A store that does not take this either lets
    // the lease lapse by itself.
    await released(ports, id, lease).catch(() => undefined);
    throw fault;
  }
}

async function released(ports: Needs, id: RunId, lease: TickLease): Promise<void> {
  while ((await ports.runs.releaseTick(id, lease, undefined)) === 'again');
}

async function tickOnce(ports: Needs, id: RunId): Promise<PollResult & { readonly counts: RunCounts }> {
  const found = await ports.runs.load(id);
  if (!found) throw new Fault('Vanished', `there is no run ${id}`);
  // An aborted run may have been left before all its jobs were made; a job must exist to be settled.
  const run = found.closing !== undefined && !isFinal(found) ? await expandRun(ports, found) : found;
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const engine = template && ports.engines(template.engine);
  if (!engine) throw new Fault('Vanished', `the engine or the template of ${id} is not there`);

  const openJobs = await ports.jobs.open(run);
  const reports = await reportsOf(engine, openJobs);
  const fenceSeconds = Math.max(engine.fenceSeconds, ports.policy.starterSeconds);
  const plan = tick({ openJobs, reports, closing: run.closing, limits: template.limits, fenceSeconds, now: ports.clock.now() });

  // Asked before it is noted: a crash in between asks twice, the other way round would never ask.
  await inTurns(plan.stops, ({ engineJobId, force }) => engine.stop(engineJobId, { force }));
  const saved = await savedJobs(ports, run, plan.changes);
  const retried = saved.filter((job) => job.start.queuedFor !== undefined);
  const refused: Job[] = [];
  await inTurns([...plan.launches, ...retried], async (job) => {
    const settled = await launchAlone(ports, run, job);
    if (settled) refused.push(settled);
  });
  await letGo(ports, { run, engine, template, jobs: [...plan.releases, ...saved.filter(isSettled), ...refused] });
  const { ended, counts } = await closeSettledRun(ports, run);
  return { ended, counts, delaySeconds: ended ? 0 : delaySeconds(ports, openJobs) };
}

async function reportsOf(engine: Engine, openJobs: readonly Job[]): Promise<ReadonlyMap<EngineJobId, EngineReport>> {
  const ids = openJobs.flatMap((job) => (isSettled(job) ? [] : (job.start.engineJobId ?? [])));
  const reports = new Map<EngineJobId, EngineReport>();
  for (let from = 0; from < ids.length; from += STATUS_CHUNK) {
    const statuses = await engine.status(ids.slice(from, from + STATUS_CHUNK));
    await inTurns([...statuses], async ([id, status]) => {
      const isOver = status.state !== 'queued' && status.state !== 'running';
      const metrics = isOver ? await engine.metrics(id) : undefined;
      reports.set(id, { status, ...(metrics ? { metrics } : {}) });
    });
  }
  return reports;
}

/** A change that lost its race is left out: the next tick sees what the winner made of the job. */
async function savedJobs(ports: Needs, run: Run, changes: readonly JobChange[]): Promise<readonly Job[]> {
  const outcomes = await ports.jobs.save(changes, run.count);
  return outcomes.flatMap((outcome) => (outcome.kind === 'saved' ? [outcome.job] : []));
}

function delaySeconds(ports: Needs, openJobs: readonly Job[]): number {
  const now = epochMs(ports.clock.now());
  const open = openJobs.filter((job) => !isSettled(job));
  const ages = open.map((job) => (now - epochMs(job.start.intentAt ?? job.createdAt)) / 1000);
  return nextDelaySeconds({
    openJobs: open.length,
    youngestAgeSeconds: open.length === 0 ? 0 : Math.min(...ages),
    floorSeconds: ports.policy.pollFloorSeconds,
    random: ports.randomness.fraction(),
  });
}
