/**
 * Task states `CloseJob` and `CloseManyJob`: a job's start ended in a fault. If the engine has the job after all, it is
 * adopted and followed like any other; otherwise it fails, with the fault as its message. Its neighbours never notice. A fault may
 * be no more than an answer that was lost: as long as whoever was to start the job may still live, the verdict is left to the tick.
 */
import { Fault } from '#domain/faults';
import { engineJobName, epochMs, type JobRef } from '#domain/ids';
import type { Job, StartRecord } from '#domain/job';
import { failedAttempt, type JobChange } from '#domain/job-change';
import { DEFAULT_LIMITS } from '#domain/template';
import { withNotice } from '#domain/tick';
import { giveUpSecondsOf } from './launch-job.ts';
import { pollRun } from './poll-run.ts';
import type { Engine, Ports } from './ports.ts';

type Needs = Omit<Ports, 'parameterSchemas'>;

export interface CloseJob extends JobRef {
  /** Of the run, that the child was there for; absent as in `StartJob`. */
  readonly attempt?: number;
  /** Error name and cause as Step Functions caught them. */
  readonly fault: string;
}

const ATTEMPTS = 3;

export async function closeJob(ports: Needs, { fault, attempt: runAttempt, ...ref }: CloseJob): Promise<void> {
  const run = await ports.runs.load(ref.runId);
  if (!run) throw new Fault('Vanished', `there is no run ${ref.runId}`);
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  const engine = template && ports.engines(template.engine);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const job = await ports.jobs.load(ref, run.count);
    // Started, queued or settled: the tick has it.
    if (!job || job.state !== 'CREATED' || job.start.engineJobId !== undefined || job.start.queuedFor !== undefined) return;
    // The child of an earlier attempt of the run: this one has a child of its own.
    if (runAttempt !== undefined && job.runAttempt > runAttempt) return;
    const name = engineJobName(job, job.attempt);
    const found = job.start.intentAt === undefined ? undefined : await engine?.find(name);
    const isLeftToTick = found === undefined && engine !== undefined && isFenced(ports, job, engine);
    if (isLeftToTick && job.start.fault !== undefined) return;
    const context = { limits: template?.limits ?? DEFAULT_LIMITS, closing: run.closing, now: ports.clock.now() };
    const change =
      found !== undefined
        ? withNotice(noted(job, { engineJobName: name, engineJobId: found }), engine?.noticed?.(found), context.now)
        : isLeftToTick
          ? noted(job, { fault })
          : failedAttempt(job, { reason: 'start-failed', message: fault }, context);
    const [saved] = await ports.jobs.save([change], run.count);
    if (saved?.kind === 'saved') {
      // A nudge: it may have been the last job, and its run need not wait for the loop to come round.
      await pollRun(ports, { runId: ref.runId });
      return;
    }
  }
  throw new Fault('StoreBusy', `job ${ref.index} of ${ref.runId} was changed by others ${ATTEMPTS} times in a row`);
}

function noted(job: Job, start: StartRecord): JobChange {
  return { before: job, after: { ...job, start: { ...job.start, ...start } }, entries: [] };
}

function isFenced(ports: Needs, { start }: Job, engine: Engine): boolean {
  return start.intentAt !== undefined && epochMs(ports.clock.now()) - epochMs(start.intentAt) < giveUpSecondsOf(ports, engine) * 1000;
}
