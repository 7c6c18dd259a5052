/**
 * Task states. A function is invoked only after its TaskScheduled and TaskStarted are durable, so that its token can be recovered;
 * whatever answers first (the token, the invocation, a deadline) wins, and the rest finds the thread in another phase.
 */
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { bindings, evaluateNumber } from './context.ts';
import type { OpenTask, Thread } from './execution.ts';
import { evaluate } from './expressions.ts';
import type { Failure, Happening } from './facts.ts';
import { NotDurable } from './journal.ts';
import type { Resource, TaskState } from './machine.ts';
import { isTooLarge, tooLargeCause } from './payload.ts';
import type { InvokeOutcome } from './ports.ts';
import { record, type Runtime, wakeAt } from './runtime.ts';
import { encodeToken } from './tokens.ts';

export async function beginTask(runtime: Runtime, thread: Thread, state: TaskState): Promise<void> {
  const { phase } = thread;
  const secret = runtime.newId();
  const waits = state.resource.kind === 'lambda' && state.resource.waitForTaskToken;
  const scope = bindings(runtime.names, thread, waits ? { taskToken: tokenOf(thread, secret) } : {});
  const parameters = state.arguments === undefined ? thread.input : await evaluate(state.arguments, scope);
  const timeoutSeconds = state.timeoutSeconds && (await evaluateNumber(state.timeoutSeconds, scope, 'TimeoutSeconds', 1));
  const heartbeatSeconds = state.heartbeatSeconds && (await evaluateNumber(state.heartbeatSeconds, scope, 'HeartbeatSeconds', 1));
  if (thread.phase !== phase) return;
  const resource = resourceName(state.resource);
  record(runtime, thread, {
    type: 'TaskScheduled',
    ...(resource !== undefined && { resource }),
    parameters,
    secret,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
  });
  record(runtime, thread, { type: 'TaskStarted' });
  const task = thread.phase;
  if (task.kind === 'task')
    runtime.journal.afterDurable(thread.execution.root.key, () => {
      perform(runtime, thread, task);
    });
}

function resourceName(resource: Resource): string | undefined {
  switch (resource.kind) {
    case 'lambda':
      return resource.waitForTaskToken ? 'lambda:invoke.waitForTaskToken' : 'lambda:invoke';
    case 'start-execution':
      return 'states:startExecution';
    case 'function':
      return undefined;
  }
}

function tokenOf({ execution, id }: Thread, secret: string): string {
  return encodeToken({ rootKey: execution.root.key, ordinal: execution.child?.ordinal, thread: id, secret });
}

/** Does what the task is for; again after a crash, unless the journal has its answer. */
export function perform(runtime: Runtime, thread: Thread, task: OpenTask): void {
  const { state } = thread;
  if (thread.phase !== task || state?.type !== 'Task') return;
  const { resource } = state;
  if (resource.kind === 'start-execution') {
    void startExecution(runtime, thread, task);
    return;
  }
  if (resource.kind === 'lambda' && !isSendable(task.parameters)) {
    settle(runtime, thread, {
      type: 'TaskFailed',
      error: 'Lambda.InvalidRequestContentException',
      cause: 'Could not parse request body into json',
    });
    return;
  }
  runtime.invocations.add({
    execution: thread.execution.root.key,
    prepare: () => (thread.phase === task ? callOf(resource, task.parameters) : undefined),
    done: (outcome) => {
      invoked(runtime, thread, task, outcome);
    },
  });
}

function callOf(
  resource: Exclude<Resource, { readonly kind: 'start-execution' }>,
  parameters: Json,
): { readonly functionName: string; readonly payload: Json } {
  if (resource.kind === 'function') return { functionName: resource.functionArn, payload: parameters };
  const { FunctionName: name, Payload: payload } = isJsonObject(parameters) ? parameters : {};
  return { functionName: typeof name === 'string' ? name : '', payload: sent(payload) };
}

/** Recorded on AWS: a Payload that is a string goes out as it is, so the function sees the JSON that it spells; null is `{}`. */
function sent(payload: Json | undefined): Json {
  return typeof payload === 'string' ? (JSON.parse(payload) as Json) : (payload ?? {});
}

function isSendable(parameters: Json): boolean {
  try {
    if (isJsonObject(parameters)) sent(parameters['Payload']);
    return true;
  } catch {
    return false;
  }
}

function invoked(runtime: Runtime, thread: Thread, task: OpenTask, outcome: InvokeOutcome): void {
  if (thread.phase !== task || thread.state?.type !== 'Task') return;
  const { resource } = thread.state;
  if (outcome.kind !== 'returned') {
    settle(runtime, thread, { type: 'TaskFailed', ...failureOf(outcome, task, runtime) });
    return;
  }
  const output = resource.kind === 'function' ? outcome.payload : invokeOutput(outcome.payload, task.parameters, runtime);
  if (isTooLarge(output))
    settle(runtime, thread, { type: 'TaskFailed', error: 'States.DataLimitExceeded', cause: tooLargeCause('lambda') });
  else if (resource.kind === 'lambda' && resource.waitForTaskToken) record(runtime, thread, { type: 'TaskSubmitted', output });
  else settle(runtime, thread, { type: 'TaskSucceeded', output });
}

/** The task has its answer: the thread goes on. */
function settle(runtime: Runtime, thread: Thread, happening: Happening): void {
  runtime.timers.drop(thread.timer);
  thread.timer = undefined;
  record(runtime, thread, happening);
  runtime.advance(thread);
}

function invokeOutput(payload: Json, parameters: Json, runtime: Runtime): JsonObject {
  const wantsLog = isJsonObject(parameters) && parameters['LogType'] === 'Tail';
  return {
    ExecutedVersion: '$LATEST',
    ...(wantsLog && { LogResult: '' }),
    Payload: payload,
    SdkHttpMetadata: { AllHttpHeaders: {}, HttpHeaders: {}, HttpStatusCode: 200 },
    SdkResponseMetadata: { RequestId: runtime.newId() },
    StatusCode: 200,
  };
}

/** Recorded on AWS: the Cause of a function's error is compact JSON with these four keys in this order. */
function failureOf(outcome: Exclude<InvokeOutcome, { readonly kind: 'returned' }>, task: OpenTask, runtime: Runtime): Failure {
  if (outcome.kind === 'threw') {
    const { errorType, errorMessage, stackTrace = [] } = outcome;
    return { error: errorType, cause: JSON.stringify({ errorMessage, errorType, requestId: runtime.newId(), stackTrace }) };
  }
  const name = isJsonObject(task.parameters) ? task.parameters['FunctionName'] : undefined;
  return {
    error: 'Lambda.ResourceNotFoundException',
    cause: `Function not found: ${typeof name === 'string' ? name : ''} (Service: Lambda, Status Code: 404, Request ID: ${runtime.newId()})`,
  };
}

async function startExecution(runtime: Runtime, thread: Thread, task: OpenTask): Promise<void> {
  const happening = await startOutcome(runtime, task);
  if (happening !== undefined && thread.phase === task) settle(runtime, thread, happening);
}

/** Undefined where this process ends before it knows. */
async function startOutcome(runtime: Runtime, task: OpenTask): Promise<Happening | undefined> {
  for (;;) {
    try {
      return { type: 'TaskSucceeded', output: await runtime.startExecution(task.parameters, task.secret) };
    } catch (error) {
      if (error instanceof NotDurable) {
        if (error.isFinal) return undefined;
        // The same start again is the start that was begun.
        continue;
      }
      if (!(error instanceof ApiError)) throw error;
      return {
        type: 'TaskFailed',
        error: `StepFunctions.${error.code}Exception`,
        cause: `${error.message} (Service: Sfn, Status Code: 400, Request ID: ${runtime.newId()})`,
      };
    }
  }
}

/** The nearer of the two deadlines; asked again when it is reached, since a heartbeat moves one of them. */
export function armTask(runtime: Runtime, thread: Thread, task: OpenTask): void {
  const { timeoutSeconds, heartbeatSeconds, scheduledAtMs, heartbeatAtMs } = task;
  const timeoutAtMs = timeoutSeconds === undefined ? Infinity : scheduledAtMs + timeoutSeconds * 1000;
  const missedAtMs = heartbeatSeconds === undefined ? Infinity : heartbeatAtMs + heartbeatSeconds * 1000;
  const atMs = Math.min(timeoutAtMs, missedAtMs);
  if (atMs === Infinity) return;
  wakeAt(runtime, thread, atMs, (woken) => {
    if (woken.phase !== task) return;
    const now = runtime.clock.nowMs();
    if (now >= timeoutAtMs) settle(runtime, woken, { type: 'TaskTimedOut' });
    else if (heartbeatSeconds !== undefined && now >= task.heartbeatAtMs + heartbeatSeconds * 1000)
      settle(runtime, woken, { type: 'HeartbeatMissed' });
    else armTask(runtime, woken, task);
  });
}

export type TokenAnswer =
  { readonly kind: 'success'; readonly output: Json } | ({ readonly kind: 'failure' } & Failure) | { readonly kind: 'heartbeat' };

/** False: this try of the task is over. */
export function answerToken(runtime: Runtime, thread: Thread, secret: string, answer: TokenAnswer): boolean {
  const { phase, state } = thread;
  if (phase.kind !== 'task' || phase.secret !== secret || state?.type !== 'Task') return false;
  if (state.resource.kind !== 'lambda' || !state.resource.waitForTaskToken) return false;
  switch (answer.kind) {
    case 'success':
      settle(runtime, thread, { type: 'TaskSucceeded', output: answer.output });
      return true;
    case 'failure': {
      const { error, cause } = answer;
      settle(runtime, thread, { type: 'TaskFailed', ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) });
      return true;
    }
    case 'heartbeat':
      record(runtime, thread, { type: 'HeartbeatReceived' });
      return true;
  }
}
