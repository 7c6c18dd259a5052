/** What engines push, and what streaming jobs counted while they ran. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { engineJobName } from '#domain/ids';
import { idOf } from '#domain/job';
import type { Run } from '#domain/run';
import { installPorts } from '#hosts/wiring';
import { pollRun } from '#operations/poll-run';
import { world, type World } from '#test/operations/world';
import { memoryDatabase } from '#test/support/memory-table';
import { apiOf, bearer, pointers, slug, type Api } from './api.ts';
import type { Answer } from './http-call.ts';

let it: World;
let api: Api;

beforeEach(async () => {
  const template = { streaming: { sampleSeconds: 60 }, limits: { maxParallel: 10, retries: {} } };
  it = await world(memoryDatabase, { template });
  installPorts(it.ports);
  api = await apiOf(it);
});
afterAll(() => {
  installPorts(undefined);
});

describe('a push of Control Hub', () => {
  const HUSH = { 'x-sluice-webhook-secret': 'hush' };
  const nameOf = (run: Pick<Run, 'id'>, index = 0): string => `Nightly - ${engineJobName({ runId: run.id, index }, 1)}`;
  const event = (name: string): object => ({ JOB_ID: 'uuid:org', JOB_NAME: name, FROM_STATUS: 'ACTIVE', TO_STATUS: 'INACTIVE' });
  const push = (body: unknown, headers: Readonly<Record<string, string>> = HUSH, engine = 'control-hub'): Promise<Answer> =>
    api.ask('POST /v1/engines/{engine}/events', { path: { engine }, headers: { authorization: '', ...headers }, body });

  test('has the run of its job looked at, once for all pushes of a second', async () => {
    const run = await api.running([{ SECONDS: 9 }, { SECONDS: 9 }]);
    for (let times = 0; times < 50; times += 1) expect(await push(event(nameOf(run, times % 2)))).toMatchObject({ status: 202, body: {} });
    expect(it.orchestrator.nudges.size).toBe(1);
    it.advance(1);
    await push(event(nameOf(run)));
    expect([...it.orchestrator.nudges].every((name) => name.startsWith(`${run.id}-n`))).toBe(true);
    expect(it.orchestrator.nudges.size).toBe(2);
  });

  test('about what is not ours, not there or at its end is answered alike, and does nothing', async () => {
    const over = await api.ended([{ SECONDS: 1 }]);
    const gone = { id: over.id.replace(/.$/, 'Z') as Run['id'] };
    for (const name of ['Nightly', '', nameOf(gone), nameOf(over), nameOf(over, 7)])
      expect(await push(event(name))).toMatchObject({ status: 202, body: {} });
    expect(it.orchestrator.nudges.size).toBe(0);
  });

  test('about a run that has ended with counts to come is heard', async () => {
    const run = await api.running([{ SECONDS: 9 }]);
    const marked = await it.ports.runs.save({ ...run, state: 'SUCCEEDED', collecting: true }, run);
    expect(marked.kind).toBe('saved');
    await push(event(nameOf(run)));
    expect(it.orchestrator.nudges.size).toBe(1);
  });

  test.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ['without the secret', {}, 'control-hub'],
    ['with another one', { 'x-sluice-webhook-secret': 'Hush' }, 'control-hub'],
    ['with an empty one', { 'x-sluice-webhook-secret': '' }, 'control-hub'],
    ['for an engine that has none', HUSH, 'duckdb'],
    ['with an empty one for an engine that has none', { 'x-sluice-webhook-secret': '' }, 'duckdb'],
    ['with an API token in its place', bearer('boss'), 'control-hub'],
  ])('%s is refused, before its body is read', async (_, headers, engine) => {
    const run = await api.running([{ SECONDS: 9 }]);
    for (const body of [event(nameOf(run)), '{{{']) {
      const answer = await push(body, headers, engine);
      expect([answer.status, slug(answer)]).toEqual([401, 'not-authenticated']);
    }
    expect(it.orchestrator.nudges.size).toBe(0);
  });

  test('that comes while the secret cannot be read may come again, and is told nothing of where the secret is', async () => {
    const run = await api.running([{ SECONDS: 9 }]);
    installPorts({ ...it.ports, webhookSecret: () => Promise.reject(new Error('the secret file:/etc/hush cannot be read: EACCES')) });
    const answer = await push(event(nameOf(run)));
    expect([answer.status, slug(answer), answer.headers['retry-after']]).toEqual([503, 'unavailable', '2']);
    expect(JSON.stringify(answer)).not.toContain('/etc/hush');
    expect(it.orchestrator.nudges.size).toBe(0);
  });

  test('that is something else says which field', async () => {
    const answer = await push({ JOB_ID: 'x', FROM_STATUS: 1, TO_STATUS: 'INACTIVE' });
    expect(answer.status).toBe(400);
    expect(pointers(answer).toSorted()).toEqual(['/FROM_STATUS', '/JOB_NAME']);
    expect(await push({ ...event('x'), TRIGGERED_ON: 5, SUBSCRIPTION_NAME: 'y' })).toMatchObject({ status: 202 });
  });

  test('is counted with what its run has used, and no other look is', async () => {
    const run = await api.running([{ SECONDS: 900 }]);
    await pollRun(it.ports, { runId: run.id, watch: 1 });
    await pollRun(it.ports, { runId: run.id, pushed: true });
    const { usage } = (await it.ports.runs.progress(run.id)) ?? {};
    expect(usage).toMatchObject({ ticks: 3, loopTicks: 1, pushes: 1 });
  });
});

describe('the series of a job', () => {
  const series = (
    run: Run,
    query: Readonly<Record<string, string>> = {},
    jobId: string = idOf({ runId: run.id, index: 0 }),
  ): Promise<Answer> => api.ask('GET /v1/jobs/{jobId}/metrics/series', { path: { jobId }, query });
  const timesOf = ({ body }: Answer): readonly string[] =>
    (body['items'] as readonly { readonly at: string }[]).map(({ at }) => at.slice(14, 19));

  const sampled = async (): Promise<Run> => {
    const run = await api.running([{ SECONDS: 9000, RATE: 2 }]);
    for (let minutes = 0; minutes < 5; minutes += 1) {
      it.advance(60);
      await pollRun(it.ports, { runId: run.id });
    }
    return run;
  };

  test('comes by time, from either end, between two times, in pages', async () => {
    const run = await sampled();
    const all = ['01:00', '02:00', '03:00', '04:00', '05:00'];
    const answer = await series(run, { from: '2026-01-01T00:00:30Z' });
    expect(timesOf(answer)).toEqual(all);
    expect(answer.body['items']).toMatchObject([{ attempt: 1, 'engine-id': 'sleep', 'input-record-count': 120 }, {}, {}, {}, {}]);
    expect(timesOf(await series(run, { order: 'newest-first', limit: '2' }))).toEqual(['05:00', '04:00']);
    const range = { from: '2026-01-01T02:02:00+02:00', to: '2026-01-01T00:04:00Z', limit: '2' };
    const first = await series(run, range);
    expect(timesOf(first)).toEqual(['02:00', '03:00']);
    const second = await series(run, { ...range, cursor: String(first.body['next-cursor']) });
    expect([timesOf(second), second.body['next-cursor']]).toEqual([['04:00'], undefined]);
  });

  test('is refused with what is no time, no order or no cursor of it, and absent where there is no job', async () => {
    const run = await sampled();
    const refused = await series(run, { from: 'yesterday', to: '2026-01-01', order: 'random' });
    expect([refused.status, pointers(refused).toSorted()]).toEqual([400, ['from', 'order', 'to']]);
    expect(slug(await series(run, { cursor: 'x' }))).toBe('malformed-cursor');
    for (const id of ['x', idOf({ runId: run.id, index: 1 })]) expect((await series(run, {}, id)).status).toBe(404);
  });

  test('of a job that is not sampled is empty', async () => {
    const run = await api.running([{ SECONDS: 9000 }]);
    expect((await series(run)).body).toEqual({ items: [] });
  });
});
