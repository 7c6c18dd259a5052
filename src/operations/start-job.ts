/**
 * Task states `RunJob` and `RunManyJob` of run.asl.json: keeps the task token, then starts the job. The state stays parked
 * until the tick that sees the job settle lets it go. A start that cannot be made now is left to the tick as well, so this
 * throws only what must fail the job.
 */
import { Fault } from '#domain/faults';
import type { JobRef } from '#domain/ids';
import { isSettled, type Job } from '#domain/job';
import type { Run } from '#domain/run';
import { endingOf } from '#domain/tick';
import { launchJob } from './launch-job.ts';
import { pollRun } from './poll-run.ts';
import type { ParkedChild, Ports } from './ports.ts';

type Needs = Omit<Ports, 'parameterSchemas'>;

export interface StartJob extends JobRef {
  readonly taskToken: string;
  /** Of the run, that the child is there for. Absent in executions that began before children knew it. */
  readonly attempt?: number;
}

/** A write may meet another transaction and come to nothing, with nobody else having changed the job. */
const ATTEMPTS = 3;

export async function startJob(ports: Needs, { taskToken, attempt: runAttempt, ...ref }: StartJob): Promise<void> {
  const run = await ports.runs.load(ref.runId);
  if (!run) throw new Fault('Vanished', `there is no run ${ref.runId}`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const job = await ports.jobs.load(ref, run.count);
    if (!job) throw new Fault('Vanished', `${ref.runId} has no job ${ref.index}`);
    const parked = { taskToken, runAttempt: runAttempt ?? job.runAttempt };
    if (!isStartable(run, job) || isPast(job, parked)) return park(ports, run, ref, parked);
    const { kind } = await launchJob(ports, run, job, { parked, admitted: false });
    switch (kind) {
      case 'launched':
      case 'queued':
      case 'not-now':
        return;
      case 'refused':
        // A nudge: the job is settled, and the tick lets this very task go.
        await pollRun(ports, { runId: ref.runId });
        return;
      case 'fenced':
        return park(ports, run, ref, parked);
      case 'conflict':
        break;
    }
  }
  // Nobody but its child starts a job that has no intent: it must not be left parked.
  throw new Fault('StoreBusy', `job ${ref.index} of ${ref.runId} was changed by others ${ATTEMPTS} times in a row`);
}

/** What is queued or is to end is the tick's business. */
function isStartable(run: Run, job: Job): boolean {
  const { engineJobId, queuedFor } = job.start;
  return job.state === 'CREATED' && engineJobId === undefined && queuedFor === undefined && endingOf(job, run.closing) === undefined;
}

/** What the child is there for has ended: the job is in a later attempt of the run, which has a child of its own. */
const isPast = (job: Job, { runAttempt }: ParkedChild): boolean => job.runAttempt > runAttempt;

/** Stores the token, and only then looks whether the job is settled: whichever of this and the tick comes second lets go. */
async function park(ports: Needs, run: Run, ref: JobRef, parked: ParkedChild): Promise<void> {
  await ports.jobs.addTaskToken(ref, run.count, parked);
  const job = await ports.jobs.load(ref, run.count);
  if (job && (isSettled(job) || isPast(job, parked))) await ports.orchestrator.release(parked.taskToken);
}
