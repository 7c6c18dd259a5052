/** Stops instances that nobody wants, which Control Hub may refuse while they activate: until it has taken the stop, or they are over. */
import type { EngineJobId, EngineJobName } from '#domain/ids';
import type { Hub } from './hub.ts';
import { hasEnded, isBegun } from './job-state.ts';
import { isYoung } from './look-up.ts';
import { HubJob, jobPath } from './wire.ts';

export interface Duplicates {
  /** Takes these to be other instances of the start that made `kept`, and stops them, each once. Does not throw: the job itself is well. */
  stop(name: EngineJobName, kept: EngineJobId, others: readonly EngineJobId[]): Promise<void>;
  /** Tries again for those that could not be stopped so far. */
  stopRest(): Promise<void>;
  /** What the job's history is to say. */
  warningOf(kept: EngineJobId): string | undefined;
}

const TRIES = 3;
const PAUSE_MS = 2000;
/** What is remembered here is a help to those who look; what must not be forgotten stands in Control Hub. */
const MOST_REMEMBERED = 1000;

export function duplicates(hub: Hub): Duplicates {
  const warnings = new Map<EngineJobId, string>();
  const unwanted = new Set<EngineJobId>();
  /** A list that is a minute old still shows them. */
  const met = new Set<EngineJobId>();

  async function tryToStop(ids: readonly EngineJobId[]): Promise<void> {
    for (const id of ids) if (await isStopped(hub, id)) unwanted.delete(id);
  }

  return {
    async stop(name, kept, others) {
      const second = others.filter((id) => !met.has(id));
      if (second.length === 0) return;
      for (const id of second) {
        met.add(id);
        unwanted.add(id);
        hub.note('control hub: one start has two instances, one is stopped', { engineJobName: name, kept, stopped: id });
      }
      warnings.set(kept, `the start took effect more than once: stopped ${second.join(', ')}, which was not the one that is followed`);
      forgetOldest(warnings);
      forgetOldest(met);
      for (let tried = 1; ; tried += 1) {
        await tryToStop(second.filter((id) => unwanted.has(id)));
        if (tried === TRIES || !second.some((id) => unwanted.has(id))) return;
        await hub.pause(PAUSE_MS);
      }
    },
    async stopRest() {
      if (unwanted.size > 0) await tryToStop([...unwanted]);
    },
    warningOf: (kept) => warnings.get(kept),
  };
}

/** By the plain stop first: by force an engine has no time to finish its batch. */
async function isStopped({ client, nowMs }: Hub, id: EngineJobId): Promise<boolean> {
  for (const action of ['/stop', '/forceStop']) {
    const answer = await client.call({ method: 'POST', path: jobPath(id, action), repeatable: true });
    if (answer.kind === 'answer') return true;
    if (answer.kind === 'no-answer') return false;
  }
  const read = await client.call({ method: 'GET', path: jobPath(id), repeatable: true });
  if (read.kind !== 'answer') return read.kind === 'refused' && read.status === 404;
  const job = HubJob.safeParse(read.body);
  if (!job.success) return false;
  const { currentJobStatus: status } = job.data;
  // So old it starts no more by itself, and whoever looks for the name starts the one that is followed.
  if (status == null || !isBegun(status)) return !isYoung(job.data, nowMs());
  return hasEnded(status) || status.status === 'DEACTIVATING';
}

function forgetOldest(remembered: Map<EngineJobId, string> | Set<EngineJobId>): void {
  const [oldest] = remembered.keys();
  if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}
