/** A history of ten thousand events: what an event costs does not depend on how many there were before. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTable, serviceTable } from '#adapters/dynamodb/create-table';
import { dynamoTable } from '#adapters/dynamodb/table';
import { countedClient, type Access } from '#bench/counted-dynamodb';
import { applyReported, type ReportedJob } from '#domain/reported-job';
import type { HistoryEntry } from '#domain/job';
import type { Ports } from '#operations/ports';
import { listJobHistory, standingAt } from '#operations/read-jobs';
import { registerJob } from '#operations/register-job';
import { sendReported } from '#operations/send-event';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { jobPorts } from '#test/support/job-ports';
import { world, type World } from './world.ts';

const EVENTS = 10_000;
/** What one transaction takes, beside the job. */
const AT_ONCE = 90;

let database: TestDatabase;
let it: World;
let ports: Ports;
const accesses: Access[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  it = await world(database);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = countedClient({ region: 'local', endpoint: database.endpoint, credentials }, (some) => accesses.push(...some));
  await createTable(client, serviceTable('counted'));
  ports = { ...it.ports, ...jobPorts(dynamoTable(client, 'counted')) };
});
afterAll(async () => {
  await database.close();
});

interface Cost {
  readonly writes: number;
  readonly writeUnits: number;
  readonly reads: number;
  readonly readUnits: number;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  accesses.length = 0;
  await work();
  const sum = (kind: Access['kind']): number =>
    accesses.filter((each) => each.kind === kind).reduce((units, each) => units + each.units, 0);
  const count = (kind: Access['kind']): number => accesses.filter((each) => each.kind === kind).length;
  return { writes: count('write'), writeUnits: sum('write'), reads: count('read'), readUnits: sum('read') };
}

async function filled(job: ReportedJob): Promise<ReportedJob> {
  let before = job;
  while (before.sequence < EVENTS) {
    let after = before;
    const entries: HistoryEntry[] = [];
    while (entries.length < AT_ONCE && after.sequence < EVENTS) {
      it.advance(1);
      const outcome = applyReported(after, { name: 'update', at: it.ports.clock.now(), actor: 'tests', data: { step: after.sequence } });
      if (outcome.kind === 'refused') throw new Error('an update was refused');
      after = outcome.job;
      entries.push(outcome.entry);
    }
    const saved = await ports.reportedJobs.save({ before, after, entries });
    if (saved.kind === 'conflict') throw new Error('nobody else writes');
    before = saved.job;
  }
  return before;
}

test('an event, a page of the history and the state at a time cost after ten thousand events what they cost after ten', async () => {
  const registered = await registerJob(ports, {
    pipeline: 'long',
    parents: [],
    data: {},
    limits: { expectUpdateWithinSeconds: 60 },
    requestedBy: 'tests',
  });
  if (registered.kind !== 'registered') throw new Error(registered.kind);
  const { id } = registered.job;
  const send = (eventId: string) => (): Promise<unknown> =>
    sendReported(ports, { job: id, name: 'update', data: { step: 1 }, eventId, actor: 'tests' });
  const page = (newestFirst: boolean) => (): Promise<unknown> => listJobHistory(ports, id, { limit: 50, newestFirst });
  await sendReported(ports, { job: id, name: 'run', actor: 'tests' });
  for (let n = 0; n < 60; n += 1) await send(`early-${n}`)();
  const early = { event: await costOf(send('e')), oldest: await costOf(page(false)), newest: await costOf(page(true)) };
  const job = await ports.reportedJobs.load(id);
  const long = await filled(job ?? registered.job);
  expect(long.sequence).toBe(EVENTS);
  const late = { event: await costOf(send('l')), oldest: await costOf(page(false)), newest: await costOf(page(true)) };
  expect({ event: late.event, oldest: late.oldest }).toEqual({ event: early.event, oldest: early.oldest });
  // Its entries have numbers of more digits.
  expect(late.newest.readUnits - early.newest.readUnits).toBeLessThanOrEqual(0.5);
  // The job, the entry and the answer, each of a kilobyte at most, at the price of a transaction; the job and the answer read before.
  expect(late.event).toEqual({ writes: 3, writeUnits: 6, reads: 2, readUnits: 2 });

  const at = long.updatedAt;
  const looking = await costOf(() => standingAt(ports, { kind: 'reported', job: long }, id, at));
  expect(looking.reads).toBeLessThanOrEqual(16);
});

test('all of it is read in pages, each entry once and in its place', async () => {
  const { page } = (await ports.reportedJobs.list({}, { limit: 1 })) as { readonly page: { readonly items: readonly ReportedJob[] } };
  const [job] = page.items;
  if (!job) throw new Error('no job');
  const sequences: number[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const listed = await ports.reportedJobs.history(job.id, { limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    if (listed.kind !== 'page') throw new Error(listed.kind);
    sequences.push(...listed.page.items.map(({ sequence }) => sequence));
    cursor = listed.page.cursor;
    pages += 1;
  } while (cursor !== undefined);
  expect(sequences).toEqual(Array.from({ length: EVENTS + 1 }, (_, index) => index + 1));
  expect(pages).toBe(21);
});
