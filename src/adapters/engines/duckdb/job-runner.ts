/** The jobs that are queued or running, from their order to their result file. */
import { rm } from 'node:fs/promises';
import { fairQueue } from '#domain/fair-queue';
import type { EngineJobId, Instant, RunId } from '#domain/ids';
import { NO_RECORDS } from './protocol.ts';
import type { JobOrder, JobOutcome } from './protocol.ts';
import type { JobResult, Results } from './results.ts';
import type { Reply, Worker, WorkerPool } from './worker-pool.ts';

export interface AcceptedJob {
  readonly id: EngineJobId;
  readonly runId: RunId;
  readonly order: JobOrder;
}

interface OpenJob extends AcceptedJob {
  /** Set while the worker has the job; before that it is in the queue, after that its result is being written. */
  worker?: Worker | undefined;
  /** When its worker began it, which for a new process is a while after it was given the job. */
  begunAt?: Instant;
  isStopAsked: boolean;
  graceTimer?: NodeJS.Timeout;
}

export interface RunnerOptions {
  readonly pool: WorkerPool;
  readonly results: Results;
  readonly now: () => Instant;
  readonly stopGraceMs: number;
  /** The job is no longer open: it has a result, or it is lost, or it was never begun. */
  readonly onEnded: (job: AcceptedJob) => void;
}

export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #jobs = new Map<EngineJobId, OpenJob>();
  /** By run: one with many jobs does not keep the others from theirs. */
  readonly #queue = fairQueue<OpenJob>();
  readonly #driving = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  stateOf(id: EngineJobId): 'queued' | 'running' | undefined {
    const job = this.#jobs.get(id);
    if (job === undefined) return undefined;
    return job.begunAt === undefined ? 'queued' : 'running';
  }

  /** Adding what is open already changes nothing. False when this runner takes no jobs any more. */
  add(accepted: AcceptedJob): boolean {
    if (this.#isClosed) return false;
    if (this.#jobs.has(accepted.id)) return true;
    const job = { ...accepted, isStopAsked: false };
    this.#jobs.set(job.id, job);
    this.#queue.add(job.runId, job);
    this.#pump();
    return true;
  }

  async stop(id: EngineJobId, force: boolean): Promise<void> {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    if (this.#queue.remove(job.runId, job)) {
      await this.#finish(job, { state: 'stopped', counts: NO_RECORDS });
      return;
    }
    const { worker } = job;
    if (worker === undefined) return;
    job.isStopAsked = true;
    if (force) worker.kill();
    else worker.stop();
    job.graceTimer ??= setTimeout(() => {
      job.worker?.kill();
    }, this.#options.stopGraceMs);
  }

  /** Resolves when no worker is left and every result that was under way is written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#queue.drain()) this.#jobs.delete(job.id);
    await this.#options.pool.close();
    await Promise.all(this.#driving);
  }

  #pump(): void {
    while (this.#queue.size() > 0) {
      const worker = this.#options.pool.take();
      const job = worker && this.#queue.take();
      if (worker === undefined || job === undefined) return;
      const drive = this.#drive(job, worker).finally(() => this.#driving.delete(drive));
      this.#driving.add(drive);
    }
  }

  async #drive(job: OpenJob, worker: Worker): Promise<void> {
    job.worker = worker;
    const reply = await worker.ask({ kind: 'run', order: job.order }, () => {
      job.begunAt = this.#options.now();
    });
    // The worker may have another job from here on: a stop of this one must not reach it.
    job.worker = undefined;
    clearTimeout(job.graceTimer);
    this.#pump();
    await this.#finish(job, outcomeOf(reply, job.isStopAsked, this.#isClosed), reply);
  }

  /** Without an outcome the job is lost, if it was begun. */
  async #finish(job: OpenJob, outcome: JobOutcome | undefined, reply?: Reply): Promise<void> {
    const { id, order } = job;
    await quietly(`the temporary files of ${id} could not be removed`, () => clean(order));
    if (outcome !== undefined) {
      const result = resultOf(job, outcome, this.#options.now(), reply);
      // On a full disk the job counts as lost, which its owner sees and may try again.
      await quietly(`the result of ${id} could not be written`, () => this.#options.results.save(id, result));
    }
    this.#jobs.delete(id);
    if (!this.#isClosed) this.#options.onEnded(job);
  }
}

/** Whatever the file system says, a job that is over leaves the open jobs. */
async function quietly(trouble: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.emitWarning(`${trouble}: ${String(error)}`);
  }
}

function outcomeOf(reply: Reply, isStopAsked: boolean, isClosed: boolean): JobOutcome | undefined {
  if (reply.kind === 'answer') return reply.answer.kind === 'ended' ? reply.answer.outcome : undefined;
  if (isStopAsked) return { state: 'stopped', counts: NO_RECORDS };
  // A worker that we killed with ourselves says nothing of what it could have done.
  if (reply.wasReady || isClosed) return undefined;
  return { state: 'failed', counts: NO_RECORDS, message: `the DuckDB worker ended before it could begin (${reply.how})` };
}

function resultOf(job: OpenJob, outcome: JobOutcome, finishedAt: Instant, reply: Reply | undefined): JobResult {
  const message = 'message' in outcome ? { message: outcome.message } : {};
  const metrics = {
    ...outcome.counts,
    ...(reply?.kind === 'answer' ? { engineId: reply.engineId } : {}),
    ...(job.begunAt === undefined ? {} : { startedAt: job.begunAt }),
    ...(outcome.state === 'succeeded' ? { outputs: [...outcome.outputs] } : {}),
    finishedAt,
  };
  return { state: outcome.state, ...message, metrics };
}

/** Also after a worker that could not clean up behind itself. */
async function clean({ scratch, temporaryOutput }: JobOrder): Promise<void> {
  await rm(temporaryOutput, { force: true });
  await rm(scratch, { recursive: true, force: true });
}
