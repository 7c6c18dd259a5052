import { expect, test } from 'vitest';
import { eventOfStatus } from '#domain/foreign-status';

/** contracts/pipeline-jobs.md §3.3, in full. */
const TABLE = {
  run: 'RUNNING',
  finish: 'FINISHED',
  fail: 'FAILED STOPPED DELETED ARCHIVING_FAILED',
  update: 'KILLED HEARTBEAT UPDATED SOMETHING_NEW',
  resource:
    'CREATED PERMISSION_GRANT PERMISSION_REVOKE PENDING STAGING_INPUTS CLEANING_UP ARCHIVING STAGING_JOB PAUSED QUEUED SUBMITTING STAGED PROCESSING_INPUTS ARCHIVING_FINISHED',
};

test.each(Object.entries(TABLE))('%s is what %s mean, in any case of letters', (event, statuses) => {
  for (const status of statuses.split(' ')) {
    expect([status, eventOfStatus(status)]).toEqual([status, event]);
    expect([status, eventOfStatus(status.toLowerCase())]).toEqual([status, event]);
  }
});
