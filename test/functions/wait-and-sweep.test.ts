import { describe, expect, test } from 'vitest';
import { epochMs, jobId } from '#domain/ids';
import type { SweepView } from '#contract/sweep-view';
import { installPorts } from '#hosts/wiring';
import type { World } from '#test/operations/world';
import { pointers, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Answer } from './http-call.ts';

let it: World;
let api: Api;

eachTest((given) => {
  ({ it, api } = given);
});

describe('waiting for a run', () => {
  const wait = (runId: string, seconds?: string): Promise<Answer> =>
    api.ask('GET /v1/runs/{runId}/wait', { path: { runId }, ...(seconds === undefined ? {} : { query: { 'timeout-seconds': seconds } }) });
  /** By the clock of the service. */
  const taken = async (asked: () => Promise<Answer>): Promise<readonly [number, Answer]> => {
    const from = epochMs(it.ports.clock.now());
    const answer = await asked();
    return [(epochMs(it.ports.clock.now()) - from) / 1000, answer];
  };

  test.each([
    ['0', 0],
    ['1', 1],
    ['25', 25],
    [undefined, 20],
  ])('that goes on is answered after %s seconds, as it stands then', async (asked, seconds) => {
    const run = await api.running([{ SECONDS: 600 }]);
    const [took, answer] = await taken(() => wait(run.id, asked));
    expect(took).toBe(seconds);
    expect(answer).toMatchObject({ status: 200, body: { state: 'RUNNING', jobs: { open: 1 } } });
  });

  test('that has ended is answered at once', async () => {
    const run = await api.ended([{ SECONDS: 1 }]);
    const [took, answer] = await taken(() => wait(run.id, '25'));
    expect([took, answer.body['state']]).toEqual([0, 'SUCCEEDED']);
  });

  test('is answered within a second of its end', async () => {
    const run = await api.running([{ SECONDS: 600 }]);
    let pauses = 0;
    const clock: World['ports']['clock'] = {
      ...it.ports.clock,
      pause: async (ms) => {
        await it.ports.clock.pause(ms);
        if ((pauses += 1) === 5) {
          it.advance(600);
          await it.watch(run);
          it.advance(-600);
        }
      },
    };
    installPorts({ ...it.ports, clock });
    const answer = await wait(run.id, '25');
    expect([pauses, answer.body['state']]).toEqual([5, 'SUCCEEDED']);
  });

  test.each(['26', '-1', '1.5', '', 'long', '100', '9e0', '٣'])('for "%s" seconds is refused: 0 to 25', async (seconds) => {
    const run = await api.started([{}]);
    const answer = await wait(run.id, seconds);
    expect([answer.status, slug(answer), pointers(answer)]).toEqual([400, 'invalid-request', ['timeout-seconds']]);
    expect(answer.body['detail']).toContain('from 0 to 25');
  });
});

describe('the history of a set', () => {
  const list = (query: Readonly<Record<string, string>>, setKey: string): Promise<Answer> =>
    api.ask('GET /v1/templates/{templateId}/sets/{setKey}/jobs', { path: { templateId: 'tmpl_sleep', setKey }, query });
  const ids = ({ body }: Answer): readonly unknown[] => (body['items'] as readonly Record<string, unknown>[]).map((job) => job['job-id']);

  test('has its jobs in all runs, the newest run first, in pages; of an unknown set it is empty', async () => {
    const runs = [];
    for (const CITY of ['Kyiv', 'Lagos', 'Kyiv', 'Kyiv']) runs.push(await api.ended([{ SECONDS: 1, CITY }]));
    const [first, , third, fourth] = runs.map(({ id }) => jobId(id, 0));
    const { body } = await api.ask('GET /v1/jobs/{jobId}', { path: { jobId: first ?? '' } });
    const key = String(body['set-key']);
    expect(ids(await list({}, key))).toEqual([fourth, third, first]);
    const page = await list({ limit: '2' }, key);
    expect(ids(page)).toEqual([fourth, third]);
    const cursor = String(page.body['next-cursor']);
    expect(ids(await list({ limit: '2', cursor }, key))).toEqual([first]);
    expect(ids(await list({}, '0'.repeat(32)))).toEqual([]);
    expect(slug(await list({ cursor }, '0'.repeat(32)))).toBe('malformed-cursor');
  });
});

describe('the sweep', () => {
  const sweep = async (method: 'GET' | 'POST'): Promise<SweepView> => (await api.ask(`${method} /v1/sweep`)).body as unknown as SweepView;

  test('of a service in which nothing is amiss says what it compared and finds nothing', async () => {
    const run = await api.running([{ SECONDS: 600 }]);
    expect(run.state).toBe('RUNNING');
    expect(await sweep('GET')).toEqual({ 'open-runs': 1, 'running-executions': 1, findings: [] });
  });

  test('asked by GET says what it finds since when and what would mend it, and changes nothing', async () => {
    const run = await api.running([{ SECONDS: 6000 }]);
    it.advance(3600);
    const { watch } = await it.loadRun(run);
    for (const _ of [1, 2]) {
      const { findings } = await sweep('GET');
      expect(findings).toEqual([
        {
          kind: 'watch-overdue',
          'run-id': run.id,
          since: expect.stringMatching(/Z$/) as string,
          detail: expect.stringContaining(run.id) as string,
          repair: 'start the watch loop anew',
        },
      ]);
    }
    expect((await it.loadRun(run)).watch).toBe(watch);
  });

  test('asked by POST mends it and says so; what is mended is not found again', async () => {
    const run = await api.running([{ SECONDS: 6000 }]);
    it.advance(3600);
    expect((await sweep('POST')).findings).toMatchObject([{ kind: 'watch-overdue', outcome: 'repaired' }]);
    const { watch } = await it.loadRun(run);
    expect(it.orchestrator.watches).toContain(`${run.id}-${watch}`);
    await it.watch(run);
    expect((await sweep('GET')).findings).toEqual([]);
  });

  test('says of a repair that failed why, and goes on with the others', async () => {
    const [first, second] = [await api.running([{ SECONDS: 6000 }]), await api.running([{ SECONDS: 6000 }])];
    it.advance(3600);
    const orchestrator: World['orchestrator'] = {
      ...it.orchestrator,
      startWatch: (run, delaySeconds) =>
        run.id === first.id ? Promise.reject(new Error('no more executions')) : it.orchestrator.startWatch(run, delaySeconds),
    };
    installPorts({ ...it.ports, orchestrator });
    const { findings } = await sweep('POST');
    const outcomes = new Map(findings.map((finding) => [finding['run-id'], finding]));
    expect(outcomes.get(first.id)).toMatchObject({ outcome: 'failed', message: 'no more executions' });
    expect(outcomes.get(second.id)).toMatchObject({ outcome: 'repaired' });
  });
});
