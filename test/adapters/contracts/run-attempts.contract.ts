/** What a run store promises about the attempts of a run and about what a tick leaves (src/operations/ports.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { NO_COUNTS, type Run, type RunState } from '#domain/run';
import type { RunProgress, RunRetry, RunStore, TickLease } from '#operations/ports';
import { aRun, at } from '#test/domain/builders';

export function runAttemptsContract(makeStore: () => Promise<RunStore>): void {
  let store: RunStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const accepted = async (change: Partial<Run> = {}, sets: readonly JsonObject[] = [{}]): Promise<Run> => {
    const run = aRun({ ...change, count: sets.length });
    expect(await store.accept({ run, sets, bodyDigest: 'digest' })).toEqual({ kind: 'accepted' });
    const stored = await store.load(run.id);
    if (!stored) throw new Error('an accepted run is not there');
    return stored;
  };
  const saved = async (run: Run, before: Run, retry?: RunRetry): Promise<Run> => {
    const outcome = await store.save(run, before, retry);
    if (outcome.kind !== 'saved') throw new Error(outcome.kind);
    return outcome.run;
  };
  const listed = async (state: RunState, userRunId: string): Promise<number> => {
    const list = await store.list({ state, userRunId }, { limit: 10 });
    return list.kind === 'page' ? list.page.items.length : -1;
  };

  describe('a retry', () => {
    const retry: RunRetry = { indexes: [1, 3, 9999], requestedBy: 'ada', bodyDigest: 'selection' };

    test('is there with the attempt that it was saved with, and with no other', async () => {
      const run = await accepted();
      expect(await store.retry(run)).toBeUndefined();
      const second = await saved({ ...run, attempt: 2 }, run, retry);
      expect(await store.retry(second)).toEqual(retry);
      const third = await saved({ ...second, attempt: 3 }, second, { ...retry, indexes: [3], idempotencyKey: 'key' });
      expect(await store.retry(third)).toEqual({ ...retry, indexes: [3], idempotencyKey: 'key' });
      expect(await store.retry(second)).toEqual(retry);
    });

    test('of a run that somebody else changed first is a conflict, and leaves no trace', async () => {
      const run = await accepted();
      await saved({ ...run, state: 'RUNNING' }, run);
      expect(await store.save({ ...run, attempt: 2 }, run, retry)).toEqual({ kind: 'conflict' });
      expect(await store.retry({ ...run, attempt: 2 })).toBeUndefined();
    });

    test('of every set of the largest run reads back', async () => {
      const run = await accepted();
      const indexes = Array.from({ length: 10_000 }, (_, index) => index);
      const second = await saved({ ...run, attempt: 2 }, run, { ...retry, indexes });
      expect((await store.retry(second))?.indexes).toEqual(indexes);
    });

    test('takes what the end had left off the run, and moves it to the list of its new state', async () => {
      const run = await accepted({ userRunId: 'reopened' });
      const counts = { ...NO_COUNTS, failed: 1 };
      const ended = await saved({ ...run, state: 'FAILED', plannedAt: at(1), execution: 'arn', finishedAt: at(2), counts }, run);
      const { plannedAt: _planned, execution: _driver, finishedAt: _end, ...kept } = ended;
      await saved({ ...kept, state: 'RUNNING', attempt: 2, watch: 2 }, ended, retry);
      const reopened = await store.load(run.id);
      expect(reopened).toMatchObject({ state: 'RUNNING', attempt: 2, watch: 2, counts });
      for (const gone of ['plannedAt', 'execution', 'finishedAt']) expect(reopened).not.toHaveProperty(gone);
      expect([await listed('FAILED', 'reopened'), await listed('RUNNING', 'reopened')]).toEqual([0, 1]);
    });
  });

  test('a run that ends, is reopened and ends again counts once in the totals of its day, as it ended last', async () => {
    const createdAt = '2031-05-06T07:00:00.000Z' as Run['createdAt'];
    const run = await accepted({ createdAt });
    const first = { ...NO_COUNTS, finished: 3, failed: 2, inputRecordCount: 30 };
    const last = { ...NO_COUNTS, finished: 5, inputRecordCount: 50 };
    const ended = await saved({ ...run, state: 'PARTIAL', counts: first }, run);
    const reopened = await saved({ ...ended, state: 'RUNNING', attempt: 2 }, ended, { indexes: [0], requestedBy: 'ada', bodyDigest: 'x' });
    await saved({ ...reopened, state: 'SUCCEEDED', counts: last }, reopened);
    for (const by of [{}, { templateId: run.templateId }]) {
      const days = await store.totals(by, { limit: 50 });
      expect(days.kind === 'page' && days.page.items.find(({ day }) => day === '2031-05-06')).toEqual({
        day: '2031-05-06',
        runs: 1,
        ...last,
      });
    }
  });

  describe('what a tick leaves', () => {
    const lease: TickLease = { host: 'host', owner: 'host/tick', now: at(0), until: at(180) };
    const left = async (run: Run, progress: RunProgress): Promise<RunProgress | undefined> => {
      await store.takeTick(run.id, lease);
      expect(await store.releaseTick(run.id, lease, progress)).toBe('released');
      return store.progress(run.id);
    };
    const progress: RunProgress = {
      counts: { ...NO_COUNTS, finished: 2, inputRecordCount: 7 },
      nextPollAt: at(20),
      usage: {
        ticks: 3,
        loopTicks: 2,
        jobsRead: 12,
        metricsCalls: 3,
        samples: 4,
        pushes: 5,
        statusCalls: 2,
        tickStarts: 9,
        slotStarts: 10,
        slotHolds: 11,
      },
      durations: [1.5, 20],
      durationsSeen: 2,
      lookedAt: at(19),
      waiting: { jobs: 4, since: at(10), reason: "template:x may have 2 jobs under way, and has 2; it's full" },
      trouble: { since: at(12), message: 'Control Hub answered 401: SSO_01: User not authenticated' },
    };

    test('is nothing before the first one, also while that is under way', async () => {
      const run = await accepted();
      expect(await store.progress(run.id)).toBeUndefined();
      await store.takeTick(run.id, lease);
      expect(await store.progress(run.id)).toBeUndefined();
    });

    test('reads back as it was left', async () => {
      const run = await accepted();
      expect(await left(run, progress)).toEqual(progress);
    });

    test('stays while the next one is under way, and when that gives up', async () => {
      const run = await accepted();
      await left(run, progress);
      await store.takeTick(run.id, lease);
      expect(await store.progress(run.id)).toEqual(progress);
      expect(await store.releaseTick(run.id, lease, undefined)).toBe('released');
      expect(await store.progress(run.id)).toEqual(progress);
    });

    test('is replaced as a whole: what waits no more, and is looked at no more, is gone', async () => {
      const run = await accepted();
      await left(run, progress);
      const { nextPollAt: _next, waiting: _waiting, ...ended } = { ...progress, durations: [], durationsSeen: 0 };
      expect(await left(run, ended)).toEqual(ended);
    });
  });
}
