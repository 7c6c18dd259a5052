/** What the engine and its worker processes tell each other, as JSON over Node's IPC channel. Both are of one build. */
import type { JsonObject } from '#domain/json';
import type { DuckdbDefinition } from './definition.ts';

/** One job, with everything a worker needs to know. */
export interface JobOrder {
  readonly definition: DuckdbDefinition;
  readonly parameters: JsonObject;
  readonly inputRoot: string;
  readonly outputRoot: string;
  /** A folder of this job alone: fetched files, and what DuckDB spills. */
  readonly scratch: string;
  /** Written first and renamed onto the target; its name holds the engine job's, so no two attempts share it. */
  readonly temporaryOutput: string;
  /** Made by the worker before anything of the job runs: it says for good that the job was begun. */
  readonly mark: string;
  readonly memoryLimit: string;
}

export interface RecordCounts {
  readonly inputRecordCount: number;
  readonly outputRecordCount: number;
  readonly errorRecordCount: number;
}

export const NO_RECORDS: RecordCounts = { inputRecordCount: 0, outputRecordCount: 0, errorRecordCount: 0 };

export type JobOutcome =
  | { readonly state: 'succeeded'; readonly counts: RecordCounts; readonly outputs: readonly string[]; readonly message?: string }
  | { readonly state: 'failed'; readonly counts: RecordCounts; readonly message: string }
  | { readonly state: 'stopped'; readonly counts: RecordCounts };

export type CheckedStatement =
  | { readonly kind: 'one-statement' }
  | { readonly kind: 'several-statements'; readonly count: number }
  | { readonly kind: 'unparsable'; readonly message: string };

export type WorkerTask =
  { readonly kind: 'run'; readonly order: JobOrder } | { readonly kind: 'check'; readonly statements: readonly string[] };

export type ToWorker = WorkerTask | { readonly kind: 'stop' };

/** A worker answers every task once, and says `ready` before the first. */
export type WorkerAnswer =
  { readonly kind: 'ended'; readonly outcome: JobOutcome } | { readonly kind: 'checked'; readonly statements: readonly CheckedStatement[] };

/** `begun`: the job's mark is on disk, and the job runs from here on. */
export type FromWorker = WorkerAnswer | { readonly kind: 'ready'; readonly engineId: string } | { readonly kind: 'begun' };

/** How a job ends badly inside a worker, in words for the job's owner. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
}
