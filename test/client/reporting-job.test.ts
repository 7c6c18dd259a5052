import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError, EventRefused, ServiceUnreachable } from '#client/errors';
import { attachJob, sluiceClient } from '#client/sluice-client';
import type { ReportingJob } from '#client/reporting-job';
import { problemOf } from '#contract/problems';
import { startService, type Service } from '#test/support/service';
import { drivenPace, refused, scriptedFetch, type Answer, type ScriptedFetch } from './scripted-fetch.ts';

const ID = '107d5f3c-0000-5000-8000-000000000001';
const AT = '2026-11-21T08:00:00.000Z';

const taken = (name: string, state: string, sequence: number): Answer => ({
  status: 200,
  body: { 'job-id': ID, 'event-id': `e${sequence}`, name, state, sequence, at: AT },
});
const refusal = (state: string, allowed: readonly string[]): Answer => ({
  status: 409,
  body: { ...problemOf('event-refused', 'no'), state, sequence: 4, 'allowed-events': allowed },
});

interface Attached extends ScriptedFetch {
  readonly job: ReportingJob;
  readonly waitedMs: readonly number[];
}

function attached(...answers: readonly Answer[]): Attached {
  const scripted = scriptedFetch(...answers);
  const pace = drivenPace();
  let keys = 0;
  const newKey = (): string => `key-${(keys += 1)}`;
  const job = attachJob({ url: 'http://sluice.test/dev', id: ID, token: 'slj_a.b', fetch: scripted.fetch, pace, newKey });
  return { ...scripted, job, waitedMs: pace.waitedMs };
}

const sent = ({ asked }: ScriptedFetch): readonly unknown[] => asked.map(({ body }) => (body as { readonly name: string }).name);

describe('a chain of events', () => {
  test('is sent in order, each with an id of its own and the token of the job, and answers what the last one was answered', async () => {
    const it = attached(taken('run', 'RUNNING', 2), taken('update', 'RUNNING', 3), taken('finish', 'FINISHED', 4));
    expect(await it.job.run().update({ step: 'aligned' }).finish()).toMatchObject({ name: 'finish', state: 'FINISHED', sequence: 4 });
    expect(it.asked.map(({ body }) => body)).toEqual([
      { name: 'run', id: 'key-1' },
      { name: 'update', data: { step: 'aligned' }, id: 'key-2' },
      { name: 'finish', id: 'key-3' },
    ]);
    expect(it.asked[0]).toMatchObject({
      method: 'POST',
      url: `http://sluice.test/dev/v1/jobs/${ID}/events`,
      headers: { authorization: 'Bearer slj_a.b' },
    });
  });

  test('rejects at the first refusal with the state and the events that are allowed; the rest is not sent', async () => {
    const it = attached(taken('run', 'RUNNING', 2), refusal('RUNNING', ['update', 'fail', 'finish']));
    const chain = it.job.run().index().update().finish();
    const error: unknown = await chain.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EventRefused);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      name: 'EventRefused',
      status: 409,
      state: 'RUNNING',
      sequence: 4,
      allowedEvents: ['update', 'fail', 'finish'],
    });
    expect(sent(it)).toEqual(['run', 'index']);
  });

  test('waits for the one that was begun before it, and is not held up by its refusal', async () => {
    const it = attached(refusal('CREATED', ['run']), taken('run', 'RUNNING', 2), taken('fail', 'FAILED', 3));
    const [first, second] = await Promise.allSettled([it.job.finish().retire(), it.job.run().fail({ message: 'no disk' })]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
    expect(sent(it)).toEqual(['finish', 'run', 'fail']);
  });

  test('that nobody looks at is an unhandled rejection, once: what was refused does not go by in silence', async () => {
    const unhandled: unknown[] = [];
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => unhandled.push(reason));
    try {
      const it = attached(refusal('CREATED', ['run']));
      void it.job.finish().retire();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(unhandled).toEqual([expect.objectContaining({ name: 'EventRefused' })]);
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener);
    }
  });

  test('has a method for every event of the contract', async () => {
    const it = attached(taken('run', 'RUNNING', 2));
    const { job } = it;
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the event of that name
    await job.create().run().resource().update().finish().index().indexed().validate().validated().reject();
    await job.fail().finalize().retire().reset().ready().handle('update', { page: 3 }, { id: 'mine' });
    expect(sent(it)).toEqual(
      'create run resource update finish index indexed validate validated reject fail finalize retire reset ready update'.split(' '),
    );
    expect(it.asked.at(-1)?.body).toEqual({ name: 'update', data: { page: 3 }, id: 'mine' });
  });
});

describe('an event whose answer is lost', () => {
  test('is sent again under the same id, after the pauses of every repeatable call', async () => {
    const gateway = { status: 504, text: 'Gateway Timeout' };
    const it = attached(refused(), { status: 503, body: problemOf('unavailable', 'busy') }, gateway, taken('run', 'RUNNING', 2));
    expect(await it.job.run()).toMatchObject({ state: 'RUNNING' });
    expect(it.asked.map(({ body }) => body)).toEqual(Array(4).fill({ name: 'run', id: 'key-1' }));
    expect(it.waitedMs).toEqual([100, 300, 900]);
  });

  test('and lost for good ends the chain: whether it was applied is not known', async () => {
    const it = attached(refused());
    await expect(it.job.run().finish()).rejects.toBeInstanceOf(ServiceUnreachable);
    expect(new Set(it.asked.map(({ body }) => (body as { readonly id: string }).id))).toEqual(new Set(['key-1']));
  });
});

test('ids that nobody gives are random, and no two are the same', async () => {
  const scripted = scriptedFetch(taken('run', 'RUNNING', 2));
  const job = attachJob({ url: 'http://sluice.test', id: ID, token: 't', fetch: scripted.fetch });
  await job.run().update();
  const ids = scripted.asked.map(({ body }) => (body as { readonly id: string }).id);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(2);
});

test('a refusal that tells no state is a refusal of the API like any other', async () => {
  const it = attached({ status: 409, body: problemOf('event-refused', 'the outputs are its engine’s') });
  const error: unknown = await it.job.index().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).not.toBeInstanceOf(EventRefused);
});

describe('against the service', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  const client = (): ReturnType<typeof sluiceClient> => sluiceClient({ url: service.host.url, token: service.host.token });

  test('a job is registered, reported by a later process that has its token alone, and waited for', async () => {
    const registered = await client().registerJob({ pipeline: 'align', data: { sample: 'a' } });
    const { 'job-id': id, token = '', attached: isAttached } = registered.registered;
    expect([isAttached, token]).toEqual([false, expect.stringMatching(/^slj_/)]);
    await registered.run();
    const later = attachJob({ url: service.host.url, id, token });
    const ended = client().waitForJob(id, { timeoutSeconds: 20 });
    expect(await later.update({ step: 'aligned' }).finish({ reads: 7 })).toMatchObject({ state: 'FINISHED', sequence: 4 });
    expect(await ended).toMatchObject({ kind: 'reached', job: { state: 'FINISHED' } });
    expect(await later.state()).toBe('FINISHED');
    expect(await later.viewAt('2100-01-01T00:00:00Z')).toMatchObject({ state: 'FINISHED', sequence: 4 });
    const history = [];
    for await (const { name, data } of later.history({ order: 'newest', limit: 2 })) history.push([name, data]);
    expect(history).toEqual([
      ['finish', { reads: 7 }],
      ['update', { step: 'aligned' }],
      ['run', undefined],
      ['create', undefined],
    ]);
  });

  test('an answer that is lost on its way costs no second event', async () => {
    const { id } = await client().registerJob({ pipeline: 'align', data: { sample: 'b' } });
    let lost = 0;
    const dropping: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.method !== 'POST' || (lost += 1) > 1) return response;
      await response.text();
      throw new TypeError('fetch failed');
    };
    const { url, token } = service.host;
    const job = sluiceClient({ url, token, fetch: dropping, pace: drivenPace() }).attach(id);
    expect(await job.run().update({ n: 1 })).toMatchObject({ state: 'RUNNING', sequence: 3 });
    expect(lost).toBe(3);
    expect(await job.view()).toMatchObject({ sequence: 3 });
  });

  test('a chain stops where the job refuses, and what follows has not happened', async () => {
    const job = await client().registerJob({ pipeline: 'align', data: { sample: 'c' } });
    const error: unknown = await job
      .run()
      .validate()
      .finish()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'EventRefused', state: 'RUNNING', sequence: 2 });
    expect((error as EventRefused).allowedEvents).toContain('finish');
    expect(await job.state()).toBe('RUNNING');
  });

  test('the same content is the same job, without its token; another one is issued, narrowed, listed and revoked', async () => {
    const first = await client().registerJob({ pipeline: 'align', data: { sample: 'd' } });
    const second = await client().registerJob({ pipeline: 'align', data: { sample: 'd' } });
    expect(second.registered).toMatchObject({ 'job-id': first.id, attached: true });
    expect(second.registered.token).toBeUndefined();
    const issued = await client().issueJobToken(first.id, { events: ['update'], 'expires-in-seconds': 60 });
    const narrow = client().attach(first.id, issued.token);
    expect(await narrow.update()).toMatchObject({ state: 'CREATED' });
    await expect(narrow.run()).rejects.toMatchObject({ name: 'ApiError', status: 403 });
    await client().revokeJobToken(first.id, issued['token-id']);
    await expect(narrow.update()).rejects.toMatchObject({ status: 401 });
    expect((await client().listJobTokens(first.id)).map(({ state }) => state).toSorted()).toEqual(['active', 'ended']);
  });

  test('is listed by pipeline and state, indexed, reset, withdrawn and deleted', async () => {
    const job = await client().registerJob({ pipeline: 'clear', data: { sample: 'e' } });
    await job.run().finish();
    expect(await client().indexJob(job.id)).toMatchObject({ state: 'FINISHED', outputs: 0 });
    expect(await client().listOutputs(job.id)).toMatchObject({ items: [], outputs: 0 });
    expect(await client().resetJob(job.id, { keepArchive: true })).toMatchObject({ state: 'CREATED', 'files-removed': 0 });
    const listed = [];
    for await (const each of client().reportedJobs({ pipeline: 'clear', state: 'CREATED' })) listed.push(each['job-id']);
    expect(listed).toEqual([job.id]);
    expect(await job.cancel()).toMatchObject({ kind: 'reported', 'withdrawn-at': expect.any(String) as string });
    expect(await job.wait({ until: 'FINISHED', timeoutSeconds: 5 })).toMatchObject({ kind: 'missed' });
    expect(await client().deleteJob(job.id)).toMatchObject({ 'deleted-at': expect.any(String) as string });
    expect(await client().listReportedJobs({ pipeline: 'clear' })).toEqual({ items: [] });
  });

  test('a wait that is over says so, and the job goes on', async () => {
    const job = await client().registerJob({ pipeline: 'align', data: { sample: 'f' } });
    expect(await job.wait({ timeoutSeconds: 1 })).toMatchObject({ kind: 'timed-out', job: { state: 'CREATED' } });
    const seen: string[] = [];
    const running = job.wait({ until: 'RUNNING', onChange: ({ state }) => seen.push(state) });
    await job.run();
    expect(await running).toMatchObject({ kind: 'reached', job: { state: 'RUNNING' } });
    expect(seen.at(-1)).toBe('RUNNING');
  });
});
