/** Runs: planning, starting, following and changing them. */
import { JobsOfRun, NothingStarted, RunRetried, RunStarted, RunView } from '#contract/views';
import { PlanView } from '#contract/plan-view';
import { RUN_STATES } from '#domain/run';
import { IDEMPOTENCY_KEY, JOB_STATE, LEFT_OUT, PAGED, PLAN_HASH, query, TEXT, TIME, TIMEOUT } from '#openapi/parameters';
import {
  CLONE_REQUEST,
  COST,
  JOB,
  PLAN,
  RETRY_REQUEST,
  RUN,
  RUN_CANCELLING,
  RUN_REQUEST,
  RUN_RETRIED,
  RUN_STARTED,
} from '#openapi/run-examples';
import { RunPage } from '#openapi/schemas';
import type { Answer, Resource, Words } from '#openapi/words';

const STARTED = ['Location', 'Retry-After'] as const;

const accepted: Answer = {
  description: 'The run is accepted, and goes on by itself. `job-ids` stand in the order of the parameter sets.',
  schema: RunStarted,
  example: RUN_STARTED,
  headers: STARTED,
};
const replayed: Answer = {
  description: 'The same request was accepted before, and this is its run; or every set has succeeded already, and `run-id` is null.',
  schema: [RunStarted, NothingStarted],
  example: RUN_STARTED,
  headersAtTimes: STARTED,
};
const START_PROBLEMS = [
  'invalid-request',
  'request-in-progress',
  'plan-changed',
  'no-pattern',
  'no-template',
  'invalid-parameters',
  'key-reused',
] as const;

const start: Omit<Words, 'operationId' | 'summary' | 'answers'> = {
  parameters: [IDEMPOTENCY_KEY, PLAN_HASH],
  request: { example: RUN_REQUEST, description: 'A set has at most 64 KB, and each of its values 32 KB.' },
  problems: START_PROBLEMS,
};
const REPEATABLE =
  'Every parameter set becomes one job. All sets are checked before anything starts: one that is wrong refuses the request, and every ' +
  'fault of every set is told. The same request under the same `user-id` and `user-run-id` answers the same run, never a second one.';

export const RUNS: Resource = {
  tag: 'runs',
  description: 'One request, one run; every parameter set of it becomes one job.',
  operations: {
    'POST /streamsets/job-template-runner': {
      operationId: 'runJobTemplate',
      summary: 'Start a run, as the Job Template Service was asked to',
      description: `${REPEATABLE} The same as \`POST /v1/runs\`, but for the status 200, which is what that service answered.`,
      ...start,
      answers: {
        200: {
          ...replayed,
          description:
            'The run is accepted, or was before and this is it; or every set has succeeded already, nothing is started, and `run-id` is null.',
        },
      },
    },
    'POST /v1/runs': {
      operationId: 'startRun',
      summary: 'Start a run',
      description: REPEATABLE,
      ...start,
      answers: { 202: accepted, 200: replayed },
    },
    'POST /v1/runs/plan': {
      operationId: 'planRun',
      summary: 'Show what a request would start',
      description: 'Starts nothing. Started with `If-Match` and the `plan-hash`, it is exactly that, or nothing.',
      parameters: PAGED,
      request: { example: RUN_REQUEST },
      answers: {
        200: {
          description: 'Template and version, every set’s parameters and where each came from, a page of sets at a time.',
          schema: PlanView,
          example: PLAN,
          headers: ['ETag'],
        },
      },
      problems: ['no-pattern', 'no-template', 'invalid-parameters'],
    },
    'GET /v1/runs': {
      operationId: 'listRuns',
      summary: 'List runs, newest first',
      description: LEFT_OUT,
      parameters: [
        ...PAGED,
        query('user-id', 'Of this user.', TEXT),
        query('user-run-id', 'Of this name.', TEXT),
        query('template-id', 'Of this template.', TEXT, { example: 'tmpl_csv-to-parquet' }),
        query('state', 'In this state.', { type: 'string', enum: RUN_STATES }),
        query('from', 'Accepted then or later.', TIME),
        query('before', 'Accepted before.', TIME),
        query('parameter', '`KEY=value`: with a set of that value, for keys that their template declares as searchable.', TEXT, {
          example: 'CITY=London',
        }),
      ],
      answers: { 200: { description: 'A page of runs.', schema: RunPage, example: { items: [RUN] } } },
    },
    'GET /v1/runs/{runId}': {
      operationId: 'getRun',
      summary: 'Read a run, with its counts and sums',
      parameters: [
        query('include', '`cost`: what the run has used so far, and what that costs on AWS.', { type: 'string', enum: ['cost'] }),
      ],
      answers: { 200: { description: 'The run.', schema: RunView, example: { ...RUN, cost: COST } } },
      problems: ['not-found'],
    },
    'GET /v1/runs/{runId}/jobs': {
      operationId: 'listJobsOfRun',
      summary: 'List the jobs of a run, in the order of its sets',
      description:
        'Of one state, they are looked for among a bounded number of sets at a time: a page may be short, and even empty, and not be the last. ' +
        LEFT_OUT,
      parameters: [
        ...PAGED,
        query('state', 'In this state.', JOB_STATE),
        query('include', '`parameters`: the effective parameters, and where each value came from.', {
          type: 'string',
          enum: ['parameters'],
        }),
      ],
      answers: { 200: { description: 'A page of jobs.', schema: JobsOfRun, example: { items: [JOB] } } },
      problems: ['not-found'],
    },
    'GET /v1/runs/{runId}/wait': {
      operationId: 'waitForRun',
      summary: 'Wait until a run has ended',
      parameters: [TIMEOUT],
      answers: { 200: { description: 'The run once it has ended, or as it is when the time is over.', schema: RunView, example: RUN } },
      problems: ['invalid-request', 'not-found'],
    },
    'POST /v1/runs/{runId}/cancel': {
      operationId: 'cancelRun',
      summary: 'Cancel a run',
      description: 'What is under way is stopped on its engine, by force where it does not stop within a minute.',
      answers: {
        202: { description: 'The run is being cancelled.', schema: RunView, example: RUN_CANCELLING },
        200: {
          description: 'It is cancelled already: nothing of it was under way.',
          schema: RunView,
          example: { ...RUN, state: 'CANCELLED' },
        },
      },
      problems: ['not-found', 'already-ended'],
    },
    'POST /v1/runs/{runId}/retry': {
      operationId: 'retryRun',
      summary: 'Retry what has failed, in the same run',
      description:
        'One attempt more of the jobs that failed: of all of them, or of those of these reasons, places or keys. What succeeded stays.',
      parameters: [IDEMPOTENCY_KEY],
      request: { example: RETRY_REQUEST, description: 'Nothing selects every job that failed.' },
      answers: {
        202: { description: 'The run goes on with these jobs.', schema: RunRetried, example: RUN_RETRIED, headers: STARTED },
        200: { description: 'The same retry was asked for before.', schema: RunRetried, example: RUN_RETRIED, headers: STARTED },
      },
      problems: ['not-found', 'not-ready', 'nothing-to-retry', 'invalid-selection', 'key-reused', 'version-conflict'],
    },
    'POST /v1/runs/{runId}/clone': {
      operationId: 'cloneRun',
      summary: 'Start a new run of the sets of an old one',
      description: 'Of all its sets, of those whose jobs `failed`, or of others; under the version of its template of then or of now.',
      parameters: [
        IDEMPOTENCY_KEY,
        // The run that it is a clone of is part of what is hashed.
        {
          ...PLAN_HASH,
          description:
            'The `ETag` of a 412 to the same clone: starts exactly what was planned then, or nothing (412). That of a plan is another.',
        },
      ],
      request: { example: CLONE_REQUEST },
      answers: { 202: accepted, 200: replayed },
      problems: [...START_PROBLEMS, 'not-found', 'nothing-to-retry', 'invalid-selection'],
    },
  },
};
