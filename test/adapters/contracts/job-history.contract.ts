/** What a job store promises about the history of a job (src/operations/ports.ts). */
import { beforeAll, expect, test } from 'vitest';
import { createdJob, type HistoryEntry, type Job } from '#domain/job';
import type { Run } from '#domain/run';
import type { JobStore } from '#operations/ports';
import { aRun, at, newJobs } from '#test/domain/builders';
import { change } from './job-store.contract.ts';

export function jobHistoryContract(makeStore: () => Promise<JobStore>): void {
  let store: JobStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const planned = async (): Promise<{ readonly run: Run; readonly job: Job }> => {
    const run = aRun({ count: 1 });
    await store.create(newJobs(run), run.count);
    return { run, job: createdJob({ runId: run.id, index: 0 }, at(0), 'tests').job };
  };
  const saved = async (save: ReturnType<typeof change>, run: Run): Promise<Job> => {
    const [outcome] = await store.save([save], run.count);
    if (outcome?.kind !== 'saved') throw new Error('the change was not saved');
    return outcome.job;
  };
  const pages = async (job: Job, limit: number): Promise<readonly (readonly HistoryEntry[])[]> => {
    const all: (readonly HistoryEntry[])[] = [];
    let cursor: string | undefined;
    do {
      const listed = await store.history(job, { limit, ...(cursor === undefined ? {} : { cursor }) });
      if (listed.kind !== 'page') throw new Error(listed.kind);
      expect(listed.page.items.length).toBeLessThanOrEqual(limit);
      all.push(listed.page.items);
      ({ cursor } = listed.page);
    } while (cursor !== undefined);
    return all;
  };

  test('by pages of any size it is told once, in order, beginning with how the job came to be', async () => {
    const { run, job } = await planned();
    const running = await saved(change(job, { name: 'run' }), run);
    const failed = await saved(change(running, { name: 'fail', failure: { reason: 'lost', message: 'm' } }), run);
    await saved(change(failed, { name: 'reset' }, { name: 'ready' }), run);
    const names = ['create', 'run', 'fail', 'reset', 'ready'];
    for (const limit of [1, 2, 3, 4, 5, 6, 100]) {
      const told = (await pages(job, limit)).flat();
      expect([limit, ...told.map(({ name }) => name)]).toEqual([limit, ...names]);
      expect(told.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    }
    expect((await pages(job, 1)).filter((page) => page.length > 0)).toHaveLength(5);
  });

  test('of a job that nothing has happened to it is one entry, also by pages of one', async () => {
    const { job } = await planned();
    const { entry } = createdJob(job, at(0), 'tests');
    for (const limit of [1, 2]) expect((await pages(job, limit)).flat()).toEqual([entry]);
  });

  test('of a job that is not there it is empty', async () => {
    const { job } = createdJob({ runId: aRun().id, index: 0 }, at(0), 'tests');
    for (const limit of [1, 2]) expect((await pages(job, limit)).flat()).toEqual([]);
  });
}
