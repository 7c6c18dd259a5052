import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import type { InvokeOutcome } from '#hosts/local/step-functions/ports';
import type { StepFunctionsAnswer } from '#hosts/local/step-functions/step-functions';
import {
  type Behaviour,
  type Case,
  CASES,
  CASES_ARE_HERE,
  casesIn,
  difference,
  recordedShape,
  type TokenBehaviour,
  type Validation,
  validations,
} from './conformance-cases.ts';
import { harness, type Harness, returned, threw } from './harness.ts';

const PARAMETERS_LEFT = 'base-scenarios-parallel-state-parallel-state-parameters';

interface Unsupported {
  readonly reason: string;
  /** How the machine is refused: for that reason, and no other. */
  readonly refusal: RegExp;
}

const EXPRESS: Unsupported = {
  reason: 'EXPRESS workflows and StartSyncExecution are not implemented.',
  refusal: /^StateMachineTypeNotSupported: State machines of type EXPRESS are not implemented/,
};
/** Recorded cases that are refused on purpose, by name. */
const UNSUPPORTED: Readonly<Record<string, Unsupported>> = {
  'express-sync-catch': EXPRESS,
  'sfn-api-express-start-sync-execution': EXPRESS,
  [PARAMETERS_LEFT]: {
    reason: 'The translated definition still has the JSONPath field Parameters; said as Arguments it is reproduced below.',
    refusal: /^InvalidDefinition: .*'Parameters' is not supported: it belongs to JSONPath/,
  },
};

if (!CASES_ARE_HERE) console.warn(`The recorded ASL cases are not at ${CASES}: the conformance suite is skipped.`);

test.runIf(!CASES_ARE_HERE && process.env['CI'] === 'true')('in CI the recorded cases are present', () => {
  throw new Error(`Set SLUICE_SHARED: there is no ${CASES}.`);
});

interface Played {
  readonly described: JsonObject;
  readonly history: readonly JsonObject[];
}

/** Puts JSONata where nothing, or an irrelevant JSONPath, is declared for the whole machine. */
function inJsonata(definition: JsonObject): JsonObject {
  return { ...definition, QueryLanguage: 'JSONata' };
}

async function play(one: Case): Promise<Played> {
  const submitted = { count: 0 };
  const sfn: Harness = harness((name, payload) => {
    const tasks = one.tasks ?? [];
    const matching = tasks.filter((task) => task.function === name || task.alias === name);
    const token = matching.filter(({ behaviour }) => typeof behaviour === 'object' && 'waitForTaskToken' in behaviour);
    const task = token.length > 0 ? token[submitted.count++] : matching[0];
    return task === undefined ? { kind: 'no-such-function' } : behave(sfn, task.behaviour, payload);
  });
  const arn = await sfn.start(await sfn.create(inJsonata(one.definition)), one.input ?? {});
  await sfn.clock.settle();
  if (one.expected.status === 'ABORTED') await sfn.call('StopExecution', { executionArn: arn });
  await sfn.clock.runUntilIdle();
  return { described: await sfn.describe(arn), history: (await sfn.history(arn)).map(recordedShape) };
}

async function behave(sfn: Harness, behaviour: Behaviour, payload: Json): Promise<InvokeOutcome> {
  if (behaviour === 'echo') return returned(payload);
  if (behaviour === 'does not exist') return { kind: 'no-such-function' };
  if ('returns' in behaviour) return returned(behaviour.returns);
  if ('throws' in behaviour) return threw(behaviour.throws.errorType, behaviour.throws.errorMessage);
  if ('returnsStringOfLength' in behaviour) return returned(behaviour.character.repeat(behaviour.returnsStringOfLength));
  if ('sleepsSeconds' in behaviour) {
    await new Promise<void>((resolve) => sfn.clock.at(sfn.clock.nowMs() + behaviour.sleepsSeconds * 1000, resolve));
    return await behave(sfn, behaviour.then, payload);
  }
  sfn.clock.at(sfn.clock.nowMs() + 1000, () => void answer(sfn, behaviour.waitForTaskToken, tokenIn(payload)));
  return returned({});
}

function tokenIn(payload: Json): string {
  const { TaskToken: token } = payload as { readonly TaskToken?: string };
  if (token === undefined) throw new Error(`No task token in ${JSON.stringify(payload)}`);
  return token;
}

async function answer(
  sfn: Harness,
  { sendsTaskSuccess, sendsTaskFailure, sendsTaskHeartbeats = 0 }: TokenBehaviour,
  taskToken: string,
): Promise<void> {
  for (let sent = 0; sent < sendsTaskHeartbeats; sent++) await sfn.call('SendTaskHeartbeat', { taskToken });
  if (sendsTaskSuccess !== undefined) await sfn.call('SendTaskSuccess', { taskToken, output: JSON.stringify(sendsTaskSuccess.output) });
  if (sendsTaskFailure !== undefined) await sfn.call('SendTaskFailure', { taskToken, ...sendsTaskFailure });
}

/** The recorder dropped what these fields say of our events, or never had it. */
function comparable(event: JsonObject): JsonObject {
  const { id: _id, previousEventId: _previous, restored: _restored, ...rest } = event;
  return rest;
}

function historyDifference(one: Case, actual: readonly JsonObject[]): string | undefined {
  const expected = one.expected.history;
  if (expected === undefined || one.historyOmitted !== undefined) return undefined;
  const shown = (events: readonly JsonObject[]): string => events.map(({ type }) => JSON.stringify(type)).join(' ');
  if (expected.length !== actual.length)
    return `${actual.length} events instead of ${expected.length}:\n  ${shown(actual)}\n  ${shown(expected)}`;
  const unordered = actual.map((event, index) => ({ event, index })).filter(({ index }) => expected[index]?.['id'] === undefined);
  for (const [index, event] of expected.entries()) {
    if (event['id'] !== undefined) {
      const found = difference(comparable(event), comparable(actual[index] ?? {}), `event ${index + 1} ${JSON.stringify(event['type'])}`);
      if (found !== undefined) return found;
      continue;
    }
    const match = unordered.findIndex(({ event: candidate }) => difference(comparable(event), comparable(candidate)) === undefined);
    if (match < 0)
      return `event ${index + 1} ${JSON.stringify(event)} is not among ${shown(unordered.map((candidate) => candidate.event))}`;
    unordered.splice(match, 1);
  }
  return undefined;
}

/** `previousEventId` is worth having and not required: it is counted and shown. */
const links = { same: 0, compared: 0, other: [] as string[] };

describe.runIf(CASES_ARE_HERE).each(['native', 'derived'] as const)('recorded on AWS: %s', (folder) => {
  test.each(casesIn(folder).map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const unsupported = UNSUPPORTED[name];
    if (unsupported !== undefined) {
      const { workflowType: type, definition } = one;
      const wanted = { name: 'refused', type, definition: JSON.stringify(inJsonata(definition)) };
      const created = harness(() => returned({})).call('CreateStateMachine', wanted);
      await expect(created, unsupported.reason).rejects.toThrow(unsupported.refusal);
      return;
    }
    await isReproduced(one);
  });

  test.runIf(folder === 'derived')(`${PARAMETERS_LEFT}, with Arguments`, async () => {
    const one = casesIn(folder).find(({ name }) => name === PARAMETERS_LEFT);
    if (one === undefined) throw new Error(`there is no ${PARAMETERS_LEFT}`);
    const definition = JSON.parse(JSON.stringify(one.definition).replace('"Parameters"', '"Arguments"')) as JsonObject;
    await isReproduced({ ...one, definition });
  });

  async function isReproduced(one: Case): Promise<void> {
    const { name } = one;
    const { described, history } = await play(one);
    const { status, output, error, cause } = one.expected;
    expect(described['status']).toBe(status);
    expect(
      difference(output, described['output'] === undefined ? undefined : (JSON.parse(described['output'] as string) as Json)),
    ).toBeUndefined();
    expect(difference(error, described['error'])).toBeUndefined();
    expect(difference(cause, described['cause'])).toBeUndefined();
    expect(historyDifference(one, history)).toBeUndefined();
    for (const [index, event] of (one.historyOmitted === undefined ? (one.expected.history ?? []) : []).entries()) {
      const { previousEventId, type } = event;
      if (previousEventId === undefined) continue;
      links.compared += 1;
      if (previousEventId === history[index]?.['previousEventId']) links.same += 1;
      else
        links.other.push(
          `${name}: ${JSON.stringify(type)} ${JSON.stringify(history[index]?.['previousEventId'])} instead of ${JSON.stringify(previousEventId)}`,
        );
    }
  }

  test('links of events are those of AWS but for the known few', () => {
    if (process.env['SHOW_LINKS'] === 'true') console.info(links.other.join('\n'));
    expect(links.same / links.compared).toBeGreaterThan(0.99);
  });
});

const JSONPATH = /is JSONPath where it is absent|'QueryLanguage' 'JSONPath' is not implemented/;
const VALID = 'sfn-api-validation-validate-state-machine-definition-type';
/** Definitions that AWS accepts and this host refuses on purpose, by name: they are JSONPath, which is also what an absent QueryLanguage means. */
const REFUSED_HERE: ReadonlySet<string> = new Set([
  `${VALID}-express-valid-base-pass`,
  `${VALID}-express-valid-query-language-pass`,
  `${VALID}-standard-valid-base-pass`,
  `${VALID}-standard-valid-query-language-pass`,
]);

describe.runIf(CASES_ARE_HERE)('definitions judged by AWS', () => {
  const judged = async (
    operation: string,
    { definition, definitionText, workflowType: type }: Validation,
  ): Promise<StepFunctionsAnswer> => {
    const text = definitionText ?? JSON.stringify(definition);
    return harness(() => returned({})).stepFunctions.call(operation, { name: 'judged', definition: text, roleArn: 'role', type });
  };

  test.each(validations().map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const answer = await judged('CreateStateMachine', one);
    if (REFUSED_HERE.has(name)) {
      expect(one.error).toBeNull();
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(JSONPATH) as string } });
      return;
    }
    if (one.error === null) {
      expect(answer).toMatchObject({ status: 200 });
      return;
    }
    const { code, message, location } = one.error;
    const expected =
      code === 'InvalidDefinition'
        ? message
        : `Invalid State Machine Definition: '${code}: ${message}${location === undefined ? '' : ` at ${location}`}'`;
    expect(answer).toMatchObject({ status: 400, body: { __type: 'InvalidDefinition', message: expected } });
  });

  const validated = validations().filter(({ api }) => api === 'validate_state_machine_definition');
  test.each(validated.map((one) => [one.name, one] as const))('%s, asked of ValidateStateMachineDefinition', async (name, one) => {
    const { status, body } = await judged('ValidateStateMachineDefinition', one);
    expect(status).toBe(200);
    if (REFUSED_HERE.has(name))
      expect(body).toMatchObject({ result: 'FAIL', diagnostics: [{ message: expect.stringMatching(JSONPATH) as string }] });
    else expect(body).toEqual({ result: one.result, diagnostics: one.diagnostics, truncated: false });
  });

  test('those that are refused here are still among them', () => {
    expect([...REFUSED_HERE].filter((name) => !validations().some((one) => one.name === name))).toEqual([]);
  });
});
