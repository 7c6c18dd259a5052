/** What administrators, engines and browsers ask for. */
import { SweepView } from '#contract/sweep-view';
import { TokenCreated, TokenView } from '#contract/tokens';
import { TOKEN, TOKEN_CREATED, TOKEN_REQUEST, TOKEN_REVOKED } from '#openapi/catalog-examples';
import { PUSHED } from '#openapi/job-examples';
import { header, IF_NEWER, PAGED, query, TEXT } from '#openapi/parameters';
import { SWEEP } from '#openapi/run-examples';
import { PushTaken, TokenPage } from '#openapi/schemas';
import type { Answer, Parameter, Resource } from '#openapi/words';

export const TOKENS: Resource = {
  tag: 'tokens',
  description: 'API tokens: who may call, as whom, for how long.',
  operations: {
    'POST /v1/tokens': {
      operationId: 'createToken',
      summary: 'Make an API token',
      description: 'Its text is shown here and never again. A name is given once; nobody gives more scopes than he has.',
      request: { example: TOKEN_REQUEST },
      answers: {
        201: { description: 'The token.', schema: TokenCreated, example: TOKEN_CREATED, headers: ['Location', 'Cache-Control'] },
      },
      problems: ['name-taken'],
    },
    'GET /v1/tokens': {
      operationId: 'listTokens',
      summary: 'List the API tokens, with their last use',
      parameters: PAGED,
      answers: { 200: { description: 'A page of tokens, without their secrets.', schema: TokenPage, example: { items: [TOKEN] } } },
    },
    'GET /v1/tokens/{tokenId}': {
      operationId: 'getToken',
      summary: 'Read what is known of an API token',
      answers: { 200: { description: 'The token, without its secret.', schema: TokenView, example: TOKEN } },
      problems: ['not-found'],
    },
    'DELETE /v1/tokens/{tokenId}': {
      operationId: 'revokeToken',
      summary: 'Revoke an API token, from the next request on',
      parameters: [
        query('even-if-last', 'Also where nobody could administer the service any more.', {
          type: 'string',
          enum: ['true', 'false'],
          default: 'false',
        }),
      ],
      answers: { 200: { description: 'It opens nothing any more, and is listed for 90 days.', schema: TokenView, example: TOKEN_REVOKED } },
      problems: ['invalid-request', 'not-found', 'last-administrator'],
    },
  },
};

export const SWEEPING: Resource = {
  tag: 'sweep',
  description: 'What nothing looks after any more; the service sweeps by itself every five minutes.',
  operations: {
    'GET /v1/sweep': {
      operationId: 'previewSweep',
      summary: 'Tell what a sweep would find',
      answers: { 200: { description: 'What was found; nothing is changed.', schema: SweepView, example: SWEEP } },
    },
    'POST /v1/sweep': {
      operationId: 'sweep',
      summary: 'Find what nothing looks after any more, and mend it',
      answers: {
        200: {
          description: 'What was found, and what became of it.',
          schema: SweepView,
          example: { ...SWEEP, findings: SWEEP.findings.map((finding) => ({ ...finding, outcome: 'repaired' })) },
        },
      },
    },
  },
};

export const ENGINES: Resource = {
  tag: 'engines',
  description: 'What engines say of themselves.',
  operations: {
    'POST /v1/engines/{engine}/events': {
      operationId: 'pushEngineEvent',
      summary: 'Say that a job has changed on its engine',
      description: 'For a webhook of the engine. The job’s run is looked at soon; what has happened is asked of the engine itself.',
      request: { example: PUSHED, description: 'What else it holds is not read.' },
      answers: { 202: { description: 'Taken; a job that is not ours is answered alike.', schema: PushTaken, example: {} } },
    },
  },
};

const ZIPPED: Parameter = header('Accept-Encoding', '`gzip`: zipped.', TEXT);
const file = (types: readonly string[], description: string): Readonly<Record<number, Answer>> => ({
  200: { description, content: Object.fromEntries(types.map((type) => [type, { description }])), headers: ['ETag', 'Cache-Control'] },
  304: { description: 'The caller has it already.', headers: ['ETag', 'Cache-Control'] },
});

export const DOCUMENTS: Resource = {
  tag: 'documents',
  description: 'Files that anybody may read.',
  operations: {
    'GET /openapi.json': {
      operationId: 'getOpenApi',
      summary: 'Read this document',
      parameters: [IF_NEWER, ZIPPED],
      answers: file(['application/json'], 'An OpenAPI 3.1 document.'),
    },
    'GET /console': {
      operationId: 'openConsole',
      summary: 'Go to the web console',
      answers: { 302: { description: 'To its page.', headers: ['Location', 'Cache-Control'] } },
    },
    'GET /console/{proxy+}': {
      operationId: 'getConsoleFile',
      summary: 'Read a file of the web console',
      parameters: [IF_NEWER, ZIPPED],
      answers: file(['text/html', 'text/javascript', 'text/css'], 'A page, a script or a style sheet.'),
      problems: ['not-found'],
    },
  },
};
