/**
 * Files that anybody may read, from a folder that was built: the console, the API's description. They are read once, and only what was found then
 * has a name: no path is ever made from a request.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { problem, type HttpReply } from './replies.ts';

export interface FileHandler {
  (event: APIGatewayProxyEventV2): Promise<HttpReply>;
  /** As those of any other handler (http.ts) are told, for tests. */
  readonly routes: readonly FileRoute[];
}

export interface FileRoute {
  readonly routeKey: string;
  readonly opensTo: 'anybody';
  readonly answer: (event: APIGatewayProxyEventV2) => HttpReply;
}

/**
 * Of every answer. No script or style but the files themselves, no other host, no frame around them; and a form cannot be
 * sent, so that a token is never put into an address where the script that reads it is not there.
 */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

interface StaticFile {
  readonly text: string;
  readonly zipped: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function fileRoute(routeKey: string, answer: FileRoute['answer']): FileRoute {
  return { routeKey, opensTo: 'anybody', answer };
}

export function fileHandler(routes: readonly FileRoute[]): FileHandler {
  const table = new Map(routes.map((each) => [each.routeKey, each]));
  const handler = (event: APIGatewayProxyEventV2): Promise<HttpReply> => {
    const reply = table.get(event.routeKey)?.answer(event) ?? problem('not-found', `there is no ${event.routeKey}`);
    return Promise.resolve({ ...reply, headers: { ...reply.headers, ...SECURITY_HEADERS } });
  };
  return Object.assign(handler, { routes });
}

/** The files of a folder by the rest of the path, `{proxy+}`; an empty rest is its `index.html`. Read when first asked for. */
export function filesOf(folder: URL): FileRoute['answer'] {
  return fileFrom(folder, ({ pathParameters }) => {
    const name = pathParameters?.['proxy'] ?? '';
    return name === '' ? 'index.html' : name;
  });
}

/** One file of a folder, for a route of its own. */
export function fileOf(folder: URL, name: string): FileRoute['answer'] {
  return fileFrom(folder, () => name);
}

function fileFrom(folder: URL, nameOf: (event: APIGatewayProxyEventV2) => string): FileRoute['answer'] {
  let files: ReadonlyMap<string, StaticFile> | undefined;
  return (event) => {
    files ??= readFiles(folder);
    const { headers } = event;
    const name = nameOf(event);
    const file = files.get(name);
    if (!file) return problem('not-found', `there is no file ${name}`);
    if (headers['if-none-match'] === file.headers['etag']) return { statusCode: 304, headers: file.headers };
    const takesGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(headers['accept-encoding'] ?? '');
    return takesGzip
      ? { statusCode: 200, headers: { ...file.headers, 'content-encoding': 'gzip' }, body: file.zipped, isBase64Encoded: true }
      : { statusCode: 200, headers: file.headers, body: file.text };
  };
}

function readFiles(folder: URL): ReadonlyMap<string, StaticFile> {
  return new Map(
    readdirSync(folder).map((name) => {
      const bytes = readFileSync(new URL(name, folder));
      // Assets carry the hash of their content in their name (scripts/build.js); what is found by its plain name does not.
      const cache = /-[0-9A-Z]{8}\.\w+$/.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache';
      const headers = {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'cache-control': cache,
        // Weak: the same for the file as it is and zipped.
        etag: `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
        vary: 'accept-encoding',
      };
      return [name, { text: bytes.toString('utf8'), zipped: gzipSync(bytes, { level: 9 }).toString('base64'), headers }] as const;
    }),
  );
}
