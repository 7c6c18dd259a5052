/** What a parked child of a run weighs in the embedded Step Functions, and how soon ten thousand of them are back after a restart. */
import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseConfiguration } from '#hosts/configuration';
import { startEmbeddedDynamodb } from '#hosts/local/embedded-dynamodb';
import { systemClock } from '#hosts/local/host-clock';
import { registerStateMachines, stateMachineArn } from '#hosts/local/state-machines';
import type { CheckpointStore, InvokeFunction } from '#hosts/local/step-functions/ports';
import { createStepFunctions, type StepFunctions } from '#hosts/local/step-functions/step-functions';
import { prepareTables } from '#hosts/wiring-local';

export interface ParkedChildren {
  readonly bytesPerChild: number;
  readonly bytesPerChildRecovered: number;
  readonly recoverMs: number;
}

const PAUSE_MS = 20;

/** The product's own run machine on the product's own store; its functions answer at once, and nobody ever sends a token. */
export async function parkedChildren(project: URL, count: number): Promise<ParkedChildren> {
  // As the local host does, which is not here to do it.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const dynamodb = await startEmbeddedDynamodb(undefined);
  try {
    const checkpoints = await prepareTables(
      parseConfiguration({
        SLUICE_TABLE: 'sluice-bench',
        SLUICE_DYNAMODB_ENDPOINT: dynamodb.endpoint,
        SLUICE_RUN_STATE_MACHINE_ARN: stateMachineArn('run'),
        SLUICE_WATCH_STATE_MACHINE_ARN: stateMachineArn('watch'),
      }),
    );
    const functions = startedJobs(count);
    const bytesPerChild = await park(checkpoints, functions, project, count);
    const recovered = await recover(checkpoints, functions, count);
    if (functions.started() !== count) throw new Error(`${functions.started() - count} children were invoked again after the restart`);
    return { bytesPerChild, ...recovered };
  } finally {
    await dynamodb.close();
  }
}

interface Functions {
  readonly invoke: InvokeFunction;
  readonly started: () => number;
}

function startedJobs(count: number): Functions {
  let started = 0;
  const plan = { runId: 'run_01K00000000000000000000000', attempt: 1, maxParallel: 0, alreadyDriven: false, count };
  return {
    started: () => started,
    invoke(name) {
      if (name.endsWith('startJob')) started += 1;
      return Promise.resolve({ kind: 'returned', payload: name.endsWith('planRun') ? plan : {} });
    },
  };
}

async function park(checkpoints: CheckpointStore, { invoke, started }: Functions, project: URL, count: number): Promise<number> {
  const stepFunctions = embedded(checkpoints, invoke);
  await registerStateMachines((operation, input) => stepFunctions.call(operation, input), new URL('state-machines/', project));
  const empty = await settledBytes();
  const { body } = await stepFunctions.call('StartExecution', { stateMachineArn: stateMachineArn('run'), name: 'parked' });
  while (started() < count) await pause();
  // Answered when everything so far is durable: from then on the children do nothing but wait.
  await stepFunctions.call('GetExecutionHistory', { executionArn: body['executionArn'] ?? null });
  const bytes = (await settledBytes()) - empty;
  await stepFunctions.close();
  return bytes / count;
}

async function recover(
  checkpoints: CheckpointStore,
  { invoke }: Functions,
  count: number,
): Promise<Pick<ParkedChildren, 'bytesPerChildRecovered' | 'recoverMs'>> {
  const empty = await settledBytes();
  const stepFunctions = embedded(checkpoints, invoke);
  const from = performance.now();
  await stepFunctions.recover();
  const recoverMs = performance.now() - from;
  const bytes = (await settledBytes()) - empty;
  await stepFunctions.close();
  return { bytesPerChildRecovered: bytes / count, recoverMs };
}

function embedded(checkpoints: CheckpointStore, invoke: InvokeFunction): StepFunctions {
  return createStepFunctions({ checkpoints, invoke, clock: systemClock(), newId: () => randomUUID(), mostInvocationsInFlight: 256 });
}

/** Of the heap and of what is held outside of it, after everything that can go has gone. */
async function settledBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round += 1) {
    await pause();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
