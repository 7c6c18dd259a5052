/**
 * Task state `PollRun` of watch.asl.json, and what a nudge invokes: one tick of a run. One at a time per run: who comes
 * second leaves word, and the first goes round again.
 */
import { Fault } from '#domain/faults';
import { epochMs, instant, secondsBetween, type Instant, type RunId } from '#domain/ids';
import type { Ports, RunProgress, TickLease } from './ports.ts';
import { tickRun, troubleOf, type Ticked } from './tick-run.ts';

export interface PollRun {
  readonly runId: RunId;
  /** Of the loop that asks: one that has been followed by another leaves. Absent: a nudge. */
  readonly watch?: number;
  /** An engine has pushed, and an execution has been started for that. */
  readonly pushed?: true;
}

export interface PollResult {
  /** There is nothing more to do for who asked. */
  readonly ended: boolean;
  /** When to ask again; 0 when ended. */
  readonly delaySeconds: number;
}

type Needs = Omit<Ports, 'parameterSchemas' | 'cursors' | 'apiTokens'>;

const ENDED: PollResult = { ended: true, delaySeconds: 0 };

export async function pollRun(ports: Needs, { runId, watch, pushed }: PollRun): Promise<PollResult> {
  const { host, leaseSeconds } = ports.policy;
  const now = ports.clock.now();
  const lease = { host, owner: `${host}/${ports.randomness.newUlid(now)}`, now, until: instant(epochMs(now) + leaseSeconds * 1000) };
  const taken = await ports.runs.takeTick(runId, lease);
  if (taken === 'busy') return { ended: false, delaySeconds: ports.policy.pollFloorSeconds };
  let progress: RunProgress | undefined;
  try {
    progress = await ports.runs.progress(runId);
    for (let round = 0; ; round += 1) {
      const run = await ports.runs.load(runId);
      if (!run) throw new Fault('Vanished', `there is no run ${runId}`);
      if (watch !== undefined && run.watch > watch) {
        await released(ports, runId, lease);
        return ENDED;
      }
      const from = ports.clock.now();
      const ticked = rested(
        ports,
        from,
        await tickRun(ports, run, progress, { isLoop: watch !== undefined && round === 0, isPush: pushed === true && round === 0 }),
      );
      progress = progressOf(ports, ticked);
      const { ended, delaySeconds } = ticked;
      if ((await ports.runs.releaseTick(runId, lease, progress)) === 'released') return ended ? ENDED : { ended, delaySeconds };
    }
  } catch (fault) {
    // The next try must not find the run held by this one, which has given up. A store that does not take this either lets
    // the lease lapse by itself.
    await released(ports, runId, lease, inTrouble(ports, progress, fault)).catch(() => undefined);
    throw fault;
  }
}

/** A run is not looked at for longer than it is left alone: a tick of ten thousand jobs may take seconds. */
function rested(ports: Needs, from: Instant, ticked: Ticked): Ticked {
  const tookSeconds = Math.ceil(secondsBetween(from, ports.clock.now()));
  return ticked.ended || ticked.delaySeconds >= tookSeconds ? ticked : { ...ticked, delaySeconds: tookSeconds };
}

function progressOf(ports: Needs, { ended, delaySeconds, progress }: Ticked): RunProgress {
  return ended ? progress : { ...progress, nextPollAt: instant(epochMs(ports.clock.now()) + delaySeconds * 1000) };
}

/** Whoever looks at the run is to see why nothing moves: an engine that does not answer ends no job, and no tick. */
function inTrouble(ports: Needs, progress: RunProgress | undefined, fault: unknown): RunProgress | undefined {
  if (!progress || !(fault instanceof Fault) || fault.name !== 'EngineUnavailable') return undefined;
  return { ...progress, ...troubleOf(progress, [fault.message], ports.clock.now()) };
}

async function released(ports: Needs, id: RunId, lease: TickLease, seen?: RunProgress): Promise<void> {
  while ((await ports.runs.releaseTick(id, lease, seen)) === 'again');
}
