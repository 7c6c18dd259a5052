/** Each switch, as a client meets it. */
import { describe, expect, test } from 'vitest';
import type { Fault, SwitchSettings } from '#hosts/control-hub-simulator/switches';
import { asking, headersOf, JOB, JOBS, START_MS, type Asking } from './asking.ts';

const START = 'createAndStartJobInstances';
const jobs = (hub: Asking): number => hub.simulator.hub.jobs.size - 1;
const start = (hub: Asking): Promise<Response> => hub.ask('POST', `${JOB}/${hub.templateId}/${START}`, { runtimeParametersList: [{}] });

function faulty(route: string, fault: Fault, more: { readonly next?: number; readonly after?: number } = { next: 1 }): Asking {
  const hub = asking();
  hub.simulator.set({ faults: [{ route, fault, ...more }] });
  return hub;
}
const answer = (fields: Partial<Fault & { kind: 'answer' }>): Fault => ({
  kind: 'answer',
  when: 'before',
  status: 500,
  code: 'SIMULATED',
  message: 'a simulated failure',
  body: 'issues',
  ...fields,
});

describe('without the right headers', () => {
  test.each(['x-ss-app-component-id', 'x-ss-app-auth-token', 'x-requested-by'])(
    'a call that misses or spoils %s is not authenticated',
    async (name) => {
      const hub = asking();
      const { [name]: right = '', ...others } = headersOf(hub.simulator);
      const wrong = name === 'x-requested-by' ? '' : `${right}x`;
      for (const headers of [others, { ...others, [name]: wrong }]) {
        const response = await hub.fetch(`http://hub${JOBS}`, { headers });
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({ ISSUES: [{ code: 'SSO_01', message: 'User not authenticated' }] });
      }
      expect((await hub.fetch(`http://hub${JOBS}?organization=o`, { headers: headersOf(hub.simulator) })).status).toBe(200);
    },
  );

  test('a project that the organization does not have is refused, except by timeseries', async () => {
    const hub = asking({ projectIds: ['p1'] });
    const id = await hub.started();
    expect((await hub.ask('GET', `${JOB}/${id}?project=p1`)).status).toBe(200);
    expect(await (await hub.ask('GET', `${JOB}/${id}?project=p2`)).json()).toMatchObject({ ISSUES: [{ code: 'RESTAPI_08' }] });
    expect((await hub.ask('GET', `/timeseries/rest/v1/metrics/job/${id}/recordCountsForAllRuns?project=p2`)).status).toBe(200);
    expect((await asking().ask('GET', `${JOBS}?project=any`)).status).toBe(200);
  });
});

describe('a fault', () => {
  test('before the effect leaves nothing behind', async () => {
    const hub = faulty(START, answer({ status: 503, retryAfter: '7' }));
    const response = await start(hub);
    expect([response.status, response.headers.get('retry-after'), jobs(hub)]).toEqual([503, '7', 0]);
    expect(await response.json()).toEqual({ ISSUES: [{ code: 'SIMULATED', message: 'a simulated failure' }] });
    expect([(await start(hub)).status, jobs(hub)]).toEqual([200, 1]);
  });

  test('after the effect leaves it behind', async () => {
    const hub = faulty(START, answer({ status: 429, when: 'after' }));
    const response = await start(hub);
    expect([response.status, response.headers.get('retry-after'), jobs(hub)]).toEqual([429, null, 1]);
  });

  test('may speak HTML, plain text, or nothing', async () => {
    const spoken: (readonly [string | null, string])[] = [];
    for (const body of ['html', 'text', 'empty'] as const) {
      const response = await start(faulty(START, answer({ body, message: 'busy' })));
      spoken.push([response.headers.get('content-type'), await response.text()]);
    }
    expect(spoken).toEqual([
      ['text/html', expect.stringContaining('<h1>')],
      ['text/plain', 'busy'],
      [null, ''],
    ]);
  });

  test.each(['before', 'after'] as const)('drops the connection %s the effect', async (when) => {
    const hub = faulty(START, { kind: 'drop', when });
    await expect(start(hub)).rejects.toThrow(TypeError);
    expect(jobs(hub)).toBe(when === 'before' ? 0 : 1);
    expect(hub.simulator.calls.of(START)).toMatchObject([{ outcome: 'dropped' }]);
  });

  test('hangs, and takes effect when nobody waits any more', async () => {
    const hub = faulty(START, { kind: 'hang', effectAfterMs: 30_000 });
    await expect(start(hub)).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }) as Error);
    hub.pass(29_999);
    expect(await hub.json('GET', `${JOBS}/count?jobTemplate=false`)).toEqual({ count: 0 });
    hub.pass(10_000);
    // As of the moment at which it was due, though it is seen later.
    expect(await hub.rows('GET', `${JOBS}?jobTemplate=false`)).toMatchObject([{ createTime: START_MS + 30_000 }]);
  });

  test('hangs for ever, until the client gives up', async () => {
    const hub = asking({}, { hanging: 'waits' });
    hub.simulator.set({ faults: [{ route: '*', fault: { kind: 'hang', effectAfterMs: null } }] });
    const giveUp = new AbortController();
    const asked = hub.fetch(`http://hub${JOBS}`, { headers: headersOf(hub.simulator), signal: giveUp.signal });
    setTimeout(() => {
      giveUp.abort(new Error('enough'));
    }, 5);
    await expect(asked).rejects.toThrow('enough');
  });

  test('takes effect twice', async () => {
    const hub = faulty(START, { kind: 'twice' });
    expect(await (await start(hub)).json()).toHaveLength(1);
    expect(jobs(hub)).toBe(2);
  });

  test('cuts an answer short, or makes it long', async () => {
    const hub = asking();
    const id = await hub.started();
    const whole = await (await hub.ask('GET', `${JOB}/${id}`)).text();
    hub.simulator.set({
      faults: [
        { route: 'getJob', fault: { kind: 'truncated' }, next: 1 },
        { route: 'getJob', fault: { kind: 'huge', bytes: 5_000_000 } },
      ],
    });
    const cut = await (await hub.ask('GET', `${JOB}/${id}`)).text();
    expect(whole.startsWith(cut)).toBe(true);
    expect(() => JSON.parse(cut) as unknown).toThrow(SyntaxError);
    expect(await (await hub.ask('GET', `${JOB}/${id}`)).text()).toHaveLength(5_000_000);
  });

  test('says statuses and colours that nobody knows, of so many jobs', async () => {
    const hub = asking();
    const [a, b] = [await hub.started(), await hub.started()];
    hub.simulator.set({
      faults: [{ route: 'bulkStatus', fault: { kind: 'unknown-enum', status: 'HIBERNATING', color: 'MAUVE', jobs: 1 }, next: 1 }],
    });
    expect(await hub.json('POST', `${JOBS}/status`, [a, b])).toMatchObject({
      [a]: { status: 'HIBERNATING', color: 'MAUVE', jobId: a },
      [b]: { status: 'ACTIVATING', color: 'GRAY' },
    });
    expect(await hub.json('POST', `${JOBS}/status`, [a])).toMatchObject({ [a]: { status: 'ACTIVATING' } });
  });

  test('waits out a latency with the sleep of the caller', async () => {
    const slept: number[] = [];
    const hub = asking({}, { sleep: (ms) => Promise.resolve(void slept.push(ms)) });
    hub.simulator.set({
      faults: [
        { route: '*', fault: { kind: 'latency', ms: 200 } },
        { route: 'listJobs', fault: answer({ status: 503 }), next: 1 },
      ],
    });
    expect((await hub.ask('GET', JOBS)).status).toBe(503);
    expect((await hub.ask('GET', JOBS)).status).toBe(200);
    expect(slept).toEqual([200, 200]);
  });

  test('strikes the named route, after so many calls, so many times', async () => {
    const hub = faulty('bulkStatus', answer({ status: 500 }), { after: 1, next: 2 });
    const statuses: number[] = [];
    for (let call = 0; call < 5; call += 1) {
      statuses.push((await hub.ask('POST', `${JOBS}/status`, [])).status);
      expect((await hub.ask('GET', JOBS)).status).toBe(200);
    }
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
  });

  test('must be of a route, and a switch one that exists', () => {
    const { simulator } = asking();
    expect(() => {
      simulator.set({ faults: [{ route: 'getJobb', fault: { kind: 'drop' } }] });
    }).toThrow('there is no route getJobb');
    expect(() => {
      simulator.set({ searchDelay: 1 } as SwitchSettings);
    }).toThrow(/searchDelay/);
    simulator.set({ searchDelayMs: 5 });
    simulator.set({ staleStartMs: 6 });
    expect(simulator.hub.switches).toMatchObject({ searchDelayMs: 5, staleStartMs: 6 });
  });
});

describe('a Control Hub that', () => {
  test('has moved answers 308 and does nothing', async () => {
    const hub = asking();
    hub.simulator.set({ movedTo: 'https://eu01.hub.streamsets.com/' });
    const response = await hub.ask('PUT', `${JOBS}?project=p`, { name: 'x' });
    expect([response.status, response.headers.get('location'), jobs(hub)]).toEqual([
      308,
      `https://eu01.hub.streamsets.com${JOBS}?project=p`,
      0,
    ]);
  });

  test('indexes late shows a new job by id at once, in lists and searches later', async () => {
    const hub = asking();
    hub.simulator.set({ searchDelayMs: 20_000 });
    hub.pass(20_000);
    const id = await hub.started({}, { rawJobTags: ['mark'] });
    const seen = async (): Promise<readonly number[]> => [
      (await hub.rows('GET', `${JOBS}?jobTag=mark:simulated-org`)).length,
      (await hub.rows('GET', `${JOBS}?templateJobId=${hub.templateId}`)).length,
      Number((await hub.fields('GET', '/jobrunner/rest/v1/saql/jobs/search?len=9&search=tag==mark'))['totalCount']),
    ];
    hub.pass(19_999);
    expect(Object.keys(await hub.fields('POST', `${JOBS}/status`, [id]))).toEqual([id]);
    expect(await hub.json('GET', `${JOB}/${id}`)).toMatchObject({ id });
    expect(await seen()).toEqual([0, 0, 0]);
    hub.pass(1);
    expect(await seen()).toEqual([1, 1, 1]);
  });

  test('reads stale shows what was before the start, which is no end', async () => {
    const hub = asking();
    hub.simulator.set({ staleStartMs: 2_000 });
    const id = await hub.started();
    const read = async (): Promise<unknown> => (await hub.fields('POST', `${JOBS}/status`, [id]))[id];
    hub.pass(1_999);
    expect(await read()).toMatchObject({ status: 'INACTIVE', color: 'GRAY', runCount: 0, startTime: null });
    hub.pass(1);
    expect(await read()).toMatchObject({ status: 'ACTIVE', runCount: 1, startTime: START_MS });
    hub.pass(20_000);
    const again = await hub.fields('POST', `${JOB}/${id}/start`);
    expect(again).toMatchObject({ runCount: 2, status: 'ACTIVATING' });
    expect(await read()).toMatchObject({ status: 'INACTIVE', runCount: 1, startTime: START_MS });
  });

  test('decides what becomes of the next runs, whatever their parameters say', async () => {
    const hub = asking();
    hub.simulator.set({
      plans: [
        { next: 1, plan: { end: 'INACTIVE_ERROR', takesMs: 1_000 } },
        { next: 1, plan: { end: 'ACTIVATION_ERROR' } },
      ],
    });
    expect(
      (await hub.ask('POST', `${JOB}/${hub.templateId}/${START}`, { runtimeParametersList: [{ SIMULATE_SECONDS: '?' }] })).status,
    ).toBe(400);
    const started = [await hub.started({ SIMULATE_SECONDS: 60 }), await hub.started(), await hub.started()];
    hub.pass(30_000);
    expect(await Promise.all(started.map((id) => hub.status(id)))).toEqual(['INACTIVE_ERROR RED', 'ACTIVATION_ERROR RED', 'INACTIVE GRAY']);
  });
});

describe('a choice that the contract leaves open', () => {
  /** The same question, without the switch and with it. */
  async function both(switches: SwitchSettings, ask: (hub: Asking) => Promise<unknown>): Promise<readonly unknown[]> {
    return Promise.all(
      [{}, switches].map((settings) => {
        const hub = asking();
        hub.simulator.set(settings);
        return ask(hub);
      }),
    );
  }
  const status = async (hub: Asking, ids: readonly unknown[]): Promise<unknown> => {
    const response = await hub.ask('POST', `${JOBS}/status`, ids);
    return response.status === 200 ? await response.json() : response.status;
  };
  const ended = async (hub: Asking, end: string, way: string): Promise<unknown> => {
    const id = await hub.started({ SIMULATE_END: end });
    hub.pass(10_000);
    const response = await hub.ask('POST', `${JOB}/${id}/${way}`);
    if (response.status !== 200) return response.status;
    const { status: name, color, finishTime } = (await response.json()) as Readonly<Record<string, unknown>>;
    return [name, color, finishTime];
  };

  test('unknownIdsInBulkStatus', async () => {
    expect(await both({ unknownIdsInBulkStatus: 'null' }, (hub) => status(hub, ['x']))).toEqual([{}, { x: null }]);
    expect(await both({ unknownIdsInBulkStatus: 'error' }, (hub) => status(hub, ['x']))).toEqual([{}, 404]);
  });
  test('bulkLimit', async () => {
    expect(await both({ bulkLimit: 2 }, (hub) => status(hub, ['x', 'y', 'z']))).toEqual([{}, 400]);
    expect(await both({ bulkLimit: 2 }, (hub) => status(hub, ['x', 'y']))).toEqual([{}, {}]);
  });
  test('bulkStatusHasCounts', async () => {
    const counted = async (hub: Asking): Promise<unknown> => {
      const id = await hub.started();
      return 'inputRecordCount' in ((await hub.fields('POST', `${JOBS}/status`, [id]))[id] as object);
    };
    expect(await both({ bulkStatusHasCounts: false }, counted)).toEqual([true, false]);
  });
  test('neverStartedStatus', async () => {
    const never = async (hub: Asking): Promise<unknown> => (await hub.fields('PUT', JOBS, { name: 'x' }))['currentJobStatus'];
    expect(await both({ neverStartedStatus: 'inactive' }, never)).toMatchObject([null, { status: 'INACTIVE', runCount: 0 }]);
  });
  test('acknowledgedColor', async () => {
    const acknowledged = (hub: Asking): Promise<unknown> => ended(hub, 'INACTIVE_ERROR', 'acknowledgeError');
    expect(await both({ acknowledgedColor: 'RED' }, acknowledged)).toMatchObject([
      ['INACTIVE', 'GRAY', START_MS + 6_000],
      ['INACTIVE', 'RED', START_MS + 6_000],
    ]);
  });
  test('forceStoppedColor, forceStoppedHasFinishTime, unsetTime', async () => {
    const forced = (hub: Asking): Promise<unknown> => ended(hub, 'stuck-deactivating', 'forceStop');
    expect(await both({ forceStoppedColor: 'GRAY' }, forced)).toEqual([
      ['INACTIVE', 'RED', null],
      ['INACTIVE', 'GRAY', null],
    ]);
    expect(await both({ forceStoppedHasFinishTime: true }, forced)).toMatchObject([{}, ['INACTIVE', 'RED', START_MS + 10_000]]);
    expect(await both({ unsetTime: 0 }, forced)).toMatchObject([{}, ['INACTIVE', 'RED', 0]]);
  });
  test('refusedActionStatus', async () => {
    expect(await both({ refusedActionStatus: 409 }, (hub) => ended(hub, 'stuck-activating', 'stop'))).toEqual([400, 409]);
  });
  test('stopOfInactive', async () => {
    const stopped = (hub: Asking): Promise<unknown> => ended(hub, 'success', 'stop');
    expect(await both({ stopOfInactive: 'ignored' }, stopped)).toEqual([400, ['INACTIVE', 'GRAY', START_MS + 6_000]]);
    expect(await both({ stopOfInactive: 'ignored' }, (hub) => ended(hub, 'INACTIVE_ERROR', 'stop'))).toEqual([400, 400]);
  });
  test('forceStopWhileActivating', async () => {
    const forced = (hub: Asking): Promise<unknown> => ended(hub, 'stuck-activating', 'forceStop');
    expect(await both({ forceStopWhileActivating: 'allowed' }, forced)).toEqual([400, ['INACTIVE', 'RED', null]]);
  });
  test('bulkActionWithRefusals', async () => {
    const many = async (hub: Asking): Promise<unknown> => {
      const id = await hub.started();
      hub.pass(1_000);
      const response = await hub.ask('POST', `${JOBS}/stopJobs`, ['unknown', id]);
      return [response.status, await hub.status(id)];
    };
    expect(await both({ bulkActionWithRefusals: 'skipped' }, many)).toEqual([
      [404, 'ACTIVE GREEN'],
      [200, 'DEACTIVATING GREEN'],
    ]);
  });
  test('noMatchingEngine', async () => {
    const unmatched = async (hub: Asking): Promise<unknown> => {
      const { id } = hub.simulator.createTemplate({ name: 't', labels: ['gpu'] });
      const response = await hub.ask('POST', `${JOB}/${id}/${START}`, {});
      if (response.status !== 200) return [response.status, jobs(hub)];
      hub.pass(9e9);
      const [{ jobId } = { jobId: '' }] = (await response.json()) as readonly { readonly jobId: string }[];
      return hub.fields('GET', `${JOB}/${jobId}/currentStatus`);
    };
    expect(await both({ noMatchingEngine: 'active-red' }, unmatched)).toMatchObject([
      [400, 1],
      { status: 'ACTIVE', color: 'RED', sdcIds: [], warnings: [expect.stringContaining('JOBRUNNER_72')] },
    ]);
  });
  test('staticParameterGiven', async () => {
    const given = async (hub: Asking): Promise<unknown> => {
      const { id } = hub.simulator.createTemplate({ name: 't', runtimeParameters: '{"A":1}', staticParameters: ['A'] });
      const response = await hub.ask('POST', `${JOB}/${id}/${START}`, { runtimeParametersList: [{ A: 2 }] });
      if (response.status !== 200) return response.status;
      const [{ jobId } = { jobId: '' }] = (await response.json()) as readonly { readonly jobId: string }[];
      return (await hub.fields('GET', `${JOB}/${jobId}`))['effectiveParameters'];
    };
    expect(await both({ staticParameterGiven: 'ignored' }, given)).toEqual([400, '{"A":1}']);
  });
  test('instanceName', async () => {
    const named = async (hub: Asking): Promise<unknown> =>
      (await hub.fields('GET', `${JOB}/${await hub.started({}, { name: '$& {base}' })}`))['name'];
    expect(await both({ instanceName: '{base}_{suffix}' }, named)).toEqual(['$& {base} - 1', '$& {base}_1']);
  });
  test('saqlWithoutLen', async () => {
    const search = async (hub: Asking): Promise<unknown> => {
      await hub.started();
      const { totalCount, data } = await hub.fields('GET', '/jobrunner/rest/v1/saql/jobs/search');
      return [totalCount, (data as readonly unknown[]).length];
    };
    expect(await both({ saqlWithoutLen: 'everything' }, search)).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });
  test('logMessages', async () => {
    const log = async (hub: Asking): Promise<unknown> => (await hub.rows('GET', `${JOB}/logMessages?jobId=${await hub.started()}`)).length;
    expect(await both({ logMessages: 'empty' }, log)).toEqual([1, 0]);
  });
  test('statusChangeEventType', async () => {
    const types = (hub: Asking): Promise<unknown> => hub.json('GET', '/notification/rest/v1/events/eventTypes');
    expect(await both({ statusChangeEventType: 'JOB_STATE' }, types)).toMatchObject([
      [{ value: 'JOB_STATUS_CHANGE' }],
      [{ value: 'JOB_STATE' }],
    ]);
  });
});
