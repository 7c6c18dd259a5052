import { describe, expect, test } from 'vitest';
import { elapsed, nextPoll, utc } from '#console/text';
import { aRun, anOpenRun } from './builders.ts';

const at = (text: string): number => Date.parse(`2026-11-21T${text}Z`);

test('a time is told with its zone', () => {
  expect(utc('2026-11-21T08:00:07.123Z')).toBe('2026-11-21 08:00:07 UTC');
});

describe('the time that a run took', () => {
  test('goes on until it has ended, and then stands', () => {
    expect(elapsed(anOpenRun(), at('08:00:20'))).toBe('20.0 s');
    expect(elapsed(aRun(), at('09:00:00'))).toBe('1 min 05 s');
  });

  test('is never less than nothing, though the clock of the browser be behind', () => {
    expect(elapsed(anOpenRun(), at('07:00:00'))).toBe('0.00 s');
  });
});

describe('the next poll', () => {
  const run = { 'next-poll-at': '2026-11-21T08:00:30.000Z' };
  test.each([
    ['08:00:17.500', 'in 13 s'],
    ['08:00:30', 'now'],
    ['08:01:00', 'now'],
    ['07:30:30', 'in 30 min 00 s'],
  ])('at %s is %s', (now, text) => {
    expect(nextPoll(run, at(now))).toBe(text);
  });

  test('is not told of a run that has ended', () => {
    expect(nextPoll({}, at('08:00:00'))).toBeUndefined();
  });
});
