/** A request as its bytes are given: fetch would mend the path, refuse the header and choose the length. */
import { request, type IncomingHttpHeaders } from 'node:http';
import type { Problem } from '#contract/problems';
import type { Service } from './service.ts';

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** An undefined header is left out, the token and the content type included. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string | Uint8Array;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly problem: Problem;
}

export function rawRequest({ host }: Service, { method = 'GET', path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  const all = { authorization: `Bearer ${host.token}`, 'content-type': 'application/json', ...headers };
  const sent = Object.entries<string | readonly string[] | undefined>(all).filter(([, value]) => value !== undefined);
  const { hostname, port } = new URL(host.url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers: Object.fromEntries(sent) as Record<string, string> }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const json = incoming.headers['content-type']?.includes('json') === true && text !== '';
        const problem = (json ? JSON.parse(text) : {}) as Problem;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, problem });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
