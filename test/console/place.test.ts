import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, JOB_STATES, placeOf, RUN_STATES, runsPlace, type Place } from '#console/place';

describe('the address', () => {
  const text = fc.string({ minLength: 1 }).filter((value) => value.trim() === value && value !== '');
  const some = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value> => value;
  const places: fc.Arbitrary<Place> = fc.oneof(
    fc.record(
      {
        kind: some(fc.constant('runs' as const)),
        state: fc.constantFrom(...RUN_STATES),
        userId: text,
        userRunId: text,
        templateId: text,
        since: fc.constantFrom('2026-11-21T08:00Z', '2024-02-29T23:59:30Z'),
        cursor: text,
      },
      { requiredKeys: ['kind'] },
    ),
    fc.record(
      { kind: fc.constant('run' as const), runId: text, jobState: fc.constantFrom(...JOB_STATES), cursor: text },
      { requiredKeys: ['kind', 'runId'] },
    ),
    fc.record({ kind: fc.constant('job' as const), jobId: text, cursor: text }, { requiredKeys: ['kind', 'jobId'] }),
  );

  test('leads back to the place that it was made of', () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(placeOf(addressOf(place))).toEqual(place);
      }),
    );
  });

  test('without a query is the list without filters', () => {
    expect(placeOf('')).toEqual({ kind: 'runs' });
    expect(addressOf({ kind: 'runs' })).toBe('?');
  });

  test.each([
    ['?state=DONE', 'there is no run state DONE'],
    ['?run=run_1&job-state=DONE', 'there is no job state DONE'],
    ['?since=yesterday', 'yesterday is no time, as 2026-11-21T08:00Z is'],
    ['?since=2026-13-41T08:00Z', '2026-13-41T08:00Z is no time, as 2026-11-21T08:00Z is'],
  ])('%s is told, and not taken for one without filters', (search, why) => {
    expect(placeOf(search)).toEqual({ kind: 'nowhere', why });
  });
});

test('what a form says is the first page of a list: blanks say nothing, and a time without a zone is UTC', () => {
  const fields: Readonly<Record<string, string>> = { state: '', user: '  ada ', template: ' ', since: '2026-11-21T08:00', cursor: 'c' };
  expect(runsPlace((name) => fields[name])).toEqual({ kind: 'runs', userId: 'ada', since: '2026-11-21T08:00Z' });
});
