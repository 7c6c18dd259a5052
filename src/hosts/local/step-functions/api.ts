/** The operations of the service, by name. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { type ApiParts, machineOf, type Operation } from './api-parts.ts';
import { executionAddressOf } from './arns.ts';
import { answer, openExecution, start, stop } from './executions.ts';
import { describe, found, listExecutions } from './executions-seen.ts';
import { historyPage } from './history-page.ts';
import { machineOperations } from './machine-operations.ts';
import { checkedJson, checkName, failureOf, type Input, optionalText, text } from './requests.ts';

export function operationsOf(parts: ApiParts): Readonly<Record<string, Operation>> {
  return { ...machineOperations(parts), ...executionOperations(parts), ...taskOperations(parts) };
}

/** Starts an execution for the API and for `states:startExecution` alike. */
export async function startExecution(parts: ApiParts, input: Input, startedBy?: string): Promise<JsonObject> {
  const inputText = optionalText(input, 'input') ?? '{}';
  const name = checkName(optionalText(input, 'name') ?? parts.newId());
  const machine = machineOf(parts, text(input, 'stateMachineArn'));
  checkedJson(inputText, 'InvalidExecutionInput');
  const { startedAtMs } = await start(parts.executions, { machine, name, inputText, ...(startedBy !== undefined && { startedBy }) });
  return { executionArn: parts.arns.execution(machine.name, name), startDate: startedAtMs / 1000 };
}

function executionOperations(parts: ApiParts): Readonly<Record<string, Operation>> {
  const { executions } = parts;
  return {
    StartExecution: (input) => startExecution(parts, input),
    StartSyncExecution(input) {
      machineOf(parts, text(input, 'stateMachineArn'));
      throw new ApiError('StateMachineTypeNotSupported', 'This operation is not supported by this type of state machine');
    },
    async DescribeExecution(input) {
      const arn = text(input, 'executionArn');
      return describe(parts, arn, await found(parts, arn));
    },
    async StopExecution(input) {
      const arn = text(input, 'executionArn');
      const { key, ordinal } = executionAddressOf(arn);
      const open = openExecution(executions, key, ordinal);
      const failure = failureOf(input);
      if (open !== undefined) return { stopDate: (await stop(executions, open, failure)) / 1000 };
      const { ended, startedAtMs } = await found(parts, arn);
      return { stopDate: (ended?.atMs ?? startedAtMs) / 1000 };
    },
    ListExecutions: (input) => listExecutions(parts, input),
    GetExecutionHistory: (input) => historyPage(parts, input),
  };
}

function taskOperations({ executions }: ApiParts): Readonly<Record<string, Operation>> {
  return {
    async SendTaskSuccess(input) {
      await answer(executions, text(input, 'taskToken'), { kind: 'success', output: checkedJson(text(input, 'output'), 'InvalidOutput') });
      return {};
    },
    async SendTaskFailure(input) {
      await answer(executions, text(input, 'taskToken'), { kind: 'failure', ...failureOf(input) });
      return {};
    },
    async SendTaskHeartbeat(input) {
      await answer(executions, text(input, 'taskToken'), { kind: 'heartbeat' });
      return {};
    },
  };
}
