/**
 * A state machine after parsing: every field is checked, every expression is compiled, and all executions of the same
 * definition share this one object. `definition.ts` is the only way to make one.
 */
import type { Template } from './expressions.ts';

export interface Machine extends Flow {
  readonly timeoutSeconds?: number;
}

/** States with one entrance: the machine itself, a branch of a Parallel, the processor of a Map. */
export interface Flow {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export type State = PassState | SucceedState | FailState | WaitState | ChoiceState | TaskState | ParallelState | MapState;
export type StateType = State['type'];

interface Named {
  readonly name: string;
}

interface Continuing extends Named {
  /** Absent: the flow ends here. */
  readonly next?: string;
  readonly output?: Template;
  readonly assign?: Template;
}

interface Recovering extends Continuing {
  readonly retry: readonly Retrier[];
  readonly catchers: readonly Catcher[];
}

export interface PassState extends Continuing {
  readonly type: 'Pass';
}

export interface SucceedState extends Named {
  readonly type: 'Succeed';
  readonly output?: Template;
}

export interface FailState extends Named {
  readonly type: 'Fail';
  readonly error?: Template;
  readonly cause?: Template;
}

export interface WaitState extends Continuing {
  readonly type: 'Wait';
  readonly until: { readonly kind: 'seconds' | 'timestamp'; readonly value: Template };
}

export interface ChoiceState extends Named {
  readonly type: 'Choice';
  readonly rules: readonly ChoiceRule[];
  readonly otherwise?: string;
  readonly output?: Template;
  readonly assign?: Template;
}

export interface ChoiceRule {
  readonly condition: Template;
  readonly next: string;
  readonly output?: Template;
  readonly assign?: Template;
}

export type Resource =
  | { readonly kind: 'lambda'; readonly waitForTaskToken: boolean }
  | { readonly kind: 'function'; readonly functionArn: string }
  | { readonly kind: 'start-execution' };

export interface TaskState extends Recovering {
  readonly type: 'Task';
  readonly resource: Resource;
  readonly arguments?: Template;
  readonly timeoutSeconds?: Template;
  readonly heartbeatSeconds?: Template;
}

export interface ParallelState extends Recovering {
  readonly type: 'Parallel';
  readonly branches: readonly Flow[];
  readonly arguments?: Template;
}

export interface MapState extends Recovering {
  readonly type: 'Map';
  readonly processor: Flow;
  readonly distributed: boolean;
  readonly label: string;
  readonly items?: Template;
  readonly itemSelector?: Template;
  readonly maxConcurrency?: Template;
  readonly toleratedCount?: Template;
  readonly toleratedPercentage?: Template;
}

export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly maxAttempts: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds?: number;
  readonly fullJitter: boolean;
}

export interface Catcher {
  readonly errorEquals: readonly string[];
  readonly next: string;
  readonly output?: Template;
  readonly assign?: Template;
}
