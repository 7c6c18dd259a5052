/**
 * Many writers send events to one job at once, by the handlers on the embedded database. What each was answered, and when, has
 * to be explained by one order of all events: the history.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JOB_EVENT_NAMES, nextJobState, type JobEventName, type JobState } from '#domain/job-state';
import { installPorts } from '#hosts/wiring';
import { apiOf, type Api } from '#test/functions/api';
import type { Registered } from '#test/functions/reporting';
import { world } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';

const WRITERS = 32;
const SEED = 20_261_121;

let database: TestDatabase;
let api: Api;

beforeAll(async () => {
  database = await startTestDatabase();
  const it = await world(database);
  // A pause that is none would let the losers of a round lose the next one together.
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  installPorts({ ...it.ports, clock: { ...it.ports.clock, pause }, randomness: { ...it.ports.randomness, fraction: () => Math.random() } });
  api = await apiOf(it);
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

/** One event as its sender knows it: asked at one moment, answered at a later one. */
interface Sent {
  readonly id: string;
  readonly name: JobEventName;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly status: number;
  readonly state: JobState;
  readonly sequence: number;
}

interface Entry {
  readonly 'event-id': string;
  readonly name: JobEventName;
  readonly sequence: number;
  readonly from: JobState | null;
  readonly to: JobState;
  readonly refused?: true;
}

async function sendAll(job: Registered, plans: readonly (readonly JobEventName[])[]): Promise<readonly Sent[]> {
  let moment = 0;
  const sent: Sent[] = [];
  const writer = async (plan: readonly JobEventName[], number: number): Promise<void> => {
    for (const [index, name] of plan.entries()) {
      const id = `${number}-${index}`;
      const askedAt = (moment += 1);
      const { status, body } = await api.ask('POST /v1/jobs/{jobId}/events', { path: { jobId: job.id }, body: { name, id } });
      sent.push({
        id,
        name,
        askedAt,
        answeredAt: (moment += 1),
        status,
        state: body['state'] as JobState,
        sequence: Number(body['sequence']),
      });
    }
  };
  await Promise.all(plans.map(writer));
  return sent;
}

async function historyOf(job: Registered): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: '500', ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await api.ask('GET /v1/jobs/{jobId}/history', { path: { jobId: job.id }, query });
    entries.push(...(body['items'] as readonly Entry[]));
    cursor = body['next-cursor'] as string | undefined;
  } while (cursor !== undefined);
  return entries;
}

/** What does not fit one order of all events; empty where everything does. */
function contradictions(sent: readonly Sent[], history: readonly Entry[]): readonly string[] {
  const found: string[] = [];
  const applied = history.filter(({ refused }) => refused === undefined);
  for (const [index, { name, from, to, sequence }] of applied.entries()) {
    if (sequence !== index + 1) found.push(`a gap before ${sequence}`);
    const before = applied[index - 1]?.to;
    if (before && (from !== before || nextJobState(before, name) !== to))
      found.push(`${sequence}: ${name} does not lead from ${before} to ${to}`);
  }
  const stateAfter = (sequence: number): JobState | undefined => applied[sequence - 1]?.to;
  const byId = new Map(history.map((entry) => [entry['event-id'], entry]));
  for (const { id, name, status, sequence, state: told } of sent) {
    const entry = byId.get(id);
    if (entry?.name !== name || entry.sequence !== sequence || entry.to !== told)
      found.push(`${id} was told ${told} ${sequence}, and the history has ${JSON.stringify(entry)}`);
    if ((entry?.refused === true) !== (status === 409) || ![200, 409].includes(status)) found.push(`${id} was answered ${status}`);
    if (stateAfter(sequence) !== told)
      found.push(`${id} was told ${told} at ${sequence}, where the job was ${String(stateAfter(sequence))}`);
    if (status === 409 && nextJobState(told, name) !== undefined) found.push(`${id}: ${name} was refused in ${told}`);
  }
  // What was answered before something else was asked comes before it.
  const ordered = sent.toSorted((one, other) => one.askedAt - other.askedAt);
  for (const earlier of sent)
    for (const later of ordered) {
      if (later.askedAt < earlier.answeredAt || later === earlier) continue;
      const isAfter = later.status === 200 ? later.sequence > earlier.sequence : later.sequence >= earlier.sequence;
      if (!isAfter) found.push(`${later.id} (${later.sequence}) was asked after ${earlier.id} (${earlier.sequence}) was answered`);
    }
  if (history.length !== sent.length + 1) found.push(`${history.length} entries of ${sent.length} events`);
  return found;
}

test(`the history of ${WRITERS} writers is one legal path without a gap, which explains every answer (seed ${SEED})`, async () => {
  const plan = fc.array(fc.constantFrom<JobEventName>(...JOB_EVENT_NAMES, 'run', 'update', 'update', 'finish', 'ready'), {
    minLength: 2,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: WRITERS, maxLength: WRITERS }), fc.uuid(), async (plans, unique) => {
      const { body } = await api.ask('POST /v1/jobs', { body: { pipeline: 'many', data: { unique } } });
      const job: Registered = { id: String(body['job-id']), token: '', tokenId: '' };
      const sent = await sendAll(job, plans);
      expect(contradictions(sent, await historyOf(job))).toEqual([]);
    }),
    { numRuns: 4, seed: SEED, endOnFailure: true },
  );
});

test('an order that does not explain the answers is found out', () => {
  const history: readonly Entry[] = [
    { 'event-id': 'c', name: 'create', sequence: 1, from: null, to: 'CREATED' },
    { 'event-id': 'a', name: 'run', sequence: 2, from: 'CREATED', to: 'RUNNING' },
    { 'event-id': 'b', name: 'finish', sequence: 3, from: 'RUNNING', to: 'FINISHED' },
  ];
  const a: Sent = { id: 'a', name: 'run', askedAt: 1, answeredAt: 2, status: 200, state: 'RUNNING', sequence: 2 };
  const b: Sent = { id: 'b', name: 'finish', askedAt: 3, answeredAt: 4, status: 200, state: 'FINISHED', sequence: 3 };
  expect(contradictions([a, b], history)).toEqual([]);
  expect(contradictions([{ ...a, askedAt: 5, answeredAt: 6 }, b], history)).toHaveLength(1);
  expect(contradictions([{ ...a, state: 'CREATED' }, b], history).length).toBeGreaterThan(0);
  expect(contradictions([a], history)).toEqual(['3 entries of 1 events']);
  expect(contradictions([a, b], history.toSpliced(1, 1)).length).toBeGreaterThan(0);
});

test(`${WRITERS} writers of the same event under one id have sent it once, and are all answered alike`, async () => {
  const { body } = await api.ask('POST /v1/jobs', { body: { pipeline: 'many', data: { once: true } } });
  const path = { jobId: String(body['job-id']) };
  const answers = await Promise.all(
    Array.from({ length: WRITERS }, () => api.ask('POST /v1/jobs/{jobId}/events', { path, body: { name: 'run', id: 'one' } })),
  );
  expect(new Set(answers.map(({ status, body: told }) => `${status} ${JSON.stringify(told)}`)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(WRITERS - 1);
  expect(await historyOf({ id: path.jobId, token: '', tokenId: '' })).toHaveLength(2);
});
