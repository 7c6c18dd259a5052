/** Waiting for a job, of a run or reported. */
import { AnyJobView } from '#contract/any-job-view';
import { waitForEnd, type WaitOptions } from './held-wait.ts';
import type { Pace } from './pace.ts';
import { query } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

type JobState = AnyJobView['state'];

export interface JobWaitOptions extends WaitOptions<AnyJobView> {
  /** `terminal`, or the state that is waited for. */
  readonly until?: 'terminal' | JobState;
}

/**
 * `reached`: it is in the state that was waited for, or has ended where its end was. `missed`: it has ended and will not come into
 * that state by itself. `timed-out`: the wait is over, and the job goes on.
 */
export interface JobWaitOutcome {
  readonly kind: 'reached' | 'missed' | 'timed-out';
  readonly job: AnyJobView;
}

export async function waitForJob(call: Transport, jobId: string, pace: Pace, options: JobWaitOptions = {}): Promise<JobWaitOutcome> {
  const { until = 'terminal' } = options;
  const path = `/v1/jobs/${part(jobId)}`;
  const isThere = (job: AnyJobView): boolean => (until === 'terminal' ? hasJobEnded(job) : job.state === until);
  const looks = {
    look: async () => (await call(get(path), AnyJobView)).body,
    held: async (seconds: number) => {
      const held = `${path}/wait${query({ until, 'timeout-seconds': seconds })}`;
      return (await call({ ...get(held), repeatable: false }, AnyJobView)).body;
    },
    hasEnded: (job: AnyJobView) => isThere(job) || isDead(job),
  };
  const { ended, seen } = await waitForEnd(looks, pace, options);
  if (isThere(seen)) return { kind: 'reached', job: seen };
  return { kind: ended ? 'missed' : 'timed-out', job: seen };
}

const isHidden = (job: AnyJobView): boolean => 'kind' in job && (job['withdrawn-at'] !== undefined || job['deleted-at'] !== undefined);

/** Nothing but a judgement, a retry or a reset is to be expected of it any more. */
export function hasJobEnded(job: AnyJobView): boolean {
  switch (job.state) {
    case 'CREATED':
    case 'RUNNING':
    case 'RESET':
      return isHidden(job);
    case 'INDEXING':
    case 'VALIDATING':
    case 'VALIDATED':
      // For its run a managed job is settled then.
      return !('kind' in job) || isHidden(job);
    case 'FAILED':
    case 'FINISHED':
    case 'REJECTED':
    case 'FINALIZED':
    case 'RETIRED':
      return true;
  }
}

/** It has ended, and no judgement of its success is still to come. */
function isDead(job: AnyJobView): boolean {
  const { state } = job;
  return isHidden(job) || state === 'FAILED' || state === 'REJECTED' || state === 'FINALIZED' || state === 'RETIRED';
}
