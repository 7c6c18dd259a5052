/**
 * Step Functions as the orchestrator. Executions have deterministic names, which makes every start idempotent for as long
 * as names are remembered (90 days on AWS).
 */
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  paginateListExecutions,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { Fault } from '#domain/faults';
import { epochMs, instant, type RunId } from '#domain/ids';
import type { Orchestrator, RunningExecution } from '#operations/ports';

export interface StateMachineArns {
  readonly run: string;
  readonly watch: string;
  readonly nudge: string;
}

export function stepFunctionsOrchestrator(client: SFNClient, arns: StateMachineArns): Orchestrator {
  return {
    startRun: (id, attempt) => start(client, arns.run, executionName(id, attempt), { runId: id }),
    startWatch({ id, watch }, delaySeconds) {
      const series = watch === 1 ? id : `${id}-${watch}`;
      return start(client, arns.watch, `${series}-w1`, { runId: id, watch, series, chunk: 1, delaySeconds });
    },
    nudge: (id, at) => start(client, arns.nudge, `${id}-n${Math.floor(epochMs(at) / 1000)}`, { runId: id }),
    async release(taskToken) {
      try {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
      } catch (error) {
        // The child has gone by another door: timed out, closed by a fault, or let go by an earlier try of this.
        if (error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken) return;
        throw unavailable(error);
      }
    },
    executionOf: ({ id, attempt }) => `${arns.run.replace(':stateMachine:', ':execution:')}:${executionName(id, attempt)}`,
    running: () => translated(() => running(client, arns.run)),
    execution: (arn) => translated(() => describe(client, arn)),
    async stop(arn, cause) {
      await translated(async () => {
        try {
          await client.send(new StopExecutionCommand({ executionArn: arn, error: 'LeftOver', cause }));
        } catch (error) {
          if (!(error instanceof ExecutionDoesNotExist)) throw error;
        }
      });
    },
  };
}

const executionName = (id: RunId, attempt: number): string => `${id}-a${attempt}`;

/** Children of a Map are not listed with the executions of their machine. */
async function running(client: SFNClient, stateMachineArn: string): Promise<readonly RunningExecution[]> {
  const found: RunningExecution[] = [];
  for await (const { executions = [] } of paginateListExecutions(
    { client },
    { stateMachineArn, statusFilter: 'RUNNING', maxResults: 1000 },
  ))
    for (const { executionArn: arn = '', name = '', startDate } of executions)
      found.push({ arn, name, startedAt: instant(startDate?.getTime() ?? 0) });
  return found;
}

async function describe(client: SFNClient, executionArn: string): ReturnType<Orchestrator['execution']> {
  try {
    const { status = 'UNKNOWN', input } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return { isRunning: status === 'RUNNING' || status === 'PENDING_REDRIVE', status, ...(input === undefined ? {} : { input }) };
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

async function translated<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw unavailable(error);
  }
}

async function start(client: SFNClient, stateMachineArn: string, name: string, input: object): Promise<void> {
  try {
    await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return;
    throw unavailable(error);
  }
}

function unavailable(error: unknown): Fault {
  // The embedded one says in its own words why; those of AWS may name accounts and roles.
  const isInternal = error instanceof Error && error.name === 'InternalServerError';
  return new Fault('OrchestratorUnavailable', `Step Functions did not take the call${isInternal ? `: ${error.message}` : ''}`, {
    cause: error,
  });
}
