/** Reads the recorded cases where they lie, and compares within their wildcards; their README says what each field means. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';

export const CASES = `${process.env['SLUICE_SHARED'] ?? '../shared'}/asl-conformance`;
export const CASES_ARE_HERE = existsSync(CASES);

export type Behaviour =
  | 'echo'
  | 'does not exist'
  | { readonly returns: Json }
  | { readonly throws: { readonly errorType: string; readonly errorMessage: string } }
  | { readonly sleepsSeconds: number; readonly then: Behaviour }
  | { readonly returnsStringOfLength: number; readonly character: string }
  | { readonly waitForTaskToken: TokenBehaviour };

export interface TokenBehaviour {
  readonly sendsTaskSuccess?: { readonly output: Json };
  readonly sendsTaskFailure?: { readonly error?: string; readonly cause?: string };
  readonly neverAnswers?: boolean;
  readonly sendsTaskHeartbeats?: number;
}

export interface Case {
  readonly name: string;
  readonly workflowType: 'STANDARD' | 'EXPRESS';
  readonly features: readonly string[];
  readonly definition: JsonObject;
  readonly input?: Json;
  readonly tasks?: readonly { readonly function: string; readonly alias?: string; readonly behaviour: Behaviour }[];
  readonly unorderedRegion?: string;
  readonly historyOmitted?: string;
  readonly expected: {
    readonly status: string;
    readonly output?: Json;
    readonly error?: Json;
    readonly cause?: Json;
    readonly history?: readonly JsonObject[];
  };
}

export function casesIn(folder: 'native' | 'derived'): readonly Case[] {
  const files = CASES_ARE_HERE ? readdirSync(`${CASES}/${folder}`) : [];
  return files.sort().map((file) => JSON.parse(readFileSync(`${CASES}/${folder}/${file}`, 'utf8')) as Case);
}

export interface Validation {
  readonly name: string;
  readonly api: string;
  readonly result?: string;
  readonly diagnostics?: readonly JsonObject[];
  readonly workflowType: string;
  readonly definition?: JsonObject;
  readonly definitionText?: string;
  readonly error: { readonly code: string; readonly message: string; readonly location?: string } | null;
}

export interface ApiCase {
  readonly name: string;
  readonly steps: readonly {
    readonly op: string;
    readonly arguments?: JsonObject;
    readonly expect?:
      | null
      | { readonly response: Json }
      | { readonly error: { readonly code?: string; readonly message?: Json; readonly exception?: Json } };
  }[];
}

export const validations = (): readonly Validation[] => listIn('validation') as readonly Validation[];
export const apiCases = (): readonly ApiCase[] => listIn('api') as readonly ApiCase[];

function listIn(file: 'validation' | 'api'): unknown {
  return CASES_ARE_HERE ? JSON.parse(readFileSync(`${CASES}/${file}.json`, 'utf8')) : [];
}

/** Undefined: they match. Otherwise where and how they differ. */
export function difference(expected: Json | undefined, actual: Json | undefined, path = ''): string | undefined {
  if (expected === '*') return undefined;
  if (isJsonObject(expected) && typeof expected['$glob'] === 'string') {
    const pattern = expected['$glob']
      .split('*')
      .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^]*');
    return typeof actual === 'string' && new RegExp(`^${pattern}$`).test(actual)
      ? undefined
      : `${path}: ${JSON.stringify(actual)} is not like ${expected['$glob']}`;
  }
  if (isJsonObject(expected) && '$json' in expected) {
    return typeof actual === 'string'
      ? difference(expected['$json'], JSON.parse(actual) as Json, `${path}(json)`)
      : `${path}: ${JSON.stringify(actual)} is no text`;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) return `${path}: ${actual.length} elements instead of ${expected.length}`;
    return firstOf(
      (expected as readonly Json[]).map((one, index) => difference(one, (actual as readonly Json[])[index], `${path}[${index}]`)),
    );
  }
  if (isJsonObject(expected) && isJsonObject(actual)) {
    const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return firstOf(names.map((name) => difference(expected[name], actual[name], `${path}/${name}`)));
  }
  return expected === actual ? undefined : `${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`;
}

function firstOf(differences: readonly (string | undefined)[]): string | undefined {
  return differences.find((one) => one !== undefined);
}

const JSON_TEXT = new Set(['input', 'output', 'parameters']);
const COMPARED = new Set([
  'input',
  'output',
  'parameters',
  'assignedVariables',
  'error',
  'cause',
  'location',
  'resource',
  'resourceType',
  'index',
  'length',
  'timeoutInSeconds',
  'heartbeatInSeconds',
  'mapRunArn',
]);

/** An event of GetExecutionHistory in the shape of the recorded ones. */
export function recordedShape(event: JsonObject): JsonObject {
  const shaped: Record<string, Json> = {
    type: event['type'] ?? null,
    id: event['id'] ?? null,
    previousEventId: event['previousEventId'] ?? null,
  };
  const details = Object.values(event).find((value) => isJsonObject(value));
  for (const [name, value] of Object.entries(isJsonObject(details) ? details : {})) {
    if (name === 'name' || name === 'state') shaped['state'] = value;
    else if (name === 'assignedVariables' && isJsonObject(value))
      shaped[name] = Object.fromEntries(Object.entries(value).map(([key, text]) => [key, JSON.parse(text as string) as Json]));
    else if (COMPARED.has(name)) shaped[name] = JSON_TEXT.has(name) && typeof value === 'string' ? (JSON.parse(value) as Json) : value;
  }
  return shaped;
}
