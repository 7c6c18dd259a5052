/** Patterns: which template serves a pair of types. */
import { PatternDocument, type PatternView } from '#contract/catalog';
import { parseTemplateId } from '#domain/ids';
import type { Pattern } from '#domain/template';
import { httpHandler, route, routeWithBody } from '#hosts/lambda/http';
import { pageRequest, problem, reply } from '#hosts/lambda/replies';
import { storePorts } from '#hosts/wiring';
import { putPattern } from '#operations/put-pattern';

const view = (pattern: Pattern): PatternView => ({
  'source-type': pattern.sourceType,
  'target-type': pattern.targetType,
  'template-id': pattern.templateId,
  'updated-at': pattern.updatedAt,
});

export const handler = httpHandler([
  route('GET /v1/patterns', 'runs:read', async (request) => {
    const paged = pageRequest(request);
    if ('reply' in paged) return paged.reply;
    const listed = await storePorts().catalog.patterns(paged.page);
    if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
    const { items, cursor } = listed.page;
    return reply(200, { items: items.map(view), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
  }),
  route('GET /v1/patterns/{sourceType}/{targetType}', 'runs:read', async ({ path }) => {
    const pattern = await storePorts().catalog.pattern(path('sourceType'), path('targetType'));
    return pattern ? reply(200, view(pattern)) : problem('not-found', `no pattern for ${path('sourceType')} to ${path('targetType')}`);
  }),
  routeWithBody('PUT /v1/patterns/{sourceType}/{targetType}', 'catalog:write', PatternDocument, async ({ body, path }) => {
    const templateId = parseTemplateId(body['template-id']);
    const outcome =
      templateId && (await putPattern(storePorts(), { sourceType: path('sourceType'), targetType: path('targetType'), templateId }));
    if (!outcome || outcome.kind === 'no-template') {
      const message = `${body['template-id']} is not registered`;
      return problem('no-template', message, [{ pointer: '/template-id', rule: 'template', message }]);
    }
    return reply(outcome.kind === 'created' ? 201 : 200, view(outcome.pattern), { 'sluice-change': outcome.kind });
  }),
]);
