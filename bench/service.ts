/** The local host for a bench: the built app, in a directory of its own, with the sleep engine beside the embedded ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunStarted, RunView } from '#contract/views';
import { builtApp } from '#hosts/local/built-app';
import { systemClock } from '#hosts/local/host-clock';
import { startLocalHost } from '#hosts/local/local-host';
import type { Ports } from '#operations/ports';
import { sleepEngine, type SleepEngine } from '#test/support/sleep-engine';

export interface BenchService {
  readonly sleep: SleepEngine;
  readonly ports: Ports;
  post(name: string, sets: readonly object[]): Promise<RunStarted>;
  ended(runId: string): Promise<RunView>;
  /** Asks for `path` until the answer is as wanted. */
  until<Body extends object>(path: string, isAsWanted: (body: Body) => boolean): Promise<Body>;
  close(): Promise<void>;
}

export async function benchService(app: URL): Promise<BenchService> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const clock = systemClock();
  const sleep = sleepEngine({ nowMs: () => clock.nowMs(), at: (atMs, callback) => clock.at(atMs, callback) });
  const host = await startLocalHost({
    settings: {
      port: 0,
      host: '127.0.0.1',
      dataDir,
      outputRoot: join(dataDir, 'output'),
      inputRoot: dataDir,
      parallel: 2,
      pollFloorSeconds: 2,
      engineLimits: {},
      allowAnonymous: false,
    },
    ...builtApp(app),
    engines: { sleep },
  });
  const request = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const headers = { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' };
    const response = await fetch(`${host.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  };
  await request('PUT', '/v1/templates/tmpl_sleep', { name: 'Sleep', engine: 'sleep', limits: { 'max-parallel': 10_000 } });
  await request('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
  const until: BenchService['until'] = async (path, isAsWanted) => {
    for (;;) {
      const body = await request<Parameters<typeof isAsWanted>[0]>('GET', path);
      if (isAsWanted(body)) return body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  return {
    sleep,
    ports: host.ports,
    until,
    post: (name, sets) =>
      request('POST', '/v1/runs', {
        'user-id': 'bench',
        'user-run-id': name,
        'source-type': 'time',
        'target-type': 'nothing',
        'runtime-parameters': sets,
      }),
    ended: (runId) => until<RunView>(`/v1/runs/${runId}`, (view) => view['finished-at'] !== undefined),
    async close() {
      await host.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function sleepingSets(count: number, seconds: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({ SECONDS: seconds, CITY: `city-${index}`, FOLDER: 'UK', MODE: 'POLLING' }));
}
