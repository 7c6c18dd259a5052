import { describe, expect, test } from 'vitest';
import { agesSeconds, deadlinesSeconds, isUnderWay } from '#domain/deadlines';
import { engineJobId, engineJobName } from '#domain/ids';
import type { Job, StartRecord } from '#domain/job';
import { aJob, at } from './builders.ts';

const INTENDED: StartRecord = { intentAt: at(0), engineJobName: engineJobName(aJob(), 1) };
const STARTED: StartRecord = { ...INTENDED, engineJobId: engineJobId('e1') };
const stopping = (forcedAt?: number): StartRecord => ({
  ...STARTED,
  stop: { reason: 'cancelled', askedAt: at(0), ...(forcedAt === undefined ? {} : { forcedAt: at(forcedAt) }) },
});

function deadlineOf(job: Partial<Job>, now: number): readonly number[] {
  return deadlinesSeconds([aJob(job)], {
    limits: { maxWaitSeconds: 1000, maxParallel: 10, retries: {} },
    fenceSeconds: 90,
    metricsSettleSeconds: 25,
    now: at(now),
  });
}

describe('when a job wants to be looked at, whatever its engine says', () => {
  // prettier-ignore
  test.each<readonly [string, Partial<Job>, number, readonly number[]]>([
    ['waiting for its starter: never', { start: {} }, 10, []],
    ['waiting for a slot: when those who give the slots say so', { start: { queuedFor: 'slot' } }, 10, []],
    ['waiting for its retry: when that is due', { start: { queuedFor: 'retry', notBefore: at(40) } }, 10, [30]],
    ['waiting to be tried at once: never, the tick has done it', { start: { queuedFor: 'retry' } }, 10, []],
    ['meant to be started: at its fence', { start: INTENDED }, 10, [80]],
    ['meant to be started, beyond its fence: now', { start: INTENDED }, 100, [0]],
    ['on the engine: at its limit', { start: STARTED, state: 'RUNNING' }, 10, [990]],
    ['on the engine, past its limit: now', { start: STARTED, state: 'RUNNING' }, 1100, [0]],
    ['asked to stop just now: now', { start: stopping(), state: 'RUNNING' }, 0, [0]],
    ['asked to stop a while ago: after as long again', { start: stopping(), state: 'RUNNING' }, 10, [10]],
    ['asked to stop, soon to be forced: then', { start: stopping(), state: 'RUNNING' }, 50, [10]],
    ['forced just now: now', { start: stopping(60), state: 'RUNNING' }, 60, [0]],
    ['forced a while ago: after as long again', { start: stopping(60), state: 'RUNNING' }, 160, [100]],
    ['forced, soon to be given up: then', { start: stopping(60), state: 'RUNNING' }, 650, [10]],
    ['settled: never', { start: STARTED, state: 'FINISHED' }, 10, []],
  ])('%s', (_, job, now, expected) => {
    expect(deadlineOf(job, now)).toEqual(expected);
  });
});

test('under way are the jobs that have, or may have, something running on their engine; their ages count from the intent', () => {
  const jobs: readonly Partial<Job>[] = [
    { start: {} },
    { start: { queuedFor: 'slot' } },
    { start: INTENDED },
    { start: { ...STARTED, intentAt: at(5) }, state: 'RUNNING' },
    { start: STARTED, state: 'FINISHED' },
  ];
  expect(jobs.map((job) => isUnderWay(aJob(job)))).toEqual([false, false, true, true, false]);
  expect(agesSeconds(jobs.map(aJob), at(20))).toEqual([20, 15]);
});
