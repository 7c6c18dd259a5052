/** What the simulated Control Hub knows. Everything that a client can read is computed from this and a moment. */
import type { JobDefinition } from './job-definition.ts';
import type { RunPlan, Parameters } from './run-plan.ts';
import type { Switches } from './switches.ts';
import type { Intervention, PlannedRun } from './timeline.ts';

export interface JobRun extends PlannedRun {
  /** JobStatusJson.id: one per run. */
  readonly statusId: string;
  readonly jobId: string;
  readonly runCount: number;
  readonly user: string;
  /** Null where no engine has taken it. */
  readonly engineId: string | null;
  readonly pipelineCommitId: string | null;
  readonly pipelineCommitLabel: string | null;
  readonly refreshMs: number;
  readonly interventions: Intervention[];
}

export interface Job {
  readonly id: string;
  readonly creator: string;
  readonly createdMs: number;
  modifiedMs: number;
  definition: JobDefinition;
  /** Of an instance that is attached to its template. */
  readonly templateId: string | null;
  /** What the pipeline gets: the template's parameters under the instance's own. */
  effectiveParameters: Parameters;
  /** Oldest first. */
  readonly runs: JobRun[];
  deletedMs: number | null;
  archived: boolean;
}

export interface TemplateRun {
  readonly id: string;
  readonly templateId: string;
  readonly user: string;
  readonly atMs: number;
  readonly runCount: number;
  readonly configuration: string;
  readonly jobInstanceIds: readonly string[];
}

export interface PipelineCommit {
  readonly commitId: string;
  readonly version: string;
  readonly message: string;
  readonly atMs: number;
  readonly committer: string;
  readonly draft: boolean;
}

export interface Pipeline {
  readonly pipelineId: string;
  readonly name: string;
  readonly executorType: string;
  /** Oldest first, at least one. */
  readonly commits: readonly PipelineCommit[];
}

export interface Engine {
  readonly id: string;
  readonly labels: readonly string[];
  readonly responding: boolean;
  readonly executorType: string;
  readonly version: string;
}

export interface Subscription {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  enabled: boolean;
  triggerCount: number;
  lastTriggeredMs: number | null;
  errorMessage: string | null;
}

export interface Hub {
  readonly organizationId: string;
  readonly userId: string;
  readonly projectIds: readonly string[] | undefined;
  readonly defaultPlan: RunPlan;
  readonly newId: () => string;
  readonly jobs: Map<string, Job>;
  readonly pipelines: Map<string, Pipeline>;
  readonly engines: Map<string, Engine>;
  readonly templateRuns: TemplateRun[];
  readonly subscriptions: Map<string, Subscription>;
  switches: Switches;
}

/** Ids as Control Hub has them: `{uuid}:{organization}`. [C:146, SDK] */
export const newHubId = (hub: Hub): string => `${hub.newId()}:${hub.organizationId}`;
