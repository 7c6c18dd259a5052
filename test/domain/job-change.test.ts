import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '#domain/ids';
import { FAILURE_REASONS, type FailureReason, type Job } from '#domain/job';
import { failedAttempt, type FailureContext, type JobChange } from '#domain/job-change';
import type { RetryRule } from '#domain/template';
import { aJob, at, START_MS } from './builders.ts';

const SEED = 20261121;
const NOW = 1000;
const METRICS = { inputRecordCount: 5, outputRecordCount: 4, errorRecordCount: 1 };

function failed(
  job: Partial<Job>,
  rule: RetryRule | undefined,
  context: Partial<FailureContext> = {},
  reason: FailureReason = 'lost',
): JobChange {
  const limits = { maxWaitSeconds: 60, maxParallel: 1, retries: rule ? { [reason]: rule } : {} };
  return failedAttempt(
    aJob({ state: 'RUNNING', ...job }),
    { reason, message: 'm' },
    { limits, closing: undefined, now: at(NOW), ...context },
  );
}
const names = ({ entries }: JobChange): string => entries.map(({ name }) => name).join(' ');
/** Seconds until the next attempt may begin; 0: at once. */
const waitSeconds = ({ after }: JobChange): number =>
  after.start.notBefore === undefined ? 0 : (epochMs(after.start.notBefore) - START_MS) / 1000 - NOW;

describe('a failed attempt', () => {
  test('is the end where the template grants no other for its reason', () => {
    for (const change of [
      failed({}, undefined),
      failed({}, { times: 0, backoffSeconds: 0 }),
      failed({ retries: 2 }, { times: 2, backoffSeconds: 0 }),
    ]) {
      expect(names(change)).toBe('fail');
      expect(change.after).toMatchObject({ state: 'FAILED', failure: { reason: 'lost', message: 'm' }, attempt: 1 });
    }
  });

  test('is followed by another in the same change, queued, with nothing of the failure left on the job', () => {
    const change = failed({ attempt: 4, retries: 1, runAttempt: 3 }, { times: 2, backoffSeconds: 0 });
    expect(names(change)).toBe('fail reset ready');
    expect(change.after).toMatchObject({ state: 'CREATED', attempt: 5, retries: 2, runAttempt: 3, start: { queuedFor: 'retry' } });
    expect(change.after).not.toHaveProperty('failure');
    expect(change.entries[0]?.data).toEqual({ reason: 'lost', message: 'm' });
  });

  test('takes its metrics with it: they are of the attempt that ended and not of the one that begins', () => {
    const retried = failed({}, { times: 1, backoffSeconds: 0 }, { end: { metrics: METRICS } });
    expect(retried.records).toEqual([{ attempt: 1, metrics: METRICS }]);
    expect(retried.after).not.toHaveProperty('metrics');
    expect(failed({}, undefined, { end: { metrics: METRICS } }).after.metrics).toEqual(METRICS);
  });

  test('is granted another by its own reason, and by no other', () => {
    for (const reason of FAILURE_REASONS)
      for (const granted of FAILURE_REASONS) {
        const limits = { maxWaitSeconds: 60, maxParallel: 1, retries: { [granted]: { times: 1, backoffSeconds: 0 } } };
        const change = failed({}, undefined, { limits }, reason);
        expect([reason, granted, change.after.attempt]).toEqual([reason, granted, reason === granted ? 2 : 1]);
      }
  });

  test('of a run that closes, or of a job that somebody cancelled, is the end', () => {
    const rule = { times: 5, backoffSeconds: 0 };
    for (const reason of ['cancelled', 'aborted'] as const)
      expect(names(failed({}, rule, { closing: { reason, message: 'enough', at: at(1) } }))).toBe('fail');
    expect(names(failed({ start: { cancel: { at: at(1), by: 'ada' } } }, rule))).toBe('fail');
  });
});

describe('the time before the next attempt', () => {
  test('is as the template says, doubles with each retry, and ends at an hour', () => {
    const waits = Array.from({ length: 12 }, (_, retries) => waitSeconds(failed({ retries }, { times: 20, backoffSeconds: 30 })));
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]);
  });

  test('is none where the template says none, however often', () => {
    for (const retries of [0, 1, 9])
      expect(failed({ retries }, { times: 20, backoffSeconds: 0 }).after.start).toEqual({ queuedFor: 'retry' });
  });

  test(`of jobs that failed together is spread by their index, by up to half of it (seed ${SEED})`, () => {
    const rule = { times: 20, backoffSeconds: 60 };
    const waits = Array.from({ length: 64 }, (_, index) => waitSeconds(failed({ index }, rule)));
    expect(new Set(waits).size).toBe(64);
    fc.assert(
      fc.property(fc.nat({ max: 9999 }), fc.nat({ max: 19 }), fc.integer({ min: 1, max: 3600 }), (index, retries, backoffSeconds) => {
        const wait = waitSeconds(failed({ index, retries }, { times: 20, backoffSeconds }));
        const doubled = Math.min(backoffSeconds * 2 ** retries, 3600);
        expect(wait).toBeGreaterThanOrEqual(doubled);
        expect(wait).toBeLessThan(doubled * 1.5 + 0.001);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
