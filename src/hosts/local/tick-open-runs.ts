/**
 * Looks at every run that something is left to do for, when the service starts: what its engine had in memory went with the service
 * before, and the loop that would notice may sleep for as long as it had reason to. A run that was accepted and no more is started: the
 * request that was to do so went with the service too. The same when the database was away: what was pushed meanwhile was not looked at.
 */
import type { RunId } from '#domain/ids';
import type { RunFilter } from '#domain/run-filter';
import { inTurns } from '#operations/in-turns';
import type { Orchestrator, RunStore } from '#operations/ports';
import type { Run } from '#domain/run';

const OPEN: readonly RunFilter[] = [{ state: 'ACCEPTED' }, { state: 'RUNNING' }, { state: 'CANCELLING' }, { collecting: true }];
const PAGE = 200;

interface Needs {
  readonly runs: RunStore;
  readonly orchestrator: Orchestrator;
}

export interface OpenRunTicks {
  /** Looks at all of them once more. */
  again(): void;
  /** Resolves when no look from here is under way. */
  close(): Promise<void>;
}

/** One that fails is the loop's to repeat, or the sweep's; so is a list that cannot be read, and the others are gone through. */
export function tickOpenRuns(
  { runs, orchestrator }: Needs,
  tickRun: (id: RunId) => Promise<unknown>,
  tell: (line: string) => void,
): OpenRunTicks {
  let ended = false;
  const look = ({ id, state, attempt }: Run): Promise<unknown> => (state === 'ACCEPTED' ? orchestrator.startRun(id, attempt) : tickRun(id));
  const allOf = async (filter: RunFilter): Promise<void> => {
    let cursor: string | undefined;
    do {
      const listed = await runs.list(filter, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      if (listed.kind !== 'page') return;
      for (const { id, detail } of listed.page.unreadable ?? [])
        tell(`${id} cannot be read: ${detail}. The others go on; \`sluice doctor\` says what to do.`);
      await inTurns(listed.page.items, async (run) => {
        if (!ended) await look(run).catch(() => undefined);
      });
      cursor = listed.page.cursor;
    } while (cursor !== undefined && !ended);
  };
  const all = async (): Promise<void> => {
    for (const filter of OPEN) await allOf(filter).catch(() => undefined);
  };
  let done = all();
  return {
    again() {
      done = done.then(all);
    },
    async close() {
      ended = true;
      await done;
    },
  };
}
