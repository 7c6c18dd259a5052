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

/** Active instances of a run. */
interface Instances {
  readonly nameOf: ReadonlyMap<EngineJobId, EngineJobName>;
  readonly idsOf: ReadonlyMap<EngineJobName, readonly EngineJobId[]>;
}

interface Listed {
  readonly atMs: number;
  /** Undefined: Control Hub did not tell. */
  readonly instances: Promise<Instances | undefined>;
}

/** A list of a run serves all of its jobs for so long; and so long after one that failed there is no other. */
const LIST_SERVES_MS = 60_000;
/** For a job that was stopped, for which there are few looks: those that are looked after at one moment share a list. */
const FRESH_MS = 5000;
const MOST_RUNS_REMEMBERED = 100;
const MOST_JOBS_REMEMBERED = 10_000;

export function lateLooks(hub: Hub, duplicates: Duplicates, { fenceSeconds, metricsSettleSeconds }: LateLookTimes): LateLooks {
  const lists = new Map<RunId, Listed>();
  const runs = new Map<EngineJobId, RunId>();
  const lookedAround = new Set<EngineJobId>();
  let restsUntilMs = 0;

  const isOld = (sinceMs: number, atMs: number): boolean => atMs - sinceMs >= fenceSeconds * 1000;

  return {
    async aroundRunning(statuses) {
      const nowMs = hub.nowMs();
      const running = [...statuses].flatMap(([id, status]) =>
        !hasEnded(status) && isSet(status.startTime) ? [{ id, startedMs: status.startTime }] : [],
      );
      const due = running.find(({ id, startedMs }) => isOld(startedMs, nowMs) && !lookedAround.has(id));
      if (due === undefined || nowMs < restsUntilMs) return;
      const run = runs.get(due.id) ?? (await runOf(due.id));
      const list = run && listed(run, LIST_SERVES_MS);
      const instances = await list?.instances;
      if (!list || !instances) {
        restsUntilMs = hub.nowMs() + LIST_SERVES_MS;
        return;
      }
      if (lookedAround.size > MOST_JOBS_REMEMBERED) lookedAround.clear();
      for (const { id, startedMs } of running) {
        // A list of before its time has told nothing of a job: the next one does.
        if (isOld(startedMs, list.atMs)) lookedAround.add(id);
        await stopOthers(id, instances.nameOf.get(id), instances);
      }
    },
    async aroundEnded(job) {
      const name = nameOfJob(job);
      const run = name && jobOfEngineJobName(name)?.runId;
      const { currentJobStatus: status } = job;
      if (!run || !status || !hasEnded(status)) return;
      await duplicates.stopRest();
      const instances = await listed(run, wasStopped(status) ? FRESH_MS : LIST_SERVES_MS).instances;
      if (instances) await stopOthers(engineJobId(job.id), name, instances);
    },
    isStoppedEarly({ createTime, currentJobStatus: status }) {
      if (!status || !hasEnded(status) || !wasStopped(status) || !isSet(createTime) || !isSet(status.finishTime)) return false;
      // Counts that are held back longer than they may settle would never be told as settled.
      return !isOld(createTime, hub.nowMs()) && hub.nowMs() - status.finishTime < metricsSettleSeconds * 1000;
    },
  };

  async function stopOthers(kept: EngineJobId, name: EngineJobName | undefined, { idsOf }: Instances): Promise<void> {
    if (name === undefined) return;
    const others = (idsOf.get(name) ?? []).filter((id) => id !== kept);
    await duplicates.stop(name, kept, others);
  }

  function listed(run: RunId, servesMs: number): Listed {
    const last = lists.get(run);
    if (last && hub.nowMs() - last.atMs < servesMs) return last;
    const instances = activeInstancesOf(hub, run).then(
      (jobs) => {
        if (runs.size > MOST_JOBS_REMEMBERED) runs.clear();
        for (const { id } of jobs ?? []) runs.set(engineJobId(id), run);
        return jobs && instancesOf(jobs);
      },
      () => undefined,
    );
    const list = { atMs: hub.nowMs(), instances };
    lists.delete(run);
    lists.set(run, list);
    const [oldest] = lists.keys();
    if (lists.size > MOST_RUNS_REMEMBERED && oldest !== undefined) lists.delete(oldest);
    return list;
  }

  /** Asked once: the next minute comes. */
  async function runOf(id: EngineJobId): Promise<RunId | undefined> {
    const answer = await hub.client.call({ method: 'GET', path: jobPath(id), repeatable: false });
    const job = answer.kind === 'answer' ? HubJob.safeParse(answer.body) : undefined;
    const name = job?.success ? nameOfJob(job.data) : undefined;
    return name && jobOfEngineJobName(name)?.runId;
  }
}

function instancesOf(jobs: readonly HubJob[]): Instances {
  const nameOf = new Map<EngineJobId, EngineJobName>();
  const idsOf = new Map<EngineJobName, EngineJobId[]>();
  for (const job of jobs) {
    const [id, name] = [engineJobId(job.id), nameOfJob(job)];
    if (name === undefined) continue;
    nameOf.set(id, name);
    idsOf.set(name, [...(idsOf.get(name) ?? []), id]);
  }
  return { nameOf, idsOf };
}

/** The tag that its start gave it. */
const nameOfJob = ({ rawJobTags, jobTags }: HubJob): EngineJobName | undefined =>
  [...(rawJobTags ?? []), ...(jobTags ?? []).flatMap(({ tag }) => tag ?? [])].find(
    (tag): tag is EngineJobName => jobOfEngineJobName(tag) !== undefined,
  );
