/**
 * Step Functions inside the local host: the JSONata subset of the language that Sluice uses, behind the service's own operations.
 * Everything it knows is in the checkpoint store, so a host that was killed goes on where its journal ends.
 */
import type { HostClock } from '#hosts/local/host-clock';
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { advance } from './advance.ts';
import { ApiError } from './api-error.ts';
import type { ApiParts } from './api-parts.ts';
import { operationsOf, startExecution } from './api.ts';
import { arnSpace, childName, type ArnSpace } from './arns.ts';
import { createExecutions, ended, endRefused, type Executions } from './executions.ts';
import { createInvocations } from './invocations.ts';
import { createJournal } from './journal.ts';
import { createMachines } from './machines.ts';
import type { CheckpointStore, ExecutionEnded, InvokeFunction } from './ports.ts';
import { inputOf } from './requests.ts';
import { recover } from './recovery.ts';
import type { Names, Runtime } from './runtime.ts';
import { createTimers } from './timers.ts';

export interface StepFunctionsPorts {
  readonly checkpoints: CheckpointStore;
  readonly invoke: InvokeFunction;
  readonly clock: HostClock;
  /** Unguessable: task tokens are made of it. */
  readonly newId: () => string;
  readonly onExecutionEnded?: ExecutionEnded;
  /** Takes a line for whoever looks after the host; nobody does where it is not given. */
  readonly tell?: (line: string) => void;
  readonly region?: string;
  readonly account?: string;
  readonly mostInvocationsInFlight?: number;
}

export interface StepFunctionsAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

export interface StepFunctions {
  /** One operation by its API name. Never rejects: an error is an answer with its `__type`. */
  call(operation: string, input: Json): Promise<StepFunctionsAnswer>;
  /** Goes on with the executions that a previous process left open. */
  recover(): Promise<void>;
  /** Makes durable what there is and stops. Open executions stay open for the next process. */
  close(): Promise<void>;
}

const MOST_INVOCATIONS_IN_FLIGHT = 64;

export function createStepFunctions(ports: StepFunctionsPorts): StepFunctions {
  const { checkpoints, clock, newId, region = 'local', account = '000000000000' } = ports;
  const arns = arnSpace(region, account);
  const journal = createJournal(checkpoints, clock, {
    tell: ports.tell ?? (() => undefined),
    onRefused: (key, why) => {
      endRefused(executions, key, why);
    },
  });
  const machines = createMachines(checkpoints);
  const timers = createTimers(clock);
  const invocations = createInvocations(ports.invoke, ports.mostInvocationsInFlight ?? MOST_INVOCATIONS_IN_FLIGHT);
  const runtime: Runtime = {
    clock,
    newId,
    timers,
    journal,
    invocations,
    names: namesIn(arns),
    advance: (thread) => {
      advance(runtime, thread);
    },
    startExecution: (parameters, startedBy) => startByTask(parts, parameters, startedBy, newId),
    onEnded: (execution, wakeParent) => {
      ended(executions, execution, wakeParent);
    },
  };
  const executions: Executions = createExecutions(runtime, {
    store: checkpoints,
    machines,
    executionArn: (machineName, name) => arns.execution(machineName, name),
    onExecutionEnded: ports.onExecutionEnded ?? (() => undefined),
  });
  const parts: ApiParts = { machines, executions, journal, arns, region, nowMs: () => clock.nowMs(), newId };
  const operations = operationsOf(parts);

  return {
    async call(name, input) {
      try {
        await machines.load();
        const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
        if (operation === undefined)
          throw new ApiError('UnknownOperationException', `The operation ${name} is not implemented by the local host`);
        return { status: 200, body: await operation(inputOf(input)) };
      } catch (error) {
        if (error instanceof ApiError) return { status: 400, body: { __type: error.code, message: error.message } };
        return { status: 500, body: { __type: 'InternalServerError', message: error instanceof Error ? error.message : String(error) } };
      }
    },
    async recover() {
      await machines.load();
      await recover(executions);
    },
    async close() {
      invocations.close();
      timers.close();
      await journal.close();
    },
  };
}

function namesIn(arns: ArnSpace): Names {
  return {
    executionArn: ({ root, child }) =>
      child === undefined
        ? arns.execution(root.machineName, root.name)
        : arns.childExecution(root.machineName, child.run.label, root.name, child.ordinal),
    executionName: ({ root, child }) => (child === undefined ? root.name : childName(root.name, child.ordinal)),
    stateMachineArn: ({ root }) => arns.stateMachine(root.machineName),
    stateMachineName: ({ root }) => root.machineName,
  };
}

/** The members of `states:startExecution` are capitalised, and its Input is JSON, not its text. */
async function startByTask(parts: ApiParts, parameters: Json, startedBy: string, newId: () => string): Promise<Json> {
  const { StateMachineArn: stateMachineArn = null, Name: name, Input: input = {} } = isJsonObject(parameters) ? parameters : {};
  const started = await startExecution(
    parts,
    { stateMachineArn, ...(name !== undefined && { name }), input: JSON.stringify(input) },
    startedBy,
  );
  return {
    ExecutionArn: started['executionArn'] ?? null,
    SdkHttpMetadata: { AllHttpHeaders: {}, HttpHeaders: {}, HttpStatusCode: 200 },
    SdkResponseMetadata: { RequestId: newId() },
    StartDate: started['startDate'] ?? null,
  };
}
