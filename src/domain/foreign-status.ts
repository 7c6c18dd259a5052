/** What other systems call the states of their jobs, as our events: the table of contracts/pipeline-jobs.md §3.3, in full. */
import { JOB_EVENT_NAMES, type JobEventName } from './job-state.ts';

const STATUSES: ReadonlyMap<string, JobEventName> = new Map([
  ['RUNNING', 'run'],
  ['FINISHED', 'finish'],
  ...(['FAILED', 'STOPPED', 'DELETED', 'ARCHIVING_FAILED'] as const).map((status) => [status, 'fail'] as const),
  ...(
    [
      'CREATED',
      'PERMISSION_GRANT',
      'PERMISSION_REVOKE',
      'PENDING',
      'STAGING_INPUTS',
      'CLEANING_UP',
      'ARCHIVING',
      'STAGING_JOB',
      'PAUSED',
      'QUEUED',
      'SUBMITTING',
      'STAGED',
      'PROCESSING_INPUTS',
      'ARCHIVING_FINISHED',
    ] as const
  ).map((status) => [status, 'resource'] as const),
]);

/** In any case of letters. KILLED, HEARTBEAT, UPDATED and what nobody has heard of say that something is going on: `update`. */
export const eventOfStatus = (status: string): JobEventName => STATUSES.get(status.toUpperCase()) ?? 'update';

/** An event by its own name, in any case of letters. */
export function parseEventName(text: string): JobEventName | undefined {
  const lower = text.toLowerCase();
  return JOB_EVENT_NAMES.find((name) => name === lower);
}
