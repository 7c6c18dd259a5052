/**
 * Admits queued jobs under the limits that hold across runs (`#domain/slots`). Asked by the tick alone, which is the only
 * one of its run: a tick tells what its run has under way and what it would start, and takes what it is granted in one
 * transaction over all the resources that its template needs.
 */
import { counted } from '#domain/counted';
import { Fault } from '#domain/faults';
import { epochMs, instant, type RunId } from '#domain/ids';
import { grantSlots, startsLeft, type SlotGrant, type SlotLimits } from '#domain/slots';
import type { Template } from '#domain/template';
import type { Policy, Ports, SlotHold, SlotRead, Waiting } from './ports.ts';

export interface LimitedResource {
  readonly name: string;
  readonly limits: SlotLimits;
}

/** What limits the jobs of a template across runs; empty where nothing does. */
export function limitsOf({ engineLimits }: Policy, { id, engine, limits }: Template): readonly LimitedResource[] {
  const { maxParallelAcrossRuns, startsPerSecond } = limits;
  const ofTemplate = {
    ...(maxParallelAcrossRuns === undefined ? {} : { maxParallel: maxParallelAcrossRuns }),
    ...(startsPerSecond === undefined ? {} : { startsPerSecond }),
  };
  const ofEngine = Object.hasOwn(engineLimits, engine) ? (engineLimits[engine] ?? {}) : {};
  const all = [
    { name: `template:${id}`, limits: ofTemplate },
    { name: `engine:${engine}`, limits: ofEngine },
  ];
  return all.filter(({ limits: { maxParallel, startsPerSecond: rate } }) => maxParallel !== undefined || rate !== undefined);
}

export interface Admission {
  readonly granted: number;
  /** Of how many resources it was written down what the run has of them. */
  readonly holds: number;
  readonly waiting?: Waiting;
}

interface Demand {
  readonly runId: RunId;
  /** Jobs of the run that are under way. */
  readonly held: number;
  readonly wanted: number;
  /** How long the run may hold its slots without another tick. */
  readonly leaseSeconds: number;
  readonly waitingBefore: Waiting | undefined;
}

const ATTEMPTS = 5;

export async function admitJobs(
  ports: Pick<Ports, 'clock' | 'slots'>,
  resources: readonly LimitedResource[],
  demand: Demand,
): Promise<Admission> {
  const { wanted, waitingBefore } = demand;
  // Who only may not start too many at once holds nothing between its starts, and a tick that starts nothing has nothing to write down.
  const isToldAlways = resources.some(({ limits }) => limits.maxParallel !== undefined);
  const isTold = isToldAlways || wanted > 0 || waitingBefore !== undefined;
  if (resources.length === 0 || !isTold) return { granted: wanted, holds: 0 };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const now = ports.clock.now();
    const reads = await Promise.all(resources.map(({ name }) => ports.slots.load(name)));
    const grants = resources.map(({ limits }, place) => grantSlots(limits, standing(reads, place), { ...demand, now }));
    const granted = Math.min(...grants.map((grant) => grant.granted));
    const holder = { runId: demand.runId, held: demand.held + granted, until: instant(epochMs(now) + demand.leaseSeconds * 1000) };
    const holds = resources.map(({ limits }, place): SlotHold => {
      const read = standing(reads, place);
      // What only another resource keeps waiting takes no share of this one.
      const held = limits.maxParallel === undefined ? 0 : holder.held;
      const own = { ...holder, held, waiting: wanted - (grants[place]?.granted ?? 0) };
      if (limits.startsPerSecond === undefined) return { read, holder: own };
      return { read, holder: own, budget: { starts: startsLeft(limits.startsPerSecond, read.budget, now) - granted, at: now } };
    });
    if ((await ports.slots.hold(holds)) === 'conflict') continue;
    if (granted === wanted) return { granted, holds: holds.length };
    const reason = resources.flatMap(({ name, limits }, place) => reasonOf(name, limits, grants[place])).join('; ');
    return { granted, holds: holds.length, waiting: { jobs: wanted - granted, since: waitingBefore?.since ?? now, reason } };
  }
  throw new Fault(
    'StoreBusy',
    `the slots of ${resources.map(({ name }) => name).join(' and ')} were changed by others ${ATTEMPTS} times in a row`,
  );
}

function standing(reads: readonly SlotRead[], place: number): SlotRead {
  const read = reads[place];
  if (!read) throw new Fault('Vanished', 'a resource was not read');
  return read;
}

function reasonOf(name: string, { maxParallel, startsPerSecond }: SlotLimits, grant: SlotGrant | undefined): readonly string[] {
  switch (grant?.waitsFor) {
    case undefined:
      return [];
    case 'slot':
      return [`${name} may have ${counted(maxParallel ?? 0, 'job')} under way, and has ${grant.inUse}`];
    case 'start-rate':
      return [`${name} may start ${counted(startsPerSecond ?? 0, 'job')} a second`];
  }
}
