/** The jobs of one set in all runs: what became of the same parameters before. */
import type { Instant, JobRef, TemplateId } from '#domain/ids';
import type { Job } from '#domain/job';
import type { JobState } from '#domain/job-state';
import type { JsonObject } from '#domain/json';
import type { Template } from '#domain/template';
import { setKeyOf } from './expand-run.ts';
import { inTurns } from './in-turns.ts';
import type { Listed, PageRequest, Ports } from './ports.ts';

type Needs = Pick<Ports, 'runs' | 'jobs'>;

/** Finished, or what follows a finish. */
const SUCCEEDED: readonly JobState[] = ['FINISHED', 'INDEXING', 'VALIDATING', 'VALIDATED', 'FINALIZED'];

export const hasSucceeded = (job: Job): boolean => SUCCEEDED.includes(job.state);

/** Newest run first. */
export async function listSetJobs(ports: Needs, templateId: TemplateId, setKey: string, page: PageRequest): Promise<Listed<Job>> {
  const listed = await ports.jobs.jobsOfSet(templateId, setKey, page);
  if (listed.kind !== 'page') return listed;
  return { kind: 'page', page: { ...listed.page, items: await loadJobs(ports, listed.page.items) } };
}

export async function loadJobs(ports: Needs, refs: readonly JobRef[]): Promise<readonly Job[]> {
  const jobs = await Promise.all(
    refs.map(async (ref) => {
      const run = await ports.runs.load(ref.runId);
      return run && ports.jobs.load(ref, run.count);
    }),
  );
  return jobs.flatMap((job) => job ?? []);
}

/** How many jobs of a set are looked at for a success. */
const LOOKED_AT = 50;
/** Most sets have succeeded when they ran last. */
const FIRST_LOOK = 3;

/** The indexes of the sets that have succeeded at `since` or later. One query a set, and the jobs that it finds. */
export async function setsSucceededSince(
  ports: Needs & Pick<Ports, 'digest'>,
  template: Template,
  sets: readonly JsonObject[],
  since: Instant,
): Promise<ReadonlySet<number>> {
  const succeeded = new Set<number>();
  await inTurns([...sets.entries()], async ([index, set]) => {
    const setKey = setKeyOf(ports.digest, template, set);
    let cursor: string | undefined;
    for (let seen = 0; seen < LOOKED_AT;) {
      const page = { limit: seen === 0 ? FIRST_LOOK : LOOKED_AT - seen, ...(cursor === undefined ? {} : { cursor }) };
      const listed = await listSetJobs(ports, template.id, setKey, page);
      if (listed.kind !== 'page') return;
      for (const job of listed.page.items) if (!succeeded.has(index) && (await hasSucceededSince(ports, job, since))) succeeded.add(index);
      cursor = listed.page.cursor;
      if (cursor === undefined || succeeded.has(index)) return;
      seen += page.limit;
    }
  });
  return succeeded;
}

/** By its end: counts that come later, an indexing and a validation change the job as well. */
async function hasSucceededSince(ports: Needs, job: Job, since: Instant): Promise<boolean> {
  if (!hasSucceeded(job) || job.updatedAt < since) return false;
  let cursor: string | undefined;
  do {
    const page = { limit: EVENTS_READ, newestFirst: true, ...(cursor === undefined ? {} : { cursor }) };
    const listed = await ports.jobs.history(job, page);
    if (listed.kind !== 'page') return true;
    const end = listed.page.items.find(({ name, from }) => name === 'finish' && from === 'RUNNING');
    if (end) return end.at >= since;
    cursor = listed.page.cursor;
  } while (cursor !== undefined);
  return true;
}

/** Mostly the end is the last of them. */
const EVENTS_READ = 10;
