/**
 * The counts of every attempt that an engine had are recorded once: on the job while the attempt is its latest, in an item of their
 * own once another has followed. What is pending is not recorded yet; what is recorded is not recorded anew.
 */
import type { Action, Check } from '#adapters/dynamodb/table';
import type { AttemptRecord } from '#domain/attempt-end';
import { metricsStateOf, type Job } from '#domain/job';
import type { Seen } from '#test/simulation/commit-checks';
import { COUNTED } from './scenarios.ts';

type Recorded = Pick<AttemptRecord, 'metrics' | 'standing'>;

export interface CountsChecks {
  committed(actions: readonly (Action | Check)[]): void;
  problems(seen: Seen): readonly string[];
}

export function countsChecks(): CountsChecks {
  /** By job and attempt: what was recorded, without what only repeats it. */
  const onJob = new Map<string, string[]>();
  const items = new Map<string, string[]>();
  /** Attempts that their engine had. */
  const hadByEngine = new Set<string>();
  const add = (to: Map<string, string[]>, key: string, value: string): void => {
    to.set(key, [...(to.get(key) ?? []), value]);
  };
  return {
    committed(actions) {
      for (const action of actions) {
        if (action.kind !== 'put') continue;
        const { pk, sk, body } = action.item;
        if (sk.startsWith('METRICS#')) add(items, `${pk} ${Number(sk.slice('METRICS#'.length))}`, textOf(JSON.parse(String(body))));
        if (!sk.startsWith('JOB#') || !pk.startsWith('RUN#')) continue;
        const job = JSON.parse(String(body)) as Job;
        if (job.start.engineJobId !== undefined) hadByEngine.add(keyOf(job, job.attempt));
        const state = metricsStateOf(job);
        if (state === undefined || state === 'pending') continue;
        const key = keyOf(job, job.attempt);
        const { metrics, metricsStanding: standing } = job;
        const value = textOf({ ...metrics, ...(standing ? { standing } : {}) });
        if (onJob.get(key)?.at(-1) !== value) add(onJob, key, value);
      }
    },
    problems(seen) {
      return [...seen.jobs.values()].flatMap(({ job, history }) => {
        const ends = history.filter(({ name }) => name === 'finish' || name === 'fail');
        return ends.flatMap(({ attempt, name }) => {
          const key = keyOf(job, attempt);
          const told = onJob.get(key) ?? [];
          const kept = items.get(key) ?? [];
          const what = `the counts of attempt ${attempt} of job ${job.index}`;
          if (told.length > 1 || kept.length > 1) return [`${what} were recorded ${Math.max(told.length, kept.length)} times`];
          if (told.length + kept.length === 0) return hadByEngine.has(key) ? [`${what} were never recorded`] : [];
          if (told.length + kept.length === 2 && told[0] !== kept[0]) return [`${what} became others`];
          if (attempt < job.attempt && kept.length === 0) return [`${what} were forgotten`];
          return name === 'finish' ? wrongCounts(what, JSON.parse(told[0] ?? kept[0] ?? '{}') as Counts) : [];
        });
      });
    },
  };
}

type Counts = Partial<NonNullable<Recorded['metrics']>> & Pick<Recorded, 'standing'>;

/** Control Hub has settled its counts by the time that the engine gives it: nobody may miss them over one fault or two. */
function wrongCounts(what: string, { inputRecordCount, outputRecordCount, errorRecordCount, standing }: Counts): readonly string[] {
  if (standing) return [`${what} are ${standing.state}: ${standing.reason ?? ''}`];
  const { input, output, error } = COUNTED;
  if (inputRecordCount === input && outputRecordCount === output && errorRecordCount === error) return [];
  return [`${what} are ${inputRecordCount}, ${outputRecordCount}, ${errorRecordCount}`];
}

/** In an order of their own: the same counts are the same text. */
const textOf = (value: unknown): string =>
  JSON.stringify(
    value,
    Object.keys(value as object)
      .concat('state', 'reason')
      .toSorted(),
  );

const keyOf = ({ runId, index }: Pick<Job, 'runId' | 'index'>, attempt: number): string =>
  `JOB#job_${runId.slice('run_'.length)}_${String(index).padStart(5, '0')} ${attempt}`;
