/**
 * Finds what a start has brought about, by the tag that it gave the instance: our name for job and attempt. The tag is a field of its
 * own and compared whole; the instance's name gets a postfix from Control Hub, whose form is not documented. The plain list is asked
 * where the organization is known, which the filter wants beside the tag; otherwise the search language, which does not.
 *
 * One name may have two instances: an effect that came later than anybody waits for, or twice. The older one stays.
 */
import { engineJobId, type EngineJobId, type EngineJobName, type RunId } from '#domain/ids';
import { hasEnded, isBegun } from './job-state.ts';
import { asked, unavailable, type Hub } from './hub.ts';
import { entriesOf, HubJob, isHubId, jobPath } from './wire.ts';

/** Nobody has that many instances of one name: more would be a filter that does not filter. */
const MOST_INSTANCES = 50;
/** So old an instance that was never started will not start by itself any more. */
const STARTED_WITHIN_MS = 60_000;

/** The instances of that name, the oldest first. @throws Fault EngineUnavailable, also for a search that finds what was not searched for */
export async function instancesNamed(hub: Hub, name: EngineJobName): Promise<readonly HubJob[]> {
  const organization = await hub.client.organizationId();
  const page = { offset: '0', len: String(MOST_INSTANCES) };
  const call =
    organization === undefined
      ? { path: '/jobrunner/rest/v1/saql/jobs/search', query: { search: `tag=="${name}"`, ...page } }
      : { path: '/jobrunner/rest/v1/jobs', query: { organization, jobTag: `${name}:${organization}`, ...page } };
  const answer = await asked(hub, { method: 'GET', ...call, repeatable: true });
  if (answer.kind === 'refused') throw unavailable({ method: 'GET', ...call }, `${answer.status}: ${answer.message}`);
  const jobs = entriesOf(HubJob, answer.body);
  const ours = jobs.filter((job) => isNamed(job, name) && job.jobDeleted !== true && job.jobTemplate !== true && isHubId(job.id));
  // A filter that was ignored has found nothing out, and "there is none" would start the job a second time.
  if (ours.length === 0 && jobs.some((job) => !isNamed(job, name))) {
    throw unavailable({ method: 'GET', ...call }, 'it found jobs with other tags, so the search cannot be relied on');
  }
  return ours.toSorted((a, b) => (a.createTime ?? 0) - (b.createTime ?? 0) || (a.id < b.id ? -1 : 1));
}

/** Instances of one page, and pages of one look: whoever runs more at a time finds a second instance of the rest when a job has ended. */
const ACTIVE_PAGE = { len: 100, most: 20 } as const;

/**
 * The active instances of a run, by its tag; not those that are activating, which a later look sees. Undefined where Control Hub does
 * not tell. It is asked once: nobody waits for this.
 */
export async function activeInstancesOf(hub: Hub, run: RunId): Promise<readonly HubJob[] | undefined> {
  const organization = await hub.client.organizationId();
  const call =
    organization === undefined
      ? { path: '/jobrunner/rest/v1/saql/jobs/search', query: { search: `tag=="${run}" and status=="ACTIVE"` } }
      : {
          path: '/jobrunner/rest/v1/jobs',
          query: { organization, jobTag: `${run}:${organization}`, jobStatus: 'ACTIVE', orderBy: 'CREATE_TIME', order: 'ASC' },
        };
  const found = new Map<string, HubJob>();
  for (let page = 0; page < ACTIVE_PAGE.most; page += 1) {
    const query = { ...call.query, offset: String(page * ACTIVE_PAGE.len), len: String(ACTIVE_PAGE.len) };
    const answer = await hub.client.call({ method: 'GET', path: call.path, query, repeatable: false });
    if (answer.kind !== 'answer') return undefined;
    const jobs = entriesOf(HubJob, answer.body);
    for (const job of jobs) if (isActive(job) && isNamed(job, run)) found.set(job.id, job);
    if (jobs.length < ACTIVE_PAGE.len) break;
  }
  return [...found.values()];
}

/** Whatever the list has made of its filters. */
const isActive = ({ id, jobDeleted, jobTemplate, currentJobStatus }: HubJob): boolean =>
  isHubId(id) && jobDeleted !== true && jobTemplate !== true && currentJobStatus != null && !hasEnded(currentJobStatus);

const isNamed = ({ rawJobTags, jobTags }: HubJob, name: string): boolean =>
  rawJobTags?.includes(name) === true || jobTags?.some(({ tag }) => tag === name) === true;

export interface Chosen {
  readonly id: EngineJobId;
  readonly hasBegun: boolean;
  readonly younger: readonly EngineJobId[];
}

/**
 * Which of the instances of one name is the job. The oldest; but one that was never started, and is too old to have been just made,
 * only where no other has begun. Undefined where there is none.
 */
export function chosenOf(jobs: readonly HubJob[], nowMs: number): Chosen | undefined {
  const live = jobs.filter((job) => hasBegun(job) || isYoung(job, nowMs));
  const [kept, ...others] = live.length > 0 ? live : jobs.slice(0, 1);
  if (!kept) return undefined;
  const younger = others.filter(({ currentJobStatus }) => !currentJobStatus || !hasEnded(currentJobStatus) || !isBegun(currentJobStatus));
  return { id: engineJobId(kept.id), hasBegun: hasBegun(kept), younger: younger.map(({ id }) => engineJobId(id)) };
}

const hasBegun = ({ currentJobStatus }: HubJob): boolean => currentJobStatus != null && isBegun(currentJobStatus);

export const isYoung = ({ createTime }: HubJob, nowMs: number): boolean =>
  typeof createTime === 'number' && nowMs - createTime < STARTED_WITHIN_MS;

/**
 * The instance that a start has made, begun: one that was never started is started by its id, which Control Hub does once.
 * Undefined where there is none. @throws Fault EngineUnavailable, also while an instance is so new that its start may be under way
 */
export async function foundInstance(hub: Hub, name: EngineJobName): Promise<Chosen | undefined> {
  const jobs = await instancesNamed(hub, name);
  const chosen = chosenOf(jobs, hub.nowMs());
  if (!chosen || chosen.hasBegun) return chosen;
  const call = { method: 'POST', path: jobPath(chosen.id, '/start') } as const;
  if (jobs.some((job) => job.id === chosen.id && isYoung(job, hub.nowMs()))) {
    throw unavailable(call, 'the instance was just made, and may be about to start by itself');
  }
  // A refusal says that it runs after all, or never will: its status tells.
  const answer = await asked(hub, { ...call, repeatable: true });
  hub.note('control hub: an instance that was never started was started', {
    engineJobId: chosen.id,
    engineJobName: name,
    answer: answer.kind,
  });
  return chosen;
}
