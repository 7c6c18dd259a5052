/** From the journal's facts to the events that GetExecutionHistory answers. */
import type { Json, JsonObject } from '#domain/json';
import type { Fact, FactOf, Failure, HappeningType } from './facts.ts';

const NOT_TRUNCATED = { truncated: false };
type TaskFact = FactOf<
  'TaskScheduled' | 'TaskStarted' | 'TaskSubmitted' | 'TaskSucceeded' | 'TaskFailed' | 'TaskTimedOut' | 'HeartbeatMissed'
>;

export interface HistoryNames {
  readonly region: string;
  readonly roleArn: string;
  readonly mapRunArn: (run: number, label: string) => string;
}

/** `resource` is that of the task to which the fact belongs. */
export function eventOf(fact: Fact, resource: string | undefined, names: HistoryNames): JsonObject {
  const [type, key, details] = rendered(fact, resource, names);
  return {
    timestamp: fact.at / 1000,
    type,
    id: fact.id ?? 1,
    previousEventId: fact.prev ?? 0,
    ...(key !== undefined && details && { [key]: details }),
  };
}

const TASK_TYPES: ReadonlySet<HappeningType> = new Set<TaskFact['type']>([
  'TaskScheduled',
  'TaskStarted',
  'TaskSubmitted',
  'TaskSucceeded',
  'TaskFailed',
  'TaskTimedOut',
  'HeartbeatMissed',
]);

export function isTaskFact(fact: Fact): fact is TaskFact {
  return TASK_TYPES.has(fact.type);
}

type Rendered = readonly [type: string, detailsKey?: string, details?: JsonObject];

function rendered(fact: Fact, resource: string | undefined, names: HistoryNames): Rendered {
  switch (fact.type) {
    case 'ExecutionStarted':
      return [
        'ExecutionStarted',
        'executionStartedEventDetails',
        { input: fact.top?.inputText ?? text(fact.input), inputDetails: NOT_TRUNCATED, roleArn: names.roleArn },
      ];
    case 'ExecutionSucceeded':
      return ['ExecutionSucceeded', 'executionSucceededEventDetails', output(fact.output)];
    case 'ExecutionFailed':
    case 'ExecutionTimedOut':
    case 'ExecutionAborted':
    case 'MapRunFailed':
      return [fact.type, detailsKey(fact.type), failure(fact)];
    case 'StateEntered':
      return [
        `${fact.of}StateEntered`,
        'stateEnteredEventDetails',
        { name: fact.state, input: text(fact.input), inputDetails: NOT_TRUNCATED },
      ];
    case 'StateExited': {
      const { assigned } = fact;
      const variables = assigned && Object.fromEntries(Object.entries(assigned).map(([name, value]) => [name, text(value)]));
      const assignment = variables && { assignedVariables: variables, assignedVariablesDetails: NOT_TRUNCATED };
      return [`${fact.of}StateExited`, 'stateExitedEventDetails', { name: fact.state, ...output(fact.output), ...assignment }];
    }
    case 'StateAborted':
      return [`${fact.of}StateAborted`];
    case 'EvaluationFailed':
      return [
        'EvaluationFailed',
        'evaluationFailedEventDetails',
        { ...failure(fact), ...(fact.location !== undefined && { location: fact.location }), state: fact.state },
      ];
    case 'MapStateStarted':
      return ['MapStateStarted', 'mapStateStartedEventDetails', { length: fact.items.length }];
    case 'MapIterationStarted':
    case 'MapIterationSucceeded':
    case 'MapIterationFailed':
    case 'MapIterationAborted':
      return [fact.type, detailsKey(fact.type), { name: fact.state, index: fact.index }];
    case 'MapRunStarted':
      return [fact.type, 'mapRunStartedEventDetails', { mapRunArn: names.mapRunArn(fact.run, fact.label) }];
    case 'TaskStarted':
    case 'TaskTimedOut':
    case 'TaskScheduled':
    case 'TaskSubmitted':
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'HeartbeatMissed':
      return resource === undefined ? functionEvent(fact) : taskEvent(fact, resource, names);
    case 'MapRunSucceeded':
    case 'MapRunAborted':
    case 'MapStateSucceeded':
    case 'MapStateFailed':
    case 'ParallelStateStarted':
    case 'ParallelStateSucceeded':
    case 'ParallelStateFailed':
    case 'HeartbeatReceived':
    case 'WaitArmed':
    case 'InnerFailed':
    case 'RetryArmed':
      return [fact.type];
  }
}

function detailsKey(type: string): string {
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
}

function taskEvent(fact: TaskFact, named: string, { region }: HistoryNames): Rendered {
  const colon = named.indexOf(':');
  const task = { resourceType: named.slice(0, colon), resource: named.slice(colon + 1) };
  switch (fact.type) {
    case 'TaskScheduled': {
      const { timeoutSeconds, heartbeatSeconds, parameters } = fact;
      const limits = {
        ...(timeoutSeconds !== undefined && { timeoutInSeconds: timeoutSeconds }),
        ...(heartbeatSeconds !== undefined && { heartbeatInSeconds: heartbeatSeconds }),
      };
      return ['TaskScheduled', 'taskScheduledEventDetails', { ...task, region, parameters: text(parameters), ...limits }];
    }
    case 'TaskSubmitted':
      return ['TaskSubmitted', 'taskSubmittedEventDetails', { ...task, ...output(fact.output) }];
    case 'TaskSucceeded':
      return ['TaskSucceeded', 'taskSucceededEventDetails', { ...task, ...output(fact.output) }];
    case 'TaskFailed':
      return ['TaskFailed', 'taskFailedEventDetails', { ...task, ...failure(fact) }];
    case 'TaskTimedOut':
    case 'HeartbeatMissed':
      return ['TaskTimedOut', 'taskTimedOutEventDetails', { ...task, error: 'States.Timeout' }];
    case 'TaskStarted':
      return ['TaskStarted', 'taskStartedEventDetails', task];
  }
}

/** A Lambda ARN as Resource has events of its own. */
function functionEvent(fact: TaskFact): Rendered {
  switch (fact.type) {
    case 'TaskScheduled':
      return [
        'LambdaFunctionScheduled',
        'lambdaFunctionScheduledEventDetails',
        { input: text(fact.parameters), inputDetails: NOT_TRUNCATED },
      ];
    case 'TaskSucceeded':
      return ['LambdaFunctionSucceeded', 'lambdaFunctionSucceededEventDetails', output(fact.output)];
    case 'TaskFailed':
      return ['LambdaFunctionFailed', 'lambdaFunctionFailedEventDetails', failure(fact)];
    case 'TaskTimedOut':
    case 'HeartbeatMissed':
      return ['LambdaFunctionTimedOut', 'lambdaFunctionTimedOutEventDetails', { error: 'States.Timeout' }];
    case 'TaskStarted':
      return ['LambdaFunctionStarted'];
    case 'TaskSubmitted':
      return ['TaskSubmitted'];
  }
}

function text(value: Json): string {
  return JSON.stringify(value);
}

function output(value: Json): JsonObject {
  return { output: text(value), outputDetails: NOT_TRUNCATED };
}

function failure({ error, cause }: Failure): JsonObject {
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}
