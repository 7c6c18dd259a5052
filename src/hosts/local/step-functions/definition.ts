/**
 * From the text of a definition to a `Machine`, or a refusal. Whatever is not implemented is refused by name when the machine is
 * created: an interpreter that ignores a field lies about what AWS will do.
 */
import type { Json } from '#domain/json';
import { isJsonObject } from '#domain/json';
import type { Flow, Machine, State } from './machine.ts';
import { DefinitionRefused, reader, refuse, type Reader } from './refusals.ts';
import { readState, type Surroundings } from './state-definitions.ts';

export type WorkflowType = 'STANDARD' | 'EXPRESS';

/** 1 MB: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const LARGEST_DEFINITION_BYTES = 1024 * 1024;
const LONGEST_STATE_NAME = 80;

/** Throws `DefinitionRefused`, whose message carries AWS's code, the reason and the place. */
export function parseDefinition(text: string, type: WorkflowType = 'STANDARD'): Machine {
  if (Buffer.byteLength(text) > LARGEST_DEFINITION_BYTES)
    throw new DefinitionRefused('INVALID_JSON_DESCRIPTION', 'The definition is larger than 1 MB');
  const definition = parseText(text);
  if (!isJsonObject(definition)) throw new DefinitionRefused('SCHEMA_VALIDATION_FAILED', 'Definition must be a valid JSON object');
  const root = reader(definition, '');
  const missing = ['States', 'StartAt'].filter((name) => !Object.hasOwn(definition, name));
  if (missing.length > 0) refuse(`These fields are required: [${missing.join(', ')}]`, '');
  if (type === 'EXPRESS') refuseExpress(root);
  const language = root.text('QueryLanguage');
  if (language !== undefined && language !== 'JSONata')
    refuse(`'QueryLanguage' '${language}' is not implemented: only JSONata is`, '/QueryLanguage');
  const version = root.text('Version');
  if (version !== undefined && version !== '1.0') refuse(`The version '${version}' is not supported: it must be 1.0`, '/Version');
  const timeoutSeconds = root.number('TimeoutSeconds', { least: 1, integer: true, most: 99_999_999 });
  const names = new Set<string>();
  const flow = readFlow(root, { jsonata: language === 'JSONata', names, readFlow });
  root.finish();
  return { ...flow, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
}

function readFlow(from: Reader, surroundings: Surroundings): Flow {
  const startAt = from.requiredText('StartAt');
  const described = from.object('States') ?? refuse('These fields are required: [States]', from.path);
  const statesJson = from.raw('States');
  const names = isJsonObject(statesJson) ? Object.keys(statesJson) : [];
  if (names.length === 0) refuse("The field 'States' must not be empty", described.path);
  const states = new Map<string, State>();
  for (const name of names) {
    const path = `${described.path}/${name}`;
    if (name.length > LONGEST_STATE_NAME) refuse(`State names have at most ${LONGEST_STATE_NAME} characters`, path);
    if (surroundings.names.has(name)) throw new DefinitionRefused('DUPLICATE_STATE_NAME', `Duplicate State name: ${name}`, path);
    surroundings.names.add(name);
    states.set(name, readState(name, described.object(name) ?? refuse('A state must be an object', path), surroundings));
  }
  const flow = { startAt, states };
  checkTransitions(flow, from.path);
  return flow;
}

function parseText(text: string): Json {
  if (text.trim() === '') throw new DefinitionRefused('SCHEMA_VALIDATION_FAILED', 'Definition must be a valid JSON object');
  try {
    return JSON.parse(text) as Json;
  } catch {
    const { reason, location } = jacksonComplaint(text);
    throw new DefinitionRefused('INVALID_JSON_DESCRIPTION', reason, location);
  }
}

/** AWS answers with the words of its JSON parser; the commonest of them is reproduced, the rest says only that it is no JSON. */
export function jacksonComplaint(text: string): { readonly reason: string; readonly location?: string } {
  const word = /^\s*([A-Za-z]+)/.exec(text)?.[1];
  if (word === undefined || ['true', 'false', 'null'].includes(word)) return { reason: 'Definition is not valid JSON' };
  const column = text.indexOf(word) + word.length + 1;
  const location = `[Source: (String)"${text}"; line: 1, column: ${column}]`;
  const wanted = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
  return { reason: `Unrecognized token '${word}': ${wanted}\n at ${location}`, location };
}

/** StartAt and every Next lead to a state of the same flow, and every state is reached. */
function checkTransitions(flow: Flow, path: string): void {
  const at = path === '' ? '' : path;
  if (!flow.states.has(flow.startAt))
    throw new DefinitionRefused('MISSING_TRANSITION_TARGET', `Missing 'Next' target: ${flow.startAt}`, `${at}/StartAt`);
  const reached = new Set<string>([flow.startAt]);
  for (const name of reached) {
    const state = flow.states.get(name);
    if (state === undefined) continue;
    for (const target of targets(state)) {
      if (!flow.states.has(target))
        throw new DefinitionRefused('MISSING_TRANSITION_TARGET', `Missing 'Next' target: ${target}`, `${at}/States/${name}`);
      reached.add(target);
    }
  }
  for (const name of flow.states.keys()) {
    if (!reached.has(name))
      throw new DefinitionRefused('MISSING_TRANSITION_TARGET', `State "${name}" is not reachable.`, `${at}/States/${name}`);
  }
  const ends = [...flow.states.values()].some((state) => state.type !== 'Choice' && !('next' in state));
  if (!ends) throw new DefinitionRefused('MISSING_END_STATE', 'No terminal state', `${at}/States`);
}

function targets(state: State): readonly string[] {
  switch (state.type) {
    case 'Succeed':
    case 'Fail':
      return [];
    case 'Choice':
      return [...state.rules.map((rule) => rule.next), ...(state.otherwise === undefined ? [] : [state.otherwise])];
    case 'Pass':
    case 'Wait':
      return state.next === undefined ? [] : [state.next];
    case 'Task':
    case 'Parallel':
    case 'Map':
      return [...(state.next === undefined ? [] : [state.next]), ...state.catchers.map((catcher) => catcher.next)];
  }
}

/** Express workflows are not implemented; what AWS refuses in them is refused in AWS's words first. */
function refuseExpress(root: Reader): void {
  const states = root.raw('States');
  for (const [name, state] of Object.entries(isJsonObject(states) ? states : {})) {
    const resource = isJsonObject(state) ? state['Resource'] : undefined;
    if (typeof resource !== 'string') continue;
    const path = `/States/${name}/Resource`;
    if (resource.endsWith('.sync')) refuse("Express state machine does not support '.sync' service integration", path);
    if (resource.endsWith('.waitForTaskToken'))
      refuse("Express state machine does not support '.waitForTaskToken' service integration ", path);
    if (resource.includes('activity')) refuse('Express state machine does not support Activity ARN', path);
  }
}
