/** Jobs that run elsewhere and report themselves: registering, events, tokens, outputs. */
import { JobIndexed, JobLeftIndexing, JobOutputsView, JobReset } from '#contract/job-archives';
import { EVENT_BYTES } from '#contract/job-requests';
import { EventTaken, IssuedTokenView, JobRegistered, ReportedJobView } from '#contract/job-views';
import {
  EVENT,
  EVENT_TAKEN,
  INDEXED,
  ISSUED_TOKEN,
  JOB_ATTACHED,
  JOB_DELETED,
  JOB_REGISTERED,
  JOB_TOKEN,
  JOB_TOKEN_REQUEST,
  LEFT_INDEXING,
  OUTPUTS,
  REGISTER_JOB,
  REPORTED_JOB,
  RESET,
} from '#openapi/job-examples';
import { IDEMPOTENCY_KEY, JOB_STATE, LEFT_OUT, PAGED, query, TEXT } from '#openapi/parameters';
import { JobTokenList, ReportedJobPage } from '#openapi/schemas';
import type { Answer, Parameter, Resource } from '#openapi/words';

const taken: Answer = {
  description: 'The event was applied: the state that it led to.',
  schema: EventTaken,
  example: EVENT_TAKEN,
  headersAtTimes: ['Idempotent-Replayed'],
};
const SENDING = ['invalid-event', 'event-refused', 'not-found', 'not-ready', 'key-reused'] as const;
const EVENT_KEY: Parameter = {
  ...IDEMPOTENCY_KEY,
  description: 'The event’s id, where the request does not say it: the same event again is answered as it was the first time.',
};

export const REPORTED_JOBS: Resource = {
  tag: 'reported jobs',
  description: 'Jobs that Sluice does not start: whoever does the work registers it, and sends events with the job’s own token.',
  operations: {
    'POST /v1/jobs': {
      operationId: 'registerJob',
      summary: 'Register a job that runs elsewhere',
      description: 'The id is made of the pipeline, the parents and the data: the same content is the same job. The token is shown once.',
      request: { example: REGISTER_JOB },
      answers: {
        201: {
          description: 'The job is registered; this is its token.',
          schema: JobRegistered,
          example: JOB_REGISTERED,
          headers: ['Location', 'Cache-Control'],
        },
        200: { description: 'It was registered before: the job as it is, without a token.', schema: JobRegistered, example: JOB_ATTACHED },
      },
      problems: ['job-deleted'],
    },
    'GET /v1/jobs': {
      operationId: 'listReportedJobs',
      summary: 'List jobs that report themselves',
      description: LEFT_OUT,
      parameters: [
        ...PAGED,
        query('pipeline', 'Of this pipeline, by its name or its typed UUID.', TEXT, { example: 'align' }),
        query('parent', 'With this parent, by its typed UUID.', TEXT),
        query('state', 'In this state.', JOB_STATE),
      ],
      answers: { 200: { description: 'A page of jobs.', schema: ReportedJobPage, example: { items: [REPORTED_JOB] } } },
    },
    'DELETE /v1/jobs/{jobId}': {
      operationId: 'deleteJob',
      summary: 'Hide a reported job, and remove it after 30 days',
      answers: { 200: { description: 'When it will be gone: `purge-at`.', schema: ReportedJobView, example: JOB_DELETED } },
      problems: ['not-found', 'in-use', 'job-at-work'],
    },
    'POST /v1/jobs/{jobId}/events': {
      operationId: 'sendEvent',
      summary: 'Send an event of a job',
      description:
        'For whoever has the job’s token (in a header, the query, or the body) or an API token. An event that the state does not allow is ' +
        'refused, told with those that it does, and kept in the history. `reset` and `ready` need the scope `admin`. What is said of a ' +
        'job of a run is kept as an `update`, and its engine is asked.',
      parameters: [EVENT_KEY],
      request: { example: EVENT, description: 'The name is taken in any case.' },
      answers: { 200: taken },
      problems: SENDING,
    },
    'POST /v1/jobs/{jobId}/callback': {
      operationId: 'callBack',
      summary: 'Say what has become of a job by calling a URL',
      description:
        'For engines that can do no more. A status of theirs is mapped to an event (`FINISHED` to `finish`); one that is not known is an ' +
        '`update`. All that was sent is kept as the event’s data.',
      parameters: [
        query('status', 'The engine’s word for what has happened.', TEXT, { example: 'FINISHED' }),
        query('state', 'The same, where `status` is not given.', TEXT),
        query('event', 'The name of an event, before any status.', TEXT, { example: 'update' }),
        query('note', 'Kept with the event.', TEXT, { example: 'by-url' }),
        query('id', 'The event’s id: the same event again is answered as it was the first time.', TEXT),
        EVENT_KEY,
      ],
      anyBody: {
        description:
          'Anything, or nothing. Of a JSON object, `status`, `state` and `name` are read where the query says nothing, and `token` as the job’s token.',
        mostBytes: EVENT_BYTES,
        example: { status: 'FINISHED', exitCode: 0 },
      },
      answers: { 200: taken },
      problems: SENDING,
    },
    'POST /v1/jobs/{jobId}/tokens': {
      operationId: 'issueJobToken',
      summary: 'Issue a token that opens one job',
      request: { example: JOB_TOKEN_REQUEST, description: 'Nothing: for every event that needs no administrator.' },
      answers: {
        201: { description: 'The token, shown once.', schema: IssuedTokenView, example: ISSUED_TOKEN, headers: ['Cache-Control'] },
      },
      problems: ['not-found'],
    },
    'GET /v1/jobs/{jobId}/tokens': {
      operationId: 'listJobTokens',
      summary: 'List the tokens of a job, with their last use',
      answers: { 200: { description: 'All of them, without their secrets.', schema: JobTokenList, example: { items: [JOB_TOKEN] } } },
      problems: ['not-found'],
    },
    'DELETE /v1/jobs/{jobId}/tokens/{tokenId}': {
      operationId: 'revokeJobToken',
      summary: 'Revoke a token of a job',
      answers: { 204: { description: 'It opens nothing any more.' } },
      problems: ['not-found'],
    },
    'GET /v1/jobs/{jobId}/outputs': {
      operationId: 'listOutputsOfJob',
      summary: 'List what a reported job has left in its archive',
      parameters: PAGED,
      answers: {
        200: { description: 'A page of outputs; none where the attempt was not indexed.', schema: JobOutputsView, example: OUTPUTS },
      },
      problems: ['not-found', 'event-refused'],
    },
    'POST /v1/jobs/{jobId}/index': {
      operationId: 'indexJob',
      summary: 'List the archive of a reported job anew',
      request: { example: { patterns: ['\\.bam$'] }, description: 'Nothing: by the patterns that the job was registered with.' },
      answers: {
        200: { description: 'What was found is the outputs now.', schema: JobIndexed, example: INDEXED },
        202: { description: 'It takes longer, and goes on by itself.', schema: JobLeftIndexing, example: LEFT_INDEXING },
      },
      problems: ['not-found', 'event-refused', 'no-archives', 'archive-refused'],
    },
    'POST /v1/jobs/{jobId}/reset': {
      operationId: 'resetJob',
      summary: 'Empty the archive of a reported job, and make it ready for another attempt',
      request: { example: { 'keep-archive': false } },
      answers: { 200: { description: 'The job is in CREATED again.', schema: JobReset, example: RESET } },
      problems: ['not-found', 'event-refused', 'no-archives', 'archive-refused'],
    },
  },
};
