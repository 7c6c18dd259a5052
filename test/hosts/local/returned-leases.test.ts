import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { instant, runId } from '#domain/ids';
import { Fault } from '#domain/faults';
import { returnedLeases } from '#hosts/local/returned-leases';
import type { RunStore, TickLease } from '#operations/ports';

const id = runId('01JABCDEFGHJKMNPQRSTVWXYZ0');
const lease: TickLease = { host: 'h', owner: 'h/1', now: instant(0), until: instant(120_000) };

/** A store that is away until it is told otherwise. */
function awayStore(): { readonly store: RunStore; readonly asked: string[]; comeBack: () => void } {
  let isAway = true;
  const asked: string[] = [];
  const answer = <Result>(what: string, result: Result): Promise<Result> => {
    asked.push(what);
    return isAway ? Promise.reject(new Fault('StoreBusy', 'away')) : Promise.resolve(result);
  };
  const ticks: Pick<RunStore, 'takeTick' | 'releaseTick'> = {
    takeTick: (_, { owner }) => answer(`take ${owner}`, 'taken'),
    releaseTick: (_, { owner }, seen) => answer(`release ${owner}${seen ? ' with what it saw' : ''}`, 'released'),
  };
  return { store: ticks as RunStore, asked, comeBack: () => (isAway = false) };
}

test.each([
  ['taken, for all its holder knows', (runs: RunStore) => runs.takeTick(id, lease)],
  ['not given back', (runs: RunStore) => runs.releaseTick(id, lease, undefined)],
])('a lease that was %s while the store was away is given back once it answers, and the run is told', async (_, call) => {
  const { store, asked, comeBack } = awayStore();
  const returned: string[] = [];
  const leases = returnedLeases(store, (run) => returned.push(run));
  await expect(call(leases.runs)).rejects.toThrow('away');
  await expect(call(leases.runs)).rejects.toThrow('away');
  await pause(600);
  expect(returned).toEqual([]);
  comeBack();
  while (returned.length === 0) await pause(10);
  expect(asked.at(-1)).toBe('release h/1');
  await pause(600);
  expect(returned).toEqual([id]);
  leases.close();
});

test('what the store takes at once is nobody else’s business', async () => {
  const { store, asked, comeBack } = awayStore();
  comeBack();
  const leases = returnedLeases(store, () => {
    throw new Error('nothing was returned late');
  });
  expect(await leases.runs.takeTick(id, lease)).toBe('taken');
  expect(await leases.runs.releaseTick(id, lease, undefined)).toBe('released');
  await pause(600);
  expect(asked).toEqual(['take h/1', 'release h/1']);
  leases.close();
});
