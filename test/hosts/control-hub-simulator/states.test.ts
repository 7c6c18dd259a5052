/** The way of a job through its states, by the clock alone. */
import { describe, expect, test } from 'vitest';
import { asking, JOB, JOBS, START_MS } from './asking.ts';

/** What is seen at these milliseconds after the start. */
async function seen(parameters: Readonly<Record<string, unknown>>, times: readonly number[]): Promise<readonly string[]> {
  const hub = asking();
  const id = await hub.started(parameters);
  const statuses: string[] = [];
  for (const at of times) {
    hub.pass(START_MS + at - hub.nowMs());
    statuses.push(await hub.status(id));
  }
  return statuses;
}

describe('a job that is left alone', () => {
  test.each<readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<number, string>>]>([
    [
      'succeeds after the time it was given',
      { SIMULATE_SECONDS: 10 },
      {
        0: 'ACTIVATING GRAY',
        499: 'ACTIVATING GRAY',
        500: 'ACTIVE GREEN',
        10_499: 'ACTIVE GREEN',
        10_500: 'DEACTIVATING GREEN',
        11_000: 'INACTIVE GRAY',
      },
    ],
    [
      'waits for resources in ACTIVE RED',
      { SIMULATE_QUEUED_SECONDS: '60', SIMULATE_SECONDS: '1' },
      { 500: 'ACTIVE RED', 60_499: 'ACTIVE RED', 60_500: 'ACTIVE GREEN', 62_000: 'INACTIVE GRAY' },
    ],
    [
      'fails in INACTIVE RED',
      { SIMULATE_END: 'INACTIVE_RED' },
      { 5_499: 'ACTIVE GREEN', 5_500: 'DEACTIVATING RED', 6_000: 'INACTIVE RED' },
    ],
    [
      'fails in INACTIVE_ERROR and stays there',
      { SIMULATE_END: 'INACTIVE_ERROR' },
      { 6_000: 'INACTIVE_ERROR RED', 9e9: 'INACTIVE_ERROR RED' },
    ],
    [
      'does not get active',
      { SIMULATE_END: 'ACTIVATION_ERROR' },
      { 499: 'ACTIVATING GRAY', 500: 'ACTIVATION_ERROR RED', 9e9: 'ACTIVATION_ERROR RED' },
    ],
    ['is stuck when it activates', { SIMULATE_END: 'stuck-activating' }, { 0: 'ACTIVATING GRAY', 9e9: 'ACTIVATING GRAY' }],
    ['is stuck when it ends', { SIMULATE_END: 'stuck-deactivating' }, { 5_500: 'DEACTIVATING GREEN', 9e9: 'DEACTIVATING GREEN' }],
    ['streams for ever', { SIMULATE_STREAMING: true, SIMULATE_SECONDS: 1 }, { 500: 'ACTIVE GREEN', 9e9: 'ACTIVE GREEN' }],
    [
      'shows no phase that takes no time',
      { SIMULATE_ACTIVATING_SECONDS: 0, SIMULATE_SECONDS: 0, SIMULATE_DEACTIVATING_SECONDS: 0 },
      { 0: 'INACTIVE GRAY' },
    ],
  ])('%s', async (_, parameters, expected) => {
    expect(await seen(parameters, Object.keys(expected).map(Number))).toEqual(Object.values(expected));
  });

  test('tells its error, its warning and its times', async () => {
    const hub = asking();
    const queued = await hub.started({ SIMULATE_QUEUED_SECONDS: 10 });
    const failing = await hub.started({ SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: 'HTTP_01 - no answer' });
    hub.pass(5_499);
    const early = await hub.fields('POST', `${JOBS}/status`, [queued, failing]);
    expect(early[queued]).toMatchObject({ warnings: [expect.stringContaining('JOBRUNNER_72')], pipelineStatus: [], sdcIds: [] });
    expect(early[failing]).toMatchObject({ errorMessage: null, finishTime: null, warnings: [], startTime: START_MS });
    hub.pass(501);
    const late = await hub.fields('POST', `${JOBS}/status`, [failing]);
    expect(late[failing]).toMatchObject({ errorMessage: 'HTTP_01 - no answer', finishTime: START_MS + 6_000, runCount: 1 });
  });
});

describe('an action', () => {
  test('stops a job, which is then inactive as if it had finished', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_STREAMING: true });
    hub.pass(60_000);
    expect(await hub.json('POST', `${JOB}/${id}/stop`)).toMatchObject({ status: 'DEACTIVATING', jobId: id });
    hub.pass(500);
    expect(await hub.json('GET', `${JOB}/${id}/currentStatus`)).toMatchObject({
      status: 'INACTIVE',
      color: 'GRAY',
      errorMessage: null,
      finishTime: START_MS + 60_500,
      pipelineStatus: [{ status: 'STOPPED' }],
    });
  });

  test('in the very moment of a change comes after it', async () => {
    const hub = asking();
    const id = await hub.started();
    hub.pass(500);
    const { id: statusId } = await hub.fields('POST', `${JOB}/${id}/stop`);
    const events = await hub.rows('GET', `${JOB}/${String(statusId)}/jobStatusHistory`);
    expect(events.map(({ status, time }) => [status, Number(time) - START_MS])).toEqual([
      ['ACTIVATING', 0],
      ['ACTIVE', 500],
      ['DEACTIVATING', 500],
    ]);
  });

  test('by force ends what a stop does not', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_END: 'stuck-deactivating', SIMULATE_STREAMING: true });
    hub.pass(1_000);
    await hub.json('POST', `${JOB}/${id}/stop`);
    hub.pass(3_600_000);
    expect(await hub.status(id)).toBe('DEACTIVATING GREEN');
    expect(await hub.json('POST', `${JOB}/${id}/forceStop`)).toMatchObject({
      status: 'INACTIVE',
      color: 'RED',
      errorMessage: 'JOBRUNNER_64 - Force stopping job',
      finishTime: null,
    });
  });

  test('acknowledges an error, and nothing else is allowed before', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_END: 'INACTIVE_ERROR' });
    hub.pass(10_000);
    for (const action of ['start', 'stop', 'forceStop']) expect((await hub.ask('POST', `${JOB}/${id}/${action}`)).status).toBe(400);
    expect((await hub.ask('DELETE', `${JOB}/${id}`)).status).toBe(400);
    expect(await hub.json('POST', `${JOB}/${id}/acknowledgeError`)).toMatchObject({ status: 'INACTIVE', color: 'GRAY' });
    await hub.json('DELETE', `${JOB}/${id}`);
    expect((await hub.ask('GET', `${JOB}/${id}`)).status).toBe(404);
  });

  test.each([
    ['ACTIVATING', { SIMULATE_END: 'stuck-activating' }, ['start', 'stop', 'forceStop', 'acknowledgeError']],
    ['ACTIVE', { SIMULATE_STREAMING: true }, ['start', 'acknowledgeError']],
    ['DEACTIVATING', { SIMULATE_END: 'stuck-deactivating' }, ['start', 'stop', 'acknowledgeError']],
    ['INACTIVE', {}, ['stop', 'forceStop', 'acknowledgeError']],
    ['ACTIVATION_ERROR', { SIMULATE_END: 'ACTIVATION_ERROR' }, ['stop', 'forceStop', 'acknowledgeError']],
  ])('on a job that is %s is refused where it is not allowed', async (status, parameters, actions) => {
    const hub = asking();
    const id = await hub.started(parameters);
    hub.pass(10_000);
    const before = await hub.status(id);
    expect(before.split(' ')[0]).toBe(status);
    for (const action of actions) {
      const response = await hub.ask('POST', `${JOB}/${id}/${action}`);
      expect([action, response.status, await response.json()]).toEqual([
        action,
        400,
        { ISSUES: [{ code: 'SIMULATOR_07', message: expect.stringContaining(status) as string }] },
      ]);
    }
    expect(await hub.status(id)).toBe(before);
  });

  test('starts a job again: another status id, one run more, the old one in the history', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_END: 'INACTIVE_RED' });
    hub.pass(10_000);
    const second = await hub.json('POST', `${JOB}/${id}/start`, { SIMULATE_SECONDS: 1 });
    expect(second).toMatchObject({ jobId: id, runCount: 2, status: 'ACTIVATING', errorMessage: null });
    const history = await hub.rows('GET', `${JOB}/${id}/history`);
    expect(history.map(({ runCount, color }) => [runCount, color])).toEqual([
      [2, 'GRAY'],
      [1, 'RED'],
    ]);
    expect(new Set(history.map(({ id }) => id)).size).toBe(2);
  });
});

describe('counts', () => {
  test('come with the reports of the engine and settle after the end', async () => {
    const hub = asking();
    const id = await hub.started({
      SIMULATE_SECONDS: 10,
      SIMULATE_INPUT_RECORDS: 100,
      SIMULATE_OUTPUT_RECORDS: 90,
      SIMULATE_ERROR_RECORDS: 10,
    });
    const counts = async (): Promise<unknown> => {
      const { inputRecordCount, outputRecordCount, errorRecordCount, lastReportedMetricTime } = await hub.fields(
        'GET',
        `${JOB}/${id}/currentStatus`,
      );
      return [inputRecordCount, outputRecordCount, errorRecordCount, lastReportedMetricTime];
    };
    hub.pass(1_499);
    expect(await counts()).toEqual([0, 0, 0, null]);
    hub.pass(1);
    expect(await counts()).toEqual([10, 9, 1, START_MS + 1_500]);
    hub.pass(3_900);
    expect(await counts()).toEqual([40, 36, 4, START_MS + 4_500]);
    // Ended at 11,000; the last report comes two seconds later.
    hub.pass(7_599);
    expect(await counts()).toEqual([100, 90, 10, START_MS + 10_500]);
    hub.pass(1);
    expect(await counts()).toEqual([100, 90, 10, START_MS + 13_000]);
  });

  test('of a streaming job go on until it stops', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_STREAMING: true, SIMULATE_SECONDS: 10, SIMULATE_INPUT_RECORDS: 100 });
    const input = async (): Promise<unknown> => (await hub.fields('GET', `${JOB}/${id}/currentStatus`))['inputRecordCount'];
    hub.pass(30_500);
    expect(await input()).toBe(300);
    await hub.json('POST', `${JOB}/${id}/stop`);
    hub.pass(60_000);
    expect(await input()).toBe(300);
  });

  test('never come where the plan says so', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_METRICS_SECONDS: 'never' });
    hub.pass(3_600_000);
    expect(await hub.json('GET', `${JOB}/${id}/currentStatus`)).toMatchObject({ inputRecordCount: 0, lastReportedMetricTime: null });
    expect((await hub.ask('GET', `/jobrunner/rest/v1/metrics/job/${id}`)).status).toBe(404);
    expect(await hub.json('GET', `/timeseries/rest/v1/metrics/job/${id}/recordCountsForAllRuns`)).toEqual({});
  });
});
