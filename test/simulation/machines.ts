/** run.asl.json and watch.asl.json, as far as they decide what is done next. */
import type { RunId } from '#domain/ids';
import { closeJob } from '#operations/close-job';
import { closeRun, type CloseRun } from '#operations/close-run';
import { finishRun } from '#operations/finish-run';
import { planRun, type PlanRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import type { JsonObject } from '#domain/json';
import { TaskError, type Driver, type Execution, type Executions, type Parked, type Retry, type TaskRunner } from './executions.ts';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

const STORE: Retry = { faults: ['StoreBusy'], attempts: 6 };
const STORE_AND_ORCHESTRATOR: Retry = { faults: ['StoreBusy', 'OrchestratorUnavailable'], attempts: 6 };
const ALL: Retry = { faults: ['EngineUnavailable', 'StoreBusy', 'OrchestratorUnavailable'], attempts: 6 };
const POLL: Retry = { ...ALL, attempts: 3 };

/** serverless.yml. */
export const LIMIT_SECONDS = {
  planRun: 600,
  startJob: 60,
  closeJob: 60,
  pollRun: 110,
  finishRun: 28,
  closeRun: 28,
  event: 28,
  http: 28,
  sweep: 300,
} as const;

export interface MachinesInput {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly tasks: TaskRunner;
  readonly executions: Executions;
  /** How long a child stays parked at most; a month, or less so that it matters. */
  readonly childTimeoutSeconds: number;
  /** After how many ticks a watch loop goes on in an execution of its own. */
  readonly ticksPerWatch: number;
}

export interface WatchInput {
  readonly runId: RunId;
  readonly watch: number;
  readonly series: string;
  readonly chunk: number;
  readonly delaySeconds: number;
}

/** Of a run that was accepted before, or the body of a request. */
export type RunInput =
  | { readonly runId: RunId }
  | {
      readonly 'user-id': string;
      readonly 'user-run-id': string;
      readonly 'source-type': string;
      readonly 'target-type': string;
      readonly 'runtime-parameters': readonly JsonObject[];
    };

/** The machines, and the rule that hears of executions that ended badly. */
export function machines(input: MachinesInput): Driver {
  const { faults, tasks } = input;
  const close = ({ arn, input: text }: Execution, message: string): CloseRun => {
    const started = JSON.parse(text) as RunInput;
    const driven = 'runId' in started ? { runId: started.runId } : { userId: started['user-id'], userRunId: started['user-run-id'] };
    return { execution: arn, driven, message };
  };
  return {
    drive(execution) {
      const driven = execution.machine === 'run' ? driveRun(input, execution, close) : driveWatch(input, execution);
      driven.then(
        (status) => {
          input.executions.end(execution, status);
        },
        (error: unknown) => {
          if (!(error instanceof TaskError)) throw error;
          input.executions.end(execution, 'FAILED');
        },
      );
    },
    heard(execution) {
      if (execution.machine !== 'run' || execution.status === 'SUCCEEDED' || faults.happens('event-lost')) return;
      const { status } = execution;
      tasks.event('closeEndedExecution', LIMIT_SECONDS.event, (ports) =>
        closeRun(ports, close(execution, `the execution ended as ${status}`)),
      );
    },
  };
}

type Ending = Promise<'SUCCEEDED' | 'FAILED'>;

async function driveRun(input: MachinesInput, execution: Execution, close: (execution: Execution, message: string) => CloseRun): Ending {
  const { tasks } = input;
  const closed = async (error: unknown): Ending => {
    if (!(error instanceof TaskError)) throw error;
    await tasks.task(execution, {
      name: 'closeRun',
      limitSeconds: LIMIT_SECONDS.closeRun,
      retry: STORE_AND_ORCHESTRATOR,
      attempt: () => ({ work: (ports) => closeRun(ports, close(execution, error.message)) }),
    });
    return 'FAILED';
  };
  const asked = askedBy(execution);
  let runId: RunId;
  let runAttempt: number;
  try {
    const plan = await tasks.task(execution, {
      name: 'planRun',
      limitSeconds: LIMIT_SECONDS.planRun,
      retry: STORE_AND_ORCHESTRATOR,
      attempt: () => ({ work: (ports) => planRun(ports, asked) }),
    });
    if (plan.kind !== 'planned') return 'SUCCEEDED';
    runId = plan.run.id;
    const indexes = plan.indexes ?? Array.from({ length: plan.run.count }, (_, index) => index);
    const { attempt } = plan.run;
    runAttempt = attempt;
    await mapped(indexes, plan.maxParallel, (index) => child(input, execution, { runId, index, attempt }));
  } catch (error) {
    return closed(error);
  }
  await tasks.task(execution, {
    name: 'finishRun',
    limitSeconds: LIMIT_SECONDS.finishRun,
    retry: STORE,
    attempt: () => ({ work: (ports) => finishRun(ports, { runId, attempt: runAttempt }) }),
  });
  return 'SUCCEEDED';
}

function askedBy({ arn, input }: Execution): PlanRun {
  const started = JSON.parse(input) as RunInput;
  if ('runId' in started) return { kind: 'accepted', execution: arn, runId: started.runId };
  const request = {
    userId: started['user-id'],
    userRunId: started['user-run-id'],
    sourceType: started['source-type'],
    targetType: started['target-type'],
    sets: started['runtime-parameters'],
  };
  return { kind: 'request', execution: arn, request };
}

async function mapped(indexes: readonly number[], atOnce: number, act: (index: number) => Promise<void>): Promise<void> {
  const remaining = indexes.values();
  const worker = async (): Promise<void> => {
    for (const index of remaining) await act(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, indexes.length) }, worker));
}

async function child(
  input: MachinesInput,
  execution: Execution,
  item: Pick<Parked, 'index' | 'attempt'> & { readonly runId: RunId },
): Promise<void> {
  const { runId, index } = item;
  const { tasks, scheduler, childTimeoutSeconds } = input;
  const { parked } = input.executions;
  let tokens = 0;
  let waiting: string | undefined;
  const attempt = (): { work: (ports: Parameters<typeof startJob>[0]) => Promise<void>; done: Promise<void> } => {
    if (waiting !== undefined) parked.delete(waiting);
    const taskToken = `${execution.name}/${index}/${(tokens += 1)}`;
    waiting = taskToken;
    const done = new Promise<void>((letGo, timedOut) => {
      parked.set(taskToken, { ...item, execution, letGo });
      scheduler.after(childTimeoutSeconds * 1000, () => {
        if (parked.has(taskToken)) timedOut(new TaskError('States.Timeout', 'nobody let it go'));
      });
    });
    done.catch(() => undefined);
    return { work: (ports) => startJob(ports, { runId, index, attempt: item.attempt, taskToken }), done };
  };
  try {
    await tasks.task(execution, { name: `startJob ${index}`, limitSeconds: LIMIT_SECONDS.startJob, retry: ALL, attempt });
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    if (waiting !== undefined) parked.delete(waiting);
    await closedJob(input, execution, { ...item, fault: error.message });
  }
}

async function closedJob({ tasks }: MachinesInput, execution: Execution, job: Parameters<typeof closeJob>[1]): Promise<void> {
  try {
    await tasks.task(execution, {
      name: `closeJob ${job.index}`,
      limitSeconds: LIMIT_SECONDS.closeJob,
      retry: ALL,
      attempt: () => ({ work: (ports) => closeJob(ports, job) }),
    });
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
  }
}

const AFTER_FAULT = { ended: false, delaySeconds: 60 } as const;

async function driveWatch(input: MachinesInput, execution: Execution): Ending {
  const { scheduler, tasks, ticksPerWatch } = input;
  const { runId, watch, series, chunk, delaySeconds } = JSON.parse(execution.input) as WatchInput;
  let delay = delaySeconds;
  for (let ticks = 0; ticks < ticksPerWatch;) {
    await scheduler.turn(delay * 1000);
    if (execution.status !== 'RUNNING') return 'FAILED';
    const polled = tasks.task(execution, {
      name: `pollRun ${runId} by watch ${watch}`,
      limitSeconds: LIMIT_SECONDS.pollRun,
      retry: POLL,
      attempt: () => ({ work: (ports) => pollRun(ports, { runId, watch }) }),
    });
    const result = await polled.catch((error: unknown) => {
      if (!(error instanceof TaskError)) throw error;
      ticks += 2;
      return AFTER_FAULT;
    });
    ticks += 1;
    if (result.ended) return 'SUCCEEDED';
    delay = result.delaySeconds;
  }
  const next: WatchInput = { runId, watch, series, chunk: chunk + 1, delaySeconds: delay };
  input.executions.start('watch', `${series}-w${chunk + 1}`, JSON.stringify(next));
  return 'SUCCEEDED';
}
