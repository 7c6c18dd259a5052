/** Looking at runs and jobs one by one. */
import { expect } from 'vitest';
import type { HistoryEntryView, JobView, MetricsRow } from '#contract/views';
import { slug } from '#test/functions/api';
import { effectiveOf, setKeyOf } from './kinds.ts';
import { listed } from './listing.ts';
import { OfRun } from './of-run.ts';
import { expectedRun, isFinal, isSettled, jobId, type Model, type ModelRun, type Real } from './model.ts';

export class GetRun extends OfRun {
  protected async about(run: ModelRun, _model: Model, { world, own }: Real): Promise<void> {
    const { status, body } = await world.ask('GET /v1/runs/{runId}', { path: { runId: run.id } });
    expect([status, body]).toEqual([200, expect.objectContaining(expectedRun(run, own))]);
    expect(body['finished-at'] !== undefined).toBe(isFinal(run));
    expect(body['closing'] !== undefined).toBe(run.isCancelled);
  }
}

export class ListJobs extends OfRun {
  protected async about(run: ModelRun, _model: Model, { world }: Real): Promise<void> {
    const jobs = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, limit: this.limit });
    expect(jobs.map((job) => [job['job-id'], job.index, job.attempt, job.state, job.failure])).toEqual(
      run.jobs.map(({ attempt, state, failure }, index) => [jobId(run, index), index, attempt, state, failure]),
    );
    const query = { state: 'FAILED' };
    const failed = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, query, limit: this.limit });
    expect(failed).toEqual(jobs.filter(({ state }) => state === 'FAILED'));
  }
}

export class GetJob extends OfRun {
  protected async about(run: ModelRun, _model: Model, { world }: Real): Promise<void> {
    const index = this.limit % run.jobs.length;
    const job = run.jobs[index];
    if (!job) return;
    const { status, body } = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, index) } });
    expect([status, body['state'], body['attempt'], body['failure']]).toEqual([200, job.state, job.attempt, job.failure]);
    expect(body['parameters']).toEqual(effectiveOf(run.kind, job.set));
    expect(body['set-key']).toBe(job.history.length > 0 ? setKeyOf(run.kind, job.set) : undefined);
    expect(body['cancel-requested-at'] !== undefined).toBe(job.isCancelled && !isSettled(job));
    expect(body['stopping'] !== undefined).toBe(job.stoppedAtMs !== undefined && !isSettled(job));
    const beyond = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, run.jobs.length) } });
    expect([beyond.status, slug(beyond)]).toEqual([404, 'not-found']);
  }
}

export class History extends OfRun {
  protected async about(run: ModelRun, _model: Model, { world }: Real): Promise<void> {
    const index = this.chosen % run.jobs.length;
    const entries = await listed<HistoryEntryView>(world, 'GET /v1/jobs/{jobId}/history', {
      path: { jobId: jobId(run, index) },
      limit: this.limit,
    });
    // Before its run is planned a job is only foreseen: it has no history yet.
    const expected = run.jobs[index]?.history ?? [];
    expect(entries.map(({ name }) => name)).toEqual(expected);
    expect(entries.map(({ sequence }) => sequence)).toEqual(expected.map((_, position) => position + 1));
  }
}

export class Metrics extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const query = { 'user-run-id': `${own}-${run.name}` };
    const rows = await listed<MetricsRow>(world, 'GET /v1/metrics', { query, limit: this.limit });
    const runs = model.runs.filter(({ name }) => name === run.name).toReversed();
    const expected = runs.flatMap((each) =>
      each.jobs.flatMap((job, index) =>
        isSettled(job) ? [[jobId(each, index), job.state === 'FINISHED', job.failure?.message ?? '']] : [],
      ),
    );
    expect(rows.map((row) => [row.job_id, row.successful_run, row.error_message])).toEqual(expected);
  }
}
