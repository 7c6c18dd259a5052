/**
 * Looks again for second instances of one start, when a slow search has caught up: the look right after a start sees none that the
 * search does not show yet. Once while a job runs, when it is as old as a start may take to show; and when it has ended, since a second
 * may go on. One list of the run's active instances tells it for all jobs of the run. What the list does not tell now, the next may:
 * nothing waits for it.
 */
import { engineJobId, jobOfEngineJobName, type EngineJobId, type EngineJobName, type RunId } from '#domain/ids';
import type { Duplicates } from './duplicates.ts';
import type { Hub } from './hub.ts';
import { hasEnded, wasStopped } from './job-state.ts';
import { activeInstancesOf } from './look-up.ts';
import { HubJob, isSet, jobPath, type HubStatus } from './wire.ts';

export interface LateLooks {
  /** Looks around the jobs of one run by their statuses: those that are old enough and that this process has not looked around yet. Does not throw. */
  aroundRunning(statuses: ReadonlyMap<EngineJobId, HubStatus>): Promise<void>;
  /** Looks around a job that has ended. Does not throw. */
  aroundEnded(job: HubJob): Promise<void>;
  /**
   * Whether the job was stopped before the search need have shown a second instance. That one has not done its work either, so it goes
   * on long after: somebody is to look again. One of a job that ended by itself is about to end as well.
   */
  isStoppedEarly(job: HubJob): boolean;
}

export interface LateLookTimes {
  readonly fenceSeconds: number;
  readonly metricsSettleSeconds: number;
}

interface Instance {
  readonly id: EngineJobId;
  readonly name: EngineJobName;
}

interface Listed {
  readonly atMs: number;
  /** Undefined: Control Hub did not tell. */
  readonly instances: Promise<readonly Instance[] | undefined>;
}

/** A list of a run serves all of its jobs for so long; and so long after one that failed there is no other. */
const LIST_SERVES_MS = 60_000;
/** For a job that was stopped, for which there are few looks: those that are looked after at one moment share a list. */
const FRESH_MS = 5000;
const MOST_RUNS_REMEMBERED = 100;
const MOST_LOOKED_AROUND = 10_000;

export function lateLooks(hub: Hub, duplicates: Duplicates, { fenceSeconds, metricsSettleSeconds }: LateLookTimes): LateLooks {
  const lists = new Map<RunId, Listed>();
  const lookedAround = new Set<EngineJobId>();
  let restsUntilMs = 0;

  const isOld = (sinceMs: number): boolean => hub.nowMs() - sinceMs >= fenceSeconds * 1000;

  return {
    async aroundRunning(statuses) {
      const running = [...statuses].filter(([, status]) => !hasEnded(status));
      const due = running.flatMap(([id, { startTime }]) => (isSet(startTime) && isOld(startTime) && !lookedAround.has(id) ? [id] : []));
      const [first] = due;
      if (first === undefined || hub.nowMs() < restsUntilMs) return;
      const run = await runOf(first);
      const instances = run && (await listed(run, LIST_SERVES_MS));
      if (!instances) {
        restsUntilMs = hub.nowMs() + LIST_SERVES_MS;
        return;
      }
      if (lookedAround.size > MOST_LOOKED_AROUND) lookedAround.clear();
      for (const id of due) lookedAround.add(id);
      const nameOf = new Map(instances.map(({ id, name }) => [id, name]));
      for (const [id] of running) await stopOthers(id, nameOf.get(id), instances);
    },
    async aroundEnded(job) {
      const name = nameOfJob(job);
      const run = name && jobOfEngineJobName(name)?.runId;
      const { currentJobStatus: status } = job;
      if (!run || !status || !hasEnded(status)) return;
      await duplicates.stopRest();
      await stopOthers(engineJobId(job.id), name, (await listed(run, wasStopped(status) ? FRESH_MS : LIST_SERVES_MS)) ?? []);
    },
    isStoppedEarly({ createTime, currentJobStatus: status }) {
      if (!status || !hasEnded(status) || !wasStopped(status) || !isSet(createTime) || !isSet(status.finishTime)) return false;
      // Counts that are held back longer than they may settle would never be told as settled.
      return !isOld(createTime) && hub.nowMs() - status.finishTime < metricsSettleSeconds * 1000;
    },
  };

  async function stopOthers(kept: EngineJobId, name: EngineJobName | undefined, instances: readonly Instance[]): Promise<void> {
    const others = instances.filter((instance) => instance.name === name && instance.id !== kept);
    if (name !== undefined && others.length > 0)
      await duplicates.stop(
        name,
        kept,
        others.map(({ id }) => id),
      );
  }

  function listed(run: RunId, servesMs: number): Listed['instances'] {
    const last = lists.get(run);
    if (last && hub.nowMs() - last.atMs < servesMs) return last.instances;
    const instances = activeInstancesOf(hub, run).then(
      (jobs) => jobs?.flatMap(instanceOf),
      () => undefined,
    );
    lists.delete(run);
    lists.set(run, { atMs: hub.nowMs(), instances });
    const [oldest] = lists.keys();
    if (lists.size > MOST_RUNS_REMEMBERED && oldest !== undefined) lists.delete(oldest);
    return instances;
  }

  /** Asked once: the next minute comes. */
  async function runOf(id: EngineJobId): Promise<RunId | undefined> {
    const answer = await hub.client.call({ method: 'GET', path: jobPath(id), repeatable: false });
    const job = answer.kind === 'answer' ? HubJob.safeParse(answer.body) : undefined;
    const name = job?.success ? nameOfJob(job.data) : undefined;
    return name && jobOfEngineJobName(name)?.runId;
  }
}

function instanceOf(job: HubJob): readonly Instance[] {
  const name = nameOfJob(job);
  return name === undefined ? [] : [{ id: engineJobId(job.id), name }];
}

/** The tag that its start gave it. */
const nameOfJob = ({ rawJobTags, jobTags }: HubJob): EngineJobName | undefined =>
  [...(rawJobTags ?? []), ...(jobTags ?? []).flatMap(({ tag }) => tag ?? [])].find(
    (tag): tag is EngineJobName => jobOfEngineJobName(tag) !== undefined,
  );
