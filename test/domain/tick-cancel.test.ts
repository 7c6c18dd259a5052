/** A job that somebody cancelled, in every state of its start, to its end; and what is due to be started. */
import { describe, expect, test } from 'vitest';
import type { EngineJobStatus } from '#domain/engine-job';
import { engineJobId, engineJobName, type EngineJobId } from '#domain/ids';
import { isSettled, type Job, type StartRecord } from '#domain/job';
import { applied, event } from '#domain/job-change';
import type { TemplateLimits } from '#domain/template';
import { endingOf, FORCE_STOP_AFTER_SECONDS, GIVE_UP_AFTER_SECONDS, isDue, tick, type EngineReport } from '#domain/tick';
import { aJob, at } from './builders.ts';

const ID = engineJobId('e1');
const CANCEL = { at: at(0), by: 'ada' } as const;
const CARELESS = { startsAreRepeatable: false, metricsSettleSeconds: 0, removes: false } as const;
const FENCE = 60;
const RULE = { times: 3, backoffSeconds: 30 } as const;
/** Every reason that may be retried is: a cancelled job must not be, whatever its engine says. */
const LIMITS: TemplateLimits = {
  maxWaitSeconds: 10_000,
  maxParallel: 10,
  retries: { lost: RULE, 'engine-error': RULE, 'start-failed': RULE, 'timed-out': RULE },
};
const INTENDED: StartRecord = { intentAt: at(0), engineJobName: engineJobName(aJob(), 1) };
const STARTED: StartRecord = { ...INTENDED, engineJobId: ID };

/** How an engine answers at a time, given when it was asked to stop and when it was forced. */
type Answer = (seconds: number, asked?: number, forced?: number) => EngineJobStatus['state'] | 'unknown';
const stopsWhenAsked: Answer = (_, asked) => (asked === undefined ? 'running' : 'stopped');
const stopsWhenForced: Answer = (_, __, forced) => (forced === undefined ? 'running' : 'stopped');
const neverStops: Answer = () => 'running';
const staysQueued: Answer = () => 'queued';
const forgets: Answer = () => 'unknown';
const endsWell: Answer = (seconds) => (seconds < 5 ? 'running' : 'succeeded');
const failsMeanwhile: Answer = (_, asked) => (asked === undefined ? 'running' : 'failed');

interface Driven {
  readonly job: Job;
  readonly seconds: number;
  readonly stops: readonly string[];
}

/** Ticks every ten seconds. A launch finds nothing on the engine, and records the end that was asked for, as `launchJob` does. */
function driven(
  start: Partial<Job>,
  answer: Answer,
  closing?: { reason: 'cancelled'; message: string; at: ReturnType<typeof at> },
): Driven {
  let job = aJob(start);
  const stops: string[] = [];
  let asked: number | undefined;
  let forced: number | undefined;
  for (let seconds = 0; seconds <= 2000; seconds += 10) {
    const now = at(seconds);
    const reports = new Map<EngineJobId, EngineReport>();
    const state = answer(seconds, asked, forced);
    if (state !== 'unknown') reports.set(ID, { status: { state } });
    const plan = tick({ openJobs: [job], reports, closing, limits: LIMITS, fenceSeconds: FENCE, ...CARELESS, now });
    for (const { force } of plan.stops) {
      stops.push(force ? 'force' : 'ask');
      if (force) forced = seconds;
      else asked = seconds;
    }
    job = plan.changes[0]?.after ?? job;
    const ending = endingOf(job, closing);
    if (plan.launches.length > 0 && ending) job = applied(job, [{ ...event('fail', now), failure: ending }]).after;
    expect(isDue(job, now) && endingOf(job, closing) !== undefined).toBe(false);
    if (isSettled(job)) return { job, seconds, stops };
  }
  throw new Error('the job has not ended');
}

const cancelled = (start: StartRecord, state: Job['state'] = 'CREATED'): Partial<Job> => ({ state, start: { ...start, cancel: CANCEL } });
const GIVEN_UP = FORCE_STOP_AFTER_SECONDS + GIVE_UP_AFTER_SECONDS;

describe('a cancelled job', () => {
  // prettier-ignore
  test.each<readonly [string, Partial<Job>, Answer, { readonly seconds: number; readonly stops: readonly string[]; readonly message?: string }]>([
    ['that waits for its starter ends at once', cancelled({}), neverStops, { seconds: 0, stops: [], message: 'cancelled by ada' }],
    ['that waits for a slot ends at once', cancelled({ queuedFor: 'slot' }), neverStops, { seconds: 0, stops: [], message: 'cancelled by ada' }],
    ['that waits for its retry ends at once', cancelled({ queuedFor: 'retry', notBefore: at(1800) }), neverStops, { seconds: 0, stops: [], message: 'cancelled by ada' }],
    ['whose start is under way ends at its fence', cancelled(INTENDED), neverStops, { seconds: FENCE, stops: [], message: 'cancelled by ada' }],
    ['that is queued on its engine is stopped', cancelled(STARTED), stopsWhenAsked, { seconds: 10, stops: ['ask'], message: 'stopped because it was cancelled' }],
    ['that runs is stopped', cancelled(STARTED, 'RUNNING'), stopsWhenAsked, { seconds: 10, stops: ['ask'], message: 'stopped because it was cancelled' }],
    ['that does not stop when asked is forced', cancelled(STARTED, 'RUNNING'), stopsWhenForced, { seconds: FORCE_STOP_AFTER_SECONDS + 10, stops: ['ask', 'force'], message: 'stopped because it was cancelled' }],
    ['that does not stop at all is given up', cancelled(STARTED, 'RUNNING'), neverStops, { seconds: GIVEN_UP, stops: ['ask', 'force'] }],
    ['that stays in the queue of its engine is given up', cancelled(STARTED), staysQueued, { seconds: GIVEN_UP, stops: ['ask', 'force'] }],
    ['that fails while it is stopped is cancelled', cancelled(STARTED, 'RUNNING'), failsMeanwhile, { seconds: 10, stops: ['ask'], message: 'stopped because it was cancelled' }],
  ])('%s', (_, start, answer, { seconds, stops, message }) => {
    const outcome = driven(start, answer);
    expect([outcome.seconds, outcome.stops]).toEqual([seconds, stops]);
    expect(outcome.job).toMatchObject({ state: 'FAILED', attempt: 1, failure: { reason: 'cancelled', ...(message === undefined ? {} : { message }) } });
  });

  test('that its engine has forgotten is lost and not tried again', () => {
    expect(driven(cancelled(STARTED, 'RUNNING'), forgets).job).toMatchObject({ state: 'FAILED', attempt: 1, failure: { reason: 'lost' } });
  });

  test('that ends well before it can be stopped has finished', () => {
    expect(driven(cancelled(STARTED, 'RUNNING'), endsWell).job.state).toBe('FINISHED');
  });

  test('of a run that is cancelled too ends in the words of the run', () => {
    const closing = { reason: 'cancelled', message: 'cancelled by bob', at: at(0) } as const;
    expect(driven(cancelled({ queuedFor: 'slot' }), neverStops, closing).job.failure?.message).toBe('cancelled by bob');
  });
});

test('the engine is asked to stop a job once, and forced once, however often it is looked at', () => {
  const { stops } = driven(cancelled(STARTED, 'RUNNING'), neverStops);
  expect(stops).toEqual(['ask', 'force']);
});

describe('a job that the tick may start', () => {
  // prettier-ignore
  test.each<readonly [string, Partial<Job>, boolean]>([
    ['is one that waits for a slot', { start: { queuedFor: 'slot' } }, true],
    ['is one whose retry is due', { start: { queuedFor: 'retry', notBefore: at(10) } }, true],
    ['is one that is to be tried again at once', { start: { queuedFor: 'retry' } }, true],
    ['is none whose retry is not due yet', { start: { queuedFor: 'retry', notBefore: at(11) } }, false],
    ['is none that waits for its starter', { start: {} }, false],
    ['is none that is meant to be started already', { start: { ...INTENDED, queuedFor: 'slot' } }, false],
    ['is none that has settled', { state: 'FAILED', start: { queuedFor: 'slot' } }, false],
  ])('%s', (_, job, due) => {
    expect(isDue(aJob(job), at(10))).toBe(due);
  });
});
