/** The simulator behind a port, and as the process that users start. */
import { spawn } from 'node:child_process';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { serveControlHubSimulator } from '#hosts/control-hub-simulator/main';
import { startSimulatorServer, type SimulatorServer } from '#hosts/control-hub-simulator/http-server';
import { controlHubSimulator, sequentialIds, type ControlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import { headersOf, JOB, JOBS } from './asking.ts';

/** Of real time, which a busy machine has little of. */
const PATIENT = { timeout: 20_000, interval: 10 };
type Ask = (path: string, init?: RequestInit) => Promise<Response>;
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function served(
  options: Partial<Parameters<typeof controlHubSimulator>[0]> = {},
): Promise<{ readonly simulator: ControlHubSimulator; readonly server: SimulatorServer; readonly ask: Ask }> {
  const simulator = controlHubSimulator({ nowMs: () => Date.now(), newId: sequentialIds(), ...options });
  const server = await startSimulatorServer({ simulator, host: '127.0.0.1', port: 0, tickMs: 10 });
  closing.push(() => server.close());
  return {
    simulator,
    server,
    ask: (path, init) => fetch(`${server.url}${path}`, { headers: headersOf(simulator), redirect: 'manual', ...init }),
  };
}

const started = async (ask: Ask, simulator: ControlHubSimulator): Promise<string> => {
  const { id } = simulator.createTemplate({ name: 't' });
  const response = await ask(`${JOB}/${id}/createAndStartJobInstances`, { method: 'POST', body: '{}' });
  return ((await response.json()) as readonly { readonly jobId: string }[])[0]?.jobId ?? '';
};

describe('the server', () => {
  test('answers with raw and with escaped ids, and tells where it is', async () => {
    const { simulator, server, ask } = await served();
    const id = await started(ask, simulator);
    for (const path of [id, encodeURIComponent(id)])
      expect(await (await ask(`${JOB}/${path}/currentStatus`)).json()).toMatchObject({ jobId: id, status: 'ACTIVATING' });
    const info = (await (await ask('/api/security/public/v3/orgs/o/info', { headers: {} })).json()) as {
      readonly data: { readonly landingUrl: string };
    };
    expect(info.data.landingUrl).toBe(`${server.url}/security/public-rest/v1/aster/landing`);
    expect((await fetch(`${server.url}${JOBS}`)).status).toBe(401);
    expect((await ask('/tunneling/rest/connection/x')).status).toBe(404);
  });

  test('survives a body beyond its limit, and a path that nobody can read', async () => {
    const { server, ask } = await served();
    const complained = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    closing.push(() => {
      complained.mockRestore();
    });
    await expect(ask(`${JOBS}/status`, { method: 'POST', body: Buffer.alloc(11 * 1024 * 1024) })).rejects.toThrow('fetch failed');
    const { port } = new URL(server.url);
    const status = await new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: '//' }, ({ statusCode }) => {
        resolve(statusCode);
      }).once('error', reject);
    });
    expect(status).toBe(400);
    expect((await ask(JOBS)).status).toBe(200);
  });

  test('drops, delays, moves and hangs as its switches say, set over HTTP', async () => {
    const { server, ask } = await served();
    const set = (settings: unknown): Promise<Response> =>
      fetch(`${server.url}/simulator/switches`, { method: 'PUT', body: JSON.stringify(settings) });
    expect(
      (
        await set({
          faults: [
            { route: 'listJobs', fault: { kind: 'drop' }, next: 1 },
            { route: 'listJobs', fault: { kind: 'latency', ms: 60 }, next: 1 },
          ],
        })
      ).status,
    ).toBe(200);
    await expect(ask(JOBS)).rejects.toThrow('fetch failed');
    expect((await ask(JOBS)).status).toBe(200);
    expect(await (await set({ movedTo: 'http://elsewhere.test' })).json()).toMatchObject({
      movedTo: 'http://elsewhere.test',
      faults: [{ next: 0 }, { next: 0 }],
    });
    expect((await ask(JOBS)).headers.get('location')).toBe(`http://elsewhere.test${JOBS}`);
    await set({ movedTo: null, faults: [{ route: 'listJobs', fault: { kind: 'hang', effectAfterMs: null } }] });
    await expect(ask(JOBS, { signal: AbortSignal.timeout(50) })).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }) as Error,
    );
    for (const wrong of [{ nonsense: 1 }, { faults: [{ route: 'nope', fault: { kind: 'drop' } }] }, 'x'])
      expect((await set(wrong)).status).toBe(400);
    expect(await (await fetch(`${server.url}/simulator/switches`)).json()).toMatchObject({ movedTo: null, searchDelayMs: 0 });
  });

  test('a latency takes its time', async () => {
    const { simulator, ask } = await served();
    simulator.set({ faults: [{ route: '*', fault: { kind: 'latency', ms: 80 } }] });
    const before = performance.now();
    await ask(JOBS);
    expect(performance.now() - before).toBeGreaterThanOrEqual(79);
  });

  test('brings about what a hanging call was to do, without being asked again', async () => {
    const { simulator, ask } = await served();
    simulator.set({ faults: [{ route: 'createJob', fault: { kind: 'hang', effectAfterMs: 1_000 }, next: 1 }] });
    const giveUp = new AbortController();
    const asked = ask(JOBS, { method: 'PUT', body: '{"name":"late"}', signal: giveUp.signal }).catch((error: unknown) => error);
    await expect.poll(() => simulator.calls.count('createJob'), PATIENT).toBe(1);
    giveUp.abort(new Error('enough'));
    expect(await asked).toMatchObject({ message: 'enough' });
    expect(simulator.hub.jobs.size).toBe(0);
    await expect.poll(() => simulator.hub.jobs.size, PATIENT).toBe(1);
  });

  test('counts calls, with their times and the sizes of their lists', async () => {
    const { simulator, server, ask } = await served();
    await started(ask, simulator);
    await ask(`${JOBS}/status`, { method: 'POST', body: '["a","b","c"]' });
    await ask('/nowhere');
    const calls = (await (await fetch(`${server.url}/simulator/calls`)).json()) as { readonly calls: readonly { readonly atMs: number }[] };
    expect(calls).toMatchObject({
      counts: { createAndStartJobInstances: 1, bulkStatus: 1, unknown: 1 },
      calls: [
        { route: 'createAndStartJobInstances', outcome: 200 },
        { route: 'bulkStatus', ids: 3 },
        { path: '/nowhere', outcome: 404 },
      ],
    });
    expect(Math.abs((calls.calls[0]?.atMs ?? 0) - Date.now())).toBeLessThan(10_000);
    expect(
      ((await (await fetch(`${server.url}/simulator/calls?route=bulkStatus`)).json()) as { readonly calls: readonly unknown[] }).calls,
    ).toHaveLength(1);
    await fetch(`${server.url}/simulator/calls`, { method: 'DELETE' });
    expect(simulator.calls.counts()).toEqual({});
  });

  test('sends webhooks by itself, and keeps the failure of one', async () => {
    const received: string[] = [];
    const receiver = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        received.push(`${String(request.headers['x-secret'])} ${text}`);
        response.writeHead(received.length === 1 ? 204 : 500).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    closing.push(() => void receiver.close());
    const uri = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const { simulator, ask } = await served({
      webhook: { uri, headers: { 'x-secret': 's' } },
      plan: { activatingMs: 30, takesMs: 60_000 },
    });
    const jobId = await started(ask, simulator);
    await expect.poll(() => received, PATIENT).toHaveLength(2);
    expect(received[0]).toBe(`s ${JSON.stringify({ jobId, jobName: 't - 1', fromStatus: 'INACTIVE', toStatus: 'ACTIVATING' })}`);
    await expect.poll(() => [...simulator.hub.subscriptions.values()][0]?.errorMessage, PATIENT).toBe('HTTP 500');
  });

  test('does not start on a port that is taken', async () => {
    const { server, simulator } = await served();
    const port = Number(new URL(server.url).port);
    await expect(startSimulatorServer({ simulator, host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE');
  });
});

describe('sluice control-hub-simulator', () => {
  test('prints where it listens, what it accepts and which template it has; stops at a signal', async () => {
    const child = spawn(
      process.execPath,
      ['bin/sluice.js', 'control-hub-simulator', '--port', '0', '--jobs-take-seconds', '0.5', '--input-records', '7'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    closing.push(() => void child.kill('SIGKILL'));
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const printed = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout.on('data', (part: Buffer) => {
        text += part.toString();
        if (text.includes('job template')) resolve(text);
      });
    });
    const [, url = ''] = /listens on (\S+)/.exec(printed) ?? [];
    const [, credentialId = ''] = /credential id +(\S+)/.exec(printed) ?? [];
    const [, token = ''] = /token +(\S+)/.exec(printed) ?? [];
    const [, templateId = '', name] = /job template +(\S+) +(\S+)/.exec(printed) ?? [];
    expect([templateId, name]).toEqual(['c09f728a-2a73-4c7e-b735-2512039a9e6b:simulated-org', 'http-to-gcs']);
    const headers = { 'x-ss-app-component-id': credentialId, 'x-ss-app-auth-token': token, 'x-requested-by': 'test' };
    const template = (await (await fetch(`${url}${JOB}/${templateId}`, { headers })).json()) as { readonly runtimeParameters: string };
    expect(Object.keys(JSON.parse(template.runtimeParameters) as object)).toEqual(
      'HTTP_URL CITY GCS_BUCKET GCS_FOLDER HTTP_MODE HTTP_METHOD GCS_CONNECTION'.split(' '),
    );
    const sets = { runtimeParametersList: [{ CITY: 'London' }, { CITY: 'Paris', SIMULATE_END: 'INACTIVE_RED' }] };
    const response = await fetch(`${url}${JOB}/${templateId}/createAndStartJobInstances`, {
      method: 'POST',
      headers,
      body: JSON.stringify(sets),
    });
    const ids = ((await response.json()) as readonly { readonly jobId: string }[]).map(({ jobId }) => jobId);
    const standing = async (): Promise<readonly unknown[]> => {
      const body = JSON.stringify(ids);
      const statuses = (await (await fetch(`${url}${JOBS}/status`, { method: 'POST', headers, body })).json()) as Readonly<
        Record<string, Readonly<Record<string, unknown>>>
      >;
      return ids.map(
        (id) => `${String(statuses[id]?.['status'])} ${String(statuses[id]?.['color'])} ${String(statuses[id]?.['inputRecordCount'])}`,
      );
    };
    await expect.poll(standing, { timeout: 20_000, interval: 100 }).toEqual(['INACTIVE GRAY 7', 'INACTIVE RED 7']);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  });

  test.each<readonly [string, readonly string[], number, RegExp]>([
    ['explains itself', ['--help'], 0, /--jobs-take-seconds NUMBER/],
    ['refuses a flag that it does not have', ['--ports', '1'], 2, /--ports/],
    ['refuses a number that is none', ['--port', 'x'], 2, /--port:/],
    ['refuses switches that are none', ['--switches', '{"nope":1}'], 2, /--switches: .*nope/],
    ['refuses switches that are no JSON', ['--switches', '{'], 2, /--switches: is no JSON/],
    ['refuses a header without a name', ['--webhook-header', 'secret'], 2, /--webhook-header: must be NAME: VALUE/],
    ['refuses a fault of no route', ['--switches', '{"faults":[{"route":"nope","fault":{"kind":"drop"}}]}'], 70, /there is no route nope/],
  ])('%s', async (_, words, exitCode, said) => {
    let text = '';
    const output = { write: (more: string): unknown => (text += more) };
    expect(await serveControlHubSimulator(words, { stdout: output, stderr: output, once: () => undefined })).toBe(exitCode);
    expect(text).toMatch(said);
  });
});
