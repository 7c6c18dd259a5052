/**
 * One tick at a time per run, with a trailing edge: whoever comes while a tick is under way leaves word and goes, and the
 * tick goes round once more before it lets go. A burst of nudges costs one extra tick. A holder that dies is replaced once
 * its time is up, or at once where its host has died with it.
 */
import type { RunId } from '#domain/ids';
import type { RunProgress, TickLease } from '#operations/ports';
import { keys } from './keys.ts';
import type { Expression, Table } from './table.ts';

const ATTEMPTS = 3;

export async function takeTick(table: Table, id: RunId, lease: TickLease): Promise<'taken' | 'busy'> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const taken = await table.write({
      kind: 'update',
      key: keys.tick(id),
      change: { text: 'SET #owner = :owner, #until = :until REMOVE #wanted', values: { ':owner': lease.owner, ':until': lease.until } },
      guard: {
        // Its own already: the answer to an earlier try was lost.
        text: 'attribute_not_exists(#owner) OR #owner = :owner OR #until < :now OR NOT begins_with(#owner, :host)',
        values: { ':owner': lease.owner, ':now': lease.now, ':host': `${lease.host}/` },
      },
    });
    if (taken.kind === 'done') return 'taken';
    const told = await table.write({
      kind: 'update',
      key: keys.tick(id),
      change: { text: 'SET #wanted = :yes', values: { ':yes': true } },
      guard: { text: 'attribute_exists(#owner)' },
    });
    // Refused: the holder let go in between, so nobody has heard us.
    if (told.kind === 'done') return 'busy';
  }
  return 'busy';
}

export async function releaseTick(table: Table, id: RunId, lease: TickLease, seen: RunProgress | undefined): Promise<'released' | 'again'> {
  const released = await table.write({
    kind: 'update',
    key: keys.tick(id),
    change: lettingGo(seen),
    guard: { text: '#owner = :owner AND attribute_not_exists(#wanted)', values: { ':owner': lease.owner } },
  });
  if (released.kind === 'done') return 'released';
  const again = await table.write({
    kind: 'update',
    key: keys.tick(id),
    change: { text: 'REMOVE #wanted' },
    guard: { text: '#owner = :owner', values: { ':owner': lease.owner } },
  });
  // Refused: the time was up and another owner has the run; it will look at everything that we could have looked at.
  return again.kind === 'done' ? 'again' : 'released';
}

const PROGRESS = [
  'counts',
  'usage',
  'durations',
  'durationsSeen',
  'nextPollAt',
  'waiting',
  'lookedAt',
  'trouble',
] as const satisfies readonly (keyof RunProgress)[];

/** The whole progress is replaced: what it does not have goes. */
function lettingGo(seen: RunProgress | undefined): Expression {
  if (seen === undefined) return { text: 'REMOVE #owner, #until' };
  const present = PROGRESS.filter((name) => seen[name] !== undefined);
  const absent = PROGRESS.filter((name) => seen[name] === undefined);
  const set = present.map((name) => `#${name} = :${name}`).join(', ');
  const removed = ['owner', 'until', ...absent].map((name) => `#${name}`).join(', ');
  return { text: `SET ${set} REMOVE ${removed}`, values: Object.fromEntries(present.map((name) => [`:${name}`, seen[name]])) };
}
