/** Runs, jobs and templates for tests: complete and legal, with what a test is about given on top. */
import { instant, runId, type Instant, type RunId, type TemplateId } from '#domain/ids';
import { createdJob, type Job } from '#domain/job';
import type { Run } from '#domain/run';
import { DEFAULT_LIMITS, type Template } from '#domain/template';
import type { NewJob } from '#operations/ports';

export const START_MS = Date.UTC(2026, 0, 1);

/** An instant by its distance from the start of a test's time. */
export const at = (seconds: number): Instant => instant(START_MS + seconds * 1000);

let runs = 0;

/** Sorts after every id that was given out before. */
export function nextRunId(): RunId {
  runs += 1;
  return runId(`01K${String(runs).padStart(23, '0')}`);
}

export const TEMPLATE_ID = 'tmpl_sleep' as TemplateId;

export function aTemplate(change: Partial<Template> = {}): Template {
  return {
    id: TEMPLATE_ID,
    version: 1,
    createdAt: at(0),
    name: 'Sleep',
    engine: 'sleep',
    definition: {},
    static: { sourceParameters: {}, targetParameters: {}, sourceConnection: {}, targetConnection: {} },
    parametersSchema: {},
    overridable: [],
    searchable: [],
    identity: [],
    limits: DEFAULT_LIMITS,
    deleteAfterCompletion: false,
    ...change,
  };
}

export function aRun(change: Partial<Run> = {}): Run {
  const id = change.id ?? nextRunId();
  return {
    id,
    userId: 'ada',
    userRunId: `name of ${id}`,
    sourceType: 'http',
    targetType: 'gcs',
    templateId: TEMPLATE_ID,
    templateVersion: 1,
    requestedBy: 'tests',
    count: 1,
    chunkStarts: [],
    setsBytes: 0,
    attempt: 1,
    retriedJobs: 0,
    watch: 1,
    state: 'ACCEPTED',
    version: 1,
    createdAt: at(0),
    updatedAt: at(0),
    ...change,
  };
}

export function aJob(change: Partial<Job> = {}): Job {
  const { job } = createdJob({ runId: change.runId ?? runId(`01K${'0'.repeat(23)}`), index: change.index ?? 0 }, at(0), 'tests');
  return { ...job, ...change };
}

export function newJobs(run: Run): readonly NewJob[] {
  return Array.from({ length: run.count }, (_, index) => ({
    ...createdJob({ runId: run.id, index }, at(0), 'tests'),
    parameters: { values: { INDEX: index }, provenance: { INDEX: { origin: 'caller' as const } } },
    templateId: run.templateId,
    setKey: `set-${index}`,
  }));
}
