import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#hosts/local/host-clock';
import { startLocalHost } from '#hosts/local/local-host';
import { sleepEngine } from '#test/support/sleep-engine';

const app = new URL('../', import.meta.url);
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const clock = systemClock();
const sleep = sleepEngine({ nowMs: () => clock.nowMs(), at: clock.at.bind(clock) });
const host = await startLocalHost({
  settings: { port: 0, host: '127.0.0.1', dataDir, outputRoot: join(dataDir, 'o'), inputRoot: dataDir, parallel: 2, pollFloorSeconds: 2, allowAnonymous: false },
  project: new URL('../../', app),
  load: (path) => import(new URL(`${path}.js`, app).href) as Promise<unknown>,
  duckdbWorkerUrl: new URL('src/adapters/engines/duckdb/worker.js', app),
  engines: { sleep },
});
const api = async (method: string, path: string, body?: unknown): Promise<any> => {
  const r = await fetch(host.url + path, { method, headers: { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return r.json();
};
await api('PUT', '/v1/templates/tmpl_sleep', { name: 'Sleep', engine: 'sleep', limits: { 'max-parallel': 10000 } });
await api('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
const n = Number(process.argv[2] ?? 1000);
for (let round = 0; round < Number(process.argv[3] ?? 3); round++) {
  const t0 = performance.now();
  const c0 = process.cpuUsage();
  const r = await api('POST', '/v1/runs', { 'user-id': 'u', 'user-run-id': 'r' + round, 'source-type': 'time', 'target-type': 'nothing', 'runtime-parameters': Array.from({ length: n }, (_, i) => ({ SECONDS: 3, I: i })) });
  const t1 = performance.now();
  for (;;) {
    const v = await api('GET', '/v1/runs/' + r['run-id']);
    if (v['finished-at']) { console.log(v.state, JSON.stringify(v.jobs)); break; }
    await new Promise((x) => setTimeout(x, 25));
  }
  const c = process.cpuUsage(c0);
  const starts = [...sleep.jobs.values()].filter((j) => j.runId === r['run-id']).map((j) => j.startedAtMs);
  const wall0 = performance.timeOrigin + t0;
  console.log('post', Math.round(t1 - t0), 'first start', Math.round(Math.min(...starts) - wall0), 'last start', Math.round(Math.max(...starts) - wall0), 'total', Math.round(performance.now() - t0), 'cpu', Math.round((c.user + c.system) / 1000));
}
await host.close();
rmSync(dataDir, { recursive: true });
