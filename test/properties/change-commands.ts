/** What is done to runs and jobs after their start: cancelling them, retrying what failed. */
import { expect } from 'vitest';
import type { Answer } from '#test/functions/http-call';
import { slug } from '#test/functions/api';
import { OfRun } from './of-run.ts';
import { expectedRun, isFinal, isSettled, jobId, stateOf, type Command, type Model, type ModelRun, type Real } from './model.ts';
import { selected, selectionBody, type AskedSelection } from './selection.ts';
import { isWellFormed } from './start-command.ts';

export class CancelRun extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    model.asked.push(new CancelRun(model.runs.indexOf(run), this.limit));
    const answer = await world.ask('POST /v1/runs/{runId}/cancel', { path: { runId: run.id } });
    const state = stateOf(run);
    if (isFinal(run) && state !== 'CANCELLED') {
      expect([answer.status, slug(answer)]).toEqual([409, 'already-ended']);
      return;
    }
    if (!isFinal(run)) run.isCancelled = true;
    expect([answer.status, answer.body]).toEqual([state === 'CANCELLED' ? 200 : 202, expect.objectContaining(expectedRun(run, own))]);
    expect(answer.body['closing']).toMatchObject({ reason: 'cancelled', message: 'cancelled by model' });
  }
}

export class CancelJob extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    model.asked.push(new CancelJob(model.runs.indexOf(run), this.limit));
    // Now and then one that there is not.
    const index = this.limit % (run.jobs.length + 1);
    const answer = await world.ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: jobId(run, index) } });
    const job = run.jobs[index];
    const told = [answer.status, 'type' in answer.body ? slug(answer) : answer.body['state']];
    if (!job) expect(told).toEqual([404, 'not-found']);
    else if (run.pending?.includes(index)) expect(told).toEqual([409, 'not-ready']);
    else if (job.failure?.reason === 'cancelled') expect(told).toEqual([200, 'FAILED']);
    else if (isSettled(job)) expect(told).toEqual([409, 'already-ended']);
    else {
      expect(told).toEqual([202, job.state]);
      job.isCancelled = true;
    }
  }
}

interface AskedRetry {
  readonly chosen: number;
  readonly selection: AskedSelection;
  readonly key: string | undefined;
}

export class RetryRun implements Command {
  private readonly asked: AskedRetry;
  constructor(asked: AskedRetry) {
    this.asked = asked;
  }
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 0;
  }
  async run(model: Model, { world }: Real): Promise<void> {
    const { chosen, selection, key } = this.asked;
    const run = model.runs[chosen % model.runs.length];
    if (!run) return;
    model.asked.push(new RetryRun({ ...this.asked, chosen: model.runs.indexOf(run) }));
    const answer = await world.ask('POST /v1/runs/{runId}/retry', {
      path: { runId: run.id },
      body: selectionBody(selection, run),
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });
    if (key !== undefined && !isWellFormed(key)) expect([answer.status, slug(answer)]).toEqual([400, 'invalid-request']);
    else expectRetry(answer, run, selection, key);
  }
  toString(): string {
    return `RetryRun(${JSON.stringify(this.asked)})`;
  }
}

function expectRetry(answer: Answer, run: ModelRun, selection: AskedSelection, key: string | undefined): void {
  const said = JSON.stringify(selectionBody(selection, run));
  const refused = (status: number, type: string): void => {
    expect([answer.status, slug(answer)]).toEqual([status, type]);
  };
  const last = run.retries.at(-1);
  const underKey = key === undefined ? undefined : run.retries.findLast((retry) => retry.key === key);
  if (underKey && underKey.said !== said) {
    refused(422, 'key-reused');
    return;
  }
  // Without its key, the same selection is the same attempt until that has ended.
  const earlier = underKey ?? (last?.said === said && !isFinal(run) ? last : undefined);
  if (earlier) {
    expectRetried(answer, 200, run, earlier);
    return;
  }
  const isClosing = run.isCancelled && !isFinal(run);
  if (run.pending !== undefined || isClosing) {
    refused(409, 'not-ready');
    return;
  }
  const outcome = selected(selection, run);
  if ('pointers' in outcome) {
    refused(422, 'invalid-selection');
    expect(answer.body.errors?.map(({ pointer }) => pointer).toSorted()).toEqual(outcome.pointers.toSorted());
  } else if (outcome.indexes.length === 0) refused(409, 'nothing-to-retry');
  else {
    const { indexes } = outcome;
    Object.assign(run, { attempt: run.attempt + 1, pending: indexes, isCancelled: false });
    const retry = { attempt: run.attempt, indexes, said, key };
    run.retries.push(retry);
    expectRetried(answer, 202, run, retry);
  }
}

function expectRetried({ status, body, headers }: Answer, expected: number, run: ModelRun, retry: ModelRun['retries'][number]): void {
  expect([status, body]).toEqual([
    expected,
    expect.objectContaining({
      'run-id': run.id,
      state: stateOf(run),
      attempt: retry.attempt,
      'job-ids': retry.indexes.map((index) => jobId(run, index)),
    }),
  ]);
  expect(headers['location']).toBe(`/v1/runs/${run.id}`);
}
