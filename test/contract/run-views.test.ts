/** What the API tells of a job that its engine is to stop. */
import { describe, expect, test } from 'vitest';
import { jobView } from '#contract/run-views';
import { JobView } from '#contract/views';
import { engineJobId } from '#domain/ids';
import type { StopRequest } from '#domain/job';
import { aJob, at } from '#test/domain/builders';

const ASKED: StopRequest = { reason: 'timed-out', askedAt: at(0) };
const start = (stop: StopRequest): { readonly engineJobId: ReturnType<typeof engineJobId>; readonly stop: StopRequest } => ({
  engineJobId: engineJobId('e1'),
  stop,
});

describe('a job that is to be stopped', () => {
  test.each<readonly [string, StopRequest, NonNullable<JobView['stopping']>]>([
    ['since when and why', ASKED, { reason: 'timed-out', 'asked-at': at(0) }],
    ['since when by force', { ...ASKED, forcedAt: at(60) }, { reason: 'timed-out', 'asked-at': at(0), 'forced-at': at(60) }],
    ['why its engine could not be told', { ...ASKED, fault: 'no' }, { reason: 'timed-out', 'asked-at': at(0), fault: 'no' }],
  ])('tells %s', (_, stop, stopping) => {
    const view = jobView(aJob({ state: 'RUNNING', start: start(stop) }));
    expect(view.stopping).toEqual(stopping);
    expect(JobView.parse(view)).toEqual(view);
  });

  test('tells no more of it once it has ended', () => {
    expect(jobView(aJob({ state: 'FAILED', start: start(ASKED) }))).not.toHaveProperty('stopping');
  });
});
