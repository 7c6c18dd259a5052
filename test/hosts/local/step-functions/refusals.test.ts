import { expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { parseDefinition } from '#hosts/local/step-functions/definition';

const task = (fields: JsonObject): JsonObject => ({
  QueryLanguage: 'JSONata',
  StartAt: 'Work',
  States: { Work: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments: { FunctionName: 'f' }, ...fields, End: true } },
});
const state = (fields: JsonObject): JsonObject => ({ QueryLanguage: 'JSONata', StartAt: 'Only', States: { Only: fields } });
const flow = { StartAt: 'In', States: { In: { Type: 'Pass', End: true } } };

const refusals: readonly (readonly [what: string, definition: Json, message: string])[] = [
  [
    'JSONPath',
    { QueryLanguage: 'JSONPath', StartAt: 'A', States: { A: { Type: 'Pass', End: true } } },
    "'QueryLanguage' 'JSONPath' is not implemented: only JSONata is at /QueryLanguage",
  ],
  ['an absent query language', { StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }, 'set it to JSONata at /States/A'],
  [
    'a field of JSONPath',
    task({ ResultPath: '$.x' }),
    "The field 'ResultPath' is not supported: it belongs to JSONPath, and only JSONata is implemented at /States/Work",
  ],
  ['an unknown field', task({ Colour: 'red' }), "Field 'Colour' is not supported at /States/Work"],
  ['a field of another state type', state({ Type: 'Pass', Seconds: 3, End: true }), "Field 'Seconds' is not supported at /States/Only"],
  [
    'an unknown field of a Retry',
    task({ Retry: [{ ErrorEquals: ['A'], Pause: 1 }] }),
    "Field 'Pause' is not supported at /States/Work/Retry[0]",
  ],
  ['an unknown top-level field', { ...task({}), Owner: 'me' }, "Field 'Owner' is not supported at /"],
  [
    'a resource',
    task({ Resource: 'arn:aws:states:::sqs:sendMessage' }),
    "The resource 'arn:aws:states:::sqs:sendMessage' is not implemented by the local host at /States/Work/Resource",
  ],
  [
    'a nested workflow that is waited for',
    task({ Resource: 'arn:aws:states:::states:startExecution.sync:2' }),
    'is not implemented by the local host at /States/Work/Resource',
  ],
  ['a state type', state({ Type: 'Loop', End: true }), "'Loop' is not a supported state type at /States/Only/Type"],
  [
    'an ItemReader',
    state({ Type: 'Map', ItemReader: {}, ItemProcessor: flow, End: true }),
    "The field 'ItemReader' is not implemented by the local host at /States/Only",
  ],
  [
    'a ResultWriter',
    state({ Type: 'Map', ResultWriter: {}, ItemProcessor: flow, End: true }),
    "The field 'ResultWriter' is not implemented by the local host at /States/Only",
  ],
  [
    'an Express processor',
    state({ Type: 'Map', ItemProcessor: { ...flow, ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' } }, End: true }),
    "ExecutionType 'EXPRESS' is not implemented",
  ],
  ['a broken expression', task({ Output: { a: '{% $states. %}' } }), "The field 'Output' is not a valid JSONata expression"],
  [
    'a broken expression in a branch',
    state({ Type: 'Parallel', Branches: [{ ...flow, States: { In: { Type: 'Pass', Output: '{% ( %}', End: true } } }], End: true }),
    'at /States/Only/Branches[0]/States/In/Output',
  ],
  [
    'a missing target',
    state({ Type: 'Pass', Next: 'Nowhere' }),
    "MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere at /States/Only",
  ],
  ['a missing start', { ...task({}), StartAt: 'Gone' }, "MISSING_TRANSITION_TARGET: Missing 'Next' target: Gone at /StartAt"],
  [
    'an unreachable state',
    { QueryLanguage: 'JSONata', StartAt: 'A', States: { A: { Type: 'Pass', End: true }, B: { Type: 'Pass', End: true } } },
    'State "B" is not reachable. at /States/B',
  ],
  ['both Next and End', task({ Next: 'Work' }), "These fields are mutually exclusive: ['Next', 'End'] at /States/Work"],
  ['neither Next nor End', state({ Type: 'Pass' }), "One of the fields is required: ['Next', 'End'] at /States/Only"],
  [
    'a name that two flows share',
    { QueryLanguage: 'JSONata', StartAt: 'In', States: { In: { Type: 'Map', ItemProcessor: flow, End: true } } },
    'DUPLICATE_STATE_NAME: Duplicate State name: In',
  ],
  ['a Choice without a way', state({ Type: 'Choice' }), 'These fields are required: [Choices] at /States/Only'],
  ['States.ALL among others', task({ Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] }), "'States.ALL' must appear alone"],
  [
    'a negative wait',
    state({ Type: 'Wait', Seconds: -1, End: true }),
    "The field 'Seconds' must be a number of at least 0 at /States/Only/Seconds",
  ],
  [
    'a variable named states',
    state({ Type: 'Pass', Assign: { states: 1 }, End: true }),
    "'states' is not a valid variable name at /States/Only/Assign",
  ],
];

test.each(refusals)('%s is refused by name and place', (_what, definition, message) => {
  expect(() => parseDefinition(JSON.stringify(definition))).toThrow(message);
});

test('a Comment is welcome anywhere', () => {
  expect(() =>
    parseDefinition(JSON.stringify({ ...task({ Comment: 'why', Retry: [{ ErrorEquals: ['A'], Comment: 'so' }] }), Comment: 'what' })),
  ).not.toThrow();
});
