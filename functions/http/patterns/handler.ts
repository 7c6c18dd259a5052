/** Patterns: which template serves a pair of types. */
import { PatternDocument, type PatternView } from '#contract/catalog';
import { parseTemplateId } from '#domain/ids';
import type { Pattern } from '#domain/template';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { etagOf, notModified, preconditionFailed, preconditionOf } from '#hosts/lambda/preconditions';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { catalogPorts } from '#hosts/wiring';
import { deletePattern } from '#operations/delete-pattern';
import type { TypePair } from '#operations/ports';
import { putPattern, type PutPatternOutcome } from '#operations/put-pattern';

const view = (pattern: Pattern): PatternView => ({
  'source-type': pattern.sourceType,
  'target-type': pattern.targetType,
  'template-id': pattern.templateId,
  version: pattern.version,
  'updated-at': pattern.updatedAt,
});

const pairOf = ({ path }: Pick<HttpRequest, 'path'>): TypePair => ({ sourceType: path('sourceType'), targetType: path('targetType') });
const notFound = ({ sourceType, targetType }: TypePair): HttpReply => problem('not-found', `no pattern for ${sourceType} to ${targetType}`);

async function list(request: HttpRequest): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const listed = await catalogPorts().catalog.patterns(paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const { items, cursor } = listed.page;
  return reply(200, { items: items.map(view), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

async function get(request: HttpRequest): Promise<HttpReply> {
  const pair = pairOf(request);
  const pattern = await catalogPorts().catalog.pattern(pair.sourceType, pair.targetType);
  if (!pattern) return notFound(pair);
  return notModified(request, pattern.version) ?? reply(200, view(pattern), { etag: etagOf(pattern.version) });
}

/** As long as a request may be, or a pattern would serve nobody. */
const TYPE_LENGTH = 256;

async function put(request: HttpRequest<PatternDocument>): Promise<HttpReply> {
  const tooLong = Object.values(pairOf(request)).some((type) => type.length > TYPE_LENGTH);
  if (tooLong) return problem('invalid-request', `a type has at most ${TYPE_LENGTH} characters`);
  const asked = preconditionOf(request);
  if (asked.kind === 'refused') return asked.reply;
  const templateId = parseTemplateId(request.body['template-id']);
  const outcome: PutPatternOutcome = templateId
    ? await putPattern(catalogPorts(), { ...pairOf(request), templateId }, asked.precondition)
    : { kind: 'no-template' };
  switch (outcome.kind) {
    case 'created':
    case 'changed':
    case 'unchanged': {
      const headers = { etag: etagOf(outcome.pattern.version), 'sluice-change': outcome.kind };
      return reply(outcome.kind === 'created' ? 201 : 200, view(outcome.pattern), headers);
    }
    case 'precondition-failed':
      return preconditionFailed(outcome.version);
    case 'no-template': {
      const message = `${request.body['template-id']} is not registered`;
      return problem('no-template', message, [{ pointer: '/template-id', rule: 'template', message }]);
    }
  }
}

async function remove(request: HttpRequest): Promise<HttpReply> {
  const asked = preconditionOf(request);
  if (asked.kind === 'refused') return asked.reply;
  const outcome = await deletePattern(catalogPorts(), pairOf(request), asked.precondition);
  switch (outcome.kind) {
    case 'deleted':
      return { statusCode: 204 };
    case 'absent':
      return notFound(pairOf(request));
    case 'precondition-failed':
      return preconditionFailed(outcome.version);
  }
}

export const handler = httpHandler([
  route('GET /v1/patterns', 'runs:read', list),
  route('GET /v1/patterns/{sourceType}/{targetType}', 'runs:read', get),
  routeWithBody('PUT /v1/patterns/{sourceType}/{targetType}', 'catalog:write', PatternDocument, put),
  route('DELETE /v1/patterns/{sourceType}/{targetType}', 'catalog:write', remove),
]);
