/** Which of a run's jobs a retry or a clone is about. */
import { setKeyOf } from './kinds.ts';
import type { ModelJob, ModelRun } from './model.ts';

export interface AskedSelection {
  readonly reasons?: readonly string[];
  readonly indexes?: readonly number[];
  /** By the keys of the sets in these places; of a place that there is not, a key of nothing. */
  readonly keysOf?: readonly number[];
}

const keyAt = ({ jobs, kind }: ModelRun, place: number): string => {
  const job = jobs[place];
  return job ? setKeyOf(kind, job.set) : '0'.repeat(32);
};

export function selectionBody({ reasons, indexes, keysOf }: AskedSelection, run: ModelRun): object {
  return {
    ...(reasons ? { reasons } : {}),
    ...(indexes ? { indexes } : {}),
    ...(keysOf ? { 'set-keys': keysOf.map((place) => keyAt(run, place)) } : {}),
  };
}

type Selected = { readonly indexes: readonly number[] } | { readonly pointers: readonly string[] };

/** What is named must be there and have failed so; of several sets with one key, one of them. A job that is not made yet has not failed. */
export function selected({ reasons, indexes, keysOf }: AskedSelection, run: ModelRun): Selected {
  const isMade = (job: ModelJob): boolean => job.history.length > 0;
  const hasFailed = (job: ModelJob): boolean =>
    job.state === 'FAILED' && (reasons === undefined || (job.failure !== undefined && reasons.includes(job.failure.reason)));
  const named = [...new Set(indexes)];
  const keys = [...new Set(keysOf?.map((place) => keyAt(run, place)))];
  const places = [...run.jobs.keys()];
  const isAsked = (place: number): boolean =>
    (indexes === undefined && keysOf === undefined) || named.includes(place) || keys.includes(keyAt(run, place));
  const taken = places.filter((place) => isAsked(place) && run.jobs[place] && hasFailed(run.jobs[place]));
  const badIndexes = named.filter((place) => {
    const job = run.jobs[place];
    return job === undefined || (isMade(job) && !hasFailed(job));
  });
  const badKeys = keys.filter((key) => {
    const withKey = places.filter((place) => keyAt(run, place) === key);
    const isMet = withKey.some((place) => taken.includes(place));
    // A set that is named by its place as well has its problem there.
    const told = withKey.filter((place) => !named.includes(place) && run.jobs[place] && isMade(run.jobs[place]));
    return withKey.length === 0 || (!isMet && told.length > 0);
  });
  const pointers = [...badIndexes.map(() => '/indexes'), ...badKeys.map(() => '/set-keys')];
  return pointers.length > 0 ? { pointers } : { indexes: taken };
}
