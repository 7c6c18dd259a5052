/**
 * The model that the API is held against, a few maps: which kinds of template were put, which pair they serve, which runs were accepted,
 * and what time it was when they were last looked after; and what follows from that for runs and jobs.
 */
import type fc from 'fast-check';
import type { JobView, RunView } from '#contract/views';
import type { ApiWorld } from './api-world.ts';

export type ParameterSet = Readonly<Record<string, string | number>>;

export interface ModelRun {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly template: string;
  readonly version: number;
  readonly strict: boolean;
  readonly sets: readonly ParameterSet[];
  readonly body: string;
  startedAtMs?: number;
  /** The jobs that a tick has found running. */
  readonly seenRunning: Set<number>;
}

export interface Model {
  /** The kinds of a template's versions. */
  readonly templates: Map<string, string[]>;
  readonly patterns: Map<string, string>;
  readonly runs: ModelRun[];
  readonly keys: Map<string, ModelRun>;
  /** As of the last tick. */
  nowMs: number;
}

export interface Real {
  readonly world: ApiWorld;
  /** What this sequence's names begin with. */
  readonly own: string;
}

export type Command = fc.AsyncCommand<Model, Real>;

export const jobId = ({ id }: ModelRun, index: number): string => `${id.replace('run_', 'job_')}_${String(index).padStart(5, '0')}`;

export function jobStateOf(run: ModelRun, index: number, { nowMs }: Model): JobView['state'] {
  const set = run.sets[index] ?? {};
  if (run.startedAtMs === undefined) return 'CREATED';
  if (nowMs < run.startedAtMs + Number(set['SECONDS'] ?? 0) * 1000) return 'RUNNING';
  return 'FAIL' in set ? 'FAILED' : 'FINISHED';
}

export const jobStatesOf = (run: ModelRun, model: Model): readonly JobView['state'][] =>
  run.sets.map((_, index) => jobStateOf(run, index, model));

export function stateOf(run: ModelRun, model: Model): RunView['state'] {
  const states = jobStatesOf(run, model);
  if (run.startedAtMs === undefined) return 'ACCEPTED';
  if (states.includes('RUNNING')) return 'RUNNING';
  const finished = states.filter((state) => state === 'FINISHED').length;
  return finished === states.length ? 'SUCCEEDED' : finished > 0 ? 'PARTIAL' : 'FAILED';
}

export function expectedRun(run: ModelRun, model: Model, own: string): object {
  const states = jobStatesOf(run, model);
  const count = (state: JobView['state']): number => states.filter((each) => each === state).length;
  const [finished, failed] = [count('FINISHED'), count('FAILED')];
  return {
    'run-id': run.id,
    state: stateOf(run, model),
    'user-id': `${own}-${run.user}`,
    'user-run-id': `${own}-${run.name}`,
    'source-type': `${own}-${run.pair}`,
    'template-id': `tmpl_${own}-${run.template}`,
    'template-version': run.version,
    'requested-by': 'model',
    attempt: 1,
    jobs: { total: states.length, finished, failed, cancelled: 0, open: states.length - finished - failed },
    records: { input: (finished + failed) * 100, output: (finished + failed) * 100, error: 0 },
  };
}
