/** The machines are valid Amazon States Language, and the validator would say so if they were not. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { MACHINES, textOf } from './machine.ts';

interface Validation {
  readonly isValid: boolean;
  readonly errors: readonly unknown[];
}

// The package has no types, and is CommonJS.
const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown, options: object) => Validation;

const check = (text: string): Validation =>
  // Placeholders stand where ARNs will: their shape is checked once they are substituted, by what deploys them.
  validate(JSON.parse(text), { checkArn: false, checkPaths: true });

describe.each(MACHINES)('%s.asl.json', (name) => {
  test('is valid', () => {
    const { isValid, errors } = check(textOf(name));
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  });

  test.each([
    ['a target that does not exist', /"Next": "(\w+)"/, '"Next": "Nowhere"'],
    ['an unknown type of state', '"Type": "Task"', '"Type": "Taks"'],
    ['a start that does not exist', /"StartAt": "\w+"/, '"StartAt": "Nowhere"'],
    ['a path where JSONata is spoken', '"Output": {}', '"ResultPath": "$.x"'],
  ])('is not valid with %s', (_, from, to) => {
    const text = textOf(name).replace(from, to);
    expect(text).not.toBe(textOf(name));
    expect(check(text).isValid).toBe(false);
  });
});
