/** Calls a resource's handler as API Gateway does: HTTP API, payload 2.0. */
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { HttpHandler } from '#hosts/lambda/http';
import { expectTold, nameOf, readUntold } from '#test/openapi/conformance';

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

/** A body that is no text is sent as JSON. What is answered, and what was read for it, has to be what docs/openapi.json tells. */
export async function call(
  handler: HttpHandler,
  routeKey: string,
  { path, query, headers = {}, body, base64 = false, encoding = 'utf8' }: Call = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const [method = '', rawPath = ''] = routeKey.split(' ');
  const read = new Set<string>();
  const event: APIGatewayProxyEventV2 = {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: observed('header', { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, read),
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
    queryStringParameters: observed('query', { ...query }, read),
    ...(text === undefined ? {} : { body: base64 ? Buffer.from(text, encoding).toString('base64') : text }),
  };
  const reply = await handler(event);
  const status = reply.statusCode ?? 0;
  const answered = (reply.headers ?? {}) as Answer['headers'];
  expectTold(routeKey, { status, headers: answered, text: reply.body });
  const untold = readUntold(routeKey, read);
  if (untold.length > 0) throw new Error(`docs/openapi.json does not tell what ${routeKey} reads: ${untold.join(', ')}`);
  onAnswer?.({ routeKey, status, read });
  return { status, headers: answered, body: JSON.parse(reply.body ?? '{}') as Answer['body'] };
}

export interface Answered {
  readonly routeKey: string;
  readonly status: number;
  /** `query limit`, `header if-match`, …: what the handler looked for, there or not. */
  readonly read: ReadonlySet<string>;
}

let onAnswer: ((answered: Answered) => void) | undefined;
/** Told of every answer, until it is undefined. */
export function listenToAnswers(listener: typeof onAnswer): void {
  onAnswer = listener;
}

function observed(place: string, values: Readonly<Record<string, string>>, read: Set<string>): Record<string, string> {
  return new Proxy(
    { ...values },
    {
      get(target, name) {
        if (typeof name === 'string') read.add(nameOf(place, name));
        return Reflect.get(target, name) as unknown;
      },
    },
  );
}
