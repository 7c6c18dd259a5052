/**
 * The model that the API is held against, a few maps: which kinds of template were put and which pair they serve, which runs were
 * accepted with which jobs, and what time it was when they were last looked after. It knows nothing of the code that it judges.
 */
import type fc from 'fast-check';
import type { ApiWorld } from './api-world.ts';

export type ParameterSet = Readonly<Record<string, string | number>>;

export interface ModelFailure {
  readonly reason: 'start-failed' | 'engine-error' | 'cancelled';
  readonly message: string;
}

export interface ModelJob {
  readonly set: ParameterSet;
  state: 'CREATED' | 'RUNNING' | 'FINISHED' | 'FAILED';
  attempt: number;
  /** Names of its events. Empty: its run has not made it yet. */
  readonly history: string[];
  failure: ModelFailure | undefined;
  /** Of the current attempt, on the engine. */
  startedAtMs: number | undefined;
  stoppedAtMs: number | undefined;
  finishedAtMs: number | undefined;
  /** Somebody wants this job alone to be cancelled. */
  isCancelled: boolean;
}

export interface ModelRetry {
  readonly attempt: number;
  readonly indexes: readonly number[];
  readonly said: string;
  readonly key: string | undefined;
}

export interface ModelRun {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly template: string;
  readonly version: number;
  /** Of the template's version. */
  readonly kind: string;
  readonly createdAtMs: number;
  readonly skipped: number;
  readonly clonedFrom: string | undefined;
  /** All that the caller said. */
  readonly said: string;
  readonly jobs: readonly ModelJob[];
  attempt: number;
  /** The jobs of an attempt that nobody has begun with yet. */
  pending: readonly number[] | undefined;
  isCancelled: boolean;
  readonly retries: ModelRetry[];
}

export interface ModelTemplate {
  /** The kinds of its versions. */
  readonly versions: string[];
  isThere: boolean;
}

export interface ModelPattern {
  /** Undefined: it was deleted. */
  template: string | undefined;
  version: number;
}

export interface Model {
  readonly templates: Map<string, ModelTemplate>;
  readonly patterns: Map<string, ModelPattern>;
  readonly runs: ModelRun[];
  readonly keys: Map<string, { readonly run: ModelRun; readonly untilMs: number }>;
  /** The hash of whatever was planned, by the plan's own words. */
  readonly plans: Map<string, string>;
  /** Requests that were sent, to be sent again. */
  readonly asked: Command[];
  readonly beganAtMs: number;
  /** As of the last tick. */
  nowMs: number;
}

export interface Real {
  readonly world: ApiWorld;
  /** What this sequence's names begin with. */
  readonly own: string;
}

export type Command = fc.AsyncCommand<Model, Real>;

export function emptyModel(nowMs: number): Model {
  const maps = { templates: new Map(), patterns: new Map(), keys: new Map(), plans: new Map() };
  return { ...maps, runs: [], asked: [], beganAtMs: nowMs, nowMs };
}

export const jobId = ({ id }: Pick<ModelRun, 'id'>, index: number): string =>
  `${id.replace('run_', 'job_')}_${String(index).padStart(5, '0')}`;

export const templateIdOf = (own: string, id: string): string => `tmpl_${own}-${id}`;

/** The version that is there now. */
export function templateVersion({ templates }: Model, id: string): number | undefined {
  const template = templates.get(id);
  return template?.isThere === true ? template.versions.length : undefined;
}

export function patternVersion({ patterns }: Model, pair: string): number | undefined {
  const pattern = patterns.get(pair);
  return pattern?.template === undefined ? undefined : pattern.version;
}

export const isSettled = ({ state }: ModelJob): boolean => state === 'FINISHED' || state === 'FAILED';

export type RunState = 'ACCEPTED' | 'RUNNING' | 'CANCELLING' | 'SUCCEEDED' | 'PARTIAL' | 'FAILED' | 'CANCELLED';

export const isFinal = (run: ModelRun): boolean => run.pending === undefined && run.jobs.every(isSettled);

export function stateOf(run: ModelRun): RunState {
  if (!isFinal(run)) {
    if (run.isCancelled) return 'CANCELLING';
    return run.pending !== undefined && run.attempt === 1 ? 'ACCEPTED' : 'RUNNING';
  }
  const finished = run.jobs.filter(({ state }) => state === 'FINISHED').length;
  if (finished === run.jobs.length) return 'SUCCEEDED';
  if (run.isCancelled) return 'CANCELLED';
  return finished > 0 ? 'PARTIAL' : 'FAILED';
}

/** What the sleep engine has counted: of jobs that it had, and that are over. */
const hasCounts = (job: ModelJob): boolean => isSettled(job) && job.startedAtMs !== undefined;

export function expectedRun(run: ModelRun, own: string): object {
  const count = (isCounted: (job: ModelJob) => boolean): number => run.jobs.filter(isCounted).length;
  const finished = count(({ state }) => state === 'FINISHED');
  const cancelled = count(({ failure }) => failure?.reason === 'cancelled');
  const failed = count(({ state }) => state === 'FAILED') - cancelled;
  const records = count(hasCounts) * 100;
  return {
    'run-id': run.id,
    state: stateOf(run),
    'user-id': `${own}-${run.user}`,
    'user-run-id': `${own}-${run.name}`,
    'source-type': `${own}-${run.pair}`,
    'template-id': templateIdOf(own, run.template),
    'template-version': run.version,
    'requested-by': 'model',
    attempt: run.attempt,
    jobs: { total: run.jobs.length, finished, failed, cancelled, open: run.jobs.length - finished - failed - cancelled },
    records: { input: records, output: records, error: 0 },
    ...(run.skipped > 0 ? { 'skipped-sets': run.skipped } : {}),
    ...(run.clonedFrom === undefined ? {} : { 'cloned-from': run.clonedFrom }),
  };
}
