/** A template, its pattern and an API token: examples that the compiler holds against the views. */
import type { PatternDocument, PatternView, TemplateInput, TemplateView } from '#contract/catalog';
import type { TokenCreated, TokenRequest, TokenView } from '#contract/tokens';

export const TEMPLATE_DOCUMENT: TemplateInput = {
  name: 'CSV to Parquet',
  engine: 'duckdb',
  'target-parameters': { LOADED_BY: 'sluice' },
  'parameters-schema': {
    type: 'object',
    additionalProperties: false,
    required: ['SOURCE_PATH', 'TARGET_PATH'],
    properties: { SOURCE_PATH: { type: 'string' }, TARGET_PATH: { type: 'string' } },
  },
  limits: { 'max-wait-seconds': 600, 'max-parallel': 4, retries: { lost: 2 } },
  definition: {
    inputs: [{ name: 'source', path: '$SOURCE_PATH' }],
    stages: [{ name: 'read', role: 'input', sql: 'CREATE TABLE raw AS SELECT * FROM read_csv($source)' }],
    target: { path: '$TARGET_PATH', sql: 'SELECT *, $LOADED_BY AS loaded_by FROM raw', format: 'parquet' },
  },
};

export const TEMPLATE: TemplateView = {
  'template-id': 'tmpl_csv-to-parquet',
  version: 1,
  'created-at': '2026-11-21T07:59:00.000Z',
  name: 'CSV to Parquet',
  engine: 'duckdb',
  definition: TEMPLATE_DOCUMENT.definition ?? {},
  'source-parameters': {},
  'target-parameters': { LOADED_BY: 'sluice' },
  'source-connection': {},
  'target-connection': {},
  'parameters-schema': TEMPLATE_DOCUMENT['parameters-schema'] ?? {},
  overridable: [],
  searchable: [],
  identity: [],
  limits: { 'max-wait-seconds': 600, 'max-parallel': 4, retries: { lost: { times: 2, 'backoff-seconds': 0 } } },
  'delete-after-completion': false,
};

export const PATTERN_DOCUMENT: PatternDocument = { 'template-id': 'tmpl_csv-to-parquet' };

export const PATTERN: PatternView = {
  'source-type': 'csv',
  'target-type': 'parquet',
  'template-id': 'tmpl_csv-to-parquet',
  version: 1,
  'updated-at': '2026-11-21T07:59:30.000Z',
};

export const TOKEN_REQUEST: TokenRequest = { name: 'ci', scopes: ['runs:read', 'runs:write'], 'expires-in-seconds': 7_776_000 };

export const TOKEN: TokenView = {
  'token-id': '01K8ZC0ED8QZV7N5T9X1M3B2AX',
  name: 'ci',
  scopes: ['runs:read', 'runs:write'],
  state: 'active',
  'created-at': '2026-11-21T08:00:00.000Z',
  'created-by': 'local',
  'expires-at': '2027-02-19T08:00:00.000Z',
  'kept-until': '2027-05-20T08:00:00.000Z',
};

export const TOKEN_CREATED: TokenCreated = { ...TOKEN, token: 'slc_01K8ZC0ED8QZV7N5T9X1M3B2AX.…' };

export const TOKEN_REVOKED: TokenView = {
  ...TOKEN,
  state: 'revoked',
  'revoked-at': '2026-12-01T08:00:00.000Z',
  'revoked-by': 'local',
  'last-used-at': '2026-11-30T22:14:00.000Z',
  'last-used-from': '203.0.113.7',
};
