import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENGINE_JOB_STATES, type EngineJobStatus } from '#domain/engine-job';
import { engineJobId, engineJobName, type EngineJobId, type Instant } from '#domain/ids';
import { isSettled, type HistoryEntry, type Job, type StartRecord } from '#domain/job';
import { nextJobState } from '#domain/job-state';
import { DEFAULT_LIMITS, type TemplateLimits } from '#domain/template';
import { FORCE_STOP_AFTER_SECONDS, GIVE_UP_AFTER_SECONDS, tick, type EngineReport, type TickInput, type TickPlan } from '#domain/tick';
import { aJob, at } from './builders.ts';

const SEED = 20261121;
const ID = engineJobId('e1');
const ONCE = { times: 1, backoffSeconds: 0 } as const;
const LIMITS: TemplateLimits = { maxWaitSeconds: 1000, maxParallel: 10, retries: { lost: ONCE } };
const METRICS = { inputRecordCount: 5, outputRecordCount: 4, errorRecordCount: 1 };
const CANCELLED = { reason: 'cancelled', message: 'by ada', at: at(0) } as const;
/** A forced stop was asked for at 60 s. */
const GIVEN_UP = 60 + GIVE_UP_AFTER_SECONDS;
const ABORTED = { reason: 'aborted', message: 'the machine gave up', at: at(0) } as const;

const NEW: StartRecord = {};
const QUEUED: StartRecord = { queuedFor: 'retry' };
const INTENDED: StartRecord = { intentAt: at(0), engineJobName: engineJobName(aJob(), 1) };
const STARTED: StartRecord = { ...INTENDED, engineJobId: ID };
const stopping = (reason: 'cancelled' | 'timed-out' | 'aborted', forced = false): StartRecord => ({
  ...STARTED,
  stop: { reason, askedAt: at(0), ...(forced ? { forcedAt: at(60) } : {}) },
});

const says = (state: EngineJobStatus['state'], message?: string): EngineReport => ({
  status: { state, ...(message === undefined ? {} : { message }) },
  ...(state === 'queued' || state === 'running' ? {} : { metrics: METRICS }),
});

const NO_CARE = { metricsSettleSeconds: 0, removes: false } as const;
const SLOW = { fenceSeconds: 60, startsAreRepeatable: false, metricsSettleSeconds: 60, removes: true } as const;

interface Case {
  readonly job: Partial<Job>;
  /** Undefined: the engine does not know the job. */
  readonly report?: EngineReport;
  readonly closing?: TickInput['closing'];
  readonly limits?: Partial<TemplateLimits>;
  readonly startsAreRepeatable?: boolean;
  readonly now?: number;
}

function planOf({ job, report, closing, limits, startsAreRepeatable = false, now = 10 }: Case): TickPlan {
  return tick({
    openJobs: [aJob(job)],
    reports: new Map(report === undefined ? [] : [[ID, report]]),
    closing,
    limits: { ...LIMITS, ...limits },
    fenceSeconds: 60,
    startsAreRepeatable,
    ...NO_CARE,
    now: at(now),
  });
}

/** One line for a verdict: the events, where they lead, and what else is to be done. */
function told(plan: TickPlan): string {
  const [change] = plan.changes;
  return [
    ...(change ? [`${change.entries.map(({ name }) => name).join(' ') || 'marked'} → ${change.after.state}`] : []),
    ...(change?.after.failure ? [`(${change.after.failure.reason}: ${change.after.failure.message})`] : []),
    ...plan.stops.map(({ force }) => (force ? 'FORCE' : 'STOP')),
    ...plan.launches.map(() => 'LAUNCH'),
    ...plan.releases.map(() => 'RELEASE'),
  ].join(' ');
}

const created = { state: 'CREATED' } as const;
const running = { state: 'RUNNING', start: STARTED } as const;
const startedJob = { ...created, start: STARTED } as const;

describe('what a tick does about an open job', () => {
  // prettier-ignore
  test.each<readonly [string, Case, string]>([
    ['a new job waits for its starter', { job: created }, ''],
    ['a new job of a closing run fails unstarted', { job: created, closing: CANCELLED }, 'fail → FAILED (cancelled: by ada)'],
    ['a new job of an aborted run as well', { job: created, closing: ABORTED }, 'fail → FAILED (aborted: the machine gave up)'],
    ['a queued job is left to those who give the slots', { job: { start: QUEUED } }, ''],
    ['a queued job of a closing run fails', { job: { start: QUEUED }, closing: CANCELLED }, 'fail → FAILED (cancelled: by ada)'],
    ['an intent inside the fence is left alone', { job: { start: INTENDED }, now: 59 }, ''],
    ['an intent inside the fence is left alone though the run closes', { job: { start: INTENDED }, now: 59, closing: CANCELLED }, ''],
    ['an intent beyond the fence is looked after', { job: { start: INTENDED }, now: 60 }, 'LAUNCH'],

    ['queued on the engine: nothing', { job: startedJob, report: says('queued') }, ''],
    ['running for the first time: run', { job: startedJob, report: says('running') }, 'run → RUNNING'],
    ['running again: nothing', { job: running, report: says('running') }, ''],
    ['running and queued again: nothing', { job: running, report: says('queued') }, ''],
    ['succeeded: finish', { job: running, report: says('succeeded') }, 'finish → FINISHED'],
    ['succeeded and never seen running: run and finish', { job: startedJob, report: says('succeeded') }, 'run finish → FINISHED'],
    ['failed: fail, in its words', { job: running, report: says('failed', "can't") }, "fail → FAILED (engine-error: can't)"],
    ['failed without a word', { job: running, report: says('failed') }, 'fail → FAILED (engine-error: the engine reports the job as failed)'],
    ['failed before it ran', { job: startedJob, report: says('failed', 'x') }, 'fail → FAILED (engine-error: x)'],
    ['stopped by somebody else', { job: running, report: says('stopped') }, 'fail → FAILED (engine-error: the engine reports the job as stopped)'],
    ['stopped, and the run closes: by a tick that died', { job: running, report: says('stopped'), closing: CANCELLED }, 'fail → FAILED (cancelled: stopped because it was cancelled)'],
    ['stopped past its limit: by a tick that died', { job: running, report: says('stopped'), now: 1000 }, "fail → FAILED (timed-out: stopped after the template's limit of 1000 s)"],
    ['failed while the run closes, not stopped: as it says', { job: running, report: says('failed', 'x'), closing: CANCELLED }, 'fail → FAILED (engine-error: x)'],

    ['not answered for: left as it is', { job: running, report: says('unanswered') }, ''],
    ['not answered for before it ran: left as it is', { job: startedJob, report: says('unanswered') }, ''],
    ['not answered for, past its limit: stopped all the same', { job: running, report: says('unanswered'), now: 1000 }, 'marked → RUNNING STOP'],
    ['not answered for, and the run closes: stopped all the same', { job: running, report: says('unanswered'), closing: CANCELLED }, 'marked → RUNNING STOP'],

    ['lost: started again by itself', { job: running }, 'fail reset ready → CREATED'],
    ['lost before it ran: started again', { job: startedJob }, 'fail reset ready → CREATED'],
    ['lost, and says so itself: started again', { job: running, report: says('lost', 'the worker died') }, 'fail reset ready → CREATED'],
    ['lost, and says so itself, retries used up: in its words', { job: { ...running, retries: 1 }, report: says('lost', 'the worker died') }, 'fail → FAILED (lost: the worker died)'],
    ['lost before it ran, where a start may be repeated: the same attempt again', { job: startedJob, startsAreRepeatable: true, limits: { retries: {} } }, 'marked → CREATED'],
    ['lost after it ran, though a start may be repeated: a failed attempt', { job: running, startsAreRepeatable: true, limits: { retries: {} } }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost before it ran, again and again: a failed attempt at last', { job: { ...created, start: { ...STARTED, restarts: 50 } }, startsAreRepeatable: true, limits: { retries: {} } }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost before it ran while the run closes: not again', { job: startedJob, startsAreRepeatable: true, closing: CANCELLED }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost before it ran, and cancelled: not again', { job: { ...created, start: { ...STARTED, cancel: { at: at(0), by: 'ada' } } }, startsAreRepeatable: true }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost twice: failed', { job: { ...running, attempt: 2, retries: 1 } }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost, no retry granted', { job: running, limits: { retries: {} } }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['lost while the run closes: not again', { job: running, closing: CANCELLED }, 'fail → FAILED (lost: the engine does not know the job any more)'],
    ['failed, retries granted', { job: running, report: says('failed', 'x'), limits: { retries: { 'engine-error': ONCE } } }, 'fail reset ready → CREATED'],

    ['up to its limit: nothing', { job: running, report: says('running'), now: 999 }, ''],
    ['past its limit: stopped first', { job: running, report: says('running'), now: 1000 }, 'marked → RUNNING STOP'],
    ['past its limit in the engine queue: stopped', { job: startedJob, report: says('queued'), now: 1000 }, 'marked → CREATED STOP'],
    ['past its limit when first seen: run and stopped', { job: startedJob, report: says('running'), now: 1000 }, 'run → RUNNING STOP'],
    ['asked to stop: not asked again', { job: { ...running, start: stopping('timed-out') }, report: says('running'), now: 59 }, ''],
    ['asked to stop and still there: forced', { job: { ...running, start: stopping('timed-out') }, report: says('running'), now: FORCE_STOP_AFTER_SECONDS }, 'marked → RUNNING FORCE'],
    ['asked to stop before it began: asked again when it begins', { job: { ...startedJob, start: stopping('cancelled') }, report: says('running'), now: 59 }, 'run → RUNNING STOP'],
    ['forced before it began: forced again when it begins', { job: { ...startedJob, start: stopping('cancelled', true) }, report: says('running'), now: GIVEN_UP - 1 }, 'run → RUNNING FORCE'],
    ['forced before it began, and not begun: not again', { job: { ...startedJob, start: stopping('cancelled', true) }, report: says('queued'), now: GIVEN_UP - 1 }, ''],
    ['forced: not again', { job: { ...running, start: stopping('timed-out', true) }, report: says('running'), now: GIVEN_UP - 1 }, ''],
    ['forced and there for ever: given up', { job: { ...running, start: stopping('timed-out', true) }, report: says('running'), now: GIVEN_UP }, 'fail → FAILED (timed-out: the engine still reports the job 600 s after it was told to force its stop)'],
    ['forced and in the queue for ever: given up', { job: { ...startedJob, start: stopping('cancelled', true) }, report: says('queued'), now: GIVEN_UP }, 'fail → FAILED (cancelled: the engine still reports the job 600 s after it was told to force its stop)'],
    ['given up: not again, though retries are granted', { job: { ...running, start: stopping('timed-out', true) }, report: says('running'), now: GIVEN_UP, limits: { retries: { 'timed-out': ONCE } } }, 'fail → FAILED (timed-out: the engine still reports the job 600 s after it was told to force its stop)'],
    ['stopped at its limit: timed-out', { job: { ...running, start: stopping('timed-out') }, report: says('stopped') }, "fail → FAILED (timed-out: stopped after the template's limit of 1000 s)"],
    ['stopped at its limit, retries granted', { job: { ...running, start: stopping('timed-out') }, report: says('stopped'), limits: { retries: { 'timed-out': ONCE } } }, 'fail reset ready → CREATED'],
    ['stopped at its limit, retries used up', { job: { ...running, retries: 1, start: stopping('timed-out') }, report: says('stopped'), limits: { retries: { 'timed-out': ONCE } } }, "fail → FAILED (timed-out: stopped after the template's limit of 1000 s)"],
    ['stopped at its limit while the run closes: not again', { job: { ...running, start: stopping('timed-out') }, report: says('stopped'), closing: CANCELLED, limits: { retries: { 'timed-out': ONCE } } }, "fail → FAILED (timed-out: stopped after the template's limit of 1000 s)"],
    ['gone while it was stopped: timed-out and not lost', { job: { ...running, start: stopping('timed-out') } }, "fail → FAILED (timed-out: stopped after the template's limit of 1000 s)"],
    ['done before the stop took effect: finished', { job: { ...running, start: stopping('timed-out') }, report: says('succeeded') }, 'finish → FINISHED'],

    ['the run closes: stopped', { job: running, report: says('running'), closing: CANCELLED }, 'marked → RUNNING STOP'],
    ['the run closes, done already: finished', { job: running, report: says('succeeded'), closing: CANCELLED }, 'finish → FINISHED'],
    ['stopped because of it: cancelled', { job: { ...running, start: stopping('cancelled') }, report: says('stopped'), closing: CANCELLED }, 'fail → FAILED (cancelled: stopped because it was cancelled)'],
    ['stopped because of it, in its words', { job: { ...running, start: stopping('aborted') }, report: says('stopped', 'Force stopping job') }, 'fail → FAILED (aborted: Force stopping job)'],
    ['timed out, then the run closes: timed-out', { job: { ...running, start: stopping('timed-out') }, report: says('running'), closing: CANCELLED, now: 30 }, ''],

    ['finished: let go', { job: { state: 'FINISHED', start: STARTED } }, 'RELEASE'],
    ['failed: let go', { job: { state: 'FAILED', start: STARTED, failure: { reason: 'lost', message: '' } }, report: says('running'), closing: CANCELLED }, 'RELEASE'],
    ['validating: let go', { job: { state: 'VALIDATING', start: STARTED }, report: says('failed') }, 'RELEASE'],
  ])('%s', (_, given, expected) => {
    expect(told(planOf(given))).toBe(expected);
  });

  test('by default a lost job is started again once, and nothing else is', () => {
    expect(DEFAULT_LIMITS.retries).toEqual({ lost: ONCE });
    expect(told(planOf({ job: running, limits: DEFAULT_LIMITS }))).toBe('fail reset ready → CREATED');
    expect(told(planOf({ job: running, report: says('failed', 'x'), limits: DEFAULT_LIMITS }))).toContain('FAILED');
  });

  test('the metrics of an ended attempt are in the change that ends it, also where it is started again', () => {
    const [finished] = planOf({ job: running, report: says('succeeded') }).changes;
    expect([finished?.records, finished?.after.metrics]).toEqual([undefined, METRICS]);
    const [retried] = planOf({ job: running, report: says('failed'), limits: { retries: { 'engine-error': ONCE } } }).changes;
    expect([retried?.records, retried?.after.attempt]).toEqual([[{ attempt: 1, metrics: METRICS }], 2]);
  });

  test('a retry begins with a start record of its own: nothing of the stopped or lost engine job is left on it', () => {
    const [change] = planOf({ job: running }).changes;
    expect(change?.after.start).toEqual({ queuedFor: 'retry' });
  });

  test('the same attempt again is queued, counts its restarts, and leaves no entry', () => {
    const [first] = planOf({ job: startedJob, startsAreRepeatable: true }).changes;
    expect([first?.entries, first?.after.attempt, first?.after.start]).toEqual([[], 1, { queuedFor: 'slot', restarts: 1 }]);
    const [second] = planOf({ job: { ...created, start: { ...STARTED, restarts: 1 } }, startsAreRepeatable: true }).changes;
    expect(second?.after.start).toEqual({ queuedFor: 'slot', restarts: 2 });
  });

  test('jobs do not touch each other', () => {
    const jobs = [running, startedJob, created, { state: 'FINISHED', start: STARTED } as const].map((job, index) =>
      aJob({ ...job, index }),
    );
    const alone = jobs.map((job) =>
      tick({
        openJobs: [job],
        reports: new Map(),
        closing: undefined,
        limits: LIMITS,
        fenceSeconds: 60,
        startsAreRepeatable: false,
        ...NO_CARE,
        now: at(9),
      }),
    );
    const together = tick({
      openJobs: jobs,
      reports: new Map(),
      closing: undefined,
      limits: LIMITS,
      fenceSeconds: 60,
      startsAreRepeatable: false,
      ...NO_CARE,
      now: at(9),
    });
    expect(together.changes).toEqual(alone.flatMap(({ changes }) => changes));
    expect(together.releases).toEqual(alone.flatMap(({ releases }) => releases));
  });
});

describe('whatever an engine reports, in whatever order', () => {
  const step = fc.record({
    report: fc.option(
      fc.record({
        state: fc.constantFrom(...ENGINE_JOB_STATES),
        message: fc.option(fc.string(), { nil: undefined }),
        metrics: fc.boolean(),
      }),
      { nil: undefined },
    ),
    closing: fc.constantFrom(undefined, undefined, undefined, CANCELLED, ABORTED),
    seconds: fc.integer({ min: 0, max: 700 }),
    /** The launch of a queued job is lost, leaves an intent, or is made. */
    launch: fc.constantFrom('lost', 'intent', 'made'),
  });

  const launched = (job: Job, how: string, now: Instant): Job => {
    if (how === 'lost') return job;
    const intent = { intentAt: now, engineJobName: engineJobName(job, job.attempt) };
    return { ...job, start: how === 'intent' ? intent : { ...intent, engineJobId: engineJobId(`e${job.attempt}`) } };
  };

  test(`histories are legal paths, attempts are bounded, and a settled job never changes (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(NEW, QUEUED, STARTED),
        (steps, retries, start) => {
          let job = aJob({ start });
          let now = 0;
          let asked = 0;
          const history: HistoryEntry[] = [];
          for (const { report, closing, seconds, launch } of steps) {
            now += seconds;
            const status = report && { state: report.state, ...(report.message === undefined ? {} : { message: report.message }) };
            const reports = new Map<EngineJobId, EngineReport>(
              status && job.start.engineJobId !== undefined
                ? [[job.start.engineJobId, { status, ...(report.metrics ? { metrics: METRICS } : {}) }]]
                : [],
            );
            const rule = { times: retries, backoffSeconds: 0 };
            const limits = { ...LIMITS, retries: { lost: rule, 'engine-error': rule, 'timed-out': rule } };
            const plan = tick({ openJobs: [job], reports, closing, limits, ...SLOW, now: at(now) });
            if (isSettled(job)) {
              expect(plan).toEqual({ changes: [], stops: [], launches: [], releases: [job] });
              continue;
            }
            expect(plan.releases).toEqual([]);
            expect(plan.changes.length + plan.launches.length).toBeLessThanOrEqual(1);
            asked += plan.stops.length;
            for (const change of plan.changes) {
              expect(change.before).toBe(job);
              expect(change.entries.length > 0 || plan.stops.length > 0).toBe(true);
              history.push(...change.entries);
              job = change.after;
            }
            if (plan.launches.length > 0 || job.start.queuedFor !== undefined) job = launched(job, launch, at(now));
          }
          let state: Job['state'] = 'CREATED';
          for (const [index, { from, name, to, sequence }] of history.entries()) {
            expect([from, to, sequence]).toEqual([state, nextJobState(state, name), index + 2]);
            state = to;
          }
          expect(job.state).toBe(state);
          expect(job.attempt).toBeLessThanOrEqual(1 + retries);
          expect(asked).toBeLessThanOrEqual(2 * (1 + retries));
          if (state === 'FAILED') expect(job.failure).toBeDefined();
          else expect(job.failure).toBeUndefined();
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });
});
