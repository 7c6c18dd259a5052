import { describe, expect, test } from 'vitest';
import { engineJobId, type EngineJobId } from '#domain/ids';
import { FORCE_STOPPED, INSUFFICIENT_RESOURCES } from '#hosts/control-hub-simulator/timeline';
import { CREDENTIAL, fixedCredentials, hubFixture, instancesOf, nameOf, RUN, type Fixture } from './hub-fixture.ts';

const stateOf = async ({ engine }: Fixture, id: EngineJobId): Promise<string | undefined> => (await engine.status([id])).get(id)?.state;
const hubJob = ({ simulator }: Fixture, id: string) => {
  const job = simulator.hub.jobs.get(id);
  if (!job) throw new Error(`the simulator has no job ${id}`);
  return job;
};
const actsOn = async ({ client }: Fixture, id: string, action: string): Promise<void> => {
  await client.call({ method: 'POST', path: `/jobrunner/rest/v1/job/${id}/${action}`, repeatable: false });
};
const gone = (index: number): EngineJobId => engineJobId(`99999999-0000-4000-8000-${String(index).padStart(12, '0')}:simulated-org`);

describe('a template', () => {
  test('is a job template that Control Hub has', async () => {
    const it = hubFixture();
    expect(await it.engine.check({ 'job-template-id': it.templateId })).toEqual([]);
    expect(await it.engine.check({ sch_job_template_id: it.templateId })).toEqual([]);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['no id', {}, '/job-template-id is required'],
    ['an id of another form', { 'job-template-id': '../x' }, '/job-template-id must be the id of a job template'],
    ['an unknown setting', { 'job-template-id': 'a:b', color: 'red' }, '/color is no setting'],
    ['two ids', { 'job-template-id': 'a:b', sch_job_template_id: 'a:b' }, '/sch_job_template_id says the same'],
    ['an id of no template', { 'job-template-id': 'a:b' }, '/job-template-id is no job template'],
  ])('is refused with %s', async (_, definition, problem) => {
    const problems = await hubFixture().engine.check(definition);
    expect(problems.map(({ pointer, message }) => `${pointer} ${message}`).join('\n')).toContain(problem);
  });

  test('that Control Hub refuses without a word is refused with its status', async () => {
    const it = hubFixture({
      simulator: { switches: { faults: [{ route: 'getJob', fault: { kind: 'answer', status: 403, body: 'empty' } }] } },
    });
    expect(await it.engine.check({ 'job-template-id': it.templateId })).toMatchObject([{ message: 'Control Hub answered 403' }]);
  });

  test('is no job, and not archived', async () => {
    const it = hubFixture();
    const id = await it.start(1);
    expect(await it.engine.check({ 'job-template-id': id })).toMatchObject([
      { rule: 'template', message: 'is a job, and not a job template' },
    ]);
    hubJob(it, it.templateId).archived = true;
    expect(await it.engine.check({ 'job-template-id': it.templateId })).toMatchObject([{ message: 'is archived in Control Hub' }]);
  });

  test('cannot be checked while Control Hub is away', async () => {
    const it = hubFixture({ simulator: { switches: { faults: [{ route: 'getJob', fault: { kind: 'drop' } }] } } });
    await expect(it.engine.check({ 'job-template-id': it.templateId })).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });
});

describe('a start', () => {
  test('is one call for one set: attached, kept, named and tagged by job and attempt', async () => {
    const it = hubFixture();
    const id = await it.start(7, { CITY: 'London' });
    expect(it.simulator.calls.count('createAndStartJobInstances')).toBe(1);
    const { definition, templateId, effectiveParameters } = hubJob(it, id);
    expect(definition).toMatchObject({ name: `${nameOf(7)} - 1`, rawJobTags: [nameOf(7), RUN], deleteAfterCompletion: false });
    expect([templateId, effectiveParameters]).toEqual([it.templateId, { CITY: 'London' }]);
  });

  test('that Control Hub refuses is refused in its words', async () => {
    const it = hubFixture();
    hubJob(it, it.templateId).archived = true;
    const definition = { 'job-template-id': it.templateId };
    const outcome = await it.engine.start({ engineJobName: nameOf(1), runId: RUN, definition, parameters: {} });
    expect(outcome).toEqual({ kind: 'refused', message: `SIMULATOR_04: template ${it.templateId} is archived` });
  });

  test.each([
    ['dropped after the effect', { kind: 'drop', when: 'after' }, 1],
    ['dropped before the effect', { kind: 'drop', when: 'before' }, 0],
    ['hangs, and takes effect later', { kind: 'hang', effectAfterMs: 30_000 }, 1],
    ['a 500 after the effect', { kind: 'answer', when: 'after', status: 500, body: 'html' }, 1],
    ['a 502 before the effect', { kind: 'answer', when: 'before', status: 502, body: 'empty' }, 0],
    ['truncated', { kind: 'truncated' }, 1],
  ] as const)('%s: is not sent again, and its effect is found by name', async (_, fault, effects) => {
    const it = hubFixture();
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault, next: 1 }] });
    await expect(it.start(1)).rejects.toMatchObject({ name: 'EngineUnavailable' });
    expect(it.simulator.calls.count('createAndStartJobInstances')).toBe(1);
    it.clock.advance(60);
    const after = it.restarted();
    const found = await after.engine.find(nameOf(1));
    expect(found === undefined ? [] : [found]).toEqual(instancesOf(after, nameOf(1)));
    expect(instancesOf(after, nameOf(1))).toHaveLength(effects);
  });

  test.each([
    ['a 429', { kind: 'answer', status: 429, retryAfter: '30' }],
    ['a 401', { kind: 'answer', status: 401 }],
  ] as const)('that certainly did nothing is told as such, and may be repeated at once: %s', async (_, fault) => {
    const it = hubFixture();
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault, next: 1 }] });
    const definition = { 'job-template-id': it.templateId };
    const start = { engineJobName: nameOf(1), runId: RUN, definition, parameters: {} };
    expect(await it.engine.start(start)).toMatchObject({ kind: 'not-now' });
    it.clock.advance(30);
    expect(await it.engine.start(start)).toMatchObject({ kind: 'started' });
    expect(instancesOf(it, nameOf(1))).toHaveLength(1);
  });

  test('that took effect twice leaves the older instance, and its status tells of it', async () => {
    const it = hubFixture({ simulator: { plan: { takesMs: 3_600_000, activatingMs: 3000 } } });
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'twice' }, next: 1 }] });
    const id = await it.start(1);
    const [older, younger] = instancesOf(it, nameOf(1));
    expect(id).toBe(older);
    expect(it.engine.noticed?.(id)).toContain(`stopped ${younger ?? ''}`);
    it.clock.advance(60);
    expect([await stateOf(it, engineJobId(older ?? '')), await stateOf(it, engineJobId(younger ?? ''))]).toEqual(['running', 'stopped']);
    expect((await it.engine.status([id])).get(id)?.warning).toContain(`stopped ${younger ?? ''}`);
    expect(it.notes).toEqual([expect.stringContaining('one start has two instances') as string]);
  });

  test('a second instance that was made and never started is let go once it is too old to start by itself', async () => {
    const it = hubFixture({ simulator: { plan: { takesMs: 3_600_000 } } });
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'twice' }, next: 1 }] });
    it.simulator.set({ faults: [...it.simulator.hub.switches.faults, { route: 'stopJob', fault: { kind: 'answer', status: 400 } }] });
    it.simulator.set({ faults: [...it.simulator.hub.switches.faults, { route: 'forceStopJob', fault: { kind: 'answer', status: 400 } }] });
    const id = await it.start(1);
    const second = instancesOf(it, nameOf(1)).find((each) => each !== id) ?? '';
    hubJob(it, second).runs.splice(0);
    it.clock.advance(61);
    await it.engine.status([id]);
    const before = it.simulator.calls.count('stopJob');
    for (let looked = 0; looked < 5; looked += 1) await it.engine.status([id]);
    expect(it.simulator.calls.count('stopJob')).toBe(before);
  });

  test('a second instance that came late is stopped by whoever looks, also in another process', async () => {
    const it = hubFixture({ simulator: { plan: { takesMs: 3_600_000 }, switches: { searchDelayMs: 600_000 } } });
    const older = await it.start(1);
    it.clock.advance(300);
    expect(await it.engine.find(nameOf(1))).toBeUndefined();
    const younger = await it.start(1);
    it.clock.advance(900);
    const other = it.restarted();
    expect(await other.engine.find(nameOf(1))).toBe(older);
    expect(other.engine.noticed?.(older)).toContain(`stopped ${younger}`);
    it.clock.advance(60);
    expect([await stateOf(other, older), await stateOf(other, younger)]).toEqual(['running', 'stopped']);
  });

  test('a 500 in words that comes again, with no trace of either, is a refusal', async () => {
    const it = hubFixture();
    const fault = { kind: 'answer', status: 500, code: 'JOBRUNNER_9', message: 'no engine has these labels' } as const;
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault }] });
    await expect(it.start(1)).rejects.toMatchObject({ name: 'EngineUnavailable' });
    it.clock.advance(300);
    expect(await it.engine.find(nameOf(1))).toBeUndefined();
    await expect(it.start(1)).rejects.toThrow('JOBRUNNER_9: no engine has these labels');
    await expect(it.start(2)).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });

  test('a 500 in words that left its instance is no refusal', async () => {
    const it = hubFixture();
    it.simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'answer', when: 'after', status: 500 } }] });
    await it.engine.find(nameOf(1));
    await expect(it.start(1)).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });
});

describe('a look-up', () => {
  test('takes names whole: attempt 1 is not attempt 10', async () => {
    const it = hubFixture();
    const definition = { 'job-template-id': it.templateId };
    const outcome = await it.engine.start({ engineJobName: nameOf(1, 10), runId: RUN, definition, parameters: {} });
    expect(outcome.kind === 'started' && (await it.engine.find(nameOf(1, 10))) === outcome.engineJobId).toBe(true);
    expect(await it.engine.find(nameOf(1, 1))).toBeUndefined();
  });

  test('goes by the search language where the token does not name its organization', async () => {
    const credential = { id: 'id', token: 'no-jwt' };
    const it = hubFixture({ simulator: { credential }, credentials: fixedCredentials(credential) });
    const id = await it.start(1);
    expect([await it.engine.find(nameOf(1)), await it.engine.find(nameOf(2))]).toEqual([id, undefined]);
    expect([it.simulator.calls.count('searchJobs') > 0, it.simulator.calls.count('listJobs')]).toEqual([true, 0]);
  });

  test('that finds what was not searched for is not believed', async () => {
    const it = hubFixture({
      fetch: (inner) => (input, init) => {
        // As a Control Hub that does not know the filter.
        const url = new URL(input instanceof Request ? input.url : input);
        url.searchParams.delete('jobTag');
        return inner(url, init);
      },
    });
    await it.start(1);
    expect(await it.engine.find(nameOf(1))).toBeDefined();
    await expect(it.engine.find(nameOf(2))).rejects.toThrow('cannot be relied on');
  });

  test('an instance that was made and never started is started by its id, once it is old enough to be sure', async () => {
    const it = hubFixture();
    const id = await it.start(1);
    const job = hubJob(it, id);
    job.runs.splice(0);
    await expect(it.engine.find(nameOf(1))).rejects.toMatchObject({ name: 'EngineUnavailable' });
    expect(it.simulator.calls.count('startJob')).toBe(0);
    it.clock.advance(61);
    expect(await it.engine.find(nameOf(1))).toBe(id);
    expect(job.runs).toHaveLength(1);
    expect(await it.engine.find(nameOf(1))).toBe(id);
    expect(job.runs).toHaveLength(1);
  });
});

describe('statuses', () => {
  test('1,000 jobs are ten questions of a hundred', async () => {
    const it = hubFixture();
    const ids: EngineJobId[] = [];
    for (let index = 0; index < 1000; index += 1) ids.push(await it.start(index));
    expect((await it.engine.status(ids)).size).toBe(1000);
    expect(it.simulator.calls.of('bulkStatus').map((call) => call.ids)).toEqual(Array.from({ length: 10 }, () => 100));
    expect(it.simulator.calls.count('getJob')).toBe(0);
  });

  test.each(['omitted', 'null', 'error'] as const)(
    'an id that is %s is asked for alone, and then unknown; the others are not disturbed',
    async (how) => {
      const it = hubFixture({ simulator: { switches: { unknownIdsInBulkStatus: how } } });
      const ids = [await it.start(1), gone(1), await it.start(2), await it.start(3)];
      const told = await it.engine.status(ids);
      expect([...told.keys()].sort()).toEqual([ids[0], ids[2], ids[3]].sort());
      expect([...told.values()].every(({ state }) => state !== 'unanswered')).toBe(true);
    },
  );

  test('of many missing ids fifty are asked for, and the rest is unanswered until the next time', async () => {
    const it = hubFixture();
    const ids = [await it.start(0), ...Array.from({ length: 120 }, (_, index) => gone(index))];
    const told = await it.engine.status(ids);
    expect(it.simulator.calls.count('getJob')).toBe(50);
    const unanswered = [...told].flatMap(([id, { state }]) => (state === 'unanswered' ? [id] : []));
    expect([told.size, unanswered.length]).toEqual([71, 70]);
    expect((await it.engine.status(unanswered.slice(0, 40))).size).toBe(0);
  });

  test('where more jobs than fifty want a question of their own, each has its turn', async () => {
    const it = hubFixture();
    const ids: EngineJobId[] = [];
    for (let index = 0; index < 60; index += 1) ids.push(await it.start(index, { SIMULATE_SECONDS: 6000 }));
    it.clock.advance(60);
    for (const action of ['stop', 'start'] as const) {
      for (const id of ids) await actsOn(it, id, action);
      it.clock.advance(60);
    }
    const told = new Set<EngineJobId>();
    for (let times = 0; times < 12; times += 1) {
      const statuses = await it.engine.status(ids);
      expect([...statuses.values()].filter(({ state }) => state === 'running')).toHaveLength(50);
      for (const [id, { state }] of statuses) if (state === 'running') told.add(id);
      it.clock.advance(7.007);
    }
    expect(told.size).toBe(60);
  });

  test('a chunk that fails leaves its jobs unanswered, and the others told', async () => {
    const broken = { id: '' };
    const it = hubFixture({
      engine: { statusChunk: 2 },
      fetch: (inner) => (input, init) => {
        const fails = broken.id !== '' && typeof init?.body === 'string' && init.body.includes(broken.id);
        return fails ? Promise.resolve(new Response('', { status: 502 })) : inner(input, init);
      },
    });
    const ids = [await it.start(1), await it.start(2), await it.start(3)];
    broken.id = ids[0] ?? '';
    const told = await it.engine.status(ids);
    expect(ids.map((id) => told.get(id)?.state === 'unanswered')).toEqual([true, true, false]);
  });

  test('where no chunk is answered it is the engine that is away', async () => {
    const it = hubFixture();
    const id = await it.start(1);
    it.simulator.set({ faults: [{ route: 'bulkStatus', fault: { kind: 'drop' } }] });
    await expect(it.engine.status([id])).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });

  test.each([{ kind: 'truncated' }, { kind: 'huge', bytes: 20_000_000 }] as const)(
    'an answer that is $kind is asked for in halves',
    async (fault) => {
      const it = hubFixture();
      const ids = [await it.start(1), await it.start(2)];
      it.simulator.set({ faults: [{ route: 'bulkStatus', fault, next: 1 }] });
      const states = [...(await it.engine.status(ids)).values()].map(({ state }) => state);
      expect(states).toHaveLength(2);
      expect(states).not.toContain('unanswered');
    },
  );

  test('a job whose only entry cannot be read is unanswered, and the engine is not away for that', async () => {
    const it = hubFixture({
      fetch: (inner) => async (input, init) => {
        const response = await inner(input, init);
        if (!(input instanceof URL) || !input.pathname.endsWith('/jobs/status')) return response;
        const ids = JSON.parse(init?.body as string) as readonly string[];
        return Response.json(Object.fromEntries(ids.map((id) => [id, { status: 7 }])));
      },
    });
    const id = await it.start(1);
    expect(await it.engine.status([id])).toEqual(new Map([[id, { state: 'unanswered' }]]));
  });

  test('one entry that cannot be read is unanswered, and the others told', async () => {
    const it = hubFixture({
      fetch: (inner) => async (input, init) => {
        const response = await inner(input, init);
        if (!String(input instanceof Request ? input.url : input).endsWith('/jobs/status')) return response;
        const body = (await response.json()) as Record<string, unknown>;
        const [first = ''] = Object.keys(body);
        return new Response(JSON.stringify({ ...body, [first]: 'garbled' }));
      },
    });
    const ids = [await it.start(1), await it.start(2)];
    const told = await it.engine.status(ids);
    expect(ids.map((id) => told.get(id)?.state === 'unanswered')).toEqual([true, false]);
  });

  test('a status that nobody knows is running, and says so', async () => {
    const it = hubFixture();
    const ids = [await it.start(1), await it.start(2)];
    it.simulator.set({ faults: [{ route: 'bulkStatus', fault: { kind: 'unknown-enum', status: 'HIBERNATING', jobs: 1 }, next: 1 }] });
    const told = [...(await it.engine.status(ids)).values()];
    expect(told.filter(({ warning }) => warning?.includes('HIBERNATING') === true)).toMatchObject([{ state: 'running' }]);
  });

  test('a project that is not there takes no job for lost', async () => {
    const it = hubFixture();
    const id = await it.start(1);
    it.simulator.set({ faults: [{ route: '*', fault: { kind: 'answer', status: 400, code: 'RESTAPI_08', message: 'no project' } }] });
    await expect(it.engine.status([id])).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });

  test('something else in the place of Control Hub, which answers 404 to everything, takes no job for lost', async () => {
    const it = hubFixture();
    const id = await it.start(1);
    it.simulator.set({ faults: [{ route: '*', fault: { kind: 'answer', status: 404, body: 'html' } }] });
    await expect(it.engine.status([id])).rejects.toMatchObject({ name: 'EngineUnavailable' });
  });

  test('the status of before the start is not the end', async () => {
    const it = hubFixture({ simulator: { plan: { takesMs: 10_000 }, switches: { staleStartMs: 5000, neverStartedStatus: 'inactive' } } });
    const id = await it.start(1);
    expect(await stateOf(it, id)).toBe('queued');
    it.clock.advance(6);
    expect(await stateOf(it, id)).toBe('running');
    it.clock.advance(60);
    expect(await stateOf(it, id)).toBe('succeeded');
  });

  test('a job that waits for an engine is queued, and says what it waits for', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_QUEUED_SECONDS: 60, SIMULATE_ACTIVATING_SECONDS: 1 });
    it.clock.advance(5);
    expect((await it.engine.status([id])).get(id)).toEqual({ state: 'queued', warning: INSUFFICIENT_RESOURCES });
    it.clock.advance(60);
    expect((await it.engine.status([id])).get(id)).toEqual({ state: 'running' });
  });

  test('a failure that its status does not explain is told as its history has it', async () => {
    const it = hubFixture({
      fetch: (inner) => async (input, init) => {
        const response = await inner(input, init);
        if (!String(input instanceof Request ? input.url : input).endsWith('/jobs/status')) return response;
        const text = (await response.text())
          .replaceAll('"errorMessage":"disk on fire"', '"errorMessage":null')
          .replaceAll('"message":"disk on fire"', '"message":null');
        return new Response(text);
      },
    });
    const id = await it.start(1, { SIMULATE_SECONDS: 1, SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: 'disk on fire' });
    it.clock.advance(60);
    expect((await it.engine.status([id])).get(id)).toEqual({ state: 'failed', message: 'disk on fire' });
  });

  test('an instance that somebody has started again is as its first run ended', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_SECONDS: 10 });
    it.clock.advance(60);
    await actsOn(it, id, 'start');
    expect(hubJob(it, id).runs).toHaveLength(2);
    expect(await stateOf(it, id)).toBe('succeeded');
  });

  test('an instance that was restarted while it ran goes on', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_SECONDS: 600 });
    it.clock.advance(60);
    await actsOn(it, id, 'stop');
    it.clock.advance(60);
    await actsOn(it, id, 'start');
    it.clock.advance(60);
    expect(await stateOf(it, id)).toBe('running');
  });
});

describe('a stop', () => {
  test('that is refused while the job activates is asked for again as long as it goes on', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_STREAMING: true, SIMULATE_ACTIVATING_SECONDS: 30 });
    await it.engine.stop(id, { force: false });
    expect(await stateOf(it, id)).toBe('queued');
    it.clock.advance(31);
    expect(await stateOf(it, id)).toBe('running');
    it.clock.advance(30);
    expect(await stateOf(it, id)).toBe('stopped');
  });

  test('that is refused by a 500 in words is forced in the end; by one without, or when it is forced, it was not asked for', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_SECONDS: 600 });
    it.clock.advance(60);
    it.simulator.set({ faults: ['stopJob', 'forceStopJob'].map((route) => ({ route, fault: { kind: 'answer', status: 500 } })) });
    await it.engine.stop(id, { force: false });
    const before = it.simulator.calls.count('stopJob');
    await it.engine.status([id]);
    expect(it.simulator.calls.count('stopJob')).toBeGreaterThan(before);
    await expect(it.engine.stop(id, { force: true })).rejects.toMatchObject({ name: 'EngineUnavailable' });
    it.simulator.set({ faults: [{ route: 'stopJob', fault: { kind: 'answer', status: 500, body: 'html' } }] });
    await expect(it.engine.stop(id, { force: false })).rejects.toMatchObject({ name: 'EngineUnavailable' });
    it.simulator.set({ faults: [] });
    it.clock.advance(60);
    await it.engine.stop(id, { force: true });
    it.clock.advance(60);
    expect(await stateOf(it, id)).toBe('stopped');
  });

  test('by force ends a job that is stuck', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_SECONDS: 5, SIMULATE_END: 'stuck-deactivating' });
    it.clock.advance(600);
    expect(await stateOf(it, id)).toBe('running');
    await it.engine.stop(id, { force: false });
    it.clock.advance(60);
    expect(await stateOf(it, id)).toBe('running');
    await it.engine.stop(id, { force: true });
    expect((await it.engine.status([id])).get(id)).toEqual({ state: 'stopped', message: FORCE_STOPPED });
  });

  test('of what is final, deactivating, in error or unknown is no error', async () => {
    const it = hubFixture();
    const ended = await it.start(1, { SIMULATE_SECONDS: 1 });
    const inError = await it.start(2, { SIMULATE_SECONDS: 1, SIMULATE_END: 'INACTIVE_ERROR' });
    const ending = await it.start(3, { SIMULATE_SECONDS: 1, SIMULATE_DEACTIVATING_SECONDS: 600 });
    it.clock.advance(60);
    for (const id of [ended, inError, ending, gone(1), engineJobId('no-such-job')]) {
      await it.engine.stop(id, { force: false });
      await it.engine.stop(id, { force: false });
    }
    expect([await stateOf(it, ended), await stateOf(it, inError)]).toEqual(['succeeded', 'failed']);
  });
});

describe('acknowledging and removing', () => {
  const failing = { SIMULATE_SECONDS: 1, SIMULATE_END: 'INACTIVE_ERROR', SIMULATE_ERROR_MESSAGE: 'disk on fire' };

  test('an INACTIVE_ERROR is acknowledged, and stays a failure', async () => {
    const it = hubFixture();
    const id = await it.start(1, failing);
    it.clock.advance(60);
    await it.engine.acknowledge(id);
    expect(hubJob(it, id).runs[0]?.interventions).toMatchObject([{ kind: 'acknowledge' }]);
    expect((await it.engine.status([id])).get(id)).toEqual({ state: 'failed', message: 'disk on fire' });
    for (const other of [id, gone(1), engineJobId('no-such-job')]) await it.engine.acknowledge(other);
  });

  test('an INACTIVE_ERROR is acknowledged before it is removed', async () => {
    const it = hubFixture();
    const id = await it.start(1, failing);
    it.clock.advance(60);
    await it.engine.remove(id);
    expect((await it.engine.status([id])).size).toBe(0);
  });

  test.each([
    ['403', { kind: 'answer', status: 403 }],
    ['a project that is not there', { kind: 'answer', status: 400, code: 'RESTAPI_08' }],
  ] as const)('what credentials may not do now is not taken for done, nor a job for gone: %s', async (_, fault) => {
    const it = hubFixture();
    const id = await it.start(1, failing);
    it.clock.advance(60);
    it.simulator.set({ faults: [{ route: 'getJob', fault }] });
    await expect(it.engine.remove(id)).rejects.toMatchObject({ name: 'EngineUnavailable' });
    await expect(it.engine.metrics(id)).rejects.toMatchObject({ name: 'EngineUnavailable' });
    it.simulator.set({ faults: [{ route: 'acknowledgeError', fault }] });
    await expect(it.engine.acknowledge(id)).rejects.toMatchObject({ name: 'EngineUnavailable' });
    it.simulator.set({ faults: [] });
    await it.engine.acknowledge(id);
    await it.engine.remove(id);
    expect((await it.engine.status([id])).size).toBe(0);
  });

  test('a job that runs is not removed', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_STREAMING: true });
    it.clock.advance(60);
    await it.engine.remove(id);
    expect(await stateOf(it, id)).toBe('running');
  });
});

describe('metrics', () => {
  const counted = { SIMULATE_SECONDS: 30, SIMULATE_INPUT_RECORDS: 1000, SIMULATE_OUTPUT_RECORDS: 990, SIMULATE_ERROR_RECORDS: 10 };

  test('are provisional until the engine has reported after the end', async () => {
    const it = hubFixture();
    const id = await it.start(1, { ...counted, SIMULATE_SECONDS: 90, SIMULATE_METRICS_SECONDS: 60 });
    it.clock.advance(120);
    expect(await it.engine.metrics(id)).toMatchObject({ provisional: true, inputRecordCount: 666 });
    it.clock.advance(60);
    const settled = await it.engine.metrics(id);
    expect(settled).toMatchObject({ inputRecordCount: 1000, outputRecordCount: 990, errorRecordCount: 10 });
    expect(settled).not.toHaveProperty('provisional');
  });

  test('name the engine, the pipeline, its commit and the times of the run', async () => {
    const it = hubFixture();
    const id = await it.start(1, { ...counted, SIMULATE_METRICS_SECONDS: 0 });
    it.clock.advance(60);
    const job = hubJob(it, id);
    expect(await it.engine.metrics(id)).toMatchObject({
      engineId: job.runs[0]?.engineId,
      pipelineId: job.definition.pipelineId,
      pipelineCommitId: job.definition.pipelineCommitId,
      startedAt: '2026-01-01T00:00:00.000Z',
    });
  });

  test('of a job that is counted while it runs are provisional', async () => {
    const it = hubFixture();
    const id = await it.start(1, { SIMULATE_STREAMING: true, SIMULATE_SECONDS: 600, SIMULATE_INPUT_RECORDS: 600 });
    it.clock.advance(10);
    expect(await it.engine.metrics(id)).toBeUndefined();
    it.clock.advance(140);
    expect(await it.engine.metrics(id)).toMatchObject({ provisional: true, inputRecordCount: 120 });
  });

  test('that never come are none', async () => {
    const it = hubFixture();
    const id = await it.start(1, { ...counted, SIMULATE_METRICS_SECONDS: 'never' });
    it.clock.advance(600);
    expect(await it.engine.metrics(id)).toBeUndefined();
  });

  test('that the status does not have are those of the time series', async () => {
    const it = hubFixture({
      fetch: (inner) => async (input, init) => {
        const response = await inner(input, init);
        if (!String(input instanceof Request ? input.url : input).includes('/jobrunner/')) return response;
        return new Response((await response.text()).replace(/"(inputRecordCount|lastReportedMetricTime)":\d+,?/g, ''), response);
      },
    });
    const id = await it.start(1, { ...counted, SIMULATE_METRICS_SECONDS: 5 });
    it.clock.advance(100);
    const metrics = await it.engine.metrics(id);
    expect(metrics).toMatchObject({ inputRecordCount: 1000, outputRecordCount: 990, errorRecordCount: 10 });
    expect(metrics).not.toHaveProperty('provisional');
  });

  test('are those of our run, whoever starts the instance again', async () => {
    const it = hubFixture();
    const id = await it.start(1, { ...counted, SIMULATE_METRICS_SECONDS: 0 });
    it.clock.advance(60);
    it.simulator.set({ plans: [{ plan: { inputRecords: 5, outputRecords: 5, errorRecords: 5 } }] });
    await actsOn(it, id, 'start');
    it.clock.advance(600);
    const metrics = await it.engine.metrics(id);
    expect(metrics).toMatchObject({ inputRecordCount: 1000, finishedAt: expect.stringMatching(/^2026-01-01T00:00:/) as string });
  });

  test('of a hundred jobs that ended together are one question', async () => {
    const it = hubFixture();
    const ids: EngineJobId[] = [];
    for (let index = 0; index < 100; index += 1) ids.push(await it.start(index, { ...counted, SIMULATE_METRICS_SECONDS: 0 }));
    it.clock.advance(60);
    const told = await Promise.all(ids.map((id) => it.engine.metrics(id)));
    expect(told.every((metrics) => metrics?.inputRecordCount === 1000)).toBe(true);
    expect([it.simulator.calls.count('getJobs'), it.simulator.calls.count('getJob')]).toEqual([1, 0]);
  });
});

test('a credential that stands where a long text is cut is taken out whole', async () => {
  const it = hubFixture();
  const words = `${'x'.repeat(1990)} ${CREDENTIAL.token}`;
  const failed = await it.start(1, { SIMULATE_SECONDS: 1, SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: words });
  it.clock.advance(60);
  const message = (await it.engine.status([failed])).get(failed)?.message;
  expect(message).toBe(`${'x'.repeat(1990)} ***`);
});

test('no credential is in what the engine answers, throws or notes', async () => {
  const seen: unknown[] = [];
  const it = hubFixture({
    fetch: (inner) => async (input, init) => {
      // A Control Hub, or a proxy before it, that repeats what it was sent in everything it says.
      const headers = JSON.stringify(Object.fromEntries(new Headers(init?.headers).entries())).replaceAll('"', '');
      const response = await inner(input, init);
      const text = (await response.text())
        .replace(/"message":"/g, `"message":"${headers} `)
        .replace(/"errorMessage":"/g, `"errorMessage":"${headers} `)
        .replace(/"warnings":\["/g, `"warnings":["${headers} `);
      return new Response(text, { status: response.status, headers: response.headers });
    },
  });
  const keep = async (work: Promise<unknown>): Promise<void> => {
    try {
      const value = await work;
      seen.push(value instanceof Map ? [...value] : value);
    } catch (error) {
      for (let at: unknown = error; at instanceof Error; at = at.cause) seen.push([at.name, at.message, at.stack]);
    }
  };
  const failed = await it.start(1, { SIMULATE_SECONDS: 1, SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: 'disk on fire' });
  const queued = await it.start(2, { SIMULATE_QUEUED_SECONDS: 600, SIMULATE_ACTIVATING_SECONDS: 0 });
  it.clock.advance(60);
  await keep(it.engine.status([failed, queued]));
  await keep(it.engine.metrics(failed));
  await keep(it.engine.check({ 'job-template-id': 'a:b' }));
  await keep(it.engine.start({ engineJobName: nameOf(3), runId: RUN, definition: { 'job-template-id': 'a:b' }, parameters: {} }));
  for (const status of [401, 403, 429, 500, 503]) {
    it.simulator.set({ faults: [{ route: '*', fault: { kind: 'answer', status } }] });
    await keep(it.engine.status([failed]));
    await keep(it.engine.find(nameOf(1)));
    await keep(it.engine.start({ engineJobName: nameOf(4), runId: RUN, definition: { 'job-template-id': it.templateId }, parameters: {} }));
    await keep(it.engine.remove(failed));
    it.clock.advance(120);
  }
  seen.push(it.notes);
  const text = JSON.stringify(seen);
  expect(text).toContain('***');
  expect(text).toContain('disk on fire');
  expect(text).not.toContain('CANARY');
  for (const part of CREDENTIAL.token.split('.').slice(1)) expect(text).not.toContain(part);
});
