import { describe, expect, test } from 'vitest';
import type { ReportedJobId } from '#domain/ids';
import type { JobEventName } from '#domain/job-state';
import {
  applyReported,
  broughtBack,
  dueOf,
  failureOf,
  overdue,
  registeredJob,
  type ReportedJob,
  type ReportLimits,
} from '#domain/reported-job';
import { tokenAttempt, useToRecord, type JobToken } from '#domain/job-token';
import { at } from './builders.ts';

const jobWith = (limits: ReportLimits = {}): ReportedJob =>
  registeredJob({
    id: '107a90b7-f083-5167-a63d-41a3bf278bf8' as ReportedJobId,
    pipeline: '106c46ff-8186-5756-a934-071f4497b58d',
    pipelineName: 'nightly',
    parents: [],
    limits,
    at: at(0),
    by: 'ada',
  }).job;

function after(job: ReportedJob, ...events: readonly (readonly [JobEventName, number])[]): ReportedJob {
  return events.reduce((before, [name, seconds]) => {
    const outcome = applyReported(before, { name, at: at(seconds), actor: 'tests' });
    if (outcome.kind === 'refused') throw new Error(`${name} was refused`);
    return outcome.job;
  }, job);
}

describe('an event of a reported job', () => {
  test('never happens before the one before it, whatever the clocks say', () => {
    const job = after(jobWith(), ['run', 60], ['update', 30]);
    expect(job).toMatchObject({ updatedAt: at(60), sequence: 3 });
  });

  test('that fails it tells the message of its data, the first of message, error, note and description', () => {
    const failed = (data: object): unknown => {
      const outcome = applyReported(jobWith(), { name: 'fail', at: at(1), actor: 'tests', data: data as Record<string, string> });
      return outcome.kind === 'applied' ? [outcome.job.failure?.message, failureOf(outcome.entry)] : undefined;
    };
    const told = (message: string): unknown => [message, { reason: 'reported', message }];
    expect(failed({ note: 'n', error: 'e' })).toEqual(told('e'));
    expect(failed({ message: '', note: 'n' })).toEqual(told('n'));
    expect(failed({ message: 7 })).toEqual(told('reported without a message'));
    expect(failed({ reason: 'lost', message: 'made up' })).toEqual(told('made up'));
  });

  test('takes a failure back by a reset, and keeps it through retirement', () => {
    const failed = after(jobWith(), ['fail', 1]);
    expect(after(failed, ['retire', 2]).failure).toEqual(failed.failure);
    expect(after(failed, ['reset', 2])).not.toHaveProperty('failure');
    expect(after(failed, ['reset', 2], ['ready', 3])).toMatchObject({ state: 'CREATED', attempt: 2, since: at(3) });
  });

  test('is not taken by a job that is withdrawn or deleted', () => {
    for (const hidden of [{ withdrawn: { at: at(1), by: 'ada' } }, { deleted: { at: at(1), by: 'ada', purgeAt: at(2) } }])
      expect(applyReported({ ...jobWith(), ...hidden }, { name: 'run', at: at(3), actor: 'a' })).toEqual({
        kind: 'refused',
        state: 'CREATED',
        allowed: [],
      });
  });
});

test('a withdrawn job that is registered again is held to what is promised now', () => {
  const back = broughtBack(
    { ...jobWith({ expectUpdateWithinSeconds: 5 }), withdrawn: { at: at(1), by: 'a' } },
    { limits: { deadline: at(90) }, at: at(60), by: 'b' },
  );
  expect(back).toMatchObject({
    kind: 'applied',
    job: { limits: { deadline: at(90) }, since: at(60), sequence: 2 },
    entry: { name: 'create', actor: 'b' },
  });
  expect(back.kind === 'applied' && back.job.withdrawn).toBeUndefined();
});

describe('a reported job is due', () => {
  test('at the earlier of its deadline and the end of the silence that it may keep', () => {
    const limits = { expectUpdateWithinSeconds: 60, deadline: at(100) };
    expect(dueOf(jobWith(limits))).toEqual({ at: at(60), reason: 'lost' });
    expect(dueOf(after(jobWith(limits), ['run', 50]))).toEqual({ at: at(100), reason: 'timed-out' });
    expect(dueOf(jobWith())).toBeUndefined();
  });

  test('only in states in which work is to go on', () => {
    const limits = { expectUpdateWithinSeconds: 60 };
    const finished = after(jobWith(limits), ['run', 1], ['finish', 2]);
    expect([finished, after(finished, ['retire', 3]), after(finished, ['reset', 3])].map(dueOf)).toEqual([undefined, undefined, undefined]);
    expect(dueOf(after(finished, ['index', 5]))?.at).toBe(at(65));
    expect(dueOf(after(finished, ['validate', 5]))?.at).toBe(at(65));
  });

  test('to the very instant', () => {
    const job = jobWith({ expectUpdateWithinSeconds: 60 });
    expect([overdue(job, at(59.999)), overdue(job, at(60))?.reason]).toEqual([undefined, 'lost']);
  });
});

describe("a job's token", () => {
  test('is of the next attempt from the reset on', () => {
    expect(tokenAttempt({ state: 'RUNNING', attempt: 2 })).toBe(2);
    expect(tokenAttempt({ state: 'RESET', attempt: 2 })).toBe(3);
    expect(tokenAttempt({ state: 'CREATED', attempt: 3 })).toBe(3);
  });

  test('has its use recorded once a minute, and when it comes from elsewhere', () => {
    const token: JobToken = { id: 'a', secretDigest: '', attempt: 1, issuedAt: at(0), issuedBy: 'ada', expiresAt: at(9999) };
    const use = (seconds: number, from = 'here'): { readonly at: ReturnType<typeof at>; readonly from: string } => ({
      at: at(seconds),
      from,
    });
    expect(useToRecord(token, use(5))).toEqual(use(5));
    const used = { ...token, lastUse: use(5) };
    expect([useToRecord(used, use(64)), useToRecord(used, use(65)), useToRecord(used, use(6, 'there'))]).toEqual([
      undefined,
      use(65),
      use(6, 'there'),
    ]);
  });
});
