/** What a job or a template is made of: the fields of NewJobJson, with the defaults of Control Hub's job builder. [C:SW-job, SDK] */
import * as z from 'zod';
import type { Parameters } from './run-plan.ts';
import { refused } from './refusal.ts';

const text = z.string().nullish();
const whole = z.number().int().nullish();
const flag = z.boolean().nullish();

const NewJob = z.looseObject({
  /** Ours: NewJobJson has no id, the server makes one. */
  id: text,
  name: z.string().min(1),
  description: text,
  pipelineName: text,
  pipelineId: text,
  pipelineCommitId: text,
  pipelineCommitLabel: text,
  rulesId: text,
  labels: z.array(z.string()).nullish(),
  statsRefreshInterval: whole,
  numInstances: whole,
  maxRetriesForFailedJob: whole,
  globalMaxRetries: whole,
  migrateOffsets: flag,
  /** A JSON string on the wire, never an object. */
  runtimeParameters: text,
  edge: flag,
  timeSeries: flag,
  forceStopTimeout: whole,
  jobTemplate: flag,
  rawJobTags: z.array(z.string()).nullish(),
  executorType: z.enum(['COLLECTOR', 'TRANSFORMER', 'EDGE', 'SNOWPARK']).nullish(),
  needsManualAck: flag,
  staticParameters: z.array(z.string()).nullish(),
  draftRun: flag,
  deleteAfterCompletion: flag,
});
type NewJob = z.infer<typeof NewJob>;

export interface JobDefinition {
  readonly name: string;
  readonly description: string | null;
  readonly pipelineName: string | null;
  readonly pipelineId: string | null;
  readonly pipelineCommitId: string | null;
  readonly pipelineCommitLabel: string | null;
  readonly rulesId: string | null;
  readonly labels: readonly string[];
  readonly statsRefreshInterval: number;
  readonly numInstances: number;
  readonly maxRetriesForFailedJob: number;
  readonly globalMaxRetries: number;
  readonly migrateOffsets: boolean;
  readonly runtimeParameters: Parameters;
  readonly edge: boolean;
  readonly timeSeries: boolean;
  readonly forceStopTimeout: number;
  readonly jobTemplate: boolean;
  readonly rawJobTags: readonly string[];
  readonly executorType: string;
  readonly needsManualAck: boolean;
  readonly staticParameters: readonly string[];
  readonly draftRun: boolean;
  readonly deleteAfterCompletion: boolean;
}

/**
 * The definition and, where the caller chose one, the id.
 * @throws Refusal for what is no NewJobJson
 */
export function definitionOf(body: unknown): { readonly id: string | undefined; readonly definition: JobDefinition } {
  const parsed = NewJob.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(400, 'SIMULATOR_02', `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'is no job'}`);
  }
  return { id: parsed.data.id ?? undefined, definition: { ...described(parsed.data), ...scheduled(parsed.data) } };
}

type Described = Pick<
  JobDefinition,
  'name' | 'description' | 'pipelineName' | 'pipelineId' | 'pipelineCommitId' | 'pipelineCommitLabel' | 'rulesId' | 'labels' | 'rawJobTags'
>;

const described = (job: NewJob): Described => ({
  name: job.name,
  description: job.description ?? null,
  pipelineName: job.pipelineName ?? null,
  pipelineId: job.pipelineId ?? null,
  pipelineCommitId: job.pipelineCommitId ?? null,
  pipelineCommitLabel: job.pipelineCommitLabel ?? null,
  rulesId: job.rulesId ?? null,
  labels: job.labels ?? ['all'],
  rawJobTags: job.rawJobTags ?? [],
});

const scheduled = (job: NewJob): Omit<JobDefinition, keyof Described> => ({
  statsRefreshInterval: job.statsRefreshInterval ?? 60_000,
  numInstances: job.numInstances ?? 1,
  maxRetriesForFailedJob: job.maxRetriesForFailedJob ?? -1,
  globalMaxRetries: job.globalMaxRetries ?? -1,
  migrateOffsets: job.migrateOffsets ?? false,
  runtimeParameters: parametersOf(job.runtimeParameters),
  edge: job.edge ?? false,
  timeSeries: job.timeSeries ?? false,
  forceStopTimeout: job.forceStopTimeout ?? 120_000,
  jobTemplate: job.jobTemplate ?? false,
  executorType: job.executorType ?? 'COLLECTOR',
  needsManualAck: job.needsManualAck ?? false,
  staticParameters: job.staticParameters ?? [],
  draftRun: job.draftRun ?? false,
  deleteAfterCompletion: job.deleteAfterCompletion ?? false,
});

function parametersOf(json: string | null | undefined): Parameters {
  if (json === null || json === undefined || json === '') return {};
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Parameters;
  } catch {
    // Told below, like any other text that is no object.
  }
  throw refused(400, 'SIMULATOR_02', 'runtimeParameters: is no JSON object in a string');
}
