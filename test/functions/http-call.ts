/** Calls a resource's handler as API Gateway does: HTTP API, payload 2.0. */
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { HttpHandler } from '#hosts/lambda/http';

export interface Call {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly base64?: boolean;
  /** How the bytes of a text body are to be read; UTF-8 unless told. */
  readonly encoding?: BufferEncoding;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly errors?: readonly { readonly pointer: string; readonly rule: string; readonly message: string }[];
  };
}

export const REQUEST_ID = 'JKJaXmPLvHcESHA=';

export async function handlerOf(resource: string): Promise<HttpHandler> {
  const file = new URL(`functions/http/${resource}/handler.ts`, pathToFileURL(`${process.cwd()}/`));
  const { handler } = (await import(file.href)) as { readonly handler: HttpHandler };
  return handler;
}

/** A body that is no text is sent as JSON. */
export async function call(
  handler: HttpHandler,
  routeKey: string,
  { path, query, headers = {}, body, base64 = false, encoding = 'utf8' }: Call = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const [method = '', rawPath = ''] = routeKey.split(' ');
  const event: APIGatewayProxyEventV2 = {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    isBase64Encoded: base64,
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'tests' },
      requestId: REQUEST_ID,
      routeKey,
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    ...(path ? { pathParameters: path } : {}),
    ...(query ? { queryStringParameters: query } : {}),
    ...(text === undefined ? {} : { body: base64 ? Buffer.from(text, encoding).toString('base64') : text }),
  };
  const reply = await handler(event);
  return {
    status: reply.statusCode ?? 0,
    headers: (reply.headers ?? {}) as Answer['headers'],
    body: JSON.parse(reply.body ?? '{}') as Answer['body'],
  };
}
