/** How a definition is refused: one message in AWS's words, with the place and the name of what is refused. */
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import type { Template } from './expressions.ts';
import { compileTemplate, ExpressionSyntaxError, isExpression } from './expressions.ts';

export class DefinitionRefused extends Error {
  override readonly name = 'DefinitionRefused';
  readonly code: string;
  readonly reason: string;
  /** Where the definition is at hand as JSON, a path in it. */
  readonly location: string | undefined;

  constructor(code: string, reason: string, location?: string) {
    super(`${code}: ${reason}${location === undefined ? '' : ` at ${location}`}`);
    this.code = code;
    this.reason = reason;
    this.location = location;
  }
}

export function refuse(message: string, path: string): never {
  throw new DefinitionRefused('SCHEMA_VALIDATION_FAILED', message, path === '' ? '/' : path);
}

/** One object of the definition: read field by field; `finish` refuses the fields that nobody asked for. */
export interface Reader {
  readonly path: string;
  raw(name: string): Json | undefined;
  text(name: string): string | undefined;
  requiredText(name: string): string;
  texts(name: string): readonly string[];
  number(name: string, bounds?: { readonly least: number; readonly integer?: boolean; readonly most?: number }): number | undefined;
  template(name: string): Template | undefined;
  /** A number in the given bounds, or an expression that answers one. */
  numberTemplate(name: string, least: number): Template | undefined;
  object(name: string): Reader | undefined;
  objects(name: string): readonly Reader[];
  finish(): void;
}

/** Fields of the language that exist on AWS and are not implemented here: refused with this reason instead of as unknown. */
const JSONPATH_FIELDS = new Set([
  'InputPath',
  'OutputPath',
  'ResultPath',
  'Parameters',
  'ResultSelector',
  'Result',
  'ItemsPath',
  'SecondsPath',
  'TimestampPath',
  'TimeoutSecondsPath',
  'HeartbeatSecondsPath',
  'MaxConcurrencyPath',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentagePath',
  'ErrorPath',
  'CausePath',
  'Variable',
]);
const LOCALLY_UNSUPPORTED_FIELDS = new Set(['ItemReader', 'ItemBatcher', 'ResultWriter', 'Credentials']);

export function reader(object: JsonObject, path: string): Reader {
  const asked = new Set<string>(['Comment']);
  const at = (name: string): string => `${path}/${name}`;
  const raw = (name: string): Json | undefined => {
    asked.add(name);
    return Object.hasOwn(object, name) ? object[name] : undefined;
  };
  const text = (name: string): string | undefined => {
    const value = raw(name);
    if (value !== undefined && typeof value !== 'string') refuse(`The field '${name}' must be a string`, at(name));
    return value;
  };
  const self: Reader = {
    path,
    raw,
    text,
    requiredText: (name) => text(name) ?? refuse(`These fields are required: [${name}]`, path),
    texts: (name) => {
      const value = raw(name);
      if (!Array.isArray(value) || value.length === 0 || !value.every((one) => typeof one === 'string'))
        refuse(`The field '${name}' must be a non-empty list of strings`, at(name));
      return value;
    },
    number: (name, bounds) => {
      const value = raw(name);
      return value === undefined ? undefined : boundedNumber(value, at(name), name, bounds);
    },
    template: (name) => {
      const value = raw(name);
      return value === undefined ? undefined : parsedTemplate(value, name, at(name));
    },
    numberTemplate: (name, least) => {
      const value = raw(name);
      if (value === undefined) return undefined;
      if (!isExpression(value)) boundedNumber(value, at(name), name, { least });
      return parsedTemplate(value, name, at(name));
    },
    object: (name) => {
      const value = raw(name);
      if (value === undefined) return undefined;
      return isJsonObject(value) ? reader(value, at(name)) : refuse(`The field '${name}' must be an object`, at(name));
    },
    objects: (name) => {
      const value = raw(name);
      if (value === undefined) return [];
      if (!Array.isArray(value)) refuse(`The field '${name}' must be a list`, at(name));
      return (value as readonly Json[]).map((one, index) =>
        isJsonObject(one) ? reader(one, `${at(name)}[${index}]`) : refuse('An object was expected', `${at(name)}[${index}]`),
      );
    },
    finish: () => {
      for (const name of Object.keys(object)) if (!asked.has(name)) refuseField(name, path);
    },
  };
  return self;
}

function refuseField(name: string, path: string): never {
  if (JSONPATH_FIELDS.has(name))
    refuse(`The field '${name}' is not supported: it belongs to JSONPath, and only JSONata is implemented`, path);
  if (LOCALLY_UNSUPPORTED_FIELDS.has(name)) refuse(`The field '${name}' is not implemented by the local host`, path);
  refuse(`Field '${name}' is not supported`, path);
}

function boundedNumber(
  value: Json,
  path: string,
  name: string,
  bounds: { readonly least: number; readonly integer?: boolean; readonly most?: number } = { least: 0 },
): number {
  if (
    typeof value !== 'number' ||
    value < bounds.least ||
    value > (bounds.most ?? Number.MAX_SAFE_INTEGER) ||
    (bounds.integer === true && !Number.isInteger(value))
  )
    refuse(
      `The field '${name}' must be ${bounds.integer === true ? 'an integer' : 'a number'} of at least ${bounds.least}${bounds.most === undefined ? '' : ` and at most ${bounds.most}`}`,
      path,
    );
  return value;
}

function parsedTemplate(value: Json, name: string, path: string): Template {
  try {
    return compileTemplate(value, name);
  } catch (error) {
    if (error instanceof ExpressionSyntaxError) refuse(`The field '${name}' is not a valid JSONata expression: ${error.message}`, path);
    throw error;
  }
}
