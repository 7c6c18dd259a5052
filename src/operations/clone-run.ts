/** A new run from an old one's sets, as they were or edited, under the template's version of then or of now. */
import type { RunId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import type { Run } from '#domain/run';
import type { Ports } from './ports.ts';
import { selectJobs, type JobSelection, type SelectionProblem } from './retry-run.ts';
import { startedBefore, startRun, type StartRun, type StartRunOutcome } from './start-run.ts';

export interface CloneRun extends Pick<StartRun, 'requestedBy' | 'idempotencyKey' | 'planHash' | 'skipSucceededSince'> {
  readonly runId: RunId;
  readonly userRunId: string;
  /** On whose behalf; the old run's user where absent. */
  readonly userId?: string;
  /** `same`: the version that the old run was pinned to. `current`: the newest version of what its pattern names now. */
  readonly templateVersion: 'same' | 'current';
  /** Instead of the old run's sets. */
  readonly sets?: readonly JsonObject[];
  /** Of the old run's sets, those that failed in this way; all of them where absent. */
  readonly selection?: JobSelection;
}

export type CloneRunOutcome =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'nothing-selected'; readonly run: Run }
  | { readonly kind: 'not-selectable'; readonly problems: readonly SelectionProblem[] }
  | StartRunOutcome;

type Needs = Pick<Ports, 'clock' | 'randomness' | 'digest' | 'parameterSchemas' | 'catalog' | 'runs' | 'jobs' | 'orchestrator'>;

export async function cloneRun(ports: Needs, request: CloneRun): Promise<CloneRunOutcome> {
  const old = await ports.runs.load(request.runId);
  if (!old) return { kind: 'not-found' };
  const { requestedBy, idempotencyKey, planHash, skipSucceededSince, selection } = request;
  const demand = {
    userId: request.userId ?? old.userId,
    userRunId: request.userRunId,
    sourceType: old.sourceType,
    targetType: old.targetType,
    clonedFrom: old.id,
    requestedBy,
    ...(request.templateVersion === 'same' ? { template: { id: old.templateId, version: old.templateVersion } } : {}),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(planHash === undefined ? {} : { planHash }),
    ...(skipSucceededSince === undefined ? {} : { skipSucceededSince }),
    ...(selection === undefined ? {} : { selectedBy: { ...selection } }),
  };
  // The old run may have gone on since: what failed then may not have failed now.
  const before = selection === undefined ? undefined : await startedBefore(ports, demand);
  if (before) return before;
  const chosen = await setsOf(ports, old, request);
  if ('problems' in chosen) return { kind: 'not-selectable', problems: chosen.problems };
  if (chosen.sets.length === 0) return { kind: 'nothing-selected', run: old };
  return startRun(ports, { ...demand, sets: chosen.sets });
}

async function setsOf(
  ports: Needs,
  old: Run,
  { sets, selection }: CloneRun,
): Promise<{ readonly sets: readonly JsonObject[] } | { readonly problems: readonly SelectionProblem[] }> {
  if (sets !== undefined) return { sets };
  const all = await ports.runs.sets(old, 0, old.count);
  if (selection === undefined) return { sets: all };
  const selected = await selectJobs(ports, old, selection);
  if ('problems' in selected) return selected;
  const wanted = new Set(selected.indexes);
  return { sets: all.filter((_, index) => wanted.has(index)) };
}
