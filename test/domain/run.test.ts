import { describe, expect, test } from 'vitest';
import type { FailureReason, Job } from '#domain/job';
import {
  addCounts,
  countsChange,
  finalRunState,
  FINAL_RUN_STATES,
  isFinal,
  NO_COUNTS,
  RUN_STATES,
  settledCount,
  type Closing,
  type RunCounts,
} from '#domain/run';
import { aJob, at } from './builders.ts';

const closing = (reason: Closing['reason']): Closing => ({ reason, message: '', at: at(0) });
const counts = (finished: number, failed: number, cancelled: number): RunCounts => ({ ...NO_COUNTS, finished, failed, cancelled });
const METRICS = { inputRecordCount: 5, outputRecordCount: 4, errorRecordCount: 1 };
const RECORDS = { ...METRICS };
const failed = (reason: FailureReason = 'engine-error'): Partial<Job> => ({ state: 'FAILED', failure: { reason, message: '' } });

describe('the end of a run', () => {
  test.each([
    ['all finished', counts(3, 0, 0), undefined, 'SUCCEEDED'],
    ['some failed', counts(2, 1, 0), undefined, 'PARTIAL'],
    ['all failed', counts(0, 3, 0), undefined, 'FAILED'],
    ['cancelled with some finished', counts(1, 0, 2), closing('cancelled'), 'CANCELLED'],
    ['cancelled before anything finished', counts(0, 0, 3), closing('cancelled'), 'CANCELLED'],
    ['cancelled too late', counts(3, 0, 0), closing('cancelled'), 'SUCCEEDED'],
    ['aborted with some finished', counts(1, 2, 0), closing('aborted'), 'PARTIAL'],
    ['aborted before anything finished', counts(0, 3, 0), closing('aborted'), 'FAILED'],
    ['aborted too late', counts(3, 0, 0), closing('aborted'), 'SUCCEEDED'],
  ])('%s', (_, reached, why, state) => {
    expect(settledCount(reached)).toBe(3);
    expect(finalRunState(3, reached, why)).toBe(state);
  });

  test('is one of the final states, and the others are not', () => {
    expect(RUN_STATES.filter((state) => isFinal({ state }))).toEqual(FINAL_RUN_STATES);
    expect(RUN_STATES.filter((state) => !isFinal({ state }))).toEqual(['ACCEPTED', 'RUNNING', 'CANCELLING']);
  });
});

describe('what a change adds to the counts', () => {
  const running = aJob({ state: 'RUNNING' });

  test.each<readonly [string, Job | undefined, Partial<Job>, Partial<RunCounts>]>([
    ['a new job', undefined, {}, {}],
    ['a job that runs', aJob(), { state: 'RUNNING' }, {}],
    ['a job that finishes', running, { state: 'FINISHED', metrics: METRICS }, { finished: 1, ...RECORDS }],
    ['a job that fails with records', running, { ...failed(), metrics: METRICS }, { failed: 1, ...RECORDS }],
    ['a job that is cancelled', running, failed('cancelled'), { cancelled: 1 }],
    ['a job that times out', running, failed('timed-out'), { failed: 1 }],
    ['a job that is aborted', running, failed('aborted'), { failed: 1 }],
    ['a job that is created settled', undefined, { state: 'FINISHED' }, { finished: 1 }],
    ['a finished job that is validated', aJob({ state: 'FINISHED', metrics: METRICS }), { state: 'VALIDATING', metrics: METRICS }, {}],
    ['a finished job that is retired', aJob({ state: 'FINISHED' }), { state: 'RETIRED' }, {}],
    ['a failed job that is retired', aJob(failed()), { ...failed(), state: 'RETIRED' }, {}],
    [
      'a finished job that is reset',
      aJob({ state: 'FINISHED', metrics: METRICS }),
      { state: 'RESET', metrics: METRICS },
      { finished: -1, inputRecordCount: -5, outputRecordCount: -4, errorRecordCount: -1 },
    ],
    [
      'a failed job that is made ready',
      aJob({ ...failed(), metrics: METRICS }),
      { state: 'CREATED', attempt: 2 },
      { failed: -1, inputRecordCount: -5, outputRecordCount: -4, errorRecordCount: -1 },
    ],
    ['a cancelled job that is reset', aJob(failed('cancelled')), { state: 'RESET' }, { cancelled: -1 }],
    ['an indexed job that fails', aJob({ state: 'INDEXING' }), failed(), { finished: -1, failed: 1 }],
  ])('%s', (_, before, after, expected) => {
    expect(countsChange(before, aJob(after))).toEqual({ ...NO_COUNTS, ...expected });
  });

  test('a job that settles, is reopened and settles again is counted once', () => {
    const story = [
      aJob(),
      running,
      aJob({ ...failed(), metrics: METRICS }),
      aJob({ state: 'RESET', metrics: METRICS }),
      aJob({ attempt: 2 }),
      aJob({ state: 'FINISHED', metrics: METRICS }),
    ];
    const total = story.map((job, index) => countsChange(story[index - 1], job)).reduce(addCounts, NO_COUNTS);
    expect(total).toEqual({ ...NO_COUNTS, finished: 1, ...RECORDS });
  });
});
