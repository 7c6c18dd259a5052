/**
 * Deletes a template that nobody uses: it leaves the lists, and nothing new can name it. Its versions stay, so that old runs
 * still show what they ran, and a later registration under its id goes on with the next number.
 *
 * That no pattern names it holds in the very transaction that deletes it. That no run is open is looked up before, as a
 * courtesy to whoever waits for one: a run that is accepted between that look and the deletion is pinned to a version that
 * stays, and goes on unharmed to its end, retries included.
 */
import { Fault } from '#domain/faults';
import type { RunId, TemplateId } from '#domain/ids';
import { isFinal, RUN_STATES, type Run, type RunState } from '#domain/run';
import type { Ports, RunStore, TypePair } from './ports.ts';
import { holds, type Precondition } from './precondition.ts';

export type DeleteTemplateOutcome =
  | { readonly kind: 'deleted' | 'absent' }
  | { readonly kind: 'precondition-failed'; readonly version: number | undefined }
  /** The first of each. */
  | { readonly kind: 'in-use'; readonly patterns: readonly TypePair[]; readonly runs: readonly RunId[] };

const ATTEMPTS = 3;
const USERS_NAMED = 10;

const OPEN_STATES: readonly RunState[] = RUN_STATES.filter((state) => !isFinal({ state }));

export async function deleteTemplate(
  { catalog, runs }: Pick<Ports, 'catalog' | 'runs'>,
  id: TemplateId,
  precondition: Precondition = {},
): Promise<DeleteTemplateOutcome> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const newest = await catalog.template(id);
    if (!newest) return { kind: 'absent' };
    if (!holds(precondition, newest.version)) return { kind: 'precondition-failed', version: newest.version };
    const [patterns, open] = await Promise.all([catalog.patternsNaming(id, USERS_NAMED), openRuns(runs, id)]);
    if (patterns.length + open.length > 0) return { kind: 'in-use', patterns, runs: open };
    if ((await catalog.removeTemplate(newest)) === 'removed') return { kind: 'deleted' };
  }
  throw new Fault('StoreBusy', `${id} was changed by others ${ATTEMPTS} times in a row`);
}

/** One state after the other, in the order that runs go through them: one that moves on meanwhile is met in its next state. */
async function openRuns(runs: RunStore, templateId: TemplateId): Promise<readonly RunId[]> {
  const found = new Set<RunId>();
  for (const state of OPEN_STATES) for (const { id } of await firstRuns(runs, templateId, state)) found.add(id);
  return [...found].slice(0, USERS_NAMED);
}

/** A page may be short, even empty, without being the last. */
async function firstRuns(runs: RunStore, templateId: TemplateId, state: RunState): Promise<readonly Run[]> {
  let cursor: string | undefined;
  do {
    const listed = await runs.list({ templateId, state }, { limit: USERS_NAMED, ...(cursor === undefined ? {} : { cursor }) });
    if (listed.kind !== 'page') return [];
    // It may be one of the template's: then its version must stay.
    const [lost] = listed.page.unreadable ?? [];
    if (lost) throw new Fault('CorruptItem', lost.detail);
    if (listed.page.items.length > 0) return listed.page.items;
    ({ cursor } = listed.page);
  } while (cursor !== undefined);
  return [];
}
