/** The DynamoDB stores on the embedded engine: the ports' own suites, and what only DynamoDB can get wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoJobEventStore } from '#adapters/dynamodb/job-event-store';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoJobTokenStore } from '#adapters/dynamodb/job-token-store';
import { keys } from '#adapters/dynamodb/keys';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoReportedJobStore } from '#adapters/dynamodb/reported-job-store';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import { dynamoTable, type Table } from '#adapters/dynamodb/table';
import { Fault } from '#domain/faults';
import { instant, type ReportedJobId } from '#domain/ids';
import type { Job } from '#domain/job';
import { catalogStoreContract } from '#test/adapters/contracts/catalog-store.contract';
import { metricSeriesContract } from '#test/adapters/contracts/metric-series.contract';
import { durationStoreContract } from '#test/adapters/contracts/duration-store.contract';
import { jobHistoryContract } from '#test/adapters/contracts/job-history.contract';
import { change, jobStoreContract } from '#test/adapters/contracts/job-store.contract';
import { runAttemptsContract } from '#test/adapters/contracts/run-attempts.contract';
import { runStoreContract } from '#test/adapters/contracts/run-store.contract';
import { slotStoreContract } from '#test/adapters/contracts/slot-store.contract';
import { at, aRun, aTemplate, newJobs, START_MS } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';

let database: TestDatabase;
let table: Table;
beforeAll(async () => {
  database = await startTestDatabase();
  ({ table } = await database.freshTable());
});
afterAll(() => database.close());

const requestsMade = (): number => [...database.requests.values()].reduce((sum, count) => sum + count, 0);

describe('the run store', () => {
  runStoreContract(() => Promise.resolve(dynamoRunStore(table)));
  runAttemptsContract(() => Promise.resolve(dynamoRunStore(table)));
});
describe('the job store', () => {
  jobStoreContract(() => Promise.resolve(dynamoJobStore(table)));
  describe('the history of a job', () => {
    jobHistoryContract(() => Promise.resolve(dynamoJobStore(table)));
  });
});
describe('the slot store', () => {
  slotStoreContract(() => Promise.resolve(dynamoSlotStore(table)));
});
describe('the duration store', () => {
  durationStoreContract(() => Promise.resolve(dynamoDurationStore(table)));
});
describe('the series of samples', () => {
  metricSeriesContract(() => Promise.resolve(dynamoMetricSeries(table)));
});
describe('the catalog store', () => {
  catalogStoreContract(() => Promise.resolve(dynamoCatalogStore(table)));
});

test('an API token is found by its id, and an unknown id is absent', async () => {
  const tokens = dynamoApiTokenStore(table);
  const token = { id: 'abcd', name: 'ci', secretDigest: '00', scopes: ['runs:read', 'runs:write'] as const };
  await tokens.put(token);
  expect(await tokens.find('abcd')).toEqual(token);
  expect(await tokens.find('abc')).toBeUndefined();
});

describe('a request that died while it was being accepted', () => {
  // Big enough for several items, so that the natural key is reserved first.
  const sets = Array.from({ length: 40 }, (_, index) => ({ INDEX: index, TEXT: 'x'.repeat(30_000) }));

  /** A table whose process dies before its nth write; what was written before stays. */
  const dyingAt = (writes: number): Table => {
    let made = 0;
    const die = (): void => {
      made += 1;
      if (made > writes) throw new Error('killed');
    };
    return {
      ...table,
      write: async (action) => {
        die();
        return table.write(action);
      },
      transact: async (actions) => {
        die();
        return table.transact(actions);
      },
    };
  };

  test.each([1, 2, 3])('after %i of its writes it is invisible, holds its name for a minute, and is then taken over', async (writes) => {
    const store = dynamoRunStore(table);
    const first = aRun({ count: 40 });
    const acceptance = { run: first, sets, bodyDigest: 'digest' };
    await expect(dynamoRunStore(dyingAt(writes)).accept(acceptance)).rejects.toThrow('killed');
    expect(await store.load(first.id)).toBeUndefined();
    expect(await store.list({ userRunId: first.userRunId }, { limit: 1 })).toEqual({ kind: 'page', page: { items: [] } });

    const later = (seconds: number): typeof first => {
      const { userRunId, count } = first;
      return aRun({ userRunId, count, createdAt: instant(START_MS + seconds * 1000) });
    };
    expect(await store.accept({ ...acceptance, run: later(60) })).toMatchObject({
      kind: 'taken',
      earlier: { runId: first.id, complete: false },
    });
    const heir = later(61);
    expect(await store.accept({ ...acceptance, run: heir })).toEqual({ kind: 'accepted' });
    const stored = await store.load(heir.id);
    expect(stored && (await store.sets(stored, 0, 40))).toEqual(sets);
    // The dead come back to a name that is not theirs any more.
    expect(await store.accept(acceptance)).toMatchObject({ kind: 'taken', earlier: { runId: heir.id, complete: true } });
  });
});

describe('a corrupted item', () => {
  const corrupt = async (key: { readonly pk: string; readonly sk: string }, broken: object): Promise<void> => {
    await table.write({ kind: 'put', item: { ...key, ...broken } });
  };
  const faultOf = async (call: Promise<unknown>): Promise<Fault> => {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof Fault) return error;
    throw new Error('no fault was thrown', { cause: error });
  };

  test('a bad item is a CorruptItem that names its key, whatever store meets it', async () => {
    const { id } = aRun();
    const ref = { runId: id, index: 0 };
    const template = aTemplate().id;
    const reported = '107a90b7-f083-5167-a63d-41a3bf278bf8' as ReportedJobId;
    const meetings: readonly (readonly [{ readonly pk: string; readonly sk: string }, () => Promise<unknown>])[] = [
      [keys.run(id), () => dynamoRunStore(table).load(id)],
      [keys.job(ref, 1), () => dynamoJobStore(table).load(ref, 1)],
      [keys.counts(id, 0), () => dynamoJobStore(table).counts(aRun({ id }))],
      [keys.parameters(ref), () => dynamoJobStore(table).parameters(ref)],
      [
        keys.naturalKey('corrupt', 'corrupt'),
        () => dynamoRunStore(table).earlierRequest({ userId: 'corrupt', userRunId: 'corrupt', now: at(0) }),
      ],
      [keys.tick(id), () => dynamoRunStore(table).progress(id)],
      [keys.retry(id, 2), () => dynamoRunStore(table).retry(aRun({ id, attempt: 2 }))],
      [keys.slots('corrupt'), () => dynamoSlotStore(table).load('corrupt')],
      [keys.slotHolder('corrupt holder', id), () => dynamoSlotStore(table).load('corrupt holder')],
      [keys.durations(template), () => dynamoDurationStore(table).load(template)],
      [keys.templateVersion(template, 77), () => dynamoCatalogStore(table).template(template, 77)],
      [keys.reportedJob(reported), () => dynamoReportedJobStore(table).load(reported)],
      [keys.jobDefinition(reported), () => dynamoReportedJobStore(table).definition(reported)],
      [keys.jobToken(reported, 'corrupt'), () => dynamoJobTokenStore(table).find(reported, 'corrupt')],
      [keys.eventAnswer(reported, 'corrupt'), () => dynamoJobEventStore(table).answer(reported, 'corrupt')],
      [keys.jobEntry(reported, 7), () => dynamoReportedJobStore(table).history(reported, { limit: 1 })],
      [keys.pattern('corrupt', 'corrupt'), () => dynamoCatalogStore(table).pattern('corrupt', 'corrupt')],
    ];
    for (const [key, meet] of meetings) {
      await corrupt(key, {
        state: 'NOSUCH',
        finished: 'many',
        values: 7,
        counts: 'many',
        indexes: 'some',
        version: 'new',
        held: 'all',
        seconds: '[',
      });
      const fault = await faultOf(meet());
      expect(fault).toMatchObject({ name: 'CorruptItem', retryable: false });
      expect(fault.message).toContain(key.pk);
      expect(fault.message).toContain(key.sk);
    }
  });

  test('text that is not JSON where JSON belongs is a CorruptItem too', async () => {
    const { id } = aRun();
    const ref = { runId: id, index: 0 };
    await corrupt(keys.parameters(ref), { values: '{"half":', provenance: '{}' });
    const fault = await faultOf(dynamoJobStore(table).parameters(ref));
    expect(fault).toMatchObject({ name: 'CorruptItem' });
    expect(fault.message).toContain(keys.parameters(ref).pk);
  });
});

test('the metrics of an attempt that another one follows are kept as an item of its own, and those of the last are with the job', async () => {
  const store = dynamoJobStore(table);
  const run = aRun();
  await store.create(newJobs(run), 1);
  const metricsOf = (count: number): NonNullable<Job['metrics']> => ({
    inputRecordCount: count,
    outputRecordCount: 0,
    errorRecordCount: 0,
  });
  const failure = { reason: 'engine-error', message: 'm' } as const;
  const next = [{ name: 'reset' }, { name: 'ready' }] as const;
  const saved = async (save: ReturnType<typeof change>): Promise<Job> => {
    const [outcome] = await store.save([save], 1);
    if (outcome?.kind !== 'saved') throw new Error('the change was not saved');
    return outcome.job;
  };
  const kept = async (attempt: number): Promise<unknown> => {
    const item = await table.get(keys.metrics({ runId: run.id, index: 0 }, attempt));
    return item && (JSON.parse(String(item['body'])) as unknown);
  };
  const [created] = newJobs(run);
  if (!created) throw new Error('no job');
  // By itself: failure and next attempt are one change.
  const second = await saved(change(created.job, { name: 'fail', failure, metrics: metricsOf(1) }, ...next));
  expect([await kept(1), second.metrics]).toEqual([metricsOf(1), undefined]);
  // By a caller's retry: the failure was written before.
  const failed = await saved(change(second, { name: 'fail', failure, metrics: metricsOf(2) }));
  expect([await kept(2), failed.metrics]).toEqual([undefined, metricsOf(2)]);
  const third = await saved(change(failed, ...next));
  expect([await kept(2), third.metrics]).toEqual([metricsOf(2), undefined]);
  const finished = await saved(change(third, { name: 'run' }, { name: 'finish', metrics: metricsOf(3) }));
  expect([await kept(3), finished.metrics]).toEqual([undefined, metricsOf(3)]);
  expect(await store.counts(run)).toMatchObject({ finished: 1, failed: 0, inputRecordCount: 3 });
});

describe('the number of requests', () => {
  /**
   * A change with one event is three actions (job, open row, entry), so 33 share a transaction of 99 beside the shard's counts:
   * 1,000 jobs in two shards of 500 need 2 × ⌈500 / 33⌉ = 32. Twice that would mean that batching is lost.
   */
  const SAVES = 32;

  test('1,000 changes of one event that are submitted at once share 32 transactions', async () => {
    const store = dynamoJobStore(table);
    const run = aRun({ count: 1000 });
    await store.create(newJobs(run), run.count);
    const jobs = await store.loadRange(run, 0, run.count);
    database.forgetRequests();
    await Promise.all(jobs.map((job) => store.save([change(job, { name: 'run' })], run.count)));
    expect(Object.fromEntries(database.requests)).toEqual({ TransactWriteItemsCommand: SAVES });
  });

  test('1,000 jobs are created in 22 transactions and 80 batches, read in 10, and what is open in one query a shard', async () => {
    const store = dynamoJobStore(table);
    const run = aRun({ count: 1000 });
    database.forgetRequests();
    await store.create(newJobs(run), run.count);
    // Guarded are a job and its open row: 49 jobs in a transaction, 2 × ⌈500 / 49⌉. The two items that follow from its set are not.
    expect(Object.fromEntries(database.requests)).toEqual({ TransactWriteItemsCommand: 22, BatchWriteItemCommand: 80 });
    database.forgetRequests();
    await store.loadRange(run, 0, run.count);
    expect(Object.fromEntries(database.requests)).toEqual({ BatchGetItemCommand: 10 });
    database.forgetRequests();
    const open = await store.open(run);
    expect(open).toHaveLength(1000);
    expect(Object.fromEntries(database.requests)).toEqual({ QueryCommand: 2 });
  });

  test('a stale change costs its own transaction one try for each neighbour, and the others nothing', async () => {
    const store = dynamoJobStore(table);
    const run = aRun({ count: 300 });
    await store.create(newJobs(run), run.count);
    const jobs = await store.loadRange(run, 0, run.count);
    await store.save([change(jobs[0] as Job, { name: 'run' })], run.count);
    database.forgetRequests();
    const outcomes = await store.save(
      jobs.map((job) => change(job, { name: 'run' })),
      run.count,
    );
    expect(outcomes.filter(({ kind }) => kind === 'conflict')).toHaveLength(1);
    // ⌈300 / 33⌉ and the 33 of the refused one.
    expect(requestsMade()).toBe(10 + 33);
  });

  test('a thousand reads that are asked for at once are ten requests, and a lone one is a plain read', async () => {
    database.forgetRequests();
    const run = aRun({ count: 1000 });
    await Promise.all(Array.from({ length: 1000 }, (_, index) => table.get(keys.job({ runId: run.id, index }, 1000))));
    await table.get(keys.run(run.id));
    expect(Object.fromEntries(database.requests)).toEqual({ BatchGetItemCommand: 10, GetItemCommand: 1 });
  });
});

describe('a table that does not answer', () => {
  test('is a fault that may be retried, for reads and for writes', async () => {
    const stopped = await startTestDatabase();
    const { name } = await stopped.freshTable();
    const unreachable = dynamoTable(stopped.client, name);
    await stopped.close();
    for (const call of [
      () => unreachable.get({ pk: 'a', sk: 'b' }),
      () => unreachable.write({ kind: 'put', item: { pk: 'a', sk: 'b' } }),
      () => unreachable.query({ pk: 'a' }),
    ])
      await expect(call()).rejects.toMatchObject({ name: 'StoreBusy', retryable: true });
  });
});

test('a task token that was stored before it knew its attempt belongs to the first', async () => {
  const [run, store] = [aRun({ count: 1 }), dynamoJobStore(table)];
  const ref = { runId: run.id, index: 0 };
  await table.write({ kind: 'put', item: { ...keys.token(ref, 1, 'old'), index: 0, taskToken: 'old' } });
  expect(await store.taskTokens(run, [ref])).toEqual([{ index: 0, taskToken: 'old', runAttempt: 1 }]);
});
