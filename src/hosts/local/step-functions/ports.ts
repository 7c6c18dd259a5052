/**
 * What the embedded Step Functions needs from the outside. The journal is its only memory: an execution is what its journal
 * says, so after `kill -9` the next process reads the journals of the open executions and goes on.
 */
import type { Json } from '#domain/json';

/** Calls a Lambda function by ARN or name, as `lambda:invoke` does. Never rejects for an error of the function's. */
export type InvokeFunction = (functionName: string, payload: Json) => Promise<InvokeOutcome>;

export type InvokeOutcome =
  | { readonly kind: 'returned'; readonly payload: Json }
  /** The function threw: `errorType` is what `ErrorEquals` matches. */
  | { readonly kind: 'threw'; readonly errorType: string; readonly errorMessage: string; readonly stackTrace?: readonly string[] }
  | { readonly kind: 'no-such-function' };

/**
 * What was to be written can never be, for its size or its form: asked again the store says the same. After any other error it may be
 * asked again.
 */
export class CheckpointRefused extends Error {
  override readonly name = 'CheckpointRefused';
}

/**
 * Documents by partition and sort key. Writes of one call are made durable together or not at all where they fit into one
 * transaction; the caller orders dependent calls itself. What one call says of a document more than once holds in the order said.
 */
export interface CheckpointStore {
  /** Rejects with `CheckpointRefused`, or with whatever keeps it from writing just now. */
  write(puts: readonly Checkpoint[], deletes: readonly CheckpointKey[]): Promise<void>;
  /** In order of the sort key, all pages; consistent. */
  read(partition: string, sortPrefix?: string): Promise<readonly Checkpoint[]>;
  /** The part of a partition between two sort keys, both included; consistent. It costs what it answers, not what the partition holds. */
  between(partition: string, range: SortRange): Promise<readonly Checkpoint[]>;
}

export interface SortRange {
  readonly from: string;
  readonly to: string;
  /** Against the order of the sort key. */
  readonly latestFirst?: boolean;
  readonly most?: number;
}

export interface CheckpointKey {
  readonly partition: string;
  readonly sort: string;
}

export interface Checkpoint extends CheckpointKey {
  /** JSON text; at most 350 KB, so that an item stays within DynamoDB's 400 KB. */
  readonly body: string;
}

/** As EventBridge tells it: an execution that was not a child of a Map Run reached its end. */
export type ExecutionEnded = (detail: {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
}) => void;
