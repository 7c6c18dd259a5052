/**
 * The life of a job, managed or reported: 11 states, 15 events, 43 legal pairs, exactly those of
 * contracts/pipeline-jobs.md §1.1. A cell is the state that the event leads to; an absent cell is a refusal.
 * There is no INDEXED state: `indexed` leads back to FINISHED.
 */
export const JOB_STATES = [
  'CREATED',
  'RUNNING',
  'FAILED',
  'FINISHED',
  'INDEXING',
  'VALIDATING',
  'VALIDATED',
  'REJECTED',
  'FINALIZED',
  'RETIRED',
  'RESET',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_EVENT_NAMES = [
  'create',
  'run',
  'update',
  'resource',
  'fail',
  'finish',
  'index',
  'indexed',
  'validate',
  'validated',
  'reject',
  'finalize',
  'retire',
  'reset',
  'ready',
] as const;
export type JobEventName = (typeof JOB_EVENT_NAMES)[number];

/* prettier-ignore */
const TRANSITIONS: Readonly<Record<JobEventName, Readonly<Partial<Record<JobState, JobState>>>>> = {
  create:    { CREATED: 'CREATED' },
  run:       { CREATED: 'RUNNING', RUNNING: 'RUNNING' },
  update:    { CREATED: 'CREATED', RUNNING: 'RUNNING', INDEXING: 'INDEXING', VALIDATING: 'VALIDATING' },
  resource:  { CREATED: 'CREATED', RUNNING: 'RUNNING' },
  fail:      { CREATED: 'FAILED', RUNNING: 'FAILED', INDEXING: 'FAILED', VALIDATING: 'FAILED' },
  finish:    { RUNNING: 'FINISHED', FINISHED: 'FINISHED' },
  index:     { FINISHED: 'INDEXING', INDEXING: 'INDEXING' },
  indexed:   { FINISHED: 'FINISHED', INDEXING: 'FINISHED' },
  validate:  { FINISHED: 'VALIDATING', VALIDATED: 'VALIDATING' },
  validated: { VALIDATING: 'VALIDATED', VALIDATED: 'VALIDATED' },
  reject:    { VALIDATING: 'REJECTED' },
  finalize:  { VALIDATED: 'FINALIZED' },
  retire:    { FAILED: 'RETIRED', FINISHED: 'RETIRED', VALIDATING: 'RETIRED', VALIDATED: 'RETIRED', REJECTED: 'RETIRED', FINALIZED: 'RETIRED' },
  reset:     { CREATED: 'RESET', RUNNING: 'RESET', FAILED: 'RESET', FINISHED: 'RESET', INDEXING: 'RESET', VALIDATING: 'RESET',
               VALIDATED: 'RESET', REJECTED: 'RESET', FINALIZED: 'RESET', RETIRED: 'RESET', RESET: 'RESET' },
  ready:     { RESET: 'CREATED' },
};

/** The state that `event` leads to from `state`; undefined where the event is refused. */
export function nextJobState(state: JobState, event: JobEventName): JobState | undefined {
  return TRANSITIONS[event][state];
}

/** The events that `state` allows, in the order of the contract: what a refusal tells its sender. */
export function allowedEvents(state: JobState): readonly JobEventName[] {
  return JOB_EVENT_NAMES.filter((event) => nextJobState(state, event) !== undefined);
}
