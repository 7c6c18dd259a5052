/** The wire: AWS JSON 1.0, as `@aws-sdk/client-sfn` and the AWS CLI speak it. Signatures are not checked: it listens on loopback. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '#domain/json';
import type { StepFunctions, StepFunctionsAnswer } from './step-functions.ts';

export interface StepFunctionsEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

const TARGET_PREFIX = 'AWSStepFunctions.';
const KEEP_ALIVE_MS = 75_000;
/** A page that a browser was tricked into taking for a local one (DNS rebinding) still names its own host. */
const LOOPBACK = /^(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?$/;
/** A definition has at most 1 MB, escaped twice at worst. */
const LARGEST_REQUEST_BYTES = 4 * 1024 * 1024;

export async function listenStepFunctions(
  stepFunctions: StepFunctions,
  options: { readonly host?: string; readonly port: number },
): Promise<StepFunctionsEndpoint> {
  const server = createServer((request, response) => {
    void answerTo(stepFunctions, request).then((answer) => {
      send(response, answer);
    });
  });
  // Longer than the idle time of the SDK's connections, so that it is never us who closes one that is just being used.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answerTo(stepFunctions: StepFunctions, request: IncomingMessage): Promise<StepFunctionsAnswer> {
  const { host = '', 'x-amz-target': target } = request.headers;
  if (!LOOPBACK.test(host)) return refusal('AccessDeniedException', 'The local host answers to its loopback address alone');
  if (request.method !== 'POST' || typeof target !== 'string') return noOperation;
  try {
    return await answerText(stepFunctions, target, await bodyOf(request));
  } catch (error) {
    return refusal('SerializationException', error instanceof Error ? error.message : String(error));
  }
}

async function answerText(stepFunctions: StepFunctions, target: string, text: string): Promise<StepFunctionsAnswer> {
  if (!target.startsWith(TARGET_PREFIX)) return noOperation;
  try {
    return await stepFunctions.call(target.slice(TARGET_PREFIX.length), text === '' ? {} : (JSON.parse(text) as Json));
  } catch (error) {
    return refusal('SerializationException', error instanceof Error ? error.message : String(error));
  }
}

/** The same answers for a client in this process: text in, text out, no socket between. */
export async function answerInProcess(
  stepFunctions: StepFunctions,
  target: string,
  text: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const { status, body } = await answerText(stepFunctions, target, text);
  return { status, body: JSON.stringify(body) };
}

const noOperation = refusal('UnknownOperationException', 'The request names no operation of Step Functions');

function refusal(__type: string, message: string): StepFunctionsAnswer {
  return { status: 400, body: { __type, message } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LARGEST_REQUEST_BYTES) throw new Error(`The request is larger than ${LARGEST_REQUEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body }: StepFunctionsAnswer): void {
  const text = JSON.stringify(body);
  const { __type } = body;
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(text),
    'x-amzn-requestid': randomUUID(),
    ...(typeof __type === 'string' && { 'x-amzn-errortype': __type }),
  });
  response.end(text);
}
