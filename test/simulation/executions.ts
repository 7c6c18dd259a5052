/**
 * Step Functions in small: executions under names that are never given twice, tasks that are retried, and tokens that let
 * their task go once. What it promises it keeps; what reaches it or comes from it may be lost, late or twice.
 */
import { Fault } from '#domain/faults';
import type { Ports } from '#operations/ports';
import type { Faults } from './faults.ts';
import type { Invocation, Processes } from './processes.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace, Verdict } from './trace.ts';

export type Machine = 'run' | 'watch';

export interface Execution {
  readonly machine: Machine;
  readonly name: string;
  readonly arn: string;
  readonly input: string;
  readonly startedMs: number;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
}

/** A child of a Map, parked. */
export interface Parked {
  readonly execution: Execution;
  readonly runId: string;
  readonly index: number;
  /** Of the run, that it is there for. */
  readonly attempt: number;
  readonly letGo: () => void;
}

export interface Executions {
  readonly byArn: ReadonlyMap<string, Execution>;
  /** By token; those that wait. */
  readonly parked: Map<string, Parked>;
  start(machine: Machine, name: string, input: string): 'started' | 'exists';
  end(execution: Execution, status: Exclude<Execution['status'], 'RUNNING'>): void;
  /** Who does what executions are to do, and hears of their ends. */
  drivenBy(driver: Driver): void;
}

export interface Driver {
  drive(execution: Execution): void;
  heard(execution: Execution): void;
}

export function executions(nowMs: () => number, trace: Trace): Executions {
  let driver: Driver | undefined;
  const byArn = new Map<string, Execution>();
  const parked = new Map<string, Parked>();
  return {
    byArn,
    parked,
    start(machine, name, input) {
      const arn = arnOf(machine, name);
      if (byArn.has(arn)) return 'exists';
      const execution: Execution = { machine, name, arn, input, startedMs: nowMs(), status: 'RUNNING' };
      byArn.set(arn, execution);
      trace.note(() => `${machine} execution ${name} starts`);
      driver?.drive(execution);
      return 'started';
    },
    end(execution, status) {
      if (execution.status !== 'RUNNING') return;
      execution.status = status;
      trace.note(() => `${execution.machine} execution ${execution.name} is ${status}`);
      for (const [token, waiting] of parked) if (waiting.execution === execution) parked.delete(token);
      driver?.heard(execution);
    },
    drivenBy(given) {
      driver = given;
    },
  };
}

export const arnOf = (machine: Machine, name: string): string => `arn:${machine}:${name}`;

/** An error as Step Functions matches it. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly error: string;

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`);
    this.error = error;
  }
}

const LAMBDA_ERRORS = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
];

export interface Retry {
  readonly faults: readonly string[];
  readonly attempts: number;
}

export interface Task<Result> {
  readonly name: string;
  readonly limitSeconds: number;
  readonly retry: Retry;
  /** Called anew for each attempt. */
  readonly attempt: () => { readonly work: (ports: Ports) => Promise<Result>; readonly done?: Promise<void> };
}

export interface TaskRunner {
  /** Rejects with a `TaskError` once its retries are used up; never settles once the execution has ended. */
  task<Result>(execution: Execution, task: Task<Result>): Promise<Result>;
  /** Outside of executions, as EventBridge does it: to an invocation that fails or dies there are two more. */
  event(name: string, limitSeconds: number, work: (ports: Ports) => Promise<unknown>): void;
}

export interface TaskRunnerInput {
  readonly scheduler: Scheduler;
  readonly processes: Processes;
  readonly faults: Faults;
  readonly random: Random;
  readonly verdict: Verdict;
}

export function taskRunner({ scheduler, processes, faults, random, verdict }: TaskRunnerInput): TaskRunner {
  const invoke = async <Result>(name: string, limitSeconds: number, work: (ports: Ports) => Promise<Result>): Promise<Result> => {
    const outcome = await processes.invoke(name, limitSeconds, work);
    return valueOf(name, outcome, verdict, random);
  };
  const deliver = async <Result>({ name, limitSeconds }: Task<Result>, work: (ports: Ports) => Promise<Result>): Promise<Result> => {
    switch (faults.deliveryFate(name)) {
      case 'ok':
        return invoke(name, limitSeconds, work);
      case 'throttled':
        throw new TaskError('Lambda.TooManyRequestsException', 'throttled');
      case 'twice':
        return Promise.any([invoke(name, limitSeconds, work), invoke(name, limitSeconds, work)]).catch((error: unknown) => {
          throw (error as AggregateError).errors[0] as TaskError;
        });
      case 'answer-lost':
        // It goes on meanwhile, and nobody listens.
        invoke(name, limitSeconds, work).catch(() => undefined);
        await scheduler.turn(random.between(0, 3_000));
        throw new TaskError('Lambda.ClientExecutionTimeoutException', 'the answer was lost');
    }
  };
  return {
    async task(execution, task) {
      const { faults: retried, attempts } = task.retry;
      for (let attempt = 0; ; attempt += 1) {
        const { work, done } = task.attempt();
        try {
          const delivered = deliver(task, work);
          const result = await (done
            ? Promise.race([done.then(() => undefined as never), delivered.then(() => done as never)])
            : delivered);
          return await whileRunning(execution, result);
        } catch (error) {
          await whileRunning(execution, undefined);
          if (!(error instanceof TaskError)) throw error;
          if (attempt >= attempts || ![...retried, ...LAMBDA_ERRORS].includes(error.error)) throw error;
          await scheduler.turn(random.between(0, Math.min(60_000, 2_000 * 2 ** attempt)));
          await whileRunning(execution, undefined);
        }
      }
    },
    event(name, limitSeconds, work) {
      const tries = async (): Promise<void> => {
        for (const pauseMs of [0, 60_000, 120_000]) {
          await scheduler.turn(pauseMs);
          const outcome = await processes.invoke(name, limitSeconds, work);
          if (outcome.kind === 'failed') valueOrError(name, outcome.error, verdict);
          if (outcome.kind === 'answered') return;
        }
      };
      void tries();
    },
  };
}

function whileRunning<Result>({ status }: Execution, result: Result): Promise<Result> {
  return status === 'RUNNING' ? Promise.resolve(result) : new Promise<Result>(() => undefined);
}

function valueOf<Result>(name: string, outcome: Invocation<Result>, verdict: Verdict, random: Random): Result {
  switch (outcome.kind) {
    case 'answered':
      return outcome.value;
    case 'died':
      if (outcome.how === 'timed-out') throw new TaskError('Sandbox.Timedout', 'the function ran out of time');
      throw new TaskError(random.chance(0.5) ? 'Lambda.ServiceException' : 'Runtime.ExitError', 'the process ended');
    case 'failed':
      throw valueOrError(name, outcome.error, verdict);
  }
}

/** Nothing is missing or corrupt in this world, and nothing of it is unforeseen: other faults than these are defects. */
export function valueOrError(name: string, error: Error, verdict: Verdict): TaskError {
  if (!(error instanceof Fault) || !error.retryable) verdict.fail(`${name} threw ${error.stack ?? error.message}`);
  return new TaskError(error.name, error.message);
}
