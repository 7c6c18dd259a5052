/** Templates: registering a version, reading the newest or a given one. */
import { templateBody, TemplateDocument, templateView } from '#contract/catalog';
import { parseTemplateId } from '#domain/ids';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { putTemplate } from '#operations/put-template';

async function get(request: HttpRequest, version?: number): Promise<HttpReply> {
  const id = parseTemplateId(request.path('templateId'));
  const template = id && (await ports().catalog.template(id, version));
  if (!template)
    return problem(
      'not-found',
      `there is no template ${request.path('templateId')}${version === undefined ? '' : ` of version ${version}`}`,
    );
  return reply(200, templateView(template), { etag: `"${template.version}"` });
}

async function put({ body, path }: HttpRequest<TemplateDocument>): Promise<HttpReply> {
  const id = parseTemplateId(path('templateId'));
  if (!id) return problem('invalid-request', 'a template id is tmpl_ and then lower-case letters, digits and hyphens');
  const outcome = await putTemplate(ports(), id, templateBody(body));
  switch (outcome.kind) {
    case 'created':
    case 'changed':
    case 'unchanged': {
      const { version } = outcome.template;
      return reply(outcome.kind === 'created' ? 201 : 200, templateView(outcome.template), {
        etag: `"${version}"`,
        'sluice-change': outcome.kind,
      });
    }
    case 'invalid':
      return problem('invalid-template', `${outcome.problems.length} things are wrong with it`, outcome.problems);
    case 'conflict':
      return problem('version-conflict', 'another version was registered at the same time; look at it and send yours again');
  }
}

export const handler = httpHandler([
  route('GET /v1/templates', 'runs:read', async (request) => {
    const paged = pageRequest(request);
    if ('reply' in paged) return paged.reply;
    const listed = await ports().catalog.templates(paged.page);
    if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
    const { items, cursor } = listed.page;
    return reply(200, { items: items.map(templateView), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
  }),
  route('GET /v1/templates/{templateId}', 'runs:read', (request) => get(request)),
  route('GET /v1/templates/{templateId}/versions/{version}', 'runs:read', (request) => get(request, Number(request.path('version')) || 0)),
  routeWithBody('PUT /v1/templates/{templateId}', 'catalog:write', TemplateDocument, put),
]);
