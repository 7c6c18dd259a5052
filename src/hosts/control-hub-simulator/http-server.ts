/** The simulator behind a port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { controlAnswer, isControl } from './control.ts';
import { issuesAnswer, type Answer } from './fault-rules.ts';
import type { ControlHubSimulator, SimulatorRequest } from './simulator.ts';
import type { WebhookDelivery } from './webhooks.ts';

export interface SimulatorServer {
  readonly url: string;
  /** Hanging calls are cut off. */
  close(): Promise<void>;
}

export interface SimulatorServerOptions {
  readonly simulator: ControlHubSimulator;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How often webhooks and the effects of hanging calls are looked after. */
  readonly tickMs?: number;
}

const BODY_BYTES = 10 * 1024 * 1024;

export async function startSimulatorServer(options: SimulatorServerOptions): Promise<SimulatorServer> {
  const { simulator, host, port } = options;
  const server = createServer((request, response) => {
    void serve(simulator, request, response);
  });
  await listening(server, host, port);
  const address = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  simulator.hub.baseUrl = url;
  const timer = setInterval(() => {
    simulator.settle();
    for (const delivery of simulator.deliveries()) void deliver(simulator, delivery);
  }, options.tickMs ?? 200);
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function serve(simulator: ControlHubSimulator, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const asked = await simulatorRequest(request);
    if (!URL.canParse(asked.url, 'http://control-hub')) {
      answer(response, issuesAnswer(400, 'SIMULATOR_02', 'the path cannot be read'));
      return;
    }
    if (isControl(asked)) {
      answer(response, controlAnswer(simulator, asked));
      return;
    }
    const outcome = simulator.respond(asked);
    if (outcome.kind === 'hung') return;
    if (outcome.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, outcome.latencyMs));
    if (outcome.kind === 'dropped') request.socket.destroy();
    else answer(response, outcome.answer);
  } catch (error) {
    // A client that leaves in the middle of its request, or a fault of the simulator: neither may end it.
    if (!request.destroyed) process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    // Its socket may have gone with a request that was not read to its end.
    response.destroy();
  }
}

function answer(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, headers);
  response.end(body);
}

async function simulatorRequest(request: IncomingMessage): Promise<SimulatorRequest> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES) throw new Error(`the body has more than ${BODY_BYTES} bytes`);
    parts.push(part);
  }
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')] as const,
  );
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: Object.fromEntries(headers),
    body: bytes === 0 ? undefined : Buffer.concat(parts).toString('utf8'),
  };
}

/** Once, as the contract knows no retry; a failure stands in the subscription until it is acknowledged. [C:SDK docs] */
async function deliver({ hub }: ControlHubSimulator, delivery: WebhookDelivery): Promise<void> {
  const { subscriptionId, uri, method, headers, body, timeoutMs } = delivery;
  const failed = await fetch(uri, {
    method,
    headers,
    ...(method === 'GET' ? {} : { body }),
    signal: AbortSignal.timeout(timeoutMs),
  }).then(
    (response) => (response.ok ? undefined : `HTTP ${response.status}`),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const subscription = hub.subscriptions.get(subscriptionId);
  if (failed !== undefined && subscription) subscription.errorMessage = failed;
}
