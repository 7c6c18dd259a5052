import { expect, test } from 'vitest';
import { mannWhitney } from '#bench/token-timing';

const times = (firsts: readonly number[], seconds: readonly number[]): Parameters<typeof mannWhitney>[0] => [
  ...firsts.map((ms) => ({ ms, isFirst: true })),
  ...seconds.map((ms) => ({ ms, isFirst: false })),
];

test.each([
  ['never', [1, 2, 3], [4, 5, 6, 7], 0],
  ['always', [8, 9], [4, 5, 6, 7], 1],
  ['as often as not', [1, 4], [2, 3], 0.5],
  ['in three of four pairs', [2, 4], [1, 3], 0.75],
  ['in half of those that are equal', [1, 1], [1, 1, 1], 0.5],
  ['in one of two, with one equal', [1, 2], [1, 1], 0.75],
])('the first kind took longer %s', (_how, firsts, seconds, probability) => {
  expect(mannWhitney(times(firsts, seconds))).toBe(probability);
});
