/** `$states` and the variables: what an expression of a state sees. */
import type { Json, JsonObject } from '#domain/json';
import type { Thread } from './execution.ts';
import { visibleVariables } from './execution.ts';
import type { Bindings, Template } from './expressions.ts';
import { evaluate, EvaluationError } from './expressions.ts';
import type { Names } from './runtime.ts';

export interface Extras {
  readonly result?: Json;
  readonly errorOutput?: Json;
  readonly taskToken?: string;
  /** For an ItemSelector; the states of an iteration see the item of their thread. */
  readonly item?: { readonly index: number; readonly value: Json };
}

export function bindings(names: Names, thread: Thread, extras: Extras = {}): Bindings {
  const { result, errorOutput } = extras;
  let context: JsonObject | undefined;
  const states: JsonObject = {
    input: thread.input,
    // Built when it is asked for: most expressions do not.
    get context() {
      return (context ??= contextObject(names, thread, extras));
    },
    ...(result !== undefined && { result }),
    ...(errorOutput !== undefined && { errorOutput }),
  };
  return { states, variables: visibleVariables(thread) };
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
function contextObject(names: Names, thread: Thread, { taskToken, item = itemOf(thread) }: Extras): JsonObject {
  const { execution, state } = thread;
  return {
    Execution: {
      Id: names.executionArn(execution),
      Input: execution.input,
      Name: names.executionName(execution),
      RoleArn: LOCAL_ROLE,
      StartTime: new Date(execution.startedAtMs).toISOString(),
      RedriveCount: 0,
    },
    StateMachine: { Id: names.stateMachineArn(execution), Name: names.stateMachineName(execution) },
    State: { Name: state?.name ?? '', EnteredTime: new Date(thread.enteredAtMs).toISOString(), RetryCount: thread.retryCount },
    ...(taskToken !== undefined && { Task: { Token: taskToken } }),
    ...(item && { Map: { Item: { Index: item.index, Value: item.value } } }),
  };
}

export const LOCAL_ROLE = 'arn:aws:iam::000000000000:role/local';

function itemOf(thread: Thread): Extras['item'] {
  return thread.item ?? (thread.parent && itemOf(thread.parent));
}

/** The number that a field holds or answers, in its bounds. */
export async function evaluateNumber(template: Template, scope: Bindings, field: string, least: number): Promise<number> {
  const value = await evaluate(template, scope);
  if (typeof value !== 'number') throw unexpectedType(template, field, 'number', value);
  if (value < least) throw new EvaluationError(`The field '${field}' must be at least ${least} but was: ${value}`, field);
  return value;
}

/** As AWS words it (recorded). */
export function unexpectedType(template: Template, field: string, expected: string, value: Json): EvaluationError {
  const source = template.kind === 'expression' ? template.source : JSON.stringify(value);
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return new EvaluationError(
    `The JSONata expression '${source}' specified for the field '${field}' returned an unexpected result type. Expected '${expected}', but was '${actual}' for value: ${JSON.stringify(value)}`,
    field,
  );
}
