/** Replies of the HTTP API: JSON, problem details, and what a list's query says. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { problemOf, type ProblemError, type ProblemSlug } from '#contract/problems';
import { PAGE } from '#contract/queries';
import type { PageRequest } from '#operations/ports';

export type HttpReply = APIGatewayProxyStructuredResultV2;

export function reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { statusCode: status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: JSON.stringify(body) };
}

export function problem(
  slug: ProblemSlug,
  detail: string,
  errors?: readonly ProblemError[],
  more: Readonly<Record<string, unknown>> = {},
): HttpReply {
  const body = { ...problemOf(slug, detail, errors), ...more };
  return { statusCode: body.status, headers: { 'content-type': 'application/problem+json; charset=utf-8' }, body: JSON.stringify(body) };
}

/** `limit` and `cursor` of a list, or the reply that says what is wrong with them. */
export function pageRequest(request: {
  query(name: string): string | undefined;
}): { readonly page: PageRequest } | { readonly reply: HttpReply } {
  const limit = request.query('limit') ?? String(PAGE.default);
  if (!/^[0-9]{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE.most) {
    const message = `must be a whole number from 1 to ${PAGE.most}`;
    return { reply: problem('invalid-request', `limit ${message}`, [{ pointer: 'limit', rule: 'range', message }]) };
  }
  const cursor = request.query('cursor');
  return { page: { limit: Number(limit), ...(cursor === undefined ? {} : { cursor }) } };
}
