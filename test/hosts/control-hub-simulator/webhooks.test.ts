/** What Control Hub would send when jobs change. */
import { describe, expect, test } from 'vitest';
import { asking, JOB, START_MS, type Asking, type Fields } from './asking.ts';

const EVENTS = '/notification/rest/v1/eventsub';

function subscribe(hub: Asking, { filter, config }: { readonly filter?: string; readonly config?: Fields } = {}): Promise<Fields> {
  return hub.fields('PUT', `${EVENTS}/createEventSub`, {
    name: 'sluice',
    enabled: true,
    events: [{ eventType: 'JOB_STATUS_CHANGE', filter }],
    externalActions: [
      {
        eventType: 'WEBHOOKV1',
        config: JSON.stringify({
          uri: 'http://sluice.test/hook',
          method: 'POST',
          contentType: 'application/json',
          payload: '{{JOB_ID}} {{FROM_STATUS}} {{TO_STATUS}} {{TRIGGERED_COUNT}} {{COLOR}}',
          headers: { 'x-secret': 's' },
          ...config,
        }),
      },
    ],
  });
}
const bodies = (hub: Asking): readonly string[] => hub.simulator.deliveries().map(({ body }) => body);

describe('a subscription', () => {
  test('is told every change of status once, with its parameters filled in', async () => {
    const hub = asking();
    await subscribe(hub);
    const id = await hub.started();
    expect(hub.simulator.deliveries()).toMatchObject([
      {
        method: 'POST',
        uri: 'http://sluice.test/hook',
        headers: { 'content-type': 'application/json', 'x-secret': 's' },
        timeoutMs: 30_000,
      },
    ]);
    expect(bodies(hub)).toEqual([]);
    hub.pass(5_500);
    expect(bodies(hub)).toEqual([`${id} ACTIVATING ACTIVE 2 {{COLOR}}`, `${id} ACTIVE DEACTIVATING 3 {{COLOR}}`]);
    hub.pass(500);
    expect(bodies(hub)).toEqual([`${id} DEACTIVATING INACTIVE 4 {{COLOR}}`]);
    hub.pass(60_000);
    expect(bodies(hub)).toEqual([]);
  });

  test('is told what an action changes at a moment that was looked at before', async () => {
    const hub = asking();
    await subscribe(hub);
    const id = await hub.started({ SIMULATE_STREAMING: true });
    hub.pass(1_000);
    expect(bodies(hub)).toHaveLength(2);
    await hub.json('POST', `${JOB}/${id}/forceStop`);
    expect(bodies(hub)).toEqual([`${id} ACTIVE INACTIVE 3 {{COLOR}}`]);
  });

  test('is told of jobs that are deleted when they are done', async () => {
    const hub = asking();
    await subscribe(hub);
    const id = await hub.started({}, { deleteAfterCompletion: true });
    hub.pass(60_000);
    expect(bodies(hub).at(-1)).toBe(`${id} DEACTIVATING INACTIVE 4 {{COLOR}}`);
  });

  test('is told nothing from before it was made', async () => {
    const hub = asking();
    const id = await hub.started();
    hub.pass(1_000);
    await subscribe(hub);
    hub.pass(60_000);
    expect(bodies(hub)).toEqual([`${id} ACTIVE DEACTIVATING 1 {{COLOR}}`, `${id} DEACTIVATING INACTIVE 2 {{COLOR}}`]);
  });

  test('is told nothing that its filter keeps back', async () => {
    const hub = asking();
    const old = await hub.started();
    hub.pass(1_000);
    await subscribe(hub, { filter: `\${JOB_ID=='${old}' && str:contains(TO_STATUS, "INACTIVE")}` });
    await hub.started();
    hub.pass(60_000);
    expect(bodies(hub)).toEqual([`${old} DEACTIVATING INACTIVE 1 {{COLOR}}`]);
  });

  test('loses deliveries, or gets them twice, where switches say so', async () => {
    const hub = asking();
    await subscribe(hub, { config: { payload: '{{TO_STATUS}}' } });
    hub.simulator.set({ webhookDrops: 1, webhookDuplicates: 1 });
    await hub.started();
    hub.pass(60_000);
    expect(bodies(hub)).toEqual(['ACTIVE', 'ACTIVE', 'DEACTIVATING', 'INACTIVE']);
  });

  test('authenticates as its config says', async () => {
    const hub = asking();
    await subscribe(hub, { config: { authType: 'basic', username: 'ada', password: 'secret' } });
    await subscribe(hub, { config: { bearerToken: 'slc_x', contentType: undefined } });
    await hub.started();
    expect(hub.simulator.deliveries().map(({ headers }) => headers)).toMatchObject([
      { authorization: `Basic ${btoa('ada:secret')}` },
      { authorization: 'Bearer slc_x', 'content-type': 'text/plain' },
    ]);
  });

  test('is listed, changed, acknowledged, deleted', async () => {
    const hub = asking();
    const created = await subscribe(hub);
    await hub.started();
    hub.simulator.deliveries();
    expect(await hub.json('GET', `${EVENTS}?withWrapper=true`)).toMatchObject({
      totalCount: 1,
      data: [{ id: created['id'], triggerCount: 1, lastTriggered: START_MS, enabled: true, errorMessage: null }],
    });
    await hub.json('POST', `${EVENTS}/updateEventSub`, { ...created, enabled: false });
    hub.pass(60_000);
    expect(bodies(hub)).toEqual([]);
    expect(await hub.json('POST', `${EVENTS}/ackEventSubError`, created['id'])).toMatchObject({ enabled: false, triggerCount: 1 });
    await hub.json('POST', `${EVENTS}/deleteEventSub`, created['id']);
    expect(await hub.rows('GET', EVENTS)).toEqual([]);
    expect((await hub.ask('POST', `${EVENTS}/deleteEventSub`, created['id'])).status).toBe(404);
    expect(await hub.fields('GET', '/notification/rest/v1/el/eventParameters')).toMatchObject({
      JOB_STATUS_CHANGE: expect.arrayContaining(['FROM_STATUS', 'SUBCRIPTION_ID']) as unknown,
    });
  });

  test.each(["JOB_ID=='x'", '${COLOR}', "${JOB_ID=='x' || true}", '${str:toUpper(JOB_ID)}'])(
    'is refused with the filter %s, which would not be understood',
    async (filter) => {
      await expect(subscribe(asking(), { filter })).rejects.toThrow('400');
    },
  );

  test('can be an option of the simulator', async () => {
    const hub = asking({ webhook: { uri: 'http://sluice.test/hook', headers: { 'x-secret': 's' } } });
    const jobId = await hub.started();
    const [delivery] = hub.simulator.deliveries();
    expect(delivery).toMatchObject({ method: 'POST', headers: { 'x-secret': 's', 'content-type': 'application/json' } });
    expect(JSON.parse(delivery?.body ?? '')).toEqual({ jobId, jobName: 'http-to-gcs - 1', fromStatus: 'INACTIVE', toStatus: 'ACTIVATING' });
  });
});
