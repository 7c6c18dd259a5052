/** What the simulated Control Hub knows. Everything that a client can read is computed from this and a moment. */
import type { EventFilter } from './event-filter.ts';
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

/** The config of a WEBHOOKV1 action. [C:SDK] */
export interface Webhook {
  readonly uri: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly contentType?: string | null | undefined;
  readonly payload?: string | null | undefined;
  readonly authType?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  readonly headers?: Readonly<Record<string, string>> | null | undefined;
  readonly bearerToken?: string | null | undefined;
}

export interface Subscription {
  readonly id: string;
  readonly name: string;
  /** As it was given, for whoever reads it back. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly createdMs: number;
  /** Of its events on status changes: one of them must fit. */
  readonly filters: readonly EventFilter[];
  readonly webhooks: readonly Webhook[];
  readonly enabled: boolean;
  triggerCount: number;
  lastTriggeredMs: number | null;
  errorMessage: string | null;
}

export interface Hub {
  readonly organizationId: string;
  /** Where clients are told that it is. */
  baseUrl: string;
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
