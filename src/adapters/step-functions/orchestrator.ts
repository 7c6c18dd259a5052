/**
 * Step Functions as the orchestrator. Executions have deterministic names, which makes every start idempotent for as long
 * as names are remembered (90 days on AWS).
 */
import {
  ExecutionAlreadyExists,
  InvalidToken,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import type { Orchestrator } from '#operations/ports';

export interface StateMachineArns {
  readonly run: string;
  readonly watch: string;
}

export function stepFunctionsOrchestrator(client: SFNClient, arns: StateMachineArns): Orchestrator {
  return {
    startRun: (id, attempt) => start(client, arns.run, `${id}-a${attempt}`, { runId: id }),
    startWatch(id, attempt, delaySeconds) {
      const series = watchSeries(id, attempt);
      return start(client, arns.watch, `${series}-w1`, { runId: id, series, chunk: 1, delaySeconds });
    },
    async release(taskToken) {
      try {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
      } catch (error) {
        // The child has gone by another door: timed out, closed by a fault, or let go by an earlier try of this.
        if (error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken) return;
        throw unavailable(error);
      }
    },
  };
}

/** What the names of a run's watch executions begin with; a retried run is watched anew. */
function watchSeries(id: RunId, attempt: number): string {
  return attempt === 1 ? id : `${id}-a${attempt}`;
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
  return new Fault('OrchestratorUnavailable', 'Step Functions did not take the call', { cause: error });
}
