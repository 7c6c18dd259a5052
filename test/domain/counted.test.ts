import { expect, test } from 'vitest';
import { counted } from '#domain/counted';

test('a noun stands in the singular beside one alone', () => {
  expect([0, 1, 2].map((count) => counted(count, 'set'))).toEqual(['0 sets', '1 set', '2 sets']);
  expect([1, 2].map((count) => counted(count, 'field is', 'fields are'))).toEqual(['1 field is', '2 fields are']);
});
