/**
 * JSON Schema by `@cfworker/json-schema`: it interprets, so that a Lambda neither compiles nor evaluates code. A pattern such as `^(a+)+$`
 * takes time without end for the right value, and there are others that no look at the pattern tells: so checking has a time, after
 * which it is broken off (decision 21).
 */
import { createContext, Script } from 'node:vm';
import { dereference, Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import { isJsonObject, type Json, type JsonObject } from '#domain/json';
import { escapePointer, type ParameterProblem } from '#domain/parameters';
import type { ParameterSchemas } from '#operations/ports';
import { META_SCHEMA } from './meta-schema.ts';

const DRAFT = '2020-12';
const CHECK_MS = 3000;
/** A set takes some 30 µs on a machine that has nothing else to do. */
const CHECK_MS_PER_SET = 1;

export const cfworkerParameterSchemas: ParameterSchemas = parameterSchemas(CHECK_MS);

/** `checkMs`: how long one check may take, of a schema or of all sets of a request, which have a little more each. */
export function parameterSchemas(checkMs: number): ParameterSchemas {
  return {
    check(schema) {
      const problems: ParameterProblem[] = [];
      const isDone = within(checkMs, () => {
        problems.push(...problemsOf(new Validator(META_SCHEMA as Schema, DRAFT, false), schema));
        if (problems.length === 0) problems.push(...unresolvable(schema));
      });
      return isDone ? problems : [tooSlow('as a JSON Schema', checkMs)];
    },
    problems(schema, sets) {
      const validator = new Validator(schema, DRAFT, false);
      const found: (readonly ParameterProblem[])[] = [];
      const setsMs = checkMs + sets.length * CHECK_MS_PER_SET;
      const isDone = within(setsMs, () => {
        // Without a prototype: the validator asks `key in set`, and a parameter may be called `constructor`.
        for (const set of sets) found.push(problemsOf(validator, withoutPrototype(set)));
      });
      // The set that it was at; those after it have not been looked at.
      return isDone ? found : [...found, [tooSlow('by the schema of the template', setsMs)]];
    },
  };
}

const tooSlow = (how: string, checkMs: number): ParameterProblem => ({
  pointer: '',
  rule: 'time',
  message: `cannot be checked ${how} within ${checkMs / 1000} s; a pattern like ^(a+)+$ takes almost for ever for some values`,
});

const CALL = new Script('work()');

/** False where the time was over first. V8 breaks off whatever code is at work, a match of a regular expression as well. */
function within(milliseconds: number, work: () => void): boolean {
  try {
    CALL.runInContext(createContext({ work }), { timeout: milliseconds });
    return true;
  } catch (error) {
    // Not by its class: where this runs in a context itself, as in tests, the error is of another one.
    if ((error as { readonly code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  }
}

const withoutPrototype = (set: JsonObject): JsonObject => Object.assign(Object.create(null) as Record<string, Json>, set);

/** A reference that leads nowhere shows only when a value is checked, and only where it stands. */
function unresolvable(schema: JsonObject): readonly ParameterProblem[] {
  try {
    // A copy: the library marks what it looks at.
    const known: Readonly<Record<string, unknown>> = dereference(structuredClone(schema));
    const lost = Object.entries(known).flatMap(([uri, each]) => {
      const { $ref, __absolute_ref__: target = $ref } = each as Schema;
      if (typeof target !== 'string' || Object.hasOwn(known, target)) return [];
      const pointer = `${decodeURI(uri.split('#')[1] ?? '')}/$ref`;
      return [{ pointer, rule: 'schema', message: `leads nowhere: ${String($ref)}` }];
    });
    if (lost.length === 0) new Validator(schema, DRAFT, false).validate(bare({}));
    return lost;
  } catch (error) {
    return [{ pointer: '', rule: 'schema', message: messageOf(error) }];
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'is no JSON Schema');

function problemsOf(validator: Validator, value: JsonObject): readonly ParameterProblem[] {
  try {
    const { valid, errors } = validator.validate(bare(value));
    return valid ? [] : errors.filter((unit) => tellsMost(unit, errors)).map(problemOf);
  } catch (error) {
    // A schema that goes round in circles shows only with a value that leads there.
    return [{ pointer: '', rule: 'schema', message: `cannot be checked by its schema: ${messageOf(error)}` }];
  }
}

/** Without a prototype: the validator asks `key in value`, and a set without a `constructor` would seem to have one. */
function bare(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(bare);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, bare(each)] as const);
  return Object.setPrototypeOf(Object.fromEntries(entries), null) as JsonObject;
}

/**
 * The validator reports every level: that the object does not match, that its property does not, and why. Only the why is
 * wanted. A property that fails its own schema is also reported as an unwanted one: the false schema yields to any other.
 */
function tellsMost(unit: OutputUnit, all: readonly OutputUnit[]): boolean {
  const below = all.some(({ instanceLocation }) => instanceLocation.startsWith(`${unit.instanceLocation}/`));
  if (below && unit.keyword !== 'required') return false;
  return unit.keyword !== 'false' || all.every((other) => other.keyword === 'false' || other.instanceLocation !== unit.instanceLocation);
}

function problemOf({ instanceLocation, keyword, error }: OutputUnit): ParameterProblem {
  const pointer = decodeURI(instanceLocation.slice(1));
  if (keyword === 'false') return { pointer, rule: 'additionalProperties', message: 'is not a parameter of this template' };
  const missing = keyword === 'required' ? /"(.*)"\.$/s.exec(error)?.[1] : undefined;
  if (missing !== undefined) return { pointer: `${pointer}/${escapePointer(missing)}`, rule: 'required', message: 'is required' };
  return { pointer, rule: keyword, message: error };
}
