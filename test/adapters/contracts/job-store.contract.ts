/** What every job store promises to the operations (src/operations/ports.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import { isSettled, type Job, type JobEvent } from '#domain/job';
import { applied } from '#domain/job-change';
import { NO_COUNTS, type Run } from '#domain/run';
import type { JobSave, JobStore, ParkedChild } from '#operations/ports';
import { aRun, at, newJobs } from '#test/domain/builders';

const METRICS = { engineId: 'sdc', inputRecordCount: 5, outputRecordCount: 4, errorRecordCount: 1, startedAt: at(1), outputs: ['out/1'] };

export function change(before: Job, ...events: readonly Omit<JobEvent, 'at' | 'actor'>[]): JobSave {
  const made = applied(
    before,
    events.map((event) => ({ at: at(9), actor: 'tests', ...event })),
  );
  if (made.entries.length < events.length) throw new Error('an event was refused');
  return made;
}

const parked = (taskToken: string, runAttempt = 1): ParkedChild => ({ taskToken, runAttempt });

const FAILED = { name: 'fail', failure: { reason: 'engine-error', message: "can't" } } as const;
const FINISHED = [{ name: 'run' }, { name: 'finish', metrics: METRICS }] as const;

export function jobStoreContract(makeStore: () => Promise<JobStore>): void {
  let store: JobStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const planned = async (count: number): Promise<{ readonly run: Run; readonly jobs: readonly Job[] }> => {
    const run = aRun({ count });
    const jobs = newJobs(run);
    await store.create(jobs, count);
    return { run, jobs: jobs.map(({ job }) => job) };
  };
  const saved = async (save: JobSave, run: Run): Promise<Job> => {
    const [outcome] = await store.save([save], run.count);
    if (outcome?.kind !== 'saved') throw new Error('the change was not saved');
    return outcome.job;
  };
  const historyOf = async (job: Job): Promise<readonly string[]> => {
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const listed = await store.history(job, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      if (listed.kind !== 'page') throw new Error(listed.kind);
      names.push(...listed.page.items.map(({ sequence, name }) => `${sequence} ${name}`));
      ({ cursor } = listed.page);
    } while (cursor !== undefined);
    return names;
  };

  describe('creating', () => {
    test('created jobs are there, with parameters, a first history entry and an open row each', async () => {
      const { run, jobs } = await planned(3);
      expect(await store.loadRange(run, 0, 3)).toEqual(jobs);
      expect(await store.loadRange(run, 1, 99)).toEqual(jobs.slice(1));
      expect((await store.open(run)).toSorted((a, b) => a.index - b.index)).toEqual(jobs);
      expect(await store.parameters({ runId: run.id, index: 2 })).toMatchObject({
        setKey: 'set-2',
        values: { INDEX: 2 },
        provenance: { INDEX: { origin: 'caller' } },
      });
      for (const job of jobs) expect(await historyOf(job)).toEqual(['1 create']);
      expect(await store.counts(run)).toEqual(NO_COUNTS);
    });

    test('a repeated or continued expansion leaves what exists as it is', async () => {
      const run = aRun({ count: 60 });
      const all = newJobs(run);
      await store.create(all.slice(0, 31), run.count);
      const [first] = all;
      if (!first) throw new Error('no job');
      const finished = await saved(change(first.job, ...FINISHED), run);
      await Promise.all([store.create(all, run.count), store.create(all, run.count)]);
      const jobs = await store.loadRange(run, 0, run.count);
      expect(jobs).toHaveLength(60);
      expect(jobs[0]).toEqual(finished);
      expect(await historyOf(finished)).toEqual(['1 create', '2 run', '3 finish']);
      expect(await store.open(run)).toHaveLength(60);
      expect(await store.counts(run)).toMatchObject({ finished: 1, failed: 0 });
    });

    test('what was never created is absent', async () => {
      const run = aRun({ count: 2 });
      expect(await store.load({ runId: run.id, index: 0 }, 2)).toBeUndefined();
      expect(await store.loadRange(run, 0, 2)).toEqual([]);
      expect(await store.parameters({ runId: run.id, index: 0 })).toBeUndefined();
      expect(await store.open(run)).toEqual([]);
    });
  });

  describe('saving', () => {
    test('a saved job has the next version and reads back equal, with its history in order', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      const finished = await saved(change(job, ...FINISHED), run);
      expect(finished.version).toBe(job.version + 1);
      expect(await store.load(job, 1)).toEqual(finished);
      expect(await historyOf(job)).toEqual(['1 create', '2 run', '3 finish']);
      expect(await store.counts(run)).toEqual({
        finished: 1,
        failed: 0,
        cancelled: 0,
        inputRecordCount: 5,
        outputRecordCount: 4,
        errorRecordCount: 1,
      });
    });

    test('of two writers holding the same version, exactly one wins', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      const outcomes = await Promise.all([store.save([change(job, FAILED)], 1), store.save([change(job, ...FINISHED)], 1)]);
      expect(
        outcomes
          .flat()
          .map(({ kind }) => kind)
          .toSorted(),
      ).toEqual(['conflict', 'saved']);
      const { finished, failed } = await store.counts(run);
      expect(finished + failed).toBe(1);
    });

    test('a stale change leaves no trace, and the neighbours that share its transaction are saved', async () => {
      const { run, jobs } = await planned(20);
      const [, , , stale] = jobs as [Job, Job, Job, Job];
      const moved = await saved(change(stale, { name: 'run' }), run);
      const outcomes = await store.save(
        jobs.map((job) => change(job, FAILED)),
        run.count,
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(jobs.map(({ index }) => (index === 3 ? 'conflict' : 'saved')));
      expect(await store.load(stale, run.count)).toEqual(moved);
      expect(await historyOf(stale)).toEqual(['1 create', '2 run']);
      expect(await store.counts(run)).toEqual({ ...NO_COUNTS, failed: 19 });
      expect((await store.open(run)).find(({ index }) => index === 3)).toEqual(moved);
    });

    test('a stale change of a task token leaves no token', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      await saved(change(job, { name: 'run' }), run);
      expect(await store.save([{ ...change(job, { name: 'run' }), parked: parked('stale') }], 1)).toEqual([{ kind: 'conflict' }]);
      expect(await store.taskTokens(run, jobs)).toEqual([]);
    });

    test('two changes of one job in one call: the first wins', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      const outcomes = await store.save([change(job, { name: 'run' }), change(job, FAILED)], 1);
      expect(outcomes.map(({ kind }) => kind)).toEqual(['saved', 'conflict']);
      expect(await historyOf(job)).toEqual(['1 create', '2 run']);
      expect(await store.counts(run)).toEqual(NO_COUNTS);
    });

    test('1,000 settlements at once give exact counts, whoever asked for them', async () => {
      const { run, jobs } = await planned(1000);
      const changes = jobs.map((job) => change(job, ...(job.index % 4 === 0 ? [FAILED] : FINISHED)));
      await Promise.all([store.save(changes.slice(0, 500), run.count), ...changes.slice(500).map((one) => store.save([one], run.count))]);
      expect(await store.counts(run)).toEqual({
        finished: 750,
        failed: 250,
        cancelled: 0,
        inputRecordCount: 750 * 5,
        outputRecordCount: 750 * 4,
        errorRecordCount: 750,
      });
      expect((await store.loadRange(run, 0, 1000)).every(isSettled)).toBe(true);
    });

    test('a job that a retry reopens takes back what it had been counted as', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      const failed = await saved(change(job, { ...FAILED, metrics: METRICS }), run);
      expect(await store.counts(run)).toMatchObject({ failed: 1, inputRecordCount: 5 });
      const reopened = await saved(change(failed, { name: 'reset' }, { name: 'ready' }), run);
      expect(await store.counts(run)).toEqual(NO_COUNTS);
      expect(reopened).toMatchObject({ state: 'CREATED', attempt: 2, start: { queuedFor: 'retry' } });
      expect(await historyOf(job)).toEqual(['1 create', '2 fail', '3 reset', '4 ready']);
    });
  });

  describe('letting go', () => {
    test('closed jobs are open no more, and their tokens are gone', async () => {
      const { run, jobs } = await planned(130);
      for (const token of ['one', 'two'])
        await Promise.all(jobs.map((job) => store.addTaskToken(job, run.count, parked(`${token} of ${job.index}`))));
      const outcomes = await store.save(
        jobs.map((job) => change(job, ...FINISHED)),
        run.count,
      );
      const finished = outcomes.flatMap((outcome) => (outcome.kind === 'saved' ? [outcome.job] : []));
      expect(await store.open(run)).toHaveLength(130);
      const tokens = await store.taskTokens(run, finished);
      expect(tokens).toHaveLength(260);
      await store.close(run, finished, tokens);
      expect(await store.open(run)).toEqual([]);
      expect(await store.taskTokens(run, finished)).toEqual([]);
      // Again, as after a crash.
      await store.close(run, finished, tokens);
      expect(await store.open(run)).toEqual([]);
    });

    test('a job that was reopened meanwhile stays open, and its neighbours are closed', async () => {
      const { run, jobs } = await planned(3);
      const [, second] = jobs as [Job, Job];
      const outcomes = await store.save(
        jobs.map((job) => change(job, FAILED)),
        run.count,
      );
      const failed = outcomes.flatMap((outcome) => (outcome.kind === 'saved' ? [outcome.job] : []));
      const reopened = await saved(change(failed[1] ?? second, { name: 'reset' }, { name: 'ready' }), run);
      await store.close(run, failed, []);
      expect(await store.open(run)).toEqual([reopened]);
    });

    test('a job that stays settled gets no open row again', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      const finished = await saved(change(job, ...FINISHED), run);
      await store.close(run, [finished], []);
      await saved(change(finished, { name: 'validate' }), run);
      expect(await store.open(run)).toEqual([]);
      expect(await store.counts(run)).toMatchObject({ finished: 1, failed: 0 });
    });
  });

  describe('task tokens', () => {
    test('only the tokens of the wanted jobs are told, all of them, each once', async () => {
      // More than one shard, and indexes that are prefixes of each other as text.
      const { run } = await planned(1200);
      const ref = (index: number): { readonly runId: Run['id']; readonly index: number } => ({ runId: run.id, index });
      for (const index of [1, 2, 10, 11, 100, 1000, 1001, 1199]) await store.addTaskToken(ref(index), run.count, parked(`token ${index}`));
      await store.addTaskToken(ref(10), run.count, parked('token 10 again'));
      await store.addTaskToken(ref(10), run.count, parked('token 10 again'));
      const told = await store.taskTokens(run, [ref(1), ref(10), ref(1000), ref(5)]);
      expect(told.map(({ index, taskToken }) => `${index}: ${taskToken}`).toSorted()).toEqual([
        '1000: token 1000',
        '10: token 10',
        '10: token 10 again',
        '1: token 1',
      ]);
      expect(await store.taskTokens(run, [])).toEqual([]);
    });

    test('a token comes with the change that it is saved with', async () => {
      const { run, jobs } = await planned(1);
      const [job] = jobs as [Job];
      await saved({ ...change(job, { name: 'run' }), parked: parked('parked', 2) }, run);
      expect(await store.taskTokens(run, jobs)).toEqual([{ index: 0, taskToken: 'parked', runAttempt: 2 }]);
    });
  });

  test("a cursor of another job's history is malformed", async () => {
    const { run, jobs } = await planned(2);
    const [first, second] = jobs as [Job, Job];
    await saved(change(first, { name: 'run' }), run);
    const listed = await store.history(first, { limit: 1 });
    const cursor = listed.kind === 'page' ? (listed.page.cursor ?? '') : '';
    expect(await store.history(first, { limit: 1, cursor })).toMatchObject({ kind: 'page' });
    expect(await store.history(second, { limit: 1, cursor })).toEqual({ kind: 'malformed-cursor' });
  });

  test('history keeps the data of an event as it was given', async () => {
    const { run, jobs } = await planned(1);
    const [job] = jobs as [Job];
    const data = { note: "it's", deep: [{ n: 1.5 }], none: null };
    await saved(change(job, { name: 'update', data }), run);
    const listed = await store.history(job, { limit: 10 });
    expect(listed.kind === 'page' && listed.page.items[1]).toMatchObject({ name: 'update', from: 'CREATED', to: 'CREATED', data });
  });
}
