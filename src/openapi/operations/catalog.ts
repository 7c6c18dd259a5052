/** The catalog: templates, and the patterns that choose them. */
import { PatternView, TemplateView } from '#contract/catalog';
import { PATTERN, PATTERN_DOCUMENT, TEMPLATE, TEMPLATE_DOCUMENT } from '#openapi/catalog-examples';
import { IF_MATCH, IF_NEWER, IF_NONE_MATCH, PAGED } from '#openapi/parameters';
import { PatternPage, TemplatePage } from '#openapi/schemas';
import type { Answer, Resource } from '#openapi/words';

const template: Answer = { description: 'The template.', schema: TemplateView, example: TEMPLATE, headers: ['ETag'] };
const pattern: Answer = { description: 'The pattern.', schema: PatternView, example: PATTERN, headers: ['ETag'] };
const unchanged: Answer = { description: 'The caller has this version already.', headers: ['ETag'] };
const put = (answer: Answer): Readonly<Record<number, Answer>> => ({
  201: { ...answer, description: 'There was none: it is there now.', headers: ['ETag', 'Sluice-Change'] },
  200: { ...answer, description: 'It is changed, or was so already: `Sluice-Change` tells.', headers: ['ETag', 'Sluice-Change'] },
});
const deleted: Readonly<Record<number, Answer>> = { 204: { description: 'It is gone.' } };
const CONDITIONS = [IF_MATCH, IF_NONE_MATCH];

export const TEMPLATES: Resource = {
  tag: 'templates',
  description: 'How a job is started: engine, definition, static parameters, limits. A registered version never changes.',
  operations: {
    'GET /v1/templates': {
      operationId: 'listTemplates',
      summary: 'List the templates, each in its newest version',
      parameters: PAGED,
      answers: { 200: { description: 'A page of templates.', schema: TemplatePage, example: { items: [TEMPLATE] } } },
    },
    'GET /v1/templates/{templateId}': {
      operationId: 'getTemplate',
      summary: 'Read the newest version of a template',
      parameters: [IF_NEWER],
      answers: { 200: template, 304: unchanged },
      problems: ['not-found'],
    },
    'GET /v1/templates/{templateId}/versions': {
      operationId: 'listVersionsOfTemplate',
      summary: 'List the versions of a template, newest first, also after it was deleted',
      parameters: PAGED,
      answers: { 200: { description: 'A page of versions.', schema: TemplatePage, example: { items: [TEMPLATE] } } },
      problems: ['not-found'],
    },
    'GET /v1/templates/{templateId}/versions/{version}': {
      operationId: 'getVersionOfTemplate',
      summary: 'Read one version of a template, also after it was deleted',
      parameters: [IF_NEWER],
      answers: { 200: template, 304: unchanged },
      problems: ['not-found'],
    },
    'PUT /v1/templates/{templateId}': {
      operationId: 'putTemplate',
      summary: 'Register a template, or its next version',
      description: 'What says the same as the newest version changes nothing. Runs keep the version that they were accepted under.',
      parameters: CONDITIONS,
      request: { example: TEMPLATE_DOCUMENT },
      answers: put(template),
      problems: ['invalid-template', 'precondition-failed', 'version-conflict'],
    },
    'DELETE /v1/templates/{templateId}': {
      operationId: 'deleteTemplate',
      summary: 'Delete a template that nothing uses',
      description: 'One that a pattern names or an open run uses is not deleted. Its versions stay for the runs that ran them.',
      parameters: CONDITIONS,
      answers: deleted,
      problems: ['invalid-request', 'not-found', 'precondition-failed', 'in-use'],
    },
  },
};

export const PATTERNS: Resource = {
  tag: 'patterns',
  description: 'Which template serves a pair of types.',
  operations: {
    'GET /v1/patterns': {
      operationId: 'listPatterns',
      summary: 'List the patterns',
      parameters: PAGED,
      answers: { 200: { description: 'A page of patterns.', schema: PatternPage, example: { items: [PATTERN] } } },
    },
    'GET /v1/patterns/{sourceType}/{targetType}': {
      operationId: 'getPattern',
      summary: 'Read which template serves a pair of types',
      parameters: [IF_NEWER],
      answers: { 200: pattern, 304: unchanged },
      problems: ['not-found'],
    },
    'PUT /v1/patterns/{sourceType}/{targetType}': {
      operationId: 'putPattern',
      summary: 'Say which template serves a pair of types',
      parameters: CONDITIONS,
      request: { example: PATTERN_DOCUMENT },
      answers: put(pattern),
      problems: ['no-template', 'precondition-failed'],
    },
    'DELETE /v1/patterns/{sourceType}/{targetType}': {
      operationId: 'deletePattern',
      summary: 'Delete a pattern',
      parameters: CONDITIONS,
      answers: deleted,
      problems: ['invalid-request', 'not-found', 'precondition-failed'],
    },
  },
};
