import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '#adapters/dynamodb/keys';
import type { TemplateId } from '#domain/ids';
import { at, TEMPLATE_ID } from '#test/domain/builders';
import type { JsonObject } from '#domain/json';
import { startRun, type StartRun, type StartRunOutcome } from '#operations/start-run';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { Crash, crashingAt, request, world, type World } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const STATIC = {
  sourceParameters: { HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET' },
  targetParameters: {},
  sourceConnection: {},
  targetConnection: { GCS_CONNECTION: '9c960db9:8030c2e9' },
};

const runIdOf = (outcome: StartRunOutcome): string => ('run' in outcome ? outcome.run.id : outcome.kind);
const runsListed = async ({ ports }: World): Promise<number> => {
  const listed = await ports.runs.list({}, { limit: 100 });
  return listed.kind === 'page' ? listed.page.items.length : -1;
};

describe('a request that is accepted', () => {
  test('is a run of as many jobs as sets, pinned to the template version, whose execution is started', async () => {
    const { ports, orchestrator } = await world(database);
    const outcome = await startRun(ports, request({ sets: [{ A: 1 }, { A: 2 }] }));
    expect(outcome).toMatchObject({ kind: 'started', run: { count: 2, templateVersion: 1, state: 'ACCEPTED', attempt: 1 } });
    expect([...orchestrator.runs]).toEqual([`${runIdOf(outcome)}-a1`]);
  });

  test('again, with its keys in another order, is the same run and one execution', async () => {
    const { ports, orchestrator } = await world(database);
    const first = await startRun(ports, request({ sets: [{ A: 1, B: [{ C: 2, D: 3 }] }] }));
    const again = await startRun(ports, request({ sets: [{ B: [{ D: 3, C: 2 }], A: 1 }], requestedBy: 'another token of ada' }));
    expect(again.kind).toBe('replayed');
    expect(runIdOf(again)).toBe(runIdOf(first));
    expect(orchestrator.runs.size).toBe(1);
  });

  test('a hundred times at once is one run', async () => {
    const it = await world(database);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => startRun(it.ports, request())));
    expect(outcomes.filter(({ kind }) => kind === 'started')).toHaveLength(1);
    expect(new Set(outcomes.map(runIdOf)).size).toBe(1);
    expect(await runsListed(it)).toBe(1);
    expect(it.orchestrator.runs.size).toBe(1);
  });

  test('under another user, or another name, is another run', async () => {
    const it = await world(database);
    for (const change of [{}, { userId: 'bob' }, { userRunId: 'r2' }]) await startRun(it.ports, request(change));
    expect(await runsListed(it)).toBe(3);
    expect(it.orchestrator.runs.size).toBe(3);
  });

  test('keeps its template version though a newer one is registered before the replay', async () => {
    const { ports } = await world(database);
    await startRun(ports, request());
    const newest = await ports.catalog.template('tmpl_sleep' as TemplateId);
    if (newest) await ports.catalog.addTemplateVersion({ ...newest, version: 2, parametersSchema: { required: ['NEW'] } });
    expect(await startRun(ports, request())).toMatchObject({ kind: 'replayed', run: { templateVersion: 1 } });
  });
});

describe('a crash', () => {
  test('between the acceptance and the start of the execution: the repeated request starts it', async () => {
    const { ports, orchestrator } = await world(database);
    const crashed = { ...ports, orchestrator: { ...orchestrator, startRun: () => Promise.reject(new Crash('killed')) } };
    await expect(startRun(crashed, request())).rejects.toThrow('killed');
    expect(orchestrator.runs.size).toBe(0);
    const again = await startRun(ports, request());
    expect(again.kind).toBe('replayed');
    expect([...orchestrator.runs]).toEqual([`${runIdOf(again)}-a1`]);
  });

  test('after any of its steps: the repeated request ends in one run and one execution', async () => {
    for (let nth = 0; ; nth += 1) {
      const it = await world(database);
      const crashing = crashingAt(it.ports, nth);
      const first = await startRun(crashing.ports, request()).catch((error: unknown) => error);
      if (!(first instanceof Crash)) {
        expect(nth).toBeGreaterThan(3);
        break;
      }
      await startRun(it.ports, request());
      expect(await runsListed(it)).toBe(1);
      expect(it.orchestrator.runs.size).toBe(1);
    }
  });

  test('a replay of a run that is driven starts nothing', async () => {
    const it = await world(database);
    const run = await it.planned([{ SECONDS: 10 }]);
    it.orchestrator.runs.clear();
    expect(await startRun(it.ports, request({ sets: [{ SECONDS: 10 }] }))).toMatchObject({ kind: 'replayed', run: { id: run.id } });
    expect(it.orchestrator.runs.size).toBe(0);
  });
});

describe('a key that was used before', () => {
  test('with another body is refused and names the earlier run, by natural key and by idempotency key', async () => {
    const it = await world(database);
    const first = await startRun(it.ports, request({ idempotencyKey: 'key' }));
    const others: readonly Partial<StartRun>[] = [
      { sets: [{ SECONDS: 11 }] },
      { sets: [{ SECONDS: 10 }, { SECONDS: 10 }] },
      { sourceType: 'ftp' },
      { userRunId: 'r2', idempotencyKey: 'key' },
    ];
    for (const other of others)
      expect(await startRun(it.ports, request(other))).toMatchObject({ kind: 'key-reused', earlier: { runId: runIdOf(first) } });
    expect(await runsListed(it)).toBe(1);
  });

  describe('by a request that died while it was being accepted', () => {
    const big = Array.from({ length: 20 }, (_, index): JsonObject => ({ INDEX: index, TEXT: 'x'.repeat(30_000) }));
    /** The first write is the reservation of the natural key; the process dies with the next one. */
    const died = async (it: World): Promise<void> => {
      const { dynamoRunStore } = await import('#adapters/dynamodb/run-store');
      const die = (): Promise<never> => Promise.reject(new Crash('killed'));
      const runs = dynamoRunStore({ ...it.table, write: die });
      await expect(startRun({ ...it.ports, runs }, request({ sets: big }))).rejects.toThrow('killed');
    };

    test('is answered as being accepted, and after a minute is free for the same request', async () => {
      const it = await world(database);
      await died(it);
      expect(await startRun(it.ports, request({ sets: big }))).toEqual({ kind: 'in-progress' });
      it.advance(61);
      expect((await startRun(it.ports, request({ sets: big }))).kind).toBe('started');
    });

    test('is refused to another body for a minute, and then free for it', async () => {
      const it = await world(database);
      await died(it);
      expect((await startRun(it.ports, request())).kind).toBe('key-reused');
      it.advance(61);
      expect((await startRun(it.ports, request())).kind).toBe('started');
    });
  });
});

describe('a request that cannot be run', () => {
  test('for a pair that nobody registered is told the nearest pairs, whatever characters it has', async () => {
    const it = await world(database);
    const pattern = { templateId: TEMPLATE_ID, version: 1, updatedAt: at(0) };
    await it.ports.catalog.putPattern({ sourceType: 'http', targetType: 's3', ...pattern });
    await it.ports.catalog.putPattern({ sourceType: 'ftp', targetType: 'file', ...pattern });
    const outcome = await startRun(it.ports, request({ targetType: 'nowhere' }));
    expect(outcome.kind === 'no-pattern' && outcome.known.map(({ targetType }) => targetType)).toEqual(['gcs', 's3']);
    expect((await startRun(it.ports, request({ sourceType: "zzz' or '1'='1" }))).kind).toBe('no-pattern');
    expect(await runsListed(it)).toBe(0);
  });

  test('because the pattern names a template that is not there', async () => {
    const { ports, table } = await world(database);
    // No pattern can be put that way: it is written as a fault of ours would leave it.
    const pattern = { sourceType: 'a', targetType: 'b', templateId: 'tmpl_gone', version: 1, updatedAt: at(0) };
    await table.write({ kind: 'put', item: { ...keys.pattern('a', 'b'), ...pattern } });
    const outcome = await startRun(ports, request({ sourceType: 'a', targetType: 'b' }));
    expect(outcome).toMatchObject({ kind: 'no-template', templateId: 'tmpl_gone' });
  });

  test('because of one bad set is told every problem of every set, and nothing is written', async () => {
    const parametersSchema = {
      type: 'object',
      properties: { CITY: { type: 'string' }, DAYS: { type: 'integer', minimum: 1 } },
      required: ['CITY'],
      additionalProperties: false,
    };
    const it = await world(database, { template: { static: STATIC, parametersSchema } });
    const sets = [{ CITY: 'London' }, { CITY: 7, 'A/B': 1 }, { DAYS: 0, HTTP_MODE: 'X' }, { CITY: 'Rome', GCS_CONNECTION: 'mine' }];
    const outcome = await startRun(it.ports, request({ sets }));
    if (outcome.kind !== 'invalid-sets') throw new Error(outcome.kind);
    expect(outcome.problems.map(({ index, pointer, rule }) => `${index}${pointer} ${rule}`).toSorted()).toEqual([
      '1/A~1B additionalProperties',
      '1/CITY type',
      '2/CITY required',
      '2/DAYS minimum',
      '2/HTTP_MODE locked',
      '3/GCS_CONNECTION locked',
    ]);
    expect(await runsListed(it)).toBe(0);
    expect(it.orchestrator.runs.size).toBe(0);
    expect(await it.ports.runs.earlierRequest({ userId: 'ada', userRunId: 'r1', now: it.ports.clock.now() })).toBeUndefined();
  });

  test('because of ten thousand bad sets is told the first thousand problems and how many there are', async () => {
    const it = await world(database, { template: { parametersSchema: { required: ['CITY'] } } });
    const outcome = await startRun(it.ports, request({ sets: Array.from({ length: 10_000 }, () => ({})) }));
    expect(outcome).toMatchObject({ kind: 'invalid-sets', total: 10_000 });
    expect(outcome.kind === 'invalid-sets' && outcome.problems).toHaveLength(1000);
  });

  test('a static value may be overridden where the template says so', async () => {
    const it = await world(database, { template: { static: STATIC, overridable: ['HTTP_MODE'] } });
    expect((await startRun(it.ports, request({ sets: [{ HTTP_MODE: 'BATCH' }] }))).kind).toBe('started');
    expect((await startRun(it.ports, request({ userRunId: 'r2', sets: [{ HTTP_METHOD: 'PUT' }] }))).kind).toBe('invalid-sets');
  });
});
