import { describe, expect, test } from 'vitest';
import { allowedEvents, JOB_EVENT_NAMES, JOB_STATES, nextJobState, type JobEventName, type JobState } from '#domain/job-state';

/**
 * The whole machine on one screen: a row an event, a column the state that it meets, a cell the state that it leads to.
 * Written from the contract (pipeline-jobs §1.1), not from the code. `·` is a refusal.
 */
// prettier-ignore
const COLUMNS: readonly JobState[] = [
  'CREATED', 'RUNNING', 'FAILED', 'FINISHED', 'INDEXING', 'VALIDATING', 'VALIDATED', 'REJECTED', 'FINALIZED', 'RETIRED', 'RESET',
];
// prettier-ignore
const TABLE = `
            created   running   failed  finished   indexing   validating  validated   rejected finalized retired reset
create      CREATED   ·         ·       ·          ·          ·           ·           ·        ·         ·       ·
run         RUNNING   RUNNING   ·       ·          ·          ·           ·           ·        ·         ·       ·
update      CREATED   RUNNING   ·       ·          INDEXING   VALIDATING  ·           ·        ·         ·       ·
resource    CREATED   RUNNING   ·       ·          ·          ·           ·           ·        ·         ·       ·
fail        FAILED    FAILED    ·       ·          FAILED     FAILED      ·           ·        ·         ·       ·
finish      ·         FINISHED  ·       FINISHED   ·          ·           ·           ·        ·         ·       ·
index       ·         ·         ·       INDEXING   INDEXING   ·           ·           ·        ·         ·       ·
indexed     ·         ·         ·       FINISHED   FINISHED   ·           ·           ·        ·         ·       ·
validate    ·         ·         ·       VALIDATING ·          ·           VALIDATING  ·        ·         ·       ·
validated   ·         ·         ·       ·          ·          VALIDATED   VALIDATED   ·        ·         ·       ·
reject      ·         ·         ·       ·          ·          REJECTED    ·           ·        ·         ·       ·
finalize    ·         ·         ·       ·          ·          ·           FINALIZED   ·        ·         ·       ·
retire      ·         ·         RETIRED RETIRED    ·          RETIRED     RETIRED     RETIRED  RETIRED   ·       ·
reset       RESET     RESET     RESET   RESET      RESET      RESET       RESET       RESET    RESET     RESET   RESET
ready       ·         ·         ·       ·          ·          ·           ·           ·        ·         ·       CREATED
`;

const rows = new Map(
  TABLE.trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [event = '', ...cells] = line.split(/ +/);
      return [event, cells] as const;
    }),
);
const expected = (event: JobEventName, state: JobState): string | undefined => rows.get(event)?.[COLUMNS.indexOf(state)];
const pairs = JOB_EVENT_NAMES.flatMap((event) => JOB_STATES.map((state) => ({ event, state })));

describe('the life of a job', () => {
  test('has the 15 events and 11 states of the contract', () => {
    expect([...JOB_EVENT_NAMES].toSorted()).toEqual([...rows.keys()].toSorted());
    expect([...JOB_STATES].toSorted()).toEqual([...COLUMNS].toSorted());
    expect(pairs).toHaveLength(15 * 11);
    for (const cells of rows.values()) expect(cells).toHaveLength(11);
  });

  test.each(JOB_EVENT_NAMES)('%s leads from every state where the contract says, and nowhere else', (event) => {
    expect(JOB_STATES.map((state) => [state, nextJobState(state, event) ?? '·'])).toEqual(
      JOB_STATES.map((state) => [state, expected(event, state)]),
    );
  });

  test('has 43 legal pairs', () => {
    expect(pairs.filter(({ event, state }) => nextJobState(state, event) !== undefined)).toHaveLength(43);
  });

  test.each(JOB_STATES)('a refusal in %s is told exactly the events that are allowed now', (state) => {
    const allowed = allowedEvents(state);
    expect(new Set(allowed)).toEqual(new Set(JOB_EVENT_NAMES.filter((event) => expected(event, state) !== '·')));
    expect(allowed).toEqual(JOB_EVENT_NAMES.filter((event) => allowed.includes(event)));
  });

  test('every state is reached from the first one, and none but RESET leads back to it', () => {
    const reached = new Set<JobState>(['CREATED']);
    for (const state of reached) for (const event of JOB_EVENT_NAMES) reached.add(nextJobState(state, event) ?? state);
    expect(reached.size).toBe(11);
    const before = JOB_STATES.filter(
      (state) => state !== 'CREATED' && JOB_EVENT_NAMES.some((event) => nextJobState(state, event) === 'CREATED'),
    );
    expect(before).toEqual(['RESET']);
  });

  test('a name that is a property of every object is no event of any state', () => {
    for (const name of ['constructor', 'toString', '__proto__'])
      expect(JOB_EVENT_NAMES.map((event) => nextJobState(name as JobState, event)).filter((next) => typeof next === 'string')).toEqual([]);
  });
});
