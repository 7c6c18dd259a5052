/**
 * Starts a job's attempt on its engine, once, whatever crashed before: the intent is written first, the engine is asked for
 * our name before a start is repeated, and what is found there is adopted (crash points: aws-facts §5.1).
 */
import { Fault } from '#domain/faults';
import { engineJobName, secondsBetween, type EngineJobId } from '#domain/ids';
import { isSettled, keptOfAttempt, type Failure, type Job } from '#domain/job';
import { failedAttempt } from '#domain/job-change';
import type { EffectiveParameters } from '#domain/parameters';
import type { Run } from '#domain/run';
import { endingOf, withNotice } from '#domain/tick';
import type { Template } from '#domain/template';
import { limitsOf } from './admit-jobs.ts';
import type { Engine, JobSave, ParkedChild, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'catalog' | 'jobs' | 'engines' | 'policy'>;

export type LaunchOutcome =
  | { readonly kind: 'launched'; readonly job: Job }
  /** The engine refused, or the job is not to go on: the attempt has failed, and the job is settled or waits for its next one. */
  | { readonly kind: 'refused'; readonly job: Job }
  /** It needs a slot first, which the tick gives. */
  | { readonly kind: 'queued' }
  /** The engine cannot start anything now, for a reason of its own: it is queued again. */
  | { readonly kind: 'not-now'; readonly message: string }
  /** An earlier start may still take effect on the engine: too early to repeat it. */
  | { readonly kind: 'fenced' }
  /** Somebody else changed the job meanwhile; the next tick looks again. */
  | { readonly kind: 'conflict' };

export interface LaunchOptions {
  /** Kept in the same write. */
  readonly parked?: ParkedChild;
  /** The job has its slot of whatever is limited across runs. */
  readonly admitted: boolean;
}

/** The job must be CREATED with no engine job. */
export async function launchJob(ports: Needs, run: Run, job: Job, { parked, admitted }: LaunchOptions): Promise<LaunchOutcome> {
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const engine = template && ports.engines(template.engine);
  if (!engine) throw new Fault('Vanished', `the engine or the template of ${run.id} is not there`);
  const name = engineJobName(job, job.attempt);
  if (job.start.intentAt !== undefined) {
    const found = await engine.find(name);
    if (found !== undefined) return recorded(ports, run, job, { id: found, engine }, parked);
    if (ageSeconds(job, ports) < (job.start.fault === undefined ? fenceSecondsOf : giveUpSecondsOf)(ports, engine))
      return { kind: 'fenced' };
  }
  const ending = endingOf(job, run.closing) ?? faultOf(job);
  const child = parked === undefined ? {} : { parked };
  if (ending !== undefined) return failed(ports, { run, job, template }, ending, child);
  if (!admitted && limitsOf(ports.policy, template).length > 0) {
    const queued = await save(ports, run, { before: job, after: { ...job, start: { queuedFor: 'slot' } }, entries: [], ...child });
    return { kind: queued ? 'queued' : 'conflict' };
  }
  const start = { ...keptOfAttempt(job.start), intentAt: ports.clock.now(), engineJobName: name };
  const [parameters, intended] = await Promise.all([
    ports.jobs.parameters(job),
    save(ports, run, { before: job, after: { ...job, start }, entries: [], ...child }),
  ]);
  if (!parameters) throw new Fault('Vanished', `job ${job.index} of ${run.id} has no parameters`);
  return intended ? startOnEngine(ports, { run, job: intended, engine, template, parameters }) : { kind: 'conflict' };
}

export interface LaunchedAlone {
  /** The job, where it is settled by this; otherwise it is started, or the next tick looks at it again. */
  readonly settled?: Job;
  /** The engine can start nothing now. */
  readonly isNotNow?: true;
  /** In words, where the engine could not do it. */
  readonly trouble?: string;
}

/** For the tick: what the start of one job throws is that job's matter alone. */
export async function launchAlone(ports: Needs, run: Run, job: Job): Promise<LaunchedAlone> {
  try {
    const outcome = await launchJob(ports, run, job, { admitted: true });
    return outcome.kind === 'not-now' ? { isNotNow: true, trouble: outcome.message } : settledBy(outcome);
  } catch (error) {
    if (error instanceof Fault && error.retryable) return error.name === 'EngineUnavailable' ? { trouble: error.message } : {};
    const latest = await ports.jobs.load(job, run.count);
    if (!latest || latest.state !== 'CREATED' || latest.start.engineJobId !== undefined) return {};
    const template = await ports.catalog.template(run.templateId, run.templateVersion);
    if (!template) throw error;
    const message = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown fault';
    return settledBy(await failed(ports, { run, job: latest, template }, { reason: 'start-failed', message }));
  }
}

const settledBy = (outcome: LaunchOutcome): LaunchedAlone =>
  outcome.kind === 'refused' && isSettled(outcome.job) ? { settled: outcome.job } : {};

interface Starting {
  readonly run: Run;
  readonly job: Job;
  readonly engine: Engine;
  readonly template: Template;
  readonly parameters: EffectiveParameters;
}

async function startOnEngine(ports: Needs, { run, job, engine, template, parameters }: Starting): Promise<LaunchOutcome> {
  const started = await engine.start({
    engineJobName: engineJobName(job, job.attempt),
    runId: run.id,
    definition: template.definition,
    parameters: parameters.values,
  });
  switch (started.kind) {
    case 'started':
      return recorded(ports, run, job, { id: started.engineJobId, engine });
    case 'refused':
      return failed(ports, { run, job, template }, { reason: 'start-failed', message: started.message });
    case 'not-now': {
      // Nothing of it can take effect later, so nobody needs to wait for the fence: the tick starts it when it has its turn.
      const start = { ...keptOfAttempt(job.start), queuedFor: 'slot' } as const;
      const queued = await save(ports, run, { before: job, after: { ...job, start }, entries: [] });
      return queued ? { kind: 'not-now', message: started.message } : { kind: 'conflict' };
    }
  }
}

async function failed(
  ports: Needs,
  { run, job, template }: Pick<Starting, 'run' | 'job' | 'template'>,
  failure: Failure,
  child: Pick<JobSave, 'parked'> = {},
): Promise<LaunchOutcome> {
  const change = failedAttempt(job, failure, { limits: template.limits, closing: run.closing, now: ports.clock.now() });
  const saved = await save(ports, run, { ...change, ...child });
  return saved ? { kind: 'refused', job: saved } : { kind: 'conflict' };
}

interface Recording {
  readonly id: EngineJobId;
  readonly engine: Engine;
}

async function recorded(ports: Needs, run: Run, job: Job, { id, engine }: Recording, parked?: ParkedChild): Promise<LaunchOutcome> {
  const name = engineJobName(job, job.attempt);
  const now = ports.clock.now();
  const { fault: _didNotMatter, ...kept } = job.start;
  const start = { ...kept, intentAt: kept.intentAt ?? now, engineJobName: name, engineJobId: id };
  const change = withNotice({ before: job, after: { ...job, start, updatedAt: now }, entries: [] }, engine.noticed?.(id), now);
  const saved = await save(ports, run, { ...change, ...(parked === undefined ? {} : { parked }) });
  return saved ? { kind: 'launched', job: saved } : { kind: 'conflict' };
}

async function save(ports: Needs, run: Run, change: JobSave): Promise<Job | undefined> {
  const [outcome] = await ports.jobs.save([change], run.count);
  return outcome?.kind === 'saved' ? outcome.job : undefined;
}

/**
 * How long after an intent nobody may repeat its start: who wrote it may ask the engine as late as it lives, and the engine may
 * act as late as its fence after that. A name that never starts twice needs no such care.
 */
export function fenceSecondsOf({ policy }: Pick<Ports, 'policy'>, { fenceSeconds }: Engine): number {
  return fenceSeconds === 0 ? 0 : policy.starterSeconds + fenceSeconds;
}

/**
 * How long after an intent nobody may take it for failed: even where a name never starts twice, whoever wrote the intent may live,
 * and would start what nobody looks after.
 */
export function giveUpSecondsOf(ports: Pick<Ports, 'policy'>, engine: Engine): number {
  return Math.max(fenceSecondsOf(ports, engine), ports.policy.starterSeconds);
}

const faultOf = ({ start: { fault } }: Job): Failure | undefined =>
  fault === undefined ? undefined : { reason: 'start-failed', message: fault };

const ageSeconds = (job: Job, ports: Needs): number =>
  job.start.intentAt === undefined ? Infinity : secondsBetween(job.start.intentAt, ports.clock.now());
