import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineJobId, engineJobName } from '#domain/ids';
import { applyEvent, createdJob, idOf, isSettled, type HistoryEntry, type Job } from '#domain/job';
import { allowedEvents, JOB_EVENT_NAMES, JOB_STATES, nextJobState, type JobEventName } from '#domain/job-state';
import { aJob, at, nextRunId } from './builders.ts';

const SEED = 20261121;
const METRICS = { inputRecordCount: 1, outputRecordCount: 2, errorRecordCount: 3 };

const applied = (job: Job, ...names: readonly JobEventName[]): { readonly job: Job; readonly entry: HistoryEntry } => {
  let latest: { readonly job: Job; readonly entry: HistoryEntry } | undefined;
  for (const name of names) {
    const outcome = applyEvent(latest?.job ?? job, {
      name,
      at: at(1),
      actor: 'tests',
      ...(name === 'fail' ? { failure: { reason: 'reported' as const, message: 'told so' } } : {}),
    });
    if (outcome.kind === 'refused') throw new Error(`${name} is refused`);
    latest = outcome;
  }
  if (!latest) throw new Error('no event');
  return latest;
};

describe('a new job', () => {
  test('is CREATED, in its first attempt, with one entry that came from nothing', () => {
    const ref = { runId: nextRunId(), index: 7 };
    const { job, entry } = createdJob(ref, at(0), 'ada');
    expect(job).toMatchObject({ ...ref, state: 'CREATED', attempt: 1, version: 1, sequence: 1, lastEvent: 'create', start: {} });
    expect(entry).toEqual({
      sequence: 1,
      eventId: `${idOf(ref)}#1`,
      name: 'create',
      at: at(0),
      actor: 'ada',
      from: null,
      to: 'CREATED',
      attempt: 1,
    });
  });
});

describe('an event', () => {
  test('leads to the next state, and its entry says from where, to where, when, by whom', () => {
    const { job, entry } = applied(aJob(), 'run');
    expect(job).toMatchObject({ state: 'RUNNING', sequence: 2, lastEvent: 'run', updatedAt: at(1), createdAt: at(0), version: 1 });
    expect(entry).toMatchObject({ sequence: 2, name: 'run', from: 'CREATED', to: 'RUNNING', at: at(1), actor: 'tests', attempt: 1 });
  });

  test('that is refused changes nothing and tells the events that are allowed now', () => {
    for (const state of JOB_STATES)
      for (const name of JOB_EVENT_NAMES.filter((event) => nextJobState(state, event) === undefined))
        expect(applyEvent(aJob({ state }), { name, at: at(1), actor: 'tests' })).toEqual({
          kind: 'refused',
          state,
          allowed: allowedEvents(state),
        });
  });

  test('keeps its data in the history and not on the job; a failure is told there as well', () => {
    const outcome = applyEvent(aJob(), {
      name: 'fail',
      at: at(1),
      actor: 'tests',
      data: { note: 'n' },
      failure: { reason: 'engine-error', message: 'm' },
    });
    if (outcome.kind === 'refused') throw new Error('refused');
    expect(outcome.entry.data).toEqual({ reason: 'engine-error', message: 'm', note: 'n' });
    expect(outcome.job.failure).toEqual({ reason: 'engine-error', message: 'm' });
    expect(applied(aJob(), 'update').entry).not.toHaveProperty('data');
  });

  test('that leads away from FAILED by reset takes the failure with it; a retired job keeps it', () => {
    const { job } = applied(aJob(), 'fail');
    expect(applied(job, 'reset').job).not.toHaveProperty('failure');
    expect(applied(job, 'retire').job.failure).toEqual({ reason: 'reported', message: 'told so' });
    expect(applied(job, 'retire', 'reset').job).not.toHaveProperty('failure');
  });

  test('that makes a job ready again begins the next attempt with a start record of its own', () => {
    const started = aJob({
      state: 'RUNNING',
      start: { intentAt: at(0), engineJobId: engineJobId('e'), engineJobName: engineJobName(aJob(), 1) },
    });
    const { job: failed } = applied(started, 'fail');
    expect(applied(failed, 'reset')).toMatchObject({ job: { attempt: 1, start: started.start }, entry: { attempt: 1 } });
    expect(applied(failed, 'reset', 'ready')).toMatchObject({
      job: { state: 'CREATED', attempt: 2, start: { queuedFor: 'retry' } },
      entry: { name: 'ready', attempt: 2 },
    });
  });

  test('keeps the metrics that an earlier event brought', () => {
    const outcome = applyEvent(aJob({ state: 'RUNNING' }), { name: 'finish', at: at(1), actor: 'tests', metrics: METRICS });
    if (outcome.kind === 'refused') throw new Error('refused');
    expect(applied(outcome.job, 'validate').job.metrics).toEqual(METRICS);
  });
});

describe('a history', () => {
  test(`of any events is gapless, joined end to end, and its attempts grow at ready alone (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...JOB_EVENT_NAMES), { maxLength: 60 }), (names) => {
        const { job: first, entry } = createdJob({ runId: nextRunId(), index: 0 }, at(0), 'tests');
        let job = first;
        const history = [entry];
        for (const name of names) {
          const outcome = applyEvent(job, { name, at: at(1), actor: 'tests' });
          if (outcome.kind === 'refused') {
            expect(nextJobState(job.state, name)).toBeUndefined();
            continue;
          }
          ({ job } = outcome);
          history.push(outcome.entry);
        }
        expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, index) => index + 1));
        expect(new Set(history.map(({ eventId }) => eventId)).size).toBe(history.length);
        for (const [index, { from, name, to, attempt }] of history.entries()) {
          const before = history[index - 1];
          expect(from).toBe(before?.to ?? null);
          if (from !== null) expect(nextJobState(from, name)).toBe(to);
          expect(attempt).toBe((before?.attempt ?? 1) + (name === 'ready' ? 1 : 0));
        }
        expect(job).toMatchObject({ state: history.at(-1)?.to, sequence: history.length, attempt: history.at(-1)?.attempt });
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

test('settled are the states that Sluice does not change by itself', () => {
  expect(JOB_STATES.filter((state) => !isSettled(aJob({ state })))).toEqual(['CREATED', 'RUNNING', 'RESET']);
});
