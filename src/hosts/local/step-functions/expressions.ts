/**
 * Templates: JSON in which every string that is wholly `{% … %}` is a JSONata expression. Compiled once per definition.
 *
 * Most expressions of a machine only walk from a variable to a field (`$states.input.job`). Those are walked here and not by
 * jsonata, whose evaluation costs about 20 µs; anything that meets an array on the way goes to jsonata, whose rules for
 * sequences are its own.
 */
import type { Json, JsonObject } from '#domain/json';
import { isJsonObject } from '#domain/json';
import jsonata from 'jsonata';
import { awsFunctions } from './intrinsics.ts';

export type Template =
  | { readonly kind: 'constant'; readonly value: Json }
  | {
      readonly kind: 'expression';
      readonly source: string;
      readonly location: string;
      readonly path?: readonly string[];
      readonly compiled: jsonata.Expression;
    }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Template])[] }
  | { readonly kind: 'array'; readonly elements: readonly Template[] };

/** What an expression sees: `$states` and the variables of its scope. */
export interface Bindings {
  readonly states: JsonObject;
  readonly variables: Readonly<Record<string, Json>>;
}

/** An evaluation that AWS reports as States.QueryEvaluationError; `location` is the field's path in the state. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
  readonly location: string | undefined;

  constructor(message: string, location?: string) {
    super(message);
    this.location = location;
  }
}

/** An expression that jsonata cannot parse; the definition is refused. */
export class ExpressionSyntaxError extends Error {
  override readonly name = 'ExpressionSyntaxError';
}

export function compileTemplate(value: Json, location: string): Template {
  if (typeof value === 'string')
    return isExpression(value) ? compileExpression(value.slice(2, -2).trim(), location) : { kind: 'constant', value };
  if (Array.isArray(value)) {
    const elements = (value as readonly Json[]).map((element, index) => compileTemplate(element, `${location}[${index}]`));
    return elements.every((element) => element.kind === 'constant') ? { kind: 'constant', value } : { kind: 'array', elements };
  }
  if (isJsonObject(value)) {
    const fields = Object.entries(value).map(([key, field]) => [key, compileTemplate(field, `${location}/${key}`)] as const);
    return fields.every(([, field]) => field.kind === 'constant') ? { kind: 'constant', value } : { kind: 'object', fields };
  }
  return { kind: 'constant', value };
}

export function isExpression(value: Json | undefined): value is string {
  return typeof value === 'string' && value.startsWith('{%') && value.endsWith('%}') && value.length >= 4;
}

function compileExpression(source: string, location: string): Template {
  let compiled: jsonata.Expression;
  try {
    compiled = jsonata(source);
  } catch (error) {
    throw new ExpressionSyntaxError(describe(error), { cause: error });
  }
  for (const [name, implementation] of Object.entries(awsFunctions)) compiled.assign(name, implementation);
  const path = plainPath(compiled.ast());
  return { kind: 'expression', source, location, compiled, ...(path && { path }) };
}

const PLAIN_KEYS = new Set(['type', 'value', 'position']);

/** `$a.b.c` as its names; undefined for anything with a filter, a function, an order or a flag. */
function plainPath(ast: jsonata.ExprNode): readonly string[] | undefined {
  const steps = ast.type === 'variable' ? [ast] : (ast.type as string) === 'path' && Object.keys(ast).length === 2 ? ast.steps : undefined;
  if (steps === undefined) return undefined;
  const names: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (step.type !== (index === 0 ? 'variable' : 'name') || typeof step.value !== 'string' || step.value === '' || step.value === '$')
      return undefined;
    if (!Object.keys(step).every((key) => PLAIN_KEYS.has(key))) return undefined;
    names.push(step.value);
  }
  // The whole of $states is built lazily and is nothing to hold on to: jsonata's copy of it is.
  return names.length === 1 && names[0] === 'states' ? undefined : names;
}

export async function evaluate(template: Template, bindings: Bindings): Promise<Json> {
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'expression':
      return walk(template.path, bindings) ?? (await evaluateExpression(template, bindings));
    case 'object': {
      const object: Record<string, Json> = {};
      for (const [key, field] of template.fields) object[key] = await evaluate(field, bindings);
      return object;
    }
    case 'array': {
      const array: Json[] = [];
      for (const element of template.elements) array.push(await evaluate(element, bindings));
      return array;
    }
  }
}

function walk(path: readonly string[] | undefined, { states, variables }: Bindings): Json | undefined {
  if (path === undefined) return undefined;
  const [root, ...names] = path;
  let value: Json | undefined = root === 'states' ? states : own(variables, root ?? '');
  for (const name of names) {
    if (!isJsonObject(value)) return undefined;
    value = own(value, name);
  }
  return value;
}

function own(object: Readonly<Record<string, Json>>, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

async function evaluateExpression(expression: Template & { kind: 'expression' }, { states, variables }: Bindings): Promise<Json> {
  const { source, location, compiled } = expression;
  const claim = `The JSONata expression '${source}' specified for the field '${location}'`;
  let value: unknown;
  try {
    value = await compiled.evaluate(undefined, { ...variables, states });
  } catch (error) {
    throw new EvaluationError(`${claim} threw an error during evaluation. ${describe(error)}`, location);
  }
  if (value === undefined) throw new EvaluationError(`${claim} returned nothing (undefined).`, location);
  return plain(value, () => new EvaluationError(`${claim} returned an unsupported result type.`, location));
}

/** jsonata marks its sequences with hidden properties, which would change later evaluations: only plain JSON is kept. */
function plain(value: unknown, refusal: () => EvaluationError): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((element) => (element === undefined ? null : plain(element, refusal)));
  if (typeof value === 'object' && !('_jsonata_lambda' in value) && !('_jsonata_function' in value)) {
    const object: Record<string, Json> = {};
    for (const [key, field] of Object.entries(value)) if (field !== undefined) object[key] = plain(field, refusal);
    return object;
  }
  throw refusal();
}

function describe(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
    return `${code}${String(error.message)}`;
  }
  return String(error);
}
