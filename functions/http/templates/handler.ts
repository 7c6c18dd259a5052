/** Templates: registering a version, reading the newest, a given one or all of them, deleting what nobody uses. */
import { counted } from '#domain/counted';
import { templateBody, TemplateDocument, templateView } from '#contract/catalog';
import { parseTemplateId } from '#domain/ids';
import type { Template } from '#domain/template';
import { httpHandler, route, routeWithBody, type HttpRequest } from '#hosts/lambda/http';
import { etagOf, notModified, preconditionFailed, preconditionOf } from '#hosts/lambda/preconditions';
import { pageRequest, problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { deleteTemplate, type DeleteTemplateOutcome } from '#operations/delete-template';
import type { Listed, PageRequest } from '#operations/ports';
import { putTemplate } from '#operations/put-template';

const notFound = (id: string, version?: string): HttpReply =>
  problem('not-found', `there is no template ${id}${version === undefined ? '' : ` of version ${version}`}`);

async function get(request: HttpRequest, version?: string): Promise<HttpReply> {
  const id = parseTemplateId(request.path('templateId'));
  const template = id && (await ports().catalog.template(id, version === undefined ? undefined : versionOf(version)));
  if (!template) return notFound(request.path('templateId'), version);
  return notModified(request, template.version) ?? reply(200, templateView(template), { etag: etagOf(template.version) });
}

async function list(request: HttpRequest, from: (page: PageRequest) => Promise<Listed<Template>>): Promise<HttpReply> {
  const paged = pageRequest(request);
  if ('reply' in paged) return paged.reply;
  const listed = await from(paged.page);
  if (listed.kind === 'malformed-cursor') return problem('malformed-cursor', 'start again without a cursor');
  const { items, cursor } = listed.page;
  return reply(200, { items: items.map(templateView), ...(cursor === undefined ? {} : { 'next-cursor': cursor }) });
}

async function versions(request: HttpRequest): Promise<HttpReply> {
  const id = parseTemplateId(request.path('templateId'));
  // Of a deleted template the versions are still there; of one that never was, none.
  if (!id || (await ports().catalog.lastTemplateVersion(id)) === 0) return notFound(request.path('templateId'));
  return list(request, (page) => ports().catalog.templateVersions(id, page));
}

async function put(request: HttpRequest<TemplateDocument>): Promise<HttpReply> {
  const id = parseTemplateId(request.path('templateId'));
  if (!id) return problem('invalid-request', 'a template id is tmpl_ and then lower-case letters, digits and hyphens');
  const asked = preconditionOf(request);
  if (asked.kind === 'refused') return asked.reply;
  const outcome = await putTemplate(ports(), id, templateBody(request.body), asked.precondition);
  switch (outcome.kind) {
    case 'created':
    case 'changed':
    case 'unchanged':
      return reply(outcome.kind === 'created' ? 201 : 200, templateView(outcome.template), {
        etag: etagOf(outcome.template.version),
        'sluice-change': outcome.kind,
      });
    case 'invalid':
      return problem('invalid-template', `${counted(outcome.problems.length, 'thing is', 'things are')} wrong with it`, outcome.problems);
    case 'precondition-failed':
      return preconditionFailed(outcome.version);
    case 'conflict':
      return problem('version-conflict', 'another version was registered at the same time; look at it and send yours again');
  }
}

async function remove(request: HttpRequest): Promise<HttpReply> {
  const id = parseTemplateId(request.path('templateId'));
  const asked = preconditionOf(request);
  if (asked.kind === 'refused') return asked.reply;
  const outcome: DeleteTemplateOutcome = id ? await deleteTemplate(ports(), id, asked.precondition) : { kind: 'absent' };
  switch (outcome.kind) {
    case 'deleted':
      return { statusCode: 204 };
    case 'absent':
      return notFound(request.path('templateId'));
    case 'precondition-failed':
      return preconditionFailed(outcome.version);
    case 'in-use': {
      const patterns = outcome.patterns.map(({ sourceType, targetType }) => `the pattern ${sourceType} to ${targetType}`);
      const users = [...patterns, ...outcome.runs.map((run) => `the run ${run}`)];
      return problem('in-use', `it is used by ${users.join(', ')}`, undefined, {
        patterns: outcome.patterns.map(({ sourceType, targetType }) => ({ 'source-type': sourceType, 'target-type': targetType })),
        runs: outcome.runs,
      });
    }
  }
}

/** As the API writes it: no other spelling of a number names a version. 0 is none. */
const versionOf = (text: string): number => (/^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : 0);

export const handler = httpHandler([
  route('GET /v1/templates', 'runs:read', (request) => list(request, (page) => ports().catalog.templates(page))),
  route('GET /v1/templates/{templateId}', 'runs:read', (request) => get(request)),
  route('GET /v1/templates/{templateId}/versions', 'runs:read', versions),
  route('GET /v1/templates/{templateId}/versions/{version}', 'runs:read', (request) => get(request, request.path('version'))),
  routeWithBody('PUT /v1/templates/{templateId}', 'catalog:write', TemplateDocument, put),
  route('DELETE /v1/templates/{templateId}', 'catalog:write', remove),
]);
