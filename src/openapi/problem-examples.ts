/** One example of every problem, as somebody meets it. */
import type { Problem, ProblemSlug } from '#contract/problems';

type Told = Omit<Problem, 'type' | 'title' | 'status'>;

export const PROBLEM_EXAMPLES: Readonly<Record<ProblemSlug, Told>> = {
  'malformed-request': { detail: 'the body is not UTF-8' },
  'invalid-request': {
    detail: '1 fields are not valid',
    errors: [{ pointer: '/user-run-id', rule: 'too_small', message: 'must not be empty' }],
  },
  'malformed-cursor': { detail: 'start again without a cursor' },
  'not-authenticated': { detail: 'send the header Authorization: Bearer slc_…; `sluice token show` prints the local one' },
  'not-allowed': { detail: 'this needs a token with the scope runs:write' },
  'not-found': { detail: 'there is no run run_01K8ZC0ED8QZV7N5T9X1M3B2AR' },
  'request-in-progress': { detail: 'the same request is being accepted; repeat it in a moment' },
  'version-conflict': { detail: 'the run is being changed by others; send the same request again' },
  'not-ready': { detail: 'its run is making its jobs; send the same request again in a moment' },
  'already-ended': { detail: 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR has ended as SUCCEEDED: nothing is left to cancel' },
  'event-refused': {
    detail: 'finish is not allowed in CREATED; allowed now: run, update, resource, fail',
    'job-id': '10724e8b-5c1f-5d3a-9b7e-2f6a8c0d4e19',
    'event-id': '01K8ZC0ED8QZV7N5T9X1M3B2AW',
    name: 'finish',
    state: 'CREATED',
    sequence: 1,
    at: '2026-11-21T08:00:02.000Z',
    'allowed-events': ['run', 'update', 'resource', 'fail'],
  },
  'archive-refused': { detail: 'the archive of the job leads out of its root; the job stays in INDEXING; index it again' },
  'no-archives': { detail: 'SLUICE_ARCHIVE_ROOT says where the archives of jobs are; it is not set' },
  'job-deleted': { detail: '10724e8b-5c1f-5d3a-9b7e-2f6a8c0d4e19 was deleted' },
  'job-at-work': { detail: '10724e8b-5c1f-5d3a-9b7e-2f6a8c0d4e19 is RUNNING, and elsewhere: send the event fail instead' },
  'nothing-to-retry': {
    detail: 'no job of run_01K8ZC0ED8QZV7N5T9X1M3B2AR has failed in this way; GET /v1/runs/run_01K8ZC0ED8QZV7N5T9X1M3B2AR/jobs shows them',
  },
  'plan-changed': { detail: 'nothing was started; plan the request again, and look at what has changed' },
  'name-taken': {
    detail: '"ci" is the name of another token, or was: runs and jobs keep who asked by name, so none is given twice',
    errors: [
      {
        pointer: '/name',
        rule: 'unique',
        message: 'is the name of another token, or was: runs and jobs keep who asked by name, so none is given twice',
      },
    ],
  },
  'last-administrator': {
    detail:
      'no other token has the scope admin: make one first, or send even-if-last=true; then only createAdminToken (on AWS) or a restart (locally) makes one',
  },
  'in-use': {
    detail: 'it is used by the pattern csv to parquet, the run run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
    patterns: [{ 'source-type': 'csv', 'target-type': 'parquet' }],
    runs: ['run_01K8ZC0ED8QZV7N5T9X1M3B2AR'],
  },
  'precondition-failed': { detail: 'the newest version is 4' },
  'request-too-large': { detail: 'the body has 5000000 bytes; at most 4194304 are taken: split the request' },
  'unsupported-media-type': { detail: 'send content-type: application/json, not text/plain' },
  'no-pattern': {
    detail: 'no pattern joins csv to parket; the nearest registered pairs are: csv to parquet',
    errors: [
      { pointer: '/source-type', rule: 'pattern', message: 'no pattern joins csv to parket' },
      { pointer: '/target-type', rule: 'pattern', message: 'no pattern joins csv to parket' },
    ],
  },
  'no-template': { detail: 'register tmpl_csv-to-parquet first' },
  'invalid-parameters': {
    detail: '2 values are not valid; nothing was started',
    errors: [
      {
        pointer: '/runtime-parameters/0/LOADED_BY',
        rule: 'locked',
        message: 'is set by the template (target-parameters) and may not be given',
      },
      { pointer: '/runtime-parameters/0/TARGET_PATH', rule: 'required', message: 'is required' },
    ],
  },
  'invalid-template': {
    detail: '1 things are wrong with it',
    errors: [{ pointer: '/engine', rule: 'engine', message: 'there is no engine of this name' }],
  },
  'invalid-event': {
    detail: '1 fields are not valid',
    errors: [{ pointer: '/name', rule: 'custom', message: 'must be one of create, run, update, …' }],
  },
  'invalid-selection': {
    detail: '1 of the named sets cannot be selected; nothing was started',
    errors: [{ pointer: '/indexes', rule: 'selection', message: 'set 7: the run has no such set' }],
  },
  'key-reused': { detail: 'the key was used for a retry of other jobs' },
  unavailable: { detail: 'the store does not answer; try again', 'request-id': 'JKJaXmPLvHcESHA=' },
  fault: { detail: 'report the request id JKJaXmPLvHcESHA=', 'request-id': 'JKJaXmPLvHcESHA=' },
};
