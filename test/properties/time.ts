/** What time does to runs and jobs, and how it is let pass. */
import { isFinal, isSettled, type Command, type Model, type ModelJob, type ModelRun, type Real } from './model.ts';

export class Pass implements Command {
  private readonly seconds: number;
  constructor(seconds: number) {
    this.seconds = seconds;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world }: Real): Promise<void> {
    await world.pass(this.seconds);
    model.nowMs = world.nowMs();
    for (const run of model.runs) if (!isFinal(run)) look(run, model.nowMs);
  }
  toString(): string {
    return `Pass(${this.seconds} s)`;
  }
}

/** What was accepted begins, and then every job is looked at once. */
function look(run: ModelRun, nowMs: number): void {
  for (const index of run.pending ?? []) {
    const job = run.jobs[index];
    if (job) begin(job, run, nowMs);
  }
  run.pending = undefined;
  for (const job of run.jobs) if (!isSettled(job)) follow(job, run, nowMs);
}

function begin(job: ModelJob, run: ModelRun, nowMs: number): void {
  if (job.history.length === 0) job.history.push('create');
  else {
    job.history.push('reset', 'ready');
    job.attempt += 1;
  }
  Object.assign(job, { state: 'CREATED', failure: undefined, startedAtMs: undefined, stoppedAtMs: undefined, isCancelled: false });
  const refusal = job.set['REFUSE'];
  if (run.isCancelled) fail(job, 'cancelled', 'cancelled by model');
  else if (refusal !== undefined) fail(job, 'start-failed', String(refusal));
  else job.startedAtMs = nowMs;
}

function follow(job: ModelJob, run: ModelRun, nowMs: number): void {
  if (job.stoppedAtMs !== undefined) {
    fail(job, 'cancelled', 'stopped because it was cancelled');
    return;
  }
  const isOver = nowMs >= (job.startedAtMs ?? 0) + Number(job.set['SECONDS'] ?? 0) * 1000;
  // A job that failed before any tick found it running never ran, as far as anybody knows.
  if (isOver && 'FAIL' in job.set) {
    fail(job, 'engine-error', String(job.set['FAIL']));
    return;
  }
  if (job.state === 'CREATED') job.history.push('run');
  if (isOver) {
    job.history.push('finish');
    Object.assign(job, { state: 'FINISHED', finishedAtMs: nowMs });
    return;
  }
  job.state = 'RUNNING';
  if (run.isCancelled || job.isCancelled) job.stoppedAtMs = nowMs;
}

function fail(job: ModelJob, reason: 'start-failed' | 'engine-error' | 'cancelled', message: string): void {
  job.state = 'FAILED';
  job.failure = { reason, message };
  job.history.push('fail');
}
