/** Second instances of one start that the look right after the start could not see, because the search was slow. */
import { describe, expect, test } from 'vitest';
import { engineJobId, type EngineJobId } from '#domain/ids';
import { fixedCredentials, hubFixture, instancesOf, nameOf, RUN, type Fixture, type FixtureOptions } from './hub-fixture.ts';

/** Counted to the end as soon as it has ended. */
const HOUR = { SIMULATE_SECONDS: 3600, SIMULATE_INPUT_RECORDS: 3600, SIMULATE_METRICS_SECONDS: 0 };
/** Searches show what is older than this. */
const SEARCH_DELAY_MS = 60_000;
const FENCE_SECONDS = 120;

const slow = (options: FixtureOptions = {}): Fixture =>
  hubFixture({ ...options, simulator: { ...options.simulator, switches: { searchDelayMs: SEARCH_DELAY_MS } } });

/** The instance that is followed, and the one that nobody sees. */
async function startedTwice(it: Fixture, parameters = HOUR): Promise<{ readonly followed: EngineJobId; readonly second: EngineJobId }> {
  it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'twice' }, next: 1 }] });
  const followed = await it.start(1, parameters);
  const second = instancesOf(it, nameOf(1)).find((id) => id !== followed);
  if (second === undefined) throw new Error('there is no second instance');
  return { followed, second: engineJobId(second) };
}

async function stateOf(it: Fixture, id: EngineJobId): Promise<string | undefined> {
  return (await it.restarted().engine.status([id])).get(id)?.state;
}

const lists = (it: Fixture): number => it.simulator.calls.count('listJobs') + it.simulator.calls.count('searchJobs');

describe('while a job runs', () => {
  test('a second instance is stopped once the job is as old as the fence, and the job says so', async () => {
    const it = slow();
    const { followed, second } = await startedTwice(it);
    it.clock.advance(FENCE_SECONDS - 10);
    await it.engine.status([followed]);
    expect([lists(it), it.notes]).toEqual([1, []]);
    it.clock.advance(20);
    const status = (await it.engine.status([followed])).get(followed);
    expect(status).toMatchObject({ state: 'running', warning: expect.stringContaining(`stopped ${second}`) as string });
    expect(it.notes).toEqual([expect.stringContaining(`"stopped":"${second}"`) as string]);
    it.clock.advance(60);
    expect([await stateOf(it, followed), await stateOf(it, second)]).toEqual(['running', 'stopped']);
  });

  test('it is seen by a process that knows nothing of the start, and by the search language as well', async () => {
    const credential = { id: 'id', token: 'no-jwt' };
    const it = slow({ simulator: { credential }, credentials: fixedCredentials(credential) });
    const { followed, second } = await startedTwice(it);
    it.clock.advance(FENCE_SECONDS + 10);
    await it.restarted().engine.status([followed]);
    expect(it.simulator.calls.count('listJobs')).toBe(0);
    it.clock.advance(60);
    expect([await stateOf(it, followed), await stateOf(it, second)]).toEqual(['running', 'stopped']);
  });

  test('the older of two is stopped where the younger is the one that is followed', async () => {
    const it = slow();
    const { followed: older, second: younger } = await startedTwice(it);
    it.clock.advance(FENCE_SECONDS + 10);
    await it.engine.status([younger]);
    it.clock.advance(60);
    expect([await stateOf(it, older), await stateOf(it, younger)]).toEqual(['stopped', 'running']);
  });

  test('jobs of other names are left alone, and so are those of other attempts', async () => {
    const it = slow();
    const ids = [await it.start(1, HOUR), await it.start(2, HOUR)];
    const definition = { 'job-template-id': it.templateId };
    const other = await it.engine.start({ engineJobName: nameOf(1, 2), runId: RUN, definition, parameters: HOUR });
    if (other.kind === 'started') ids.push(other.engineJobId);
    it.clock.advance(FENCE_SECONDS + 10);
    for (const id of ids) await it.engine.status([id]);
    it.clock.advance(60);
    expect([...(await it.engine.status(ids)).values()]).toEqual(Array.from({ length: 3 }, () => ({ state: 'running' })));
    expect(it.notes).toEqual([]);
  });

  test('a run of 250 jobs is listed once, in three pages, whatever the number of status questions', async () => {
    const it = hubFixture();
    const ids: EngineJobId[] = [];
    for (let index = 0; index < 250; index += 1) ids.push(await it.start(index, HOUR));
    const before = { lists: lists(it), reads: it.simulator.calls.count('getJob') };
    it.clock.advance(FENCE_SECONDS + 10);
    for (let looked = 0; looked < 20; looked += 1) {
      await Promise.all([0, 100, 200].map((from) => it.engine.status(ids.slice(from, from + 100))));
      it.clock.advance(10);
    }
    expect(lists(it) - before.lists).toBe(3);
    expect(it.simulator.calls.count('getJob') - before.reads).toBe(3);
  });

  test('a list that is refused is asked for again a minute later, and holds up no status', async () => {
    const it = slow();
    const { followed, second } = await startedTwice(it);
    it.simulator.set({ faults: [{ route: 'listJobs', fault: { kind: 'answer', status: 403 }, next: 1 }] });
    it.clock.advance(FENCE_SECONDS + 10);
    const before = lists(it);
    for (let looked = 0; looked < 5; looked += 1) {
      expect((await it.engine.status([followed])).get(followed)).toEqual({ state: 'running' });
      it.clock.advance(10);
    }
    expect(lists(it) - before).toBe(1);
    it.clock.advance(20);
    await it.engine.status([followed]);
    it.clock.advance(60);
    expect(await stateOf(it, second)).toBe('stopped');
  });
});

describe('when a job has ended', () => {
  test('by itself: a second instance that goes on is stopped, and the counts are told at once', async () => {
    const it = slow();
    it.simulator.set({ plans: [{ next: 1, plan: { takesMs: 70_000 } }] });
    const { followed, second } = await startedTwice(it);
    it.clock.advance(100);
    const metrics = await it.engine.metrics(followed);
    expect(metrics).toMatchObject({ inputRecordCount: 3600 });
    expect(metrics).not.toHaveProperty('provisional');
    expect(it.notes).toHaveLength(1);
    it.clock.advance(60);
    expect(await stateOf(it, second)).toBe('stopped');
  });

  test('since it was stopped, before the search need have shown a second: its counts are provisional until then', async () => {
    const it = slow();
    const { followed, second } = await startedTwice(it);
    it.clock.advance(20);
    await it.engine.stop(followed, { force: false });
    it.clock.advance(20);
    expect(await it.engine.metrics(followed)).toMatchObject({ provisional: true });
    expect(await stateOf(it, second)).toBe('running');
    it.clock.advance(40);
    expect(await it.engine.metrics(followed)).toMatchObject({ provisional: true });
    it.clock.advance(60);
    expect(await stateOf(it, second)).toBe('stopped');
    expect(await it.engine.metrics(followed)).not.toHaveProperty('provisional');
    expect(it.notes).toHaveLength(1);
  });

  test('a list that is refused, or does not come, holds back no counts', async () => {
    for (const fault of [{ kind: 'answer', status: 400 }, { kind: 'drop' }] as const) {
      const it = hubFixture();
      const id = await it.start(1, { SIMULATE_SECONDS: 10, SIMULATE_INPUT_RECORDS: 5, SIMULATE_METRICS_SECONDS: 0 });
      it.simulator.set({ faults: [{ route: 'listJobs', fault }] });
      it.clock.advance(300);
      const before = lists(it);
      const [first, second] = [await it.engine.metrics(id), await it.engine.metrics(id)];
      expect(first).toMatchObject({ inputRecordCount: 5 });
      expect([first, second].map((metrics) => metrics?.provisional)).toEqual([undefined, undefined]);
      expect(lists(it) - before).toBe(1);
    }
  });

  test('jobs that end within a minute share a list', async () => {
    const it = hubFixture();
    const ids = [await it.start(1, { SIMULATE_SECONDS: 10 }), await it.start(2, { SIMULATE_SECONDS: 40 })];
    const before = lists(it);
    it.clock.advance(60);
    await Promise.all(ids.map((id) => it.engine.metrics(id)));
    it.clock.advance(30);
    for (const id of ids) await it.engine.metrics(id);
    expect(lists(it) - before).toBe(1);
    it.clock.advance(60);
    for (const id of ids) await it.engine.metrics(id);
    expect(lists(it) - before).toBe(2);
  });
});
