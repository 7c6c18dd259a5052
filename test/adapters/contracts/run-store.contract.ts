/** What every run store promises to the operations (src/operations/ports.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import { instant, type RunId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { NO_COUNTS, type Run } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import { NO_USAGE } from '#domain/run-cost';
import type { AcceptOutcome, RunProgress, RunStore, TickLease } from '#operations/ports';
import { aRun, at, nextRunId, START_MS } from '#test/domain/builders';

export function runStoreContract(makeStore: () => Promise<RunStore>): void {
  let store: RunStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const accept = (run: Run, sets: readonly JsonObject[], bodyDigest = 'digest', idempotencyKey?: string): Promise<AcceptOutcome> =>
    store.accept({
      run: { ...run, count: sets.length },
      sets,
      bodyDigest,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
  const accepted = async (run: Run, sets: readonly JsonObject[] = [{}]): Promise<Run> => {
    expect(await accept(run, sets)).toEqual({ kind: 'accepted' });
    const stored = await store.load(run.id);
    if (!stored) throw new Error('an accepted run is not there');
    return stored;
  };

  /** 700 B a set, with characters of one, two and three bytes. */
  const sets = (count: number): readonly JsonObject[] =>
    Array.from({ length: count }, (_, index) => ({ INDEX: index, CITY: 'Zürich ☃', TEXT: 'x'.repeat(660) }));

  describe('accepting', () => {
    test.each([
      ['one item', 3],
      ['many items', 2000],
    ])('of 100 requests under one natural key at once, one wins and the others get its run (%s)', async (_, size) => {
      const userRunId = `contended ${size}`;
      const many = sets(size);
      const runs = Array.from({ length: size > 100 ? 12 : 100 }, () => aRun({ userRunId }));
      const outcomes = await Promise.all(runs.map((run) => accept(run, many)));
      const winners = runs.filter((run, index) => outcomes[index]?.kind === 'accepted' && run);
      expect(winners).toHaveLength(1);
      const [winner] = winners;
      for (const outcome of outcomes) if (outcome.kind === 'taken') expect(outcome.earlier.runId).toBe(winner?.id);
      expect(await store.earlierRequest({ userId: 'ada', userRunId, now: at(0) })).toMatchObject({ runId: winner?.id, complete: true });
      const listed = await store.list({ userRunId }, { limit: 200 });
      expect(listed.kind === 'page' && listed.page.items.map(({ id }) => id)).toEqual([winner?.id]);
      for (const run of runs) if (run !== winner) expect(await store.load(run.id)).toBeUndefined();
    });

    test('a request that is refused leaves nothing behind', async () => {
      const first = await accepted(aRun());
      const second = aRun({ userRunId: first.userRunId });
      expect(await accept(second, [{}], 'another')).toMatchObject({
        kind: 'taken',
        earlier: { runId: first.id, bodyDigest: 'digest', complete: true },
      });
      expect(await store.load(second.id)).toBeUndefined();
      const listed = await store.list({ userRunId: first.userRunId }, { limit: 10 });
      expect(listed.kind === 'page' && listed.page.items).toHaveLength(1);
    });

    test('an idempotency key holds one run, whatever natural key comes with it later', async () => {
      const first = aRun();
      expect((await accept(first, [{}], 'one', 'key-1')).kind).toBe('accepted');
      const second = aRun();
      expect(await accept(second, [{}], 'two', 'key-1')).toMatchObject({ kind: 'taken', earlier: { runId: first.id, bodyDigest: 'one' } });
      expect(await store.load(second.id)).toBeUndefined();
      const asked = { userId: 'ada', userRunId: 'nothing', idempotencyKey: 'key-1' };
      expect(await store.earlierRequest({ ...asked, now: at(0) })).toMatchObject({ runId: first.id });
      expect(await store.earlierRequest({ ...asked, userId: 'grace', now: at(0) })).toBeUndefined();
    });

    test('an idempotency key holds for seven days, and can then be used anew', async () => {
      const DAYS = 24 * 3600;
      const first = aRun({ userId: 'weekly' });
      await accept(first, [{}], 'one', 'weekly-key');
      const asked = { userId: 'weekly', userRunId: 'nothing', idempotencyKey: 'weekly-key' };
      expect(await store.earlierRequest({ ...asked, now: at(7 * DAYS - 1) })).toMatchObject({ runId: first.id });
      expect(await store.earlierRequest({ ...asked, now: at(7 * DAYS) })).toBeUndefined();
      const second = aRun({ userId: 'weekly', createdAt: at(8 * DAYS) });
      expect((await accept(second, [{}], 'two', 'weekly-key')).kind).toBe('accepted');
    });

    test('names hold their own requests, however alike they are spelt', async () => {
      const names = [
        'a',
        'a#b',
        'a/b',
        'a%23b',
        'a b',
        'a+b',
        'Ä',
        'A\u0308',
        '☃',
        '💥',
        'x'.repeat(256),
        '💥'.repeat(128),
        `${'x'.repeat(255)}y`,
      ];
      const pairs = names.flatMap((userId) => names.map((userRunId) => ({ userId, userRunId })));
      const runs = pairs.map((pair) => aRun(pair));
      const outcomes = await Promise.all(runs.map((run) => accept(run, [{}])));
      expect(outcomes.filter(({ kind }) => kind !== 'accepted')).toEqual([]);
      const found = await Promise.all(pairs.map((pair) => store.earlierRequest({ ...pair, now: at(0) })));
      expect(found.map((earlier) => earlier?.runId)).toEqual(runs.map(({ id }) => id));
      const listed = await store.list({ userId: 'a#b' }, { limit: 100 });
      expect(listed.kind === 'page' && new Set(listed.page.items.map(({ userId }) => userId))).toEqual(new Set(['a#b']));
    });

    test('5,000 sets read back as they were, also across the borders of what they are stored in', async () => {
      const all = sets(5000);
      const run = await accepted(aRun(), all);
      expect(run.chunkStarts.length).toBeGreaterThan(5);
      expect(await store.sets(run, 0, 5000)).toEqual(all);
      for (const border of run.chunkStarts.slice(1)) {
        expect(await store.sets(run, border - 1, border + 1)).toEqual(all.slice(border - 1, border + 1));
        expect(await store.sets(run, border, border + 1)).toEqual(all.slice(border, border + 1));
        expect(await store.sets(run, border - 1, border)).toEqual(all.slice(border - 1, border));
      }
      expect(await store.sets(run, 4999, 5000)).toEqual(all.slice(4999));
      expect(await store.sets(run, 4999, 9999)).toEqual(all.slice(4999));
      expect(await store.sets(run, 7, 7)).toEqual([]);
    });

    test('sets keep what JSON can say, and only that', async () => {
      const odd = [
        JSON.parse('{"__proto__": {"a": 1}, "": null, "n": 1e21, "s": "\\ud800", "deep": [[{"x": []}]], "zero": -0.0}') as JsonObject,
      ];
      const run = await accepted(aRun(), odd);
      expect(JSON.stringify(await store.sets(run, 0, 1))).toBe(JSON.stringify(odd));
    });
  });

  describe('saving', () => {
    test('a saved run has the next version and reads back equal', async () => {
      const run = await accepted(aRun());
      const closing = { reason: 'cancelled' as const, message: 'enough', at: at(5) };
      const saved = await store.save({ ...run, state: 'RUNNING', execution: 'arn', closing, plannedAt: at(1) }, run);
      expect(saved).toMatchObject({ kind: 'saved', run: { version: run.version + 1 } });
      expect(saved.kind === 'saved' && saved.run).toEqual(await store.load(run.id));
    });

    test('of two writers holding the same version, exactly one wins', async () => {
      const run = await accepted(aRun());
      const outcomes = await Promise.all([store.save({ ...run, execution: 'one' }, run), store.save({ ...run, execution: 'two' }, run)]);
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'saved']);
      const winner = outcomes.find((outcome) => outcome.kind === 'saved');
      expect(await store.load(run.id)).toEqual(winner?.run);
    });

    test('a run that was never accepted cannot be saved and is absent', async () => {
      const run = aRun();
      expect(await store.save(run, run)).toEqual({ kind: 'conflict' });
      expect(await store.load(run.id)).toBeUndefined();
    });
  });

  describe('listing', () => {
    const ids = async (filter: RunFilter, limit: number): Promise<readonly RunId[]> => {
      const found: RunId[] = [];
      let cursor: string | undefined;
      do {
        const listed = await store.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) });
        if (listed.kind !== 'page') throw new Error(listed.kind);
        expect(listed.page.items.length).toBeLessThanOrEqual(limit);
        found.push(...listed.page.items.map(({ id }) => id));
        ({ cursor } = listed.page);
      } while (cursor !== undefined);
      return found;
    };

    test.each([1, 3, 7, 50])('by pages of %i every run is listed once, newest first', async (limit) => {
      const userId = `lister ${limit}`;
      const runs = await Promise.all(Array.from({ length: 21 }, () => accepted(aRun({ userId }))));
      expect(await ids({ userId }, limit)).toEqual(runs.map(({ id }) => id).toReversed());
    });

    test('two users may give their runs one name; with both given, only the one of that user is listed', async () => {
      const userRunId = 'shared name';
      const [ada, bob] = [await accepted(aRun({ userRunId })), await accepted(aRun({ userRunId, userId: 'bob' }))];
      expect(await ids({ userRunId }, 1)).toEqual([bob.id, ada.id]);
      expect(await ids({ userRunId, userId: 'ada' }, 1)).toEqual([ada.id]);
    });

    test('a cursor of another list, and one that is none, are malformed', async () => {
      for (const _ of [1, 2]) await accepted(aRun({ userId: 'owner of a cursor' }));
      const listed = await store.list({ userId: 'owner of a cursor' }, { limit: 1 });
      const cursor = (listed.kind === 'page' && listed.page.cursor) || 'none';
      expect(await store.list({ userId: 'owner of a cursor' }, { limit: 1, cursor })).toMatchObject({ kind: 'page' });
      expect(await store.list({ userId: 'somebody else' }, { limit: 1, cursor })).toEqual({ kind: 'malformed-cursor' });
      for (const bad of ['', 'nonsense', '☃', cursor.slice(1), 'W10', 'bnVsbA'])
        expect(await store.list({ userId: 'owner of a cursor' }, { limit: 1, cursor: bad })).toEqual({ kind: 'malformed-cursor' });
    });
  });

  describe('the tick of a run', () => {
    const progress = (nextSeconds: number): RunProgress => ({
      counts: NO_COUNTS,
      nextPollAt: at(nextSeconds),
      usage: NO_USAGE,
      durations: [],
      durationsSeen: 0,
    });
    const lease = (owner: string, nowSeconds: number, forSeconds = 180, host = 'host'): TickLease => ({
      host,
      owner: `${host}/${owner}`,
      now: at(nowSeconds),
      until: instant(START_MS + (nowSeconds + forSeconds) * 1000),
    });

    test('of many takers at once, exactly one takes it, and goes round once more for all the others', async () => {
      const id = nextRunId();
      const leases = Array.from({ length: 20 }, (_, index) => lease(`taker ${index}`, 0));
      const taken = await Promise.all(leases.map((one) => store.takeTick(id, one)));
      const holder = leases.find((_, index) => taken[index] === 'taken');
      expect(taken.filter((answer) => answer === 'taken')).toHaveLength(1);
      if (!holder) throw new Error('nobody took it');
      expect(await store.releaseTick(id, holder, progress(5))).toBe('again');
      expect(await store.releaseTick(id, holder, progress(5))).toBe('released');
      expect(await store.takeTick(id, lease('next', 1))).toBe('taken');
    });

    test('nobody asked meanwhile: the holder lets go at once', async () => {
      const id = nextRunId();
      const holder = lease('only', 0);
      expect(await store.takeTick(id, holder)).toBe('taken');
      expect(await store.releaseTick(id, holder, undefined)).toBe('released');
    });

    test('the same owner that asks again, since it heard no answer, has it', async () => {
      const id = nextRunId();
      const holder = lease('deaf', 0);
      expect(await store.takeTick(id, holder)).toBe('taken');
      expect(await store.takeTick(id, holder)).toBe('taken');
      expect(await store.releaseTick(id, holder, undefined)).toBe('released');
    });

    test('a holder whose time is up is replaced, and releases nothing of its successor', async () => {
      const id = nextRunId();
      const [late, successor] = [lease('late', 0, 60), lease('successor', 61)];
      await store.takeTick(id, late);
      expect(await store.takeTick(id, lease('early', 59))).toBe('busy');
      expect(await store.takeTick(id, successor)).toBe('taken');
      expect(await store.releaseTick(id, late, progress(70))).toBe('released');
      expect(await store.takeTick(id, lease('third', 62))).toBe('busy');
      expect(await store.releaseTick(id, successor, progress(70))).toBe('again');
    });

    test('who replaces a dead holder owes nothing to those who had come to the dead one', async () => {
      const id = nextRunId();
      await store.takeTick(id, lease('dead', 0, 60));
      expect(await store.takeTick(id, lease('early', 1))).toBe('busy');
      const successor = lease('successor', 61);
      expect(await store.takeTick(id, successor)).toBe('taken');
      expect(await store.releaseTick(id, successor, progress(70))).toBe('released');
    });

    test('a lease of another host is void, also of one whose name begins alike', async () => {
      const id = nextRunId();
      await store.takeTick(id, lease('holder', 0, 180, 'host-of-yesterday'));
      expect(await store.takeTick(id, lease('new', 1, 180, 'host'))).toBe('taken');
      expect(await store.takeTick(id, lease('other', 2, 180, 'host'))).toBe('busy');
    });
  });
}
