/** A job that reports itself, its tokens and its outputs: examples that the compiler holds against the views. */
import type { EngineEvent } from '#contract/engine-event';
import type { JobIndexed, JobLeftIndexing, JobOutputsView, JobReset } from '#contract/job-archives';
import type { EventRequest, RegisterJobRequest, TokenRequest as JobTokenRequest } from '#contract/job-requests';
import type { EventTaken, IssuedTokenView, JobAsOf, JobRegistered, JobTokenView, ReportedJobView } from '#contract/job-views';

const ID = '10724e8b-5c1f-5d3a-9b7e-2f6a8c0d4e19';
const TOKEN_ID = '01K8ZC0ED8QZV7N5T9X1M3B2AV';
const self = `/v1/jobs/${ID}`;

export const REGISTER_JOB: RegisterJobRequest = { pipeline: 'align', data: { sample: 's-1' }, 'expect-update-within-seconds': 3600 };

export const REPORTED_JOB: ReportedJobView = {
  'job-id': ID,
  kind: 'reported',
  pipeline: 'align',
  'pipeline-uuid': '10691d2c-7f3b-5a4e-8c6d-0b1e2f3a4c5d',
  parents: [],
  state: 'CREATED',
  attempt: 1,
  sequence: 1,
  'last-event': 'create',
  'expect-update-within-seconds': 3600,
  'due-at': '2026-11-21T09:00:00.000Z',
  'created-at': '2026-11-21T08:00:00.000Z',
  'updated-at': '2026-11-21T08:00:00.000Z',
  links: {
    self,
    history: `${self}/history`,
    outputs: `${self}/outputs`,
    events: `${self}/events`,
    tokens: `${self}/tokens`,
    children: `/v1/jobs?parent=${ID}`,
  },
};

const CALLBACK_URL = `https://sluice.example${self}/callback?token=slj_${TOKEN_ID}.…&status=\${STATUS}&note=\${NOTE}`;

export const JOB_REGISTERED: JobRegistered = {
  ...REPORTED_JOB,
  'archive-path': `/align/${ID}`,
  'registered-by': 'local',
  data: { sample: 's-1' },
  attached: false,
  'token-id': TOKEN_ID,
  token: `slj_${TOKEN_ID}.…`,
  'token-expires-at': '2026-11-24T08:00:00.000Z',
  'callback-url': CALLBACK_URL,
};

const { token: _token, 'token-id': _id, 'token-expires-at': _expires, ...SHOWN_BEFORE } = JOB_REGISTERED;
export const JOB_ATTACHED: JobRegistered = {
  ...SHOWN_BEFORE,
  attached: true,
  'callback-url': CALLBACK_URL.replace(`slj_${TOKEN_ID}.…`, '${TOKEN}'),
  advice: `the token was shown when the job was registered; POST ${self}/tokens issues another one`,
};

export const JOB_DELETED: ReportedJobView = {
  ...REPORTED_JOB,
  state: 'FINISHED',
  'deleted-at': '2026-11-22T08:00:00.000Z',
  'purge-at': '2026-12-22T08:00:00.000Z',
};

export const JOB_AS_OF: JobAsOf = {
  'job-id': ID,
  'as-of': '2026-11-21T08:00:00.500Z',
  state: 'CREATED',
  attempt: 1,
  sequence: 1,
  'last-event': 'create',
  'updated-at': '2026-11-21T08:00:00.000Z',
};

export const EVENT: EventRequest = { name: 'update', data: { step: 'aligned', reads: 1204 }, id: 'align-s-1-step-2' };

export const EVENT_TAKEN: EventTaken = {
  'job-id': ID,
  'event-id': 'align-s-1-step-2',
  name: 'update',
  state: 'RUNNING',
  sequence: 3,
  at: '2026-11-21T08:00:03.000Z',
};

export const JOB_TOKEN_REQUEST: JobTokenRequest = { events: ['update', 'finish', 'fail'] };

export const ISSUED_TOKEN: IssuedTokenView = {
  'job-id': ID,
  'token-id': TOKEN_ID,
  token: `slj_${TOKEN_ID}.…`,
  'token-expires-at': '2026-11-24T08:00:00.000Z',
  'callback-url': CALLBACK_URL,
  events: ['update', 'finish', 'fail'],
};

export const JOB_TOKEN: JobTokenView = {
  'token-id': TOKEN_ID,
  state: 'active',
  events: ['update', 'finish', 'fail'],
  attempt: 1,
  'issued-at': '2026-11-21T08:00:00.000Z',
  'issued-by': 'local',
  'expires-at': '2026-11-24T08:00:00.000Z',
  'last-used-at': '2026-11-21T08:00:03.000Z',
  'last-used-from': '203.0.113.7',
};

export const INDEXED: JobIndexed = { 'job-id': ID, state: 'FINISHED', sequence: 6, outputs: 1, 'size-bytes': 52_114 };
export const LEFT_INDEXING: JobLeftIndexing = { 'job-id': ID, state: 'INDEXING' };
export const RESET: JobReset = { 'job-id': ID, state: 'CREATED', sequence: 8, 'files-removed': 1 };

export const OUTPUTS: JobOutputsView = {
  items: [
    {
      key: 'aligned.bam',
      'size-bytes': 52_114,
      checksum: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      'modified-at': '2026-11-21T08:30:00.000Z',
    },
  ],
  'indexed-at': '2026-11-21T08:31:00.000Z',
  outputs: 1,
  'size-bytes': 52_114,
};

export const PUSHED: EngineEvent = {
  JOB_ID: '7d7f1c43-58a2-4f8e-9c53-0a54c2f2a6c1:example.org',
  JOB_NAME: 'http to gcs - job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000_a1',
  FROM_STATUS: 'ACTIVE',
  TO_STATUS: 'INACTIVE',
};
