/** The whole local host for a journey: real DynamoDB, real Step Functions endpoint, real HTTP, in a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ControlHubSettings } from '#contract/control-hub-settings';
import type { HostClock } from '#hosts/local/host-clock';
import { startLocalHost, type LocalHost } from '#hosts/local/local-host';
import { matchRoute, readServiceMap } from '#hosts/local/service-map';
import type { PushingEngine } from '#hosts/wiring-local';
import { expectTold } from '#test/openapi/conformance';
import { duckdbWorkerUrl } from './duckdb-worker.ts';
import { loading } from './quiet.ts';

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface Service {
  readonly host: LocalHost;
  readonly dataDir: string;
  readonly outputRoot: string;
  request<Body = unknown>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer<Body>>;
  /** Stops the host and starts it again on the same data. */
  restart(options?: ServiceOptions): Promise<Service>;
  /** Stops the host and removes its data. */
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly engines?: Readonly<Record<string, PushingEngine>>;
  readonly clock?: HostClock;
  readonly inputRoot?: string;
  readonly pollFloorSeconds?: number;
  /** A reference. */
  readonly controlHubWebhookSecret?: string;
  readonly controlHub?: ControlHubSettings;
}

const project = pathToFileURL(`${process.cwd()}/`);
const { routes } = readServiceMap('serverless.yml');

export async function startService(options: ServiceOptions = {}, dataDir = mkdtempSync(join(tmpdir(), 'sluice-'))): Promise<Service> {
  const outputRoot = join(dataDir, 'output');
  const host = await startLocalHost({
    settings: {
      port: 0,
      host: '127.0.0.1',
      dataDir,
      outputRoot,
      inputRoot: options.inputRoot ?? process.cwd(),
      parallel: 2,
      pollFloorSeconds: options.pollFloorSeconds ?? 1,
      engineLimits: {},
      allowAnonymous: false,
      ...(options.controlHubWebhookSecret === undefined ? {} : { controlHubWebhookSecret: options.controlHubWebhookSecret }),
      ...(options.controlHub ? { controlHub: options.controlHub } : {}),
    },
    project,
    load: (path) => loading(import(new URL(`${path}.ts`, project).href) as Promise<unknown>),
    duckdbWorkerUrl: await duckdbWorkerUrl(),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.engines ? { engines: options.engines } : {}),
  });
  return {
    host,
    dataDir,
    outputRoot,
    async request<Body>(
      method: string,
      path: string,
      body?: unknown,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Answer<Body>> {
      const response = await fetch(`${host.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${host.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      // 204 and 304 have none.
      const text = await response.text();
      const route = matchRoute(routes, method, path.split('?')[0] ?? '');
      if (route) expectTold(route.route.routeKey, { status: response.status, headers: Object.fromEntries(response.headers), text });
      return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as Body };
    },
    async restart(next = options) {
      await host.close();
      return startService(next, dataDir);
    },
    async close() {
      await host.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
