/**
 * Looks at every run that something is left to do for, once, when the service starts: what its engine had in memory went with the service
 * before, and the loop that would notice may sleep for as long as it had reason to.
 */
import type { RunId } from '#domain/ids';
import type { RunFilter } from '#domain/run-filter';
import { inTurns } from '#operations/in-turns';
import type { RunStore } from '#operations/ports';

const OPEN: readonly RunFilter[] = [{ state: 'RUNNING' }, { state: 'CANCELLING' }, { collecting: true }];
const PAGE = 200;

/** Returns what ends it; that resolves when no tick from here is under way. A tick that fails is the loop's to repeat. */
export function tickOpenRuns(runs: RunStore, tickRun: (id: RunId) => Promise<unknown>): () => Promise<void> {
  let ended = false;
  const all = async (): Promise<void> => {
    for (const filter of OPEN) {
      let cursor: string | undefined;
      do {
        const listed = await runs.list(filter, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
        if (listed.kind !== 'page') return;
        await inTurns(listed.page.items, async ({ id }) => {
          if (!ended) await tickRun(id).catch(() => undefined);
        });
        cursor = listed.page.cursor;
      } while (cursor !== undefined && !ended);
    }
  };
  const done = all().catch(() => undefined);
  return async () => {
    ended = true;
    await done;
  };
}
