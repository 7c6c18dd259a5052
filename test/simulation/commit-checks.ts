/**
 * What must hold after every write, whoever made it: jobs and runs go only where they may, one version after the other, and
 * what is settled stays so. Keeps what it has seen, which is what everything is counted against in the end.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Action, Check, Item } from '#adapters/dynamodb/table';
import { parseJobId, type EngineJobId, type EngineJobName } from '#domain/ids';
import { isSettled, metricsStateOf, type HistoryEntry, type Job } from '#domain/job';
import { nextJobState } from '#domain/job-state';
import { addCounts, countsChange, finalRunState, isFinal, NO_COUNTS, settledCount, type Run, type RunCounts } from '#domain/run';
import type { Parked } from './executions.ts';
import type { Verdict } from './trace.ts';

export interface JobSeen {
  readonly job: Job;
  readonly history: readonly HistoryEntry[];
}

export interface Seen {
  readonly runs: ReadonlyMap<string, Run>;
  /** By `<run>/<index>`. */
  readonly jobs: ReadonlyMap<string, JobSeen>;
  committed(actions: readonly (Action | Check)[]): void;
  /** Its token has reached the orchestrator. */
  released(child: Pick<Parked, 'runId' | 'index' | 'attempt'>): void;
  jobsOf(run: Run): readonly JobSeen[];
  recount(run: Run): RunCounts;
  /** Attempts that were followed on an engine, by `<run>/<index> a<attempt>`: the engine's job. */
  readonly followed: ReadonlyMap<string, EngineJobId>;
  /** Engine jobs whose counts are recorded, or recorded as missing. */
  readonly counted: ReadonlySet<EngineJobId>;
  /** Whether the attempt of a job that this engine job was made for has ended. */
  isOver(name: EngineJobName): boolean;
}

export function commitChecks(verdict: Verdict): Seen {
  const runs = new Map<string, Run>();
  const jobs = new Map<string, JobSeen>();
  const followed = new Map<string, EngineJobId>();
  const counted = new Set<EngineJobId>();
  const recorded = new Set<string>();
  const jobsOf = (run: Run): readonly JobSeen[] =>
    Array.from({ length: run.count }, (_, index) => jobs.get(`${run.id}/${index}`)).flatMap((seen) => seen ?? []);
  const recount = (run: Run): RunCounts =>
    jobsOf(run)
      .map(({ job }) => countsChange(undefined, job))
      .reduce(addCounts, NO_COUNTS);
  const told = (what: string, problems: readonly (string | false | undefined)[]): void => {
    for (const problem of problems) if (typeof problem === 'string') verdict.fail(`${what}: ${problem}`);
  };
  const jobWritten = (item: Item, entries: readonly HistoryEntry[]): void => {
    const job = JSON.parse(String(item['body'])) as Job;
    const key = `${job.runId}/${job.index}`;
    const before = jobs.get(key);
    told(`job ${key}`, before ? changeProblems(before, job, entries) : creationProblems(job));
    jobs.set(key, { job, history: [...(before?.history ?? []), ...entries] });
    const { engineJobId } = job.start;
    if (engineJobId !== undefined) followed.set(`${key} a${job.attempt}`, engineJobId);
    // Forgotten by its engine before it began, or never followed: the attempt has no engine job any more.
    else followed.delete(`${key} a${job.attempt}`);
    const state = metricsStateOf(job);
    if (engineJobId !== undefined && state !== undefined && state !== 'pending') counted.add(engineJobId);
  };
  const countsWritten = ({ pk, sk }: Item): void => {
    const ref = parseJobId(pk.slice('JOB#'.length));
    const attempt = Number(sk.slice('METRICS#'.length));
    const id = followed.get(`${ref?.runId ?? ''}/${ref?.index ?? ''} a${attempt}`);
    if (recorded.has(`${pk} ${sk}`)) verdict.fail(`the counts of ${pk} ${sk} were recorded twice`);
    recorded.add(`${pk} ${sk}`);
    if (id !== undefined) counted.add(id);
  };
  const runWritten = (run: Run): void => {
    const before = runs.get(run.id);
    runs.set(run.id, run);
    told(run.id, before ? runProblems(before, run) : [run.version !== 1 && 'did not begin as version 1']);
    if (isFinal(run) && !(before && isFinal(before))) told(run.id, endProblems(run, jobsOf(run), recount(run)));
  };
  return {
    runs,
    jobs,
    jobsOf,
    recount,
    followed,
    counted,
    isOver(name) {
      const [, run = '', index, attempt] = /^job_(.+)_([0-9]+)_a([0-9]+)$/.exec(name) ?? [];
      const { history = [] } = jobs.get(`run_${run}/${Number(index)}`) ?? {};
      return history.some((entry) => isEnd(entry) && entry.attempt === Number(attempt));
    },
    committed(actions) {
      for (const action of actions) {
        if (action.kind !== 'put') continue;
        const { item } = action;
        if (item.sk.startsWith('JOB#')) jobWritten(item, entriesOf(actions, item));
        else if (item.sk.startsWith('METRICS#')) countsWritten(item);
        else if (item.sk === 'RUN') runWritten(item as unknown as Run);
      }
    },
    released({ runId, index, attempt }) {
      const seen = jobs.get(`${runId}/${index}`);
      // A child of an earlier attempt may hear of its end when the job has begun the next one.
      if (seen && (seen.job.runAttempt > attempt || (isSettled(seen.job) && seen.job.runAttempt === attempt))) return;
      verdict.fail(`the child of job ${runId}/${index} was let go while its job is ${seen?.job.state ?? 'not there'}`);
    },
  };
}

/** Of the job that stands in `item`, in their order. */
function entriesOf(actions: readonly (Action | Check)[], item: Item): readonly HistoryEntry[] {
  const { runId, index } = JSON.parse(String(item['body'])) as Job;
  const partition = `JOB#job_${runId.slice('run_'.length)}_${String(index).padStart(5, '0')}`;
  const found = actions.flatMap((action) =>
    action.kind === 'put' && action.item.pk === partition && action.item.sk.startsWith('EVENT#') ? [action.item] : [],
  );
  return found.map(({ body }) => JSON.parse(String(body)) as HistoryEntry).sort((a, b) => a.sequence - b.sequence);
}

function creationProblems(job: Job): readonly (string | false)[] {
  return [(job.version !== 1 || job.sequence !== 1 || job.state !== 'CREATED') && `began as ${job.state}, version ${job.version}`];
}

function changeProblems({ job: before, history }: JobSeen, job: Job, entries: readonly HistoryEntry[]): readonly (string | false)[] {
  const problems: (string | false)[] = [job.version !== before.version + 1 && `version ${job.version} follows version ${before.version}`];
  let { state, sequence, attempt } = before;
  for (const entry of entries) {
    const to = nextJobState(state, entry.name);
    problems.push(
      entry.sequence !== sequence + 1 && `entry ${entry.sequence} follows entry ${sequence}`,
      (entry.from !== state || to !== entry.to) && `${entry.name} led from ${state} to ${entry.to}`,
    );
    ({ sequence } = entry);
    state = entry.to;
    if (entry.name === 'ready') attempt += 1;
    if (isEnd(entry) && history.some((other) => isEnd(other) && other.attempt === entry.attempt))
      problems.push(`attempt ${entry.attempt} has ended twice`);
  }
  return [
    ...problems,
    (state !== job.state || sequence !== job.sequence) && `is ${job.state} at ${job.sequence}, its history ${state} at ${sequence}`,
    attempt !== job.attempt && `is in attempt ${job.attempt}, its history in ${attempt}`,
    isSettled(before) &&
      !entries.some(({ name }) => name === 'reset') &&
      JSON.stringify(before.aftercare) === JSON.stringify(job.aftercare) &&
      metricsStateOf(before) !== 'pending' &&
      `was written though it is settled as ${before.state}`,
    before.attempt === job.attempt && isCounted(before) && !hasSameCounts(before, job) && 'had its counts recorded twice',
    ...warningProblems([...history, ...entries]),
  ];
}

function isCounted(job: Job): boolean {
  const state = metricsStateOf(job);
  return state !== undefined && state !== 'pending';
}

/** In whatever order their fields were read and written. */
const hasSameCounts = (a: Job, b: Job): boolean => isDeepStrictEqual([a.metrics, a.metricsStanding], [b.metrics, b.metricsStanding]);

function warningProblems(history: readonly HistoryEntry[]): readonly (string | false)[] {
  const told = history.filter(({ name }) => name === 'update').map(({ attempt, data }) => `${attempt} ${JSON.stringify(data)}`);
  return [new Set(told).size < told.length && 'has the same warning twice in its history'];
}

const isEnd = ({ name }: HistoryEntry): boolean => name === 'finish' || name === 'fail';

function runProblems(before: Run, run: Run): readonly (string | false)[] {
  const isSameAttempt = run.attempt === before.attempt;
  return [
    run.version !== before.version + 1 && `version ${run.version} follows version ${before.version}`,
    !isSameAttempt && run.attempt !== before.attempt + 1 && `attempt ${run.attempt} follows attempt ${before.attempt}`,
    isFinal(before) && !isFinal(run) && isSameAttempt && `was reopened as ${run.state} without a retry`,
    isFinal(before) && isFinal(run) && before.state !== run.state && `was ${before.state} and became ${run.state}`,
    isSameAttempt && before.execution !== undefined && run.execution !== before.execution && 'was taken from the execution that drives it',
    run.watch < before.watch && `watch ${run.watch} follows watch ${before.watch}`,
  ];
}

function endProblems(run: Run, jobs: readonly JobSeen[], counts: RunCounts): readonly (string | false)[] {
  const open = jobs.filter(({ job }) => !isSettled(job)).map(({ job }) => job.index);
  return [
    jobs.length < run.count && `ended as ${run.state} with ${run.count - jobs.length} jobs that were never made`,
    open.length > 0 && `ended as ${run.state} while jobs ${open.join(', ')} are open`,
    settledCount(counts) !== run.count && `ended with ${settledCount(counts)} of ${run.count} jobs settled`,
    // Its records may still come: those must agree in the end.
    jobsOnly(counts) !== jobsOnly({ ...NO_COUNTS, ...run.counts }) && `counts ${JSON.stringify(run.counts)}, is ${JSON.stringify(counts)}`,
    finalRunState(run.count, counts, run.closing) !== run.state && `ended as ${run.state} with ${JSON.stringify(counts)}`,
  ];
}

const jobsOnly = ({ finished, failed, cancelled }: RunCounts): string => [finished, failed, cancelled].join();
