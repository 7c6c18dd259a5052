/** Every event in every state, by the real handlers on the real embedded database. The table is the contract's (pipeline-jobs §1.1). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOB_EVENT_NAMES, JOB_STATES, type JobEventName, type JobState } from '#domain/job-state';
import { installPorts } from '#hosts/wiring';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world } from '#test/operations/world';
import { apiOf, slug } from './api.ts';
import { reporting, type Registered, type Reporting } from './reporting.ts';

let database: TestDatabase;
let jobs: Reporting;

beforeAll(async () => {
  database = await startTestDatabase();
  const it = await world(database);
  installPorts(it.ports);
  jobs = reporting(await apiOf(it));
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

/** How a job comes into each state. */
const WAYS: Readonly<Record<JobState, readonly JobEventName[]>> = {
  CREATED: [],
  RUNNING: ['run'],
  FAILED: ['fail'],
  FINISHED: ['run', 'finish'],
  INDEXING: ['run', 'finish', 'index'],
  VALIDATING: ['run', 'finish', 'validate'],
  VALIDATED: ['run', 'finish', 'validate', 'validated'],
  REJECTED: ['run', 'finish', 'validate', 'reject'],
  FINALIZED: ['run', 'finish', 'validate', 'validated', 'finalize'],
  RETIRED: ['fail', 'retire'],
  RESET: ['reset'],
};

// prettier-ignore
const TABLE: Readonly<Record<JobEventName, string>> = {
  //          CREATED RUNNING FAILED FINISHED INDEXING VALIDATING VALIDATED REJECTED FINALIZED RETIRED RESET
  create:    'CREATED  ·        ·       ·          ·          ·          ·          ·        ·       ·       ·',
  run:       'RUNNING  RUNNING  ·       ·          ·          ·          ·          ·        ·       ·       ·',
  update:    'CREATED  RUNNING  ·       ·          INDEXING   VALIDATING ·          ·        ·       ·       ·',
  resource:  'CREATED  RUNNING  ·       ·          ·          ·          ·          ·        ·       ·       ·',
  fail:      'FAILED   FAILED   ·       ·          FAILED     FAILED     ·          ·        ·       ·       ·',
  finish:    '·        FINISHED ·       FINISHED   ·          ·          ·          ·        ·       ·       ·',
  index:     '·        ·        ·       INDEXING   INDEXING   ·          ·          ·        ·       ·       ·',
  indexed:   '·        ·        ·       FINISHED   FINISHED   ·          ·          ·        ·       ·       ·',
  validate:  '·        ·        ·       VALIDATING ·          ·          VALIDATING ·        ·       ·       ·',
  validated: '·        ·        ·       ·          ·          VALIDATED  VALIDATED  ·        ·       ·       ·',
  reject:    '·        ·        ·       ·          ·          REJECTED   ·          ·        ·       ·       ·',
  finalize:  '·        ·        ·       ·          ·          ·          FINALIZED  ·        ·       ·       ·',
  retire:    '·        ·        RETIRED RETIRED    ·          RETIRED    RETIRED    RETIRED  RETIRED ·       ·',
  reset:     'RESET    RESET    RESET   RESET      RESET      RESET      RESET      RESET    RESET   RESET   RESET',
  ready:     '·        ·        ·       ·          ·          ·          ·          ·        ·       ·       CREATED',
};
const cellOf = (event: JobEventName, state: JobState): string => TABLE[event].split(/ +/)[JOB_STATES.indexOf(state)] ?? '';
const allowedIn = (state: JobState): readonly JobEventName[] => JOB_EVENT_NAMES.filter((event) => cellOf(event, state) !== '·');

async function jobIn(state: JobState): Promise<Registered> {
  const job = await jobs.registered();
  for (const event of WAYS[state]) {
    const { status } = await jobs.command(job, event);
    if (status !== 200) throw new Error(`no way to ${state}: ${event}`);
  }
  return job;
}

test('the table has 15 × 11 cells, 43 of them legal', () => {
  const cells = JOB_EVENT_NAMES.flatMap((event) => TABLE[event].split(/ +/));
  expect([cells.length, cells.filter((cell) => cell !== '·').length]).toEqual([165, 43]);
});

describe.each(JOB_STATES)('in %s', (state) => {
  test.each(JOB_EVENT_NAMES)('%s leads where the contract says, or is refused and changes nothing but the history', async (event) => {
    const job = await jobIn(state);
    const before = (await jobs.view(job)).body;
    const sequence = Number(before['sequence']);
    const answer = await jobs.command(job, event);
    const [after, [last]] = [(await jobs.view(job)).body, await jobs.history(job, { order: 'newest', limit: '1' })];
    const expected = cellOf(event, state);
    if (expected === '·') {
      expect([answer.status, slug(answer)]).toEqual([409, 'event-refused']);
      expect(answer.body).toMatchObject({ state, sequence, 'allowed-events': allowedIn(state) });
      expect(after).toEqual(before);
      expect(last).toMatchObject({ name: event, refused: true, from: state, to: state, sequence });
    } else {
      expect(answer).toMatchObject({ status: 200, body: { name: event, state: expected, sequence: sequence + 1 } });
      expect(after).toMatchObject({ state: expected, sequence: sequence + 1, 'last-event': event });
      expect(last).toMatchObject({ name: event, from: state, to: expected, sequence: sequence + 1 });
    }
  });
});
