/** The fields of each state type. A field that is not read here is refused by `Reader.finish`. */
import type { Json } from '#domain/json';
import type { Template } from './expressions.ts';
import type {
  Catcher,
  ChoiceRule,
  ChoiceState,
  FailState,
  Flow,
  MapState,
  ParallelState,
  PassState,
  Resource,
  Retrier,
  State,
  SucceedState,
  TaskState,
  WaitState,
} from './machine.ts';
import { type Reader, refuse } from './refusals.ts';

/** What the states of a flow have in common: the query language that holds where they say nothing, the names already taken. */
export interface Surroundings {
  readonly jsonata: boolean;
  /** State names are unique in a whole machine, across branches and processors. */
  readonly names: Set<string>;
  /** Reads the flow of a branch or a processor. */
  readonly readFlow: (from: Reader, surroundings: Surroundings) => Flow;
}

export function readState(name: string, from: Reader, surroundings: Surroundings): State {
  const type = from.requiredText('Type');
  const inner = { ...surroundings, jsonata: queryLanguageOf(from, surroundings) };
  const state = readByType(type, name, from, inner);
  from.finish();
  return state;
}

function queryLanguageOf(from: Reader, { jsonata }: Surroundings): boolean {
  const own = from.text('QueryLanguage');
  if (own === 'JSONPath' && jsonata) refuse("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", from.path);
  if (own !== undefined && own !== 'JSONata')
    refuse(`'QueryLanguage' '${own}' is not implemented: only JSONata is`, `${from.path}/QueryLanguage`);
  if (own === undefined && !jsonata)
    refuse("'QueryLanguage' is JSONPath where it is absent, which is not implemented: set it to JSONata", from.path);
  return own === 'JSONata' || jsonata;
}

function readByType(type: string, name: string, from: Reader, inner: Surroundings): State {
  switch (type) {
    case 'Pass':
      return { type, name, ...continuing(from) } satisfies PassState;
    case 'Succeed':
      return { type, name, ...optional('output', from.template('Output')) } satisfies SucceedState;
    case 'Fail':
      return {
        type,
        name,
        ...optional('error', textTemplate(from, 'Error')),
        ...optional('cause', textTemplate(from, 'Cause')),
      } satisfies FailState;
    case 'Wait':
      return readWait(name, from);
    case 'Choice':
      return readChoice(name, from);
    case 'Task':
      return readTask(name, from);
    case 'Parallel':
      return readParallel(name, from, inner);
    case 'Map':
      return readMap(name, from, inner);
    default:
      refuse(`'${type}' is not a supported state type`, `${from.path}/Type`);
  }
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}

function textTemplate(from: Reader, name: string): Template | undefined {
  const value = from.raw(name);
  if (value !== undefined && typeof value !== 'string') refuse(`The field '${name}' must be a string`, `${from.path}/${name}`);
  return from.template(name);
}

function outputAndAssign(from: Reader): { readonly output?: Template; readonly assign?: Template } {
  const assign = from.object('Assign');
  const variables = from.raw('Assign');
  if (assign !== undefined) {
    for (const name of Object.keys(variables as Record<string, Json>)) {
      if (name === 'states' || !/^[\p{ID_Start}_][\p{ID_Continue}]{0,79}$/u.test(name))
        refuse(`'${name}' is not a valid variable name`, assign.path);
    }
  }
  return { ...optional('output', from.template('Output')), ...optional('assign', from.template('Assign')) };
}

function continuing(from: Reader): { readonly next?: string; readonly output?: Template; readonly assign?: Template } {
  const next = from.text('Next');
  const end = from.raw('End');
  if (end !== undefined && typeof end !== 'boolean') refuse("The field 'End' must be true or false", `${from.path}/End`);
  if (next !== undefined && end === true) refuse("These fields are mutually exclusive: ['Next', 'End']", from.path);
  if (next === undefined && end !== true) refuse("One of the fields is required: ['Next', 'End']", from.path);
  return { ...optional('next', next), ...outputAndAssign(from) };
}

function recovering(
  from: Reader,
): ReturnType<typeof continuing> & { readonly retry: readonly Retrier[]; readonly catchers: readonly Catcher[] } {
  return { ...continuing(from), retry: from.objects('Retry').map(readRetrier), catchers: from.objects('Catch').map(readCatcher) };
}

/** States.ALL stands alone and last, as on AWS: what comes after it would never be looked at. */
function errorEquals(from: Reader): readonly string[] {
  const names = from.texts('ErrorEquals');
  if (names.includes('States.ALL') && names.length > 1) refuse("'States.ALL' must appear alone", `${from.path}/ErrorEquals`);
  return names;
}

function readRetrier(from: Reader): Retrier {
  const jitter = from.text('JitterStrategy') ?? 'NONE';
  if (jitter !== 'FULL' && jitter !== 'NONE') refuse(`'${jitter}' is not a jitter strategy: [FULL, NONE]`, `${from.path}/JitterStrategy`);
  const retrier = {
    errorEquals: errorEquals(from),
    intervalSeconds: from.number('IntervalSeconds', { least: 1, integer: true, most: 99_999_999 }) ?? 1,
    maxAttempts: from.number('MaxAttempts', { least: 0, integer: true, most: 99_999_999 }) ?? 3,
    backoffRate: from.number('BackoffRate', { least: 1 }) ?? 2,
    ...optional('maxDelaySeconds', from.number('MaxDelaySeconds', { least: 1, integer: true, most: 31_622_400 })),
    fullJitter: jitter === 'FULL',
  };
  from.finish();
  return retrier;
}

function readCatcher(from: Reader): Catcher {
  const catcher = { errorEquals: errorEquals(from), next: from.requiredText('Next'), ...outputAndAssign(from) };
  from.finish();
  return catcher;
}

function readWait(name: string, from: Reader): WaitState {
  const seconds = from.numberTemplate('Seconds', 0);
  const timestamp = textTemplate(from, 'Timestamp');
  if ((seconds === undefined) === (timestamp === undefined))
    refuse("Exactly one of these fields is required: ['Seconds', 'Timestamp']", from.path);
  const until =
    seconds === undefined ? { kind: 'timestamp' as const, value: timestamp ?? seconds } : { kind: 'seconds' as const, value: seconds };
  return { type: 'Wait', name, ...continuing(from), until: until as WaitState['until'] };
}

function readChoice(name: string, from: Reader): ChoiceState {
  const rules = from.objects('Choices').map((rule): ChoiceRule => {
    const condition = rule.raw('Condition');
    if (condition === undefined) refuse('These fields are required: [Condition]', rule.path);
    if (typeof condition !== 'boolean' && typeof condition !== 'string')
      refuse("The field 'Condition' must be true, false or an expression", `${rule.path}/Condition`);
    const read = {
      condition: rule.template('Condition') ?? refuse('These fields are required: [Condition]', rule.path),
      next: rule.requiredText('Next'),
      ...outputAndAssign(rule),
    };
    rule.finish();
    return read;
  });
  if (rules.length === 0) refuse('These fields are required: [Choices]', from.path);
  return { type: 'Choice', name, rules, ...optional('otherwise', from.text('Default')), ...outputAndAssign(from) };
}

function readTask(name: string, from: Reader): TaskState {
  const credentials = from.object('Credentials');
  if (credentials !== undefined && credentials.raw('RoleArn') === undefined)
    refuse("The field 'RoleArn' is required but was missing", credentials.path);
  if (credentials !== undefined) refuse("The field 'Credentials' is not implemented by the local host", from.path);
  return {
    type: 'Task',
    name,
    resource: readResource(from.requiredText('Resource'), `${from.path}/Resource`),
    ...optional('arguments', from.template('Arguments')),
    ...optional('timeoutSeconds', from.numberTemplate('TimeoutSeconds', 1)),
    ...optional('heartbeatSeconds', from.numberTemplate('HeartbeatSeconds', 1)),
    ...recovering(from),
  };
}

function readResource(resource: string, path: string): Resource {
  const integration = /^arn:[^:]*:states:[^:]*:[^:]*:(.+)$/.exec(resource)?.[1];
  if (integration === 'lambda:invoke') return { kind: 'lambda', waitForTaskToken: false };
  if (integration === 'lambda:invoke.waitForTaskToken') return { kind: 'lambda', waitForTaskToken: true };
  if (integration === 'states:startExecution') return { kind: 'start-execution' };
  if (/^arn:[^:]*:lambda:[^:]*:[^:]*:function:.+$/.test(resource)) return { kind: 'function', functionArn: resource };
  refuse(`The resource '${resource}' is not implemented by the local host`, path);
}

function readParallel(name: string, from: Reader, inner: Surroundings): ParallelState {
  const branches = from.objects('Branches').map((branch) => {
    const flow = inner.readFlow(branch, inner);
    branch.finish();
    return flow;
  });
  if (branches.length === 0) refuse('These fields are required: [Branches]', from.path);
  return { type: 'Parallel', name, branches, ...optional('arguments', from.template('Arguments')), ...recovering(from) };
}

function readMap(name: string, from: Reader, inner: Surroundings): MapState {
  const processor =
    from.object('ItemProcessor') ?? from.object('Iterator') ?? refuse('These fields are required: [ItemProcessor]', from.path);
  const distributed = readMode(processor);
  const flow = inner.readFlow(processor, inner);
  processor.finish();
  const items = from.raw('Items');
  if (items !== undefined && !Array.isArray(items) && typeof items !== 'string')
    refuse("The field 'Items' must be a list or an expression", `${from.path}/Items`);
  return {
    type: 'Map',
    name,
    processor: flow,
    distributed,
    label: from.text('Label') ?? name.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 40),
    ...optional('items', from.template('Items')),
    ...optional('itemSelector', from.template('ItemSelector')),
    ...optional('maxConcurrency', from.numberTemplate('MaxConcurrency', 0)),
    ...optional('toleratedCount', from.numberTemplate('ToleratedFailureCount', 0)),
    ...optional('toleratedPercentage', from.numberTemplate('ToleratedFailurePercentage', 0)),
    ...recovering(from),
  };
}

function readMode(processor: Reader): boolean {
  const config = processor.object('ProcessorConfig');
  if (config === undefined) return false;
  const mode = config.text('Mode') ?? 'INLINE';
  const type = config.text('ExecutionType');
  if (mode !== 'INLINE' && mode !== 'DISTRIBUTED') refuse(`'${mode}' is not a mode of a Map: [INLINE, DISTRIBUTED]`, `${config.path}/Mode`);
  if (mode === 'DISTRIBUTED' && type === undefined) refuse('These fields are required: [ExecutionType]', config.path);
  if (type !== undefined && (type !== 'STANDARD' || mode === 'INLINE'))
    refuse(`ExecutionType '${type}' is not implemented by the local host`, `${config.path}/ExecutionType`);
  config.finish();
  return mode === 'DISTRIBUTED';
}
