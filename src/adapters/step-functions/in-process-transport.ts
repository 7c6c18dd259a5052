/**
 * Lets the SDK's client talk to an endpoint in its own process without a socket: the request and the reply are the bytes that
 * would have travelled. Releasing a thousand parked children takes a thousand calls, and two thirds of each were sockets.
 */
import type { SFNClientConfig } from '@aws-sdk/client-sfn';

export type AnswerInProcess = (target: string, body: string) => Promise<{ readonly status: number; readonly body: string }>;

export function inProcessTransport(answer: AnswerInProcess): NonNullable<SFNClientConfig['requestHandler']> {
  return {
    async handle(request: { readonly headers: Readonly<Record<string, string>>; readonly body?: unknown }) {
      const body = typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body as Uint8Array);
      const reply = await answer(request.headers['x-amz-target'] ?? '', body);
      return {
        response: {
          statusCode: reply.status,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: new TextEncoder().encode(reply.body),
        },
      };
    },
  };
}
