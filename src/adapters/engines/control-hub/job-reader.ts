/** Reads jobs by id. Those that are asked for at one moment share a question: a tick that sees a thousand jobs end asks for all of them. */
import type { EngineJobId } from '#domain/ids';
import { asked, unavailable, type Hub } from './hub.ts';
import { isGone } from './statuses.ts';
import { entriesOf, HubJob, jobPath } from './wire.ts';

export type ReadJob = (id: EngineJobId) => Promise<HubJob | undefined>;

interface Waiting {
  readonly id: EngineJobId;
  readonly resolve: (job: HubJob | undefined | PromiseLike<HubJob | undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

const MOST_AT_ONCE = 100;

/** Undefined: there is no such job, or not any more. */
export function jobReader(hub: Hub): ReadJob {
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const together = waiting;
    waiting = [];
    for (let from = 0; from < together.length; from += MOST_AT_ONCE) void readTogether(hub, together.slice(from, from + MOST_AT_ONCE));
  };
  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });
}

async function readTogether(hub: Hub, together: readonly Waiting[]): Promise<void> {
  try {
    const ids = [...new Set(together.map(({ id }) => id))];
    const jobs = new Map(ids.length > 1 ? await many(hub, ids) : []);
    for (const { id, resolve } of together) resolve(jobs.get(id) ?? readJob(hub, id));
  } catch (fault) {
    for (const { reject } of together) reject(fault);
  }
}

async function many(hub: Hub, ids: readonly EngineJobId[]): Promise<readonly (readonly [string, HubJob])[]> {
  const answer = await asked(hub, { method: 'POST', path: '/jobrunner/rest/v1/jobs', body: ids, repeatable: true });
  // Refused as a whole: then one by one, as whatever is missing in an answer.
  return answer.kind === 'answer' ? entriesOf(HubJob, answer.body).map((job) => [job.id, job] as const) : [];
}

export async function readJob(hub: Hub, id: string): Promise<HubJob | undefined> {
  const answer = await asked(hub, { method: 'GET', path: jobPath(id), repeatable: true });
  if (answer.kind === 'refused') {
    if (isGone(answer, true)) return undefined;
    // It is about us, and says nothing of the job: who may not see it any more, in the wrong project.
    throw unavailable({ method: 'GET', path: jobPath(id) }, `${answer.status}: ${answer.message}`);
  }
  const job = HubJob.safeParse(answer.body);
  return job.success && job.data.jobDeleted !== true ? job.data : undefined;
}
