/**
 * Stops jobs. Control Hub takes no stop while a job activates, and says no more than that it refuses; so a stop that was refused is asked
 * for again as long as the job goes on. Remembered in this process alone: whoever asked forces the stop after a while in any case.
 * Some of its refusals are a 500 with `ISSUES`: for a stop by force, which nothing follows, that is taken for an accident.
 */
import type { EngineJobStatus } from '#domain/engine-job';
import type { EngineJobId } from '#domain/ids';
import { atMost, unavailable, type Hub } from './hub.ts';
import { jobPath } from './wire.ts';

export interface Stops {
  ask(id: EngineJobId, force: boolean): Promise<void>;
  /** Those of the jobs that go on although they were to stop. Does not throw. */
  askAgain(statuses: ReadonlyMap<EngineJobId, EngineJobStatus>): Promise<void>;
}

const ASKED_AT_ONCE = 8;
const MOST_REMEMBERED = 10_000;

export function stops(hub: Hub): Stops {
  const refused = new Map<EngineJobId, boolean>();

  async function ask(id: EngineJobId, force: boolean): Promise<void> {
    const call = { method: 'POST', path: jobPath(id, force ? '/forceStop' : '/stop'), repeatable: true } as const;
    const answer = await hub.client.call(call);
    if (answer.kind === 'no-answer' && (force || answer.told?.code === undefined)) throw unavailable(call, answer.reason);
    if (answer.kind === 'answer') {
      refused.delete(id);
      return;
    }
    if (refused.size >= MOST_REMEMBERED) refused.clear();
    refused.set(id, force);
  }

  return {
    ask,
    async askAgain(statuses) {
      if (refused.size === 0) return;
      await atMost(ASKED_AT_ONCE, [...statuses], async ([id, { state }]) => {
        const force = refused.get(id);
        if (force === undefined || state === 'unanswered') return;
        if (state === 'running' || state === 'queued') await ask(id, force).catch(() => undefined);
        else refused.delete(id);
      });
    },
  };
}
