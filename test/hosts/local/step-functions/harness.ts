/** A Step Functions on a driven clock, with functions that answer as scripted. */
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { type DrivenClock, drivenClock } from '#hosts/local/driven-clock';
import type { CheckpointStore, ExecutionEnded, InvokeOutcome } from '#hosts/local/step-functions/ports';
import { createStepFunctions, type StepFunctions } from '#hosts/local/step-functions/step-functions';
import { memoryCheckpoints } from './memory-checkpoints.ts';

export type Script = (functionName: string, payload: Json) => InvokeOutcome | Promise<InvokeOutcome>;

export interface Harness {
  readonly stepFunctions: StepFunctions;
  readonly clock: DrivenClock;
  readonly ended: Parameters<ExecutionEnded>[0][];
  /** Lines for whoever looks after the host. */
  readonly told: string[];
  /** The body of an answer; throws `<code>: <message>` for an error. */
  call(operation: string, input: Json): Promise<JsonObject>;
  create(definition: Json, name?: string): Promise<string>;
  start(stateMachineArn: string, input: Json, name?: string): Promise<string>;
  /** Starts without waiting for the answer, settles, runs to the end of all deadlines and describes. */
  run(definition: Json, input: Json): Promise<JsonObject>;
  describe(executionArn: string): Promise<JsonObject>;
  history(executionArn: string): Promise<readonly JsonObject[]>;
}

export const returned = (payload: Json): InvokeOutcome => ({ kind: 'returned', payload });
export const threw = (errorType: string, errorMessage = ''): InvokeOutcome => ({ kind: 'threw', errorType, errorMessage });

export const BEGIN_MS = Date.parse('2026-03-01T00:00:00Z');

export interface HarnessOptions {
  readonly checkpoints?: CheckpointStore;
  readonly clock?: DrivenClock;
  readonly ids?: string;
  readonly mostInvocationsInFlight?: number;
}

let processes = 0;

export function harness(
  script: Script,
  {
    checkpoints = memoryCheckpoints(),
    clock = drivenClock(BEGIN_MS),
    ids = `p${++processes}`,
    mostInvocationsInFlight,
  }: HarnessOptions = {},
): Harness {
  let issued = 0;
  const ended: Parameters<ExecutionEnded>[0][] = [];
  const told: string[] = [];
  const stepFunctions = createStepFunctions({
    checkpoints,
    clock,
    newId: () => `${ids}-${++issued}`,
    invoke: async (name, payload) => await script(name, payload),
    ...(mostInvocationsInFlight !== undefined && { mostInvocationsInFlight }),
    onExecutionEnded: (detail) => ended.push(detail),
    tell: (line) => told.push(line),
  });
  const call = async (operation: string, input: Json): Promise<JsonObject> => {
    const { status, body } = await stepFunctions.call(operation, input);
    if (status !== 200) throw new Error(`${body['__type'] as string}: ${body['message'] as string}`);
    return body;
  };
  const self: Harness = {
    stepFunctions,
    clock,
    ended,
    told,
    call,
    async create(definition, name = 'machine') {
      const body = await call('CreateStateMachine', { name, definition: JSON.stringify(definition), roleArn: 'role' });
      return textOf(body, 'stateMachineArn');
    },
    async start(stateMachineArn, input, name) {
      const body = await call('StartExecution', { stateMachineArn, input: JSON.stringify(input), ...(name !== undefined && { name }) });
      return textOf(body, 'executionArn');
    },
    async run(definition, input) {
      const executionArn = await self.start(await self.create(definition), input);
      await clock.runUntilIdle();
      return await self.describe(executionArn);
    },
    describe: (executionArn) => call('DescribeExecution', { executionArn }),
    async history(executionArn) {
      const events: JsonObject[] = [];
      let nextToken: Json | undefined;
      do {
        const page: JsonObject = await call('GetExecutionHistory', {
          executionArn,
          maxResults: 1000,
          ...(nextToken !== undefined && { nextToken }),
        });
        events.push(...(page['events'] as readonly JsonObject[]));
        nextToken = page['nextToken'];
      } while (nextToken !== undefined);
      return events;
    },
  };
  return self;
}

export function textOf(object: JsonObject, member: string): string {
  const value = object[member];
  if (typeof value !== 'string') throw new Error(`${member} is no text in ${JSON.stringify(object)}`);
  return value;
}

export function outputOf(described: JsonObject): Json {
  return JSON.parse(textOf(described, 'output')) as Json;
}

/** `PlanRun, FewOrMany, …`: the states that were entered, in order. */
export function entered(events: readonly JsonObject[]): readonly string[] {
  return events.flatMap((event) => {
    const details = event['stateEnteredEventDetails'];
    return isJsonObject(details) ? [textOf(details, 'name')] : [];
  });
}
