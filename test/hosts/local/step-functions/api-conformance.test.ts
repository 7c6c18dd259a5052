import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { type ApiCase, apiCases, CASES_ARE_HERE, difference, recordedShape } from './conformance-cases.ts';
import { harness, returned } from './harness.ts';

const EXPRESS = 'EXPRESS workflows are not implemented.';
/** Recorded call sequences that this host does not answer like AWS, by name. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  'sfn-api-list-executions-versions-pagination': 'Versions of state machines are not implemented.',
  'sfn-api-express-create-describe-delete': EXPRESS,
  'sfn-api-express-start-async-describe-history-execution': EXPRESS,
  'sfn-api-express-start-sync-execution': EXPRESS,
};

/** Calls of the recorder's client that never reach a service. */
const CLIENT_SIDE = new Set(['get_paginator']);

const operationName = (op: string): string => op.replaceAll(/(?:^|_)([a-z])/g, (_whole, letter: string) => letter.toUpperCase());

/** The recorder lost how these calls' ARNs differ from an existing one: the difference is put back, and the answer's ARN is not compared. */
const ARN_OF_NOTHING = new Set([
  'sfn-api-describe-execution-no-such-state-machine',
  'sfn-api-describe-nonexistent-sm',
  'sfn-api-get-execution-history-no-such-execution',
  'sfn-api-invalid-start-execution-arn',
  'sfn-api-list-execution-no-such-state-machine',
]);
/** The recorder parsed the definitions, so it lost that the second one is spelled otherwise. */
const SPELLED_OTHERWISE = 'sfn-api-create-duplicate-definition-format-sm';

/** The definitions of these cases are JSONPath by omission; what they are about is the API, so their states are said in JSONata. */
function inJsonata(definition: Json): Json {
  if (!isJsonObject(definition) || !isJsonObject(definition['States'])) return definition;
  const states = Object.entries(definition['States']).map(([name, state]): readonly [string, Json] => {
    if (!isJsonObject(state)) return [name, state];
    const { Result: output, Parameters: parameters, ResultPath: _path, Resource: resource, ...rest } = state;
    return [
      name,
      {
        ...rest,
        ...(output !== undefined && { Output: output }),
        ...(parameters !== undefined && { Arguments: {} }),
        ...(resource !== undefined && { Resource: resourceLike(resource) }),
      },
    ];
  });
  return { QueryLanguage: 'JSONata', ...definition, States: Object.fromEntries(states) };
}

function resourceLike(resource: Json): Json {
  if (resource === '${LambdaFunctionArn}') return 'arn:aws:states:::lambda:invoke';
  return resource === 'arn:aws:states:::sqs:sendMessage.waitForTaskToken' ? 'arn:aws:states:::lambda:invoke.waitForTaskToken' : resource;
}

/** `${step0.stateMachineArn}` is what an earlier step answered; `<uid>` is per run; `{"$repeat":["x",3097]}` is a long text. */
function filled(value: Json, answers: readonly JsonObject[]): Json {
  if (typeof value === 'string') {
    const reference = /^\$\{step(\d+)\.(\w+)\}$/.exec(value);
    return reference === null ? value.replaceAll('<uid>', 'abc') : (answers[Number(reference[1])]?.[reference[2] ?? ''] ?? value);
  }
  if (Array.isArray(value)) return value.map((one: Json) => filled(one, answers));
  if (!isJsonObject(value)) return value;
  const repeat = value['$repeat'];
  if (Array.isArray(repeat)) return String(repeat[0]).repeat(Number(repeat[1]));
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, filled(field, answers)]));
}

function argumentsOf({ name, steps }: ApiCase, index: number, answers: readonly JsonObject[]): JsonObject {
  const given = filled(steps[index]?.arguments ?? {}, answers) as JsonObject;
  if (ARN_OF_NOTHING.has(name) && index === steps.length - 1) {
    const { executionArn } = answers.at(-1) ?? {};
    return executionArn === undefined
      ? { stateMachineArn: `${given['stateMachineArn'] as string}x` }
      : { executionArn: `${executionArn as string}x` };
  }
  const { definition } = given;
  if (!isJsonObject(definition)) return given;
  return { ...given, definition: JSON.stringify(inJsonata(definition), null, name === SPELLED_OTHERWISE ? index : 0) };
}

/** Our answer in the recorder's shape: texts of JSON are parsed, events are flattened, accounts and roles are its own. */
function shaped(body: JsonObject): JsonObject {
  const { definition, input, output, events, ...rest } = body;
  return {
    ...rest,
    ...(typeof definition === 'string' && { definition: JSON.parse(definition) as Json }),
    ...(typeof input === 'string' && { input: JSON.parse(input) as Json }),
    ...(typeof output === 'string' && { output: JSON.parse(output) as Json }),
    ...(Array.isArray(events) && { events: (events as readonly JsonObject[]).map(recordedShape) }),
  };
}

/** Account and role are the recorder's own. */
function wanted(expected: Json): Json {
  const value = JSON.parse(JSON.stringify(expected).replaceAll('111111111111', '000000000000')) as Json;
  if (!isJsonObject(value)) return value;
  const { definition, roleArn } = value;
  return {
    ...value,
    ...(definition !== undefined && { definition: inJsonata(definition) }),
    ...(roleArn !== undefined && { roleArn: '*' }),
  };
}

function wantedError({ name }: ApiCase, { code = '*', message = '*' }: { readonly code?: string; readonly message?: Json }): Json {
  const text = typeof message === 'string' ? message : isJsonObject(message) ? (message['$glob'] as string) : '*';
  return wanted({ __type: code, message: ARN_OF_NOTHING.has(name) ? { $glob: text.replace(/'[^]*'/, "'*'") } : message });
}

async function play(one: ApiCase): Promise<readonly string[]> {
  const { steps } = one;
  const sfn = harness(() => returned({}));
  const answers: JsonObject[] = [];
  const differences: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (CLIENT_SIDE.has(step.op)) continue;
    const { status, body } = await sfn.stepFunctions.call(operationName(step.op), argumentsOf(one, index, answers));
    await sfn.clock.settle();
    answers.push(body);
    const expect = step.expect ?? undefined;
    if (expect === undefined) continue;
    // botocore's own complaints are no answers of the service.
    if ('error' in expect && expect.error.exception !== undefined) continue;
    if ('response' in expect && typeof expect.response === 'string') continue;
    const found =
      'error' in expect
        ? difference(wantedError(one, expect.error), body)
        : status === 200
          ? difference(wanted(expect.response), shaped(body))
          : `${status} ${JSON.stringify(body)}`;
    if (found !== undefined) differences.push(`step ${index} ${step.op}: ${found}`);
  }
  return differences;
}

describe.runIf(CASES_ARE_HERE)('call sequences recorded on AWS', () => {
  test.each(apiCases().map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const differences = await play(one).catch((error: unknown) => [String(error)]);
    if (UNSUPPORTED[name] === undefined) expect(differences).toEqual([]);
    else expect(differences.length === 0, UNSUPPORTED[name]).toBe(one.steps.length === 0);
  });
});
