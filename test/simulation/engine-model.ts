/**
 * An engine that keeps what its port promises and nothing more: it loses answers, is late, forgets for a while, changes its
 * mind, and may not stop what it is told to stop.
 */
import type { EngineJobStatus, EngineStart } from '#domain/engine-job';
import { engineJobId, instant, type EngineJobId, type EngineJobName } from '#domain/ids';
import type { Engine } from '#operations/ports';
import type { Faults } from './faults.ts';
import type { Call, Process } from './processes.ts';
import type { Random } from './random.ts';
import type { Verdict } from './trace.ts';

export interface ModelJob {
  readonly id: EngineJobId;
  readonly name: EngineJobName;
  readonly startedMs: number;
  /** When a search by name finds it. */
  readonly findableMs: number;
  readonly endsMs: number;
  readonly fails: boolean;
  readonly obeys: 'stop' | 'force' | 'nothing';
  stoppedMs?: number;
  /** From its end until its counts are what they remain. */
  readonly lateMs: number;
  /** Until then it has none; else half of them. */
  readonly isAbsent: boolean;
  readonly warning: string | undefined;
  acknowledged: boolean;
  removed: boolean;
  /** There is a reason why this may run unattended: the engine made it twice or denied knowing it, or clocks do not agree. */
  excused: boolean;
}

export interface EngineModel {
  /** Those that go on. */
  active(): readonly Pick<ModelJob, 'name' | 'excused'>[];
  isAcknowledged(id: EngineJobId): boolean;
  portFor(process: Process): Engine;
}

export interface EngineModelInput {
  /** 0: names never start twice. */
  readonly fenceSeconds: number;
  readonly random: Random;
  readonly faults: Faults;
  readonly nowMs: () => number;
  readonly longestSeconds: number;
  /** Told where one attempt of a job runs twice, and the engine is not to blame. */
  readonly verdict: Verdict;
  /**
   * Where they do not, no fence holds, and whoever is about to start a job may be taken for dead: what he starts once its attempt has
   * ended is nobody's (world.ts says why no guard is made for that).
   */
  readonly clocksAgree: boolean;
  /** Whether it is on record that this attempt has ended. */
  readonly isOver: (name: EngineJobName) => boolean;
  /** How late counts may come. */
  readonly settleSeconds: number;
  /** Whether the service has stored what it will ever know of the counts. */
  readonly isCounted: (id: EngineJobId) => boolean;
}

export function engineModel(input: EngineModelInput): EngineModel {
  const { fenceSeconds, random, faults, nowMs, verdict, clocksAgree, isOver, settleSeconds, isCounted } = input;
  const jobs = new Map<EngineJobId, ModelJob>();
  const byName = new Map<string, ModelJob[]>();
  const isActive = (job: ModelJob): boolean => !job.removed && job.stoppedMs === undefined && nowMs() < job.endsMs;
  const made = (name: EngineJobName, excused: boolean): ModelJob => {
    const namesakes = byName.get(name) ?? [];
    const rivals = namesakes.filter((other) => isActive(other) && !other.excused);
    const isBeyondGuards = !clocksAgree && (fenceSeconds > 0 || isOver(name));
    const job = newJob(input, name, namesakes.length, excused || isBeyondGuards);
    if (!job.excused && rivals.length > 0) verdict.fail(`${name} runs twice on its engine`);
    byName.set(name, [...namesakes, job]);
    jobs.set(job.id, job);
    return job;
  };
  // What is refused is refused for good: trying again cannot help.
  const refused = new Set<string>();
  const refuses = (name: string): boolean => {
    if (!byName.has(name) && faults.happens('engine-refuses')) refused.add(name);
    return refused.has(name);
  };
  const started = ({ engineJobName }: EngineStart): ModelJob => {
    const [first] = byName.get(engineJobName) ?? [];
    if (first && fenceSeconds === 0) return first;
    const job = made(engineJobName, false);
    if (fenceSeconds > 0 && faults.happens('doubled-by-engine')) {
      made(engineJobName, true);
      // Either of the two may be the one that is found and followed.
      job.excused = true;
    }
    return job;
  };
  return {
    active: () => [...jobs.values()].filter(isActive),
    isAcknowledged: (id) => jobs.get(id)?.acknowledged === true,
    portFor: (process) => {
      const call = <Result>(what: string, effect: () => Result, more: Partial<Call<Result>> = {}): Promise<Result> =>
        process.call<Result>({ kind: 'engine', what: () => `engine ${what}`, effect, unavailable: 'EngineUnavailable', ...more });
      return {
        fenceSeconds,
        metricsSettleSeconds: settleSeconds,
        acknowledge: (id) =>
          call(`acknowledge ${id}`, () => {
            const job = jobs.get(id);
            if (job) job.acknowledged = true;
          }),
        check: () => Promise.resolve([]),
        start: (start) =>
          call(
            `start ${start.engineJobName}`,
            () => {
              if (refuses(start.engineJobName)) return { kind: 'refused', message: 'no' } as const;
              return { kind: 'started', engineJobId: started(start).id } as const;
            },
            fenceSeconds === 0 ? {} : { kind: 'engine-start', lateByMs: () => LATE_PART * random.between(0, fenceSeconds * 1000) },
          ),
        find: (name) =>
          call(`find ${name}`, () => byName.get(name)?.find(({ removed, findableMs }) => !removed && findableMs <= nowMs())?.id),
        status: (ids) =>
          call(`status of ${ids.length}`, () => {
            const known = ids.flatMap((id) => {
              const job = jobs.get(id);
              if (!job || job.removed) return [];
              if (!faults.happens('unknown-to-engine') || random.chance(0.8)) return [[id, statusOf(job, input)] as const];
              job.excused = true;
              // What an engine has begun whose names never start twice, it knows at least as lost.
              return fenceSeconds === 0 && hasBegun(job, nowMs()) ? [[id, { state: 'lost' }] as const] : [];
            });
            return new Map<EngineJobId, EngineJobStatus>(known);
          }),
        metrics: (id) =>
          call(`metrics ${id}`, () => {
            const job = jobs.get(id);
            if (!job || job.removed || isActive(job)) return undefined;
            const endedMs = job.stoppedMs ?? job.endsMs;
            const times = { startedAt: instant(job.startedMs), finishedAt: instant(endedMs) };
            if (nowMs() >= endedMs + job.lateMs) return { inputRecordCount: 10, outputRecordCount: 9, errorRecordCount: 1, ...times };
            if (job.isAbsent) return undefined;
            return { inputRecordCount: 5, outputRecordCount: 5, errorRecordCount: 0, ...times, provisional: true } as const;
          }),
        stop: (id, { force }) =>
          call(`stop ${id}${force ? ' by force' : ''}`, () => {
            const job = jobs.get(id);
            if (job && isActive(job) && (job.obeys === 'stop' || (force && job.obeys === 'force'))) job.stoppedMs = nowMs();
          }),
        remove: (id) =>
          call(`remove ${id}`, () => {
            const job = jobs.get(id);
            if (!job || isActive(job)) return;
            if (!isCounted(id) && !job.excused) verdict.fail(`${id} was removed before its counts were stored`);
            job.removed = true;
          }),
      };
    },
  };
}

/** Of the fence: how late a start may take effect, and how long it is not found by its name then. */
const LATE_PART = 0.6;
const UNFINDABLE_PART = 0.3;

function newJob(input: EngineModelInput, name: EngineJobName, copies: number, excused: boolean): ModelJob {
  const { random, nowMs, longestSeconds, fenceSeconds, settleSeconds } = input;
  const startedMs = nowMs();
  const seconds = random.chance(0.8) ? random.between(1, longestSeconds) : random.between(1, 30);
  return {
    id: engineJobId(fenceSeconds === 0 ? name : `${name}/${copies + 1}`),
    name,
    startedMs,
    findableMs: startedMs + UNFINDABLE_PART * random.between(0, fenceSeconds * 1000),
    endsMs: random.chance(0.05) ? Infinity : startedMs + seconds * 1000,
    fails: random.chance(0.15),
    obeys: random.chance(0.85) ? 'stop' : random.chance(0.7) ? 'force' : 'nothing',
    lateMs: random.chance(0.5) ? 0 : random.between(0, 1.2 * settleSeconds * 1000),
    isAbsent: random.chance(0.5),
    warning: random.chance(0.2) ? 'short of resources' : undefined,
    acknowledged: false,
    removed: false,
    excused,
  };
}

const QUEUED_MS = 2_000;

const hasBegun = ({ startedMs }: ModelJob, nowMs: number): boolean => nowMs - startedMs >= QUEUED_MS;

function statusOf(job: ModelJob, { faults, nowMs, random }: EngineModelInput): EngineJobStatus {
  if (job.stoppedMs === undefined && nowMs() < job.endsMs) {
    const warns = job.warning !== undefined && random.chance(0.7);
    return { state: hasBegun(job, nowMs()) ? 'running' : 'queued', ...(warns && job.warning ? { warning: job.warning } : {}) };
  }
  if (faults.happens('backwards')) return { state: random.chance(0.5) ? 'running' : 'queued' };
  if (job.stoppedMs !== undefined) return { state: 'stopped' };
  return job.fails ? { state: 'failed', message: 'it broke' } : { state: 'succeeded' };
}
