import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import { type ApiCase, apiCases, CASES_ARE_HERE, difference, recordedShape } from './conformance-cases.ts';
import { harness, returned } from './harness.ts';

const EXPRESS = 'EXPRESS workflows are not implemented.';
/** Recorded call sequences that this host does not answer like AWS, by name. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  'sfn-api-list-executions-versions-pagination': 'Versions of state machines are not implemented.',
  'sfn-api-describe-state-machine-for-execution': 'DescribeStateMachineForExecution is not implemented.',
  'sfn-api-start-sync-execution': 'StartSyncExecution is not implemented.',
  'sfn-api-express-create-describe-delete': EXPRESS,
  'sfn-api-express-start-async-describe-history-execution': EXPRESS,
  'sfn-api-express-start-sync-execution': EXPRESS,
};

/** Calls of the recorder's client that never reach a service. */
const CLIENT_SIDE = new Set(['get_paginator']);

const operationName = (op: string): string => op.replaceAll(/(?:^|_)([a-z])/g, (_whole, letter: string) => letter.toUpperCase());

/** The definitions of these cases are JSONPath by omission; what they are about is the API, so their one state is said in JSONata. */
function inJsonata(definition: Json): Json {
  if (!isJsonObject(definition) || !isJsonObject(definition['States'])) return definition;
  const states = Object.entries(definition['States']).map(([name, state]): readonly [string, Json] => {
    if (!isJsonObject(state)) return [name, state];
    const { Result: output, Parameters: parameters, Resource: resource, ...rest } = state;
    const waits = typeof resource === 'string' && resource.startsWith('arn:aws:states:::sqs');
    const task = typeof resource === 'string' && { Resource: waits ? 'arn:aws:states:::lambda:invoke.waitForTaskToken' : 'arn:aws:states:::lambda:invoke' };
    return [name, { ...rest, ...(output !== undefined && { Output: output }), ...(parameters !== undefined && { Arguments: {} }), ...task }];
  });
  return { QueryLanguage: 'JSONata', ...definition, States: Object.fromEntries(states) };
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

function argumentsOf(step: ApiCase['steps'][number], answers: readonly JsonObject[]): JsonObject {
  const given = filled(step.arguments ?? {}, answers) as JsonObject;
  const { definition } = given;
  if (definition === undefined || definition === null || typeof definition === 'string') return given;
  return { ...given, definition: JSON.stringify(inJsonata(definition), null, typeof given['name'] === 'string' ? 0 : 1) };
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

function wanted(expected: Json): Json {
  const text = JSON.stringify(expected).replaceAll('111111111111', '000000000000');
  const value = JSON.parse(text) as Json;
  if (!isJsonObject(value)) return value;
  return isJsonObject(value['definition']) ? { ...value, definition: inJsonata(value['definition']) } : value;
}

async function play({ steps }: ApiCase): Promise<readonly string[]> {
  const sfn = harness(() => returned({}));
  const answers: JsonObject[] = [];
  const differences: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (CLIENT_SIDE.has(step.op)) continue;
    const { status, body } = await sfn.stepFunctions.call(operationName(step.op), argumentsOf(step, answers));
    await sfn.clock.settle();
    answers.push(body);
    const expect = step.expect ?? undefined;
    if (expect === undefined) continue;
    // botocore's own complaints are no answers of the service.
    if ('error' in expect && expect.error.exception !== undefined) continue;
    if ('response' in expect && typeof expect.response === 'string') continue;
    const found =
      'error' in expect
        ? difference(wanted({ __type: expect.error.code ?? '*', message: expect.error.message ?? '*' }), body)
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
  });
});
