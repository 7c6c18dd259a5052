/**
 * Every id of the system: prefixed, so that a reader knows what it names, and branded, so that the compiler does.
 * Managed job ids are a function of their run and index, hence a set has its job id before the job item exists.
 */
declare const brand: unique symbol;
type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

export type RunId = Branded<string, 'RunId'>;
export type JobId = Branded<string, 'JobId'>;
/** Of a job that runs elsewhere: a typed UUID (contracts/pipeline-jobs.md §2.2). */
export type ReportedJobId = Branded<string, 'ReportedJobId'>;
/** What a URL names a job by, managed or reported. */
export type AnyJobId = JobId | ReportedJobId;
export type TemplateId = Branded<string, 'TemplateId'>;
export type EngineJobId = Branded<string, 'EngineJobId'>;
export type EngineJobName = Branded<string, 'EngineJobName'>;
/** ISO 8601, UTC, milliseconds, `Z`: `2026-11-21T08:00:00.000Z`. Instants sort as text. */
export type Instant = Branded<string, 'Instant'>;

const ULID = '[0-9A-HJKMNP-TV-Z]{26}';
const RUN_ID = new RegExp(`^run_(${ULID})$`);
const JOB_ID = new RegExp(`^job_(${ULID})_([0-9]{5})$`);
const REPORTED_JOB_ID = /^107[0-9a-f]{5}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TEMPLATE_ID = /^tmpl_[a-z0-9][a-z0-9-]{0,62}$/;

export const runId = (ulid: string): RunId => `run_${ulid}` as RunId;
export const parseRunId = (text: string): RunId | undefined => (RUN_ID.test(text) ? (text as RunId) : undefined);
export const parseTemplateId = (text: string): TemplateId | undefined => (TEMPLATE_ID.test(text) ? (text as TemplateId) : undefined);

/** `job_<run's ulid>_<index, 5 digits>` (design: ids). */
export function jobId(run: RunId, index: number): JobId {
  return `job_${run.slice('run_'.length)}_${String(index).padStart(5, '0')}` as JobId;
}

/** A managed job as its run and position, which is how stores and tasks address it. */
export interface JobRef {
  readonly runId: RunId;
  readonly index: number;
}

export function parseJobId(text: string): JobRef | undefined {
  const [, ulid, index] = JOB_ID.exec(text) ?? [];
  return ulid === undefined || index === undefined ? undefined : { runId: runId(ulid), index: Number(index) };
}

export const parseReportedJobId = (text: string): ReportedJobId | undefined =>
  REPORTED_JOB_ID.test(text) ? (text as ReportedJobId) : undefined;

/** The id of a job of either kind; undefined where `text` is none. */
export function parseAnyJobId(text: string): AnyJobId | undefined {
  return parseJobId(text) === undefined ? parseReportedJobId(text) : (text as JobId);
}

/** The name given to the engine's job: the look-up key when the answer to a start was lost. */
export function engineJobName(ref: JobRef, attempt: number): EngineJobName {
  return `${jobId(ref.runId, ref.index)}_a${String(attempt)}` as EngineJobName;
}

const ENGINE_JOB_NAME = new RegExp(`job_(${ULID})_([0-9]{5})_a[0-9]`);

/** Of a text that holds such a name: engines add to it what they like. */
export function jobOfEngineJobName(text: string): JobRef | undefined {
  const [, ulid, index] = ENGINE_JOB_NAME.exec(text) ?? [];
  return ulid === undefined || index === undefined ? undefined : { runId: runId(ulid), index: Number(index) };
}

export const engineJobId = (text: string): EngineJobId => text as EngineJobId;

export const instant = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;
export const epochMs = (at: Instant): number => Date.parse(at);
export const secondsBetween = (from: Instant, to: Instant): number => (epochMs(to) - epochMs(from)) / 1000;
