/** What the model says to a request for a run, whether it is to be planned or started. */
import { problemsOf, setKeyOf, spelt } from './kinds.ts';
import { templateVersion, type Model, type ModelRun, type ParameterSet } from './model.ts';

export interface Demand {
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly sets: readonly ParameterSet[];
  readonly sinceMs: number | undefined;
  /** The version that a clone keeps. */
  readonly pinned?: { readonly template: string; readonly version: number };
  readonly clonedFrom?: string;
  /** Of a clone: the sets are those of the old run that were selected so. */
  readonly selection?: string;
}

export interface Prepared {
  readonly template: string;
  readonly version: number;
  readonly kind: string;
  /** The places in the request of the sets that remain, and of those that are left out. */
  readonly places: readonly number[];
  readonly skipped: readonly number[];
  /** Equal plans have equal names, and no others. */
  readonly plan: string;
}

export interface Refusal {
  readonly slug: 'invalid-request' | 'no-pattern' | 'invalid-parameters' | 'key-reused' | 'plan-changed';
  readonly status: 400 | 412 | 422;
  /** Pointer and rule of each error. */
  readonly errors?: readonly string[];
  /** Of `plan-changed`: that what would be started now is this. */
  readonly plan?: string;
}

const refusal = (slug: Refusal['slug'], more: Partial<Refusal> = {}): { readonly refused: Refusal } => ({
  refused: { slug, status: slug === 'invalid-request' ? 400 : slug === 'plan-changed' ? 412 : 422, ...more },
});

export function prepare(model: Model, demand: Demand): { readonly prepared: Prepared } | { readonly refused: Refusal } {
  const { sets, pair, pinned, sinceMs } = demand;
  if (sets.length === 0) return refusal('invalid-request', { errors: ['/runtime-parameters custom'] });
  const template = pinned?.template ?? model.patterns.get(pair)?.template;
  if (template === undefined) return refusal('no-pattern', { errors: ['/source-type pattern', '/target-type pattern'] });
  const version = pinned?.version ?? templateVersion(model, template) ?? 0;
  const kind = model.templates.get(template)?.versions[version - 1] ?? '';
  const errors = problemsOf(kind, sets);
  if (errors.length > 0) return refusal('invalid-parameters', { errors });
  const hasSucceeded = sets.map((set) => sinceMs !== undefined && succeededSince(model, template, setKeyOf(kind, set), sinceMs));
  const all = [...sets.keys()];
  const [places, skipped] = [all.filter((place) => !hasSucceeded[place]), all.filter((place) => hasSucceeded[place])];
  const plan = JSON.stringify([saidOf({ ...demand, selection: undefined }), pinned ?? null, template, version, skipped]);
  return { prepared: { template, version, kind, places, skipped, plan } };
}

function succeededSince({ runs }: Model, template: string, setKey: string, sinceMs: number): boolean {
  const jobs = runs.filter((run) => run.template === template).flatMap((run) => run.jobs.map((job) => ({ job, kind: run.kind })));
  return jobs.some(({ job, kind }) => job.finishedAtMs !== undefined && job.finishedAtMs >= sinceMs && setKeyOf(kind, job.set) === setKey);
}

/** All that a caller has said: what a repeated request is compared by. */
export function saidOf({
  user,
  name,
  pair,
  sets,
  sinceMs,
  pinned,
  clonedFrom,
  selection,
}: Omit<Demand, 'selection'> & { readonly selection?: string | undefined }): string {
  return JSON.stringify([user, name, pair, selection ?? sets.map(spelt), sinceMs ?? null, pinned ?? null, clonedFrom ?? null]);
}

export interface Keys {
  readonly key: string | undefined;
  /** The hash of a plan, as `If-Match` says it. */
  readonly planHash: string | undefined;
}

export type Expected =
  { readonly started: Prepared } | { readonly replayed: ModelRun } | { readonly allSkipped: number } | { readonly refused: Refusal };

export function earlierRun(model: Model, { user, name }: Demand, key: string | undefined): ModelRun | undefined {
  const byKey = key === undefined ? undefined : model.keys.get(keyName(user, key));
  // A key holds for seven days, and then holds nothing.
  if (byKey && byKey.untilMs > model.nowMs) return byKey.run;
  return model.runs.find((run) => run.user === user && run.name === name);
}

export function expectedOf(model: Model, demand: Demand, { key, planHash }: Keys): Expected {
  const earlier = demand.sets.length === 0 && demand.selection === undefined ? undefined : earlierRun(model, demand, key);
  if (earlier) return earlier.said === saidOf(demand) ? { replayed: earlier } : refusal('key-reused');
  const outcome = prepare(model, demand);
  if ('refused' in outcome) return outcome;
  const { prepared } = outcome;
  const { plan, places, skipped } = prepared;
  if (planHash !== undefined && model.plans.get(plan) !== planHash) return refusal('plan-changed', { plan });
  return places.length === 0 ? { allSkipped: skipped.length } : { started: prepared };
}

const KEY_HOLDS_MS = 7 * 24 * 3600 * 1000;

/** The run that was started with this id. An Idempotency-Key is a user's own, like a user-run-id. */
export function begun(
  model: Model,
  id: string,
  demand: Demand,
  { template, version, kind, places, skipped }: Prepared,
  { key }: Keys,
): ModelRun {
  const { user, name, pair, sets, clonedFrom } = demand;
  const jobs = places.map((place): ModelRun['jobs'][number] => ({
    set: sets[place] ?? {},
    state: 'CREATED',
    attempt: 1,
    history: [],
    failure: undefined,
    startedAtMs: undefined,
    stoppedAtMs: undefined,
    finishedAtMs: undefined,
    isCancelled: false,
  }));
  const run: ModelRun = {
    ...{ id, user, name, pair, template, version, kind, clonedFrom, jobs },
    createdAtMs: model.nowMs,
    skipped: skipped.length,
    said: saidOf(demand),
    attempt: 1,
    pending: [...jobs.keys()],
    isCancelled: false,
    retries: [],
  };
  model.runs.push(run);
  if (key !== undefined) model.keys.set(keyName(user, key), { run, untilMs: model.nowMs + KEY_HOLDS_MS });
  return run;
}

const keyName = (user: string, key: string): string => `${user} ${key}`;
