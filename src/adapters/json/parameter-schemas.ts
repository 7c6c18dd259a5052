/** JSON Schema by `@cfworker/json-schema`: it interprets, so that a Lambda neither compiles nor evaluates code. */
import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import type { JsonObject } from '#domain/json';
import { escapePointer, type ParameterProblem } from '#domain/parameters';
import type { ParameterSchemas } from '#operations/ports';
import { META_SCHEMA } from './meta-schema.ts';

const DRAFT = '2020-12';

export const cfworkerParameterSchemas: ParameterSchemas = {
  check(schema) {
    const problems = problemsOf(new Validator(META_SCHEMA as Schema, DRAFT, false), schema);
    return problems.length > 0 ? problems : unresolvable(schema);
  },
  validator(schema) {
    const validator = new Validator(schema, DRAFT, false);
    return (set) => problemsOf(validator, set);
  },
};

/** A reference that leads nowhere shows only when a value is checked. */
function unresolvable(schema: JsonObject): readonly ParameterProblem[] {
  try {
    new Validator(schema, DRAFT, false).validate({});
    return [];
  } catch (error) {
    return [{ pointer: '', rule: 'schema', message: error instanceof Error ? error.message : 'is no JSON Schema' }];
  }
}

function problemsOf(validator: Validator, value: JsonObject): readonly ParameterProblem[] {
  const { valid, errors } = validator.validate(value);
  return valid ? [] : errors.filter((unit) => tellsMost(unit, errors)).map(problemOf);
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
