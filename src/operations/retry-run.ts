/**
 * A new attempt of some of a run's jobs: those that failed, for whatever reason or for those named, or those of the named
 * sets. The run is reopened in one write with the list of its jobs; an execution of its own then makes them ready.
 */
import { counted } from '#domain/counted';
import type { RunId } from '#domain/ids';
import { isSettled, type FailureReason, type Job } from '#domain/job';
import { isFinal, type Run } from '#domain/run';
import { setKeyOf } from './expand-run.ts';
import type { Ports, RunRetry } from './ports.ts';

/** What is given holds together; nothing given selects every job that failed. */
export interface JobSelection {
  readonly reasons?: readonly FailureReason[];
  readonly indexes?: readonly number[];
  readonly setKeys?: readonly string[];
}

export interface RetryRun {
  readonly runId: RunId;
  readonly selection: JobSelection;
  readonly requestedBy: string;
  readonly idempotencyKey?: string;
}

export interface SelectionProblem {
  readonly index?: number;
  readonly setKey?: string;
  readonly message: string;
}

export type RetryRunOutcome =
  | { readonly kind: 'retried' | 'replayed'; readonly run: Run; readonly indexes: readonly number[] }
  | { readonly kind: 'not-found' }
  /** It is being accepted, or it is being closed: there is nothing to retry yet. */
  | { readonly kind: 'not-ready'; readonly run: Run }
  | { readonly kind: 'nothing-selected'; readonly run: Run }
  | { readonly kind: 'not-selectable'; readonly problems: readonly SelectionProblem[] }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'conflict' };

type Needs = Pick<Ports, 'clock' | 'digest' | 'catalog' | 'runs' | 'jobs' | 'orchestrator'>;

const ATTEMPTS = 3;

export async function retryRun(ports: Needs, request: RetryRun): Promise<RetryRunOutcome> {
  const bodyDigest = ports.digest({ ...request.selection });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const run = await ports.runs.load(request.runId);
    if (!run) return { kind: 'not-found' };
    const replayed = await replay(ports, run, request, bodyDigest);
    if (replayed) return replayed;
    if (run.plannedAt === undefined || (run.closing !== undefined && !isFinal(run))) return { kind: 'not-ready', run };
    const selected = await selectJobs(ports, run, request.selection);
    if ('problems' in selected) return { kind: 'not-selectable', problems: selected.problems };
    const { indexes } = selected;
    if (indexes.length === 0) return { kind: 'nothing-selected', run };
    const { requestedBy, idempotencyKey } = request;
    const retry: RunRetry = { indexes, requestedBy, bodyDigest, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
    const saved = await ports.runs.save(reopened(run, indexes.length, ports), run, retry);
    if (saved.kind === 'conflict') continue;
    await ports.orchestrator.startRun(run.id, saved.run.attempt);
    return { kind: 'retried', run: saved.run, indexes };
  }
  return { kind: 'conflict' };
}

/** Until the attempt has ended the same selection is the same attempt; under its key it is so for good. */
async function replay(ports: Needs, run: Run, request: RetryRun, bodyDigest: string): Promise<RetryRunOutcome | undefined> {
  const last = run.attempt > 1 ? await ports.runs.retry(run) : undefined;
  if (!last) return undefined;
  const underKey = await attemptUnderKey(ports, run, request.idempotencyKey);
  if (underKey && underKey.retry.bodyDigest !== bodyDigest) return { kind: 'key-reused' };
  if (!underKey && (isFinal(run) || last.bodyDigest !== bodyDigest)) return undefined;
  const { attempt, retry } = underKey ?? { attempt: run.attempt, retry: last };
  // An earlier request may have died before it started the attempt.
  if (run.execution === undefined && !isFinal(run)) await ports.orchestrator.startRun(run.id, run.attempt);
  return { kind: 'replayed', run: { ...run, attempt }, indexes: retry.indexes };
}

/** The latest attempt that was asked for under the key; one read for each that was asked for since. */
async function attemptUnderKey(
  { runs }: Needs,
  run: Run,
  key: string | undefined,
): Promise<{ readonly attempt: number; readonly retry: RunRetry } | undefined> {
  if (key === undefined) return undefined;
  for (let { attempt } = run; attempt > 1; attempt -= 1) {
    const retry = await runs.retry({ ...run, attempt });
    if (retry?.idempotencyKey === key) return { attempt, retry };
  }
  return undefined;
}

function reopened(run: Run, jobs: number, { clock }: Needs): Run {
  const { execution: _driver, plannedAt: _planned, closing: _closed, finishedAt: _ended, collecting: _after, ...kept } = run;
  return {
    ...kept,
    state: 'RUNNING',
    attempt: run.attempt + 1,
    retriedJobs: run.retriedJobs + jobs,
    watch: run.watch + 1,
    updatedAt: clock.now(),
  };
}

/** Bounds how many jobs are in memory at once. */
const AT_ONCE = 1000;

/** Named sets must all have failed; a selection by reason takes those that did. Of sets with one key, at least one must have. */
export async function selectJobs(
  ports: Pick<Ports, 'digest' | 'catalog' | 'runs' | 'jobs'>,
  run: Run,
  selection: JobSelection,
): Promise<{ readonly indexes: readonly number[] } | { readonly problems: readonly SelectionProblem[] }> {
  const { indexes, setKeys, reasons } = selection;
  const named = new Set(indexes);
  const problems: SelectionProblem[] = [...named].flatMap((index) =>
    index < run.count ? [] : [{ index, message: `the run has ${counted(run.count, 'set')}; the last index is ${run.count - 1}` }],
  );
  const byKey = new Map<number, string>();
  for (const { setKey, places } of await keyed(ports, run, setKeys ?? [])) {
    if (places.length === 0) problems.push({ setKey, message: 'no set of the run has this key' });
    for (const index of places) byKey.set(index, setKey);
  }
  const whyNotByKey = new Map<string, string>();
  const isNamed = indexes !== undefined || setKeys !== undefined;
  const selected: number[] = [];
  for (let from = 0; from < run.count; from += AT_ONCE) {
    for (const job of await ports.jobs.loadRange(run, from, Math.min(run.count, from + AT_ONCE))) {
      const setKey = byKey.get(job.index);
      if (isNamed && !named.has(job.index) && setKey === undefined) continue;
      if (isFailedFor(job, reasons)) selected.push(job.index);
      else if (named.has(job.index)) problems.push({ index: job.index, message: whyNot(job, reasons) });
      else if (setKey !== undefined) whyNotByKey.set(setKey, `set ${job.index}: ${whyNot(job, reasons)}`);
    }
  }
  const keysSelected = new Set(selected.map((index) => byKey.get(index)));
  for (const [setKey, message] of whyNotByKey) if (!keysSelected.has(setKey)) problems.push({ setKey, message });
  return problems.length > 0 ? { problems } : { indexes: selected };
}

function isFailedFor(job: Job, reasons: readonly FailureReason[] | undefined): boolean {
  return job.state === 'FAILED' && (reasons === undefined || (job.failure !== undefined && reasons.includes(job.failure.reason)));
}

function whyNot(job: Job, reasons: readonly FailureReason[] | undefined): string {
  if (!isSettled(job)) return `the job is ${job.state}: it has not ended`;
  if (job.state !== 'FAILED') return `the job is ${job.state}: only failed jobs are retried`;
  return `the job failed as ${job.failure?.reason ?? 'unknown'}, not as ${(reasons ?? []).join(' or ')}`;
}

async function keyed(
  ports: Pick<Ports, 'digest' | 'catalog' | 'runs'>,
  run: Run,
  setKeys: readonly string[],
): Promise<readonly { readonly setKey: string; readonly places: readonly number[] }[]> {
  const template = setKeys.length === 0 ? undefined : await ports.catalog.template(run.templateId, run.templateVersion);
  const wanted = new Map<string, number[]>(setKeys.map((setKey) => [setKey, []]));
  const sets = template ? await ports.runs.sets(run, 0, run.count) : [];
  if (template) for (const [index, set] of sets.entries()) wanted.get(setKeyOf(ports.digest, template, set))?.push(index);
  return [...wanted].map(([setKey, places]) => ({ setKey, places }));
}
