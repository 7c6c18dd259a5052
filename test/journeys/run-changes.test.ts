/** What is done to a run once it goes: cancelled, retried, cloned; by whoever, as often as it is sent. */
import { ListExecutionsCommand, ListStateMachinesCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Problem } from '#contract/problems';
import type { JobView, RunRetried, RunStarted, RunView } from '#contract/views';
import { systemClock } from '#hosts/local/host-clock';
import { allJobs, endedRun, eventNames, registerSleep, until, stepFunctionsOf } from '#test/support/journey';
import { startService, type Answer, type Service } from '#test/support/service';
import { sleepEngine, type SleepEngine, type SleepJob } from '#test/support/sleep-engine';

let service: Service;
let engine: SleepEngine;
/** They outlive the service, as an engine's do. */
const engineJobs = new Map<string, SleepJob>();
let stepFunctions: SFNClient;
/** While it is, no set fails. */
let mended = false;

function mendableEngine(): SleepEngine {
  const clock = systemClock();
  engine = sleepEngine({ nowMs: () => clock.nowMs(), at: clock.at.bind(clock), jobs: engineJobs });
  const plain = engine;
  return { ...plain, start: (asked) => plain.start(mended ? { ...asked, parameters: { ...asked.parameters, FAIL: null } } : asked) };
}

function connect(to: Service): void {
  service = to;
  stepFunctions = stepFunctionsOf(service);
}

beforeAll(async () => {
  connect(await startService({ engines: { sleep: mendableEngine() } }));
  await registerSleep(service);
  const narrow = { name: 'Narrow', engine: 'sleep', limits: { 'max-parallel': 2 } };
  await service.request('PUT', '/v1/templates/tmpl_narrow', narrow);
  await service.request('PUT', '/v1/patterns/time/narrow', { 'template-id': 'tmpl_narrow' });
});
beforeEach(() => {
  mended = false;
});
afterAll(async () => {
  stepFunctions.destroy();
  await service.close();
});

let names = 0;
async function started(sets: readonly object[], targetType = 'nothing'): Promise<RunStarted> {
  const body = { 'user-id': 'ada', 'user-run-id': `changes-${(names += 1)}`, 'source-type': 'time', 'target-type': targetType };
  return (await service.request<RunStarted>('POST', '/v1/runs', { ...body, 'runtime-parameters': sets })).body;
}
async function ended(sets: readonly object[]): Promise<RunStarted> {
  const run = await started(sets);
  await endedRun(service, run['run-id']);
  return run;
}
const post = <Body>(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer<Body>> =>
  service.request<Body>('POST', path, body, headers);
const retry = (id: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer<RunRetried>> =>
  post<RunRetried>(`/v1/runs/${id}/retry`, body, headers);
const slug = ({ body }: Answer): string => (body as Problem).type.replace('/problems/', '');

const activeOn = (runId: string): number =>
  [...engine.jobs.values()].filter((job) => job.runId === runId && job.stoppedAtMs === undefined && job.endsAtMs > Date.now()).length;
const startsOf = (runId: string): number => [...engine.jobs.values()].filter((job) => job.runId === runId).length;

/** Of both machines, by their names. */
async function executions(runId: string, status?: 'RUNNING'): Promise<readonly string[]> {
  const { stateMachines = [] } = await stepFunctions.send(new ListStateMachinesCommand({}));
  const found: string[] = [];
  for (const { stateMachineArn } of stateMachines) {
    const page = await stepFunctions.send(
      new ListExecutionsCommand({ stateMachineArn, maxResults: 1000, ...(status === undefined ? {} : { statusFilter: status }) }),
    );
    found.push(...(page.executions ?? []).flatMap(({ name }) => (name?.startsWith(runId) === true ? [name] : [])));
  }
  return found.toSorted();
}

describe('a run that is cancelled', () => {
  test('has its jobs stopped on the engine, begins none of those that wait, and leaves no execution behind', async () => {
    const run = await started([{ SECONDS: 0 }, ...Array.from({ length: 7 }, () => ({ SECONDS: 600 }))], 'narrow');
    const id = run['run-id'];
    await until(service, id, ({ jobs }) => jobs.finished === 1 && activeOn(id) === 2);
    const asked = await post<RunView>(`/v1/runs/${id}/cancel`);
    expect([asked.status, asked.body.state]).toEqual([202, 'CANCELLING']);
    const view = await endedRun(service, id);
    expect(view).toMatchObject({ state: 'CANCELLED', jobs: { total: 8, finished: 1, failed: 0, cancelled: 7, open: 0 } });
    expect([activeOn(id), startsOf(id)]).toEqual([0, 3]);
    const jobs = await allJobs(service, id);
    expect(jobs.slice(1).map(({ failure }) => failure?.reason)).toEqual(Array<string>(7).fill('cancelled'));
    await expect.poll(() => executions(id, 'RUNNING'), { timeout: 20_000 }).toEqual([]);
  });

  test('is cancelled once, however many ask at once', async () => {
    const { 'run-id': id } = await started([{ SECONDS: 600 }]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post<RunView>(`/v1/runs/${id}/cancel`)));
    for (const { status, body } of answers) expect([[200, 202], body['run-id']]).toEqual([expect.arrayContaining([status]), id]);
    expect(new Set(answers.map(({ body }) => body.closing?.at)).size).toBe(1);
    expect((await endedRun(service, id)).state).toBe('CANCELLED');
  });

  test('is retried like one that failed: the jobs that were cancelled run, and it succeeds', async () => {
    const run = await started([{ SECONDS: 0 }, { SECONDS: 1 }]);
    await post(`/v1/jobs/${run['job-ids'][1] ?? ''}/cancel`);
    await post(`/v1/runs/${run['run-id']}/cancel`);
    await endedRun(service, run['run-id']);
    expect((await retry(run['run-id'])).status).toBe(202);
    expect(await endedRun(service, run['run-id'])).toMatchObject({ state: 'SUCCEEDED', attempt: 2, jobs: { finished: 2, cancelled: 0 } });
    expect(await service.request<RunView>('GET', `/v1/runs/${run['run-id']}`)).not.toHaveProperty('body.closing');
  });
});

describe('a job that is cancelled', () => {
  test('is stopped alone, also while it waits for its turn; its run goes on and says what it became', async () => {
    const run = await started([{ SECONDS: 600 }, { SECONDS: 2 }, { SECONDS: 600 }], 'narrow');
    const [long = '', , waiting = ''] = run['job-ids'];
    await until(service, run['run-id'], () => activeOn(run['run-id']) === 2);
    for (const id of [long, waiting]) expect((await post<JobView>(`/v1/jobs/${id}/cancel`)).status).toBe(202);
    const view = await endedRun(service, run['run-id']);
    expect(view).toMatchObject({ state: 'PARTIAL', jobs: { finished: 1, cancelled: 2 } });
    expect(await eventNames(service, waiting)).toEqual(['create', 'fail']);
    expect(startsOf(run['run-id'])).toBe(2);
  });
});

describe('a retry', () => {
  test('runs the jobs that failed, in the same run, and can turn it SUCCEEDED; what succeeded is not run again', async () => {
    const run = await ended([{ SECONDS: 0 }, { SECONDS: 0, FAIL: 'disk full', ERRORS: 3 }]);
    const id = run['run-id'];
    mended = true;
    const answer = await retry(id);
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/runs/${id}`]);
    expect(answer.body).toMatchObject({ attempt: 2, 'job-ids': [run['job-ids'][1]] });
    const view = await endedRun(service, id);
    expect(view).toMatchObject({ state: 'SUCCEEDED', attempt: 2, jobs: { finished: 2, failed: 0 }, records: { input: 200, output: 200 } });
    expect((await allJobs(service, id)).map(({ attempt, failure }) => [attempt, failure])).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    const events = await eventNames(service, run['job-ids'][1] ?? '');
    // A job that fails at once may never have been seen running.
    expect(events.slice(events.indexOf('fail'))).toEqual(['fail', 'reset', 'ready', 'run', 'finish']);
    expect((await executions(id)).filter((name) => name.includes('-a'))).toEqual([`${id}-a1`, `${id}-a2`]);
    expect(startsOf(id)).toBe(3);
  });

  test('while the other jobs go on joins them: the run ends with the last of all', async () => {
    const run = await started([{ SECONDS: 3 }, { SECONDS: 0, FAIL: 'no' }]);
    await until(service, run['run-id'], ({ jobs }) => jobs.failed === 1);
    mended = true;
    expect((await retry(run['run-id'])).status).toBe(202);
    const view = await endedRun(service, run['run-id']);
    expect(view).toMatchObject({ state: 'SUCCEEDED', attempt: 2, jobs: { finished: 2 } });
    expect((await allJobs(service, run['run-id'])).map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['under one key', { 'idempotency-key': 'at-once' }],
    ['without a key', {}],
  ])('that is sent twenty times at once %s is one attempt', async (_, headers) => {
    const { 'run-id': id } = await ended(Array.from({ length: 3 }, () => ({ SECONDS: 1, FAIL: 'no' })));
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry(id, {}, headers)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    // The losers of the race are answered by the attempt of the winner, or told to come again.
    expect(statuses.filter((status) => status !== 202 && status !== 200 && status !== 409)).toEqual([]);
    for (const { status, body } of answers) if (status !== 409) expect([body.attempt, body['job-ids'].length]).toEqual([2, 3]);
    expect(await endedRun(service, id)).toMatchObject({ state: 'FAILED', attempt: 2 });
    expect(startsOf(id)).toBe(6);
  });

  test('after another retry is another attempt; each keeps its own history and metrics', async () => {
    const run = await ended([{ SECONDS: 0, FAIL: 'no' }]);
    for (const attempt of [2, 3]) {
      expect((await retry(run['run-id'])).body.attempt).toBe(attempt);
      await endedRun(service, run['run-id']);
    }
    const names = await eventNames(service, run['job-ids'][0] ?? '');
    expect(names.filter((name) => name === 'fail')).toHaveLength(3);
  });

  test('goes on after the service was restarted in the middle of it', async () => {
    const run = await ended([{ SECONDS: 0 }, { SECONDS: 2, FAIL: 'no' }]);
    mended = true;
    await retry(run['run-id']);
    stepFunctions.destroy();
    connect(await service.restart({ engines: { sleep: mendableEngine() } }));
    const view = await endedRun(service, run['run-id']);
    expect(view.attempt).toBe(2);
    expect(view.jobs.open).toBe(0);
    expect((await allJobs(service, run['run-id'])).map(({ attempt }) => attempt)).toEqual([1, 2]);
  });
});

describe('a clone', () => {
  test('runs the same sets in a run of its own, which names the old one, under the version of then or of now', async () => {
    await service.request('PUT', '/v1/templates/tmpl_cloned', { name: 'Cloned', engine: 'sleep', 'source-parameters': { LIMIT: 1 } });
    await service.request('PUT', '/v1/patterns/time/cloned', { 'template-id': 'tmpl_cloned' });
    const old = await started(
      [
        { SECONDS: 0, CITY: 'Oslo' },
        { SECONDS: 0, CITY: 'Bergen', FAIL: 'no' },
      ],
      'cloned',
    );
    await endedRun(service, old['run-id']);
    await service.request('PUT', '/v1/templates/tmpl_cloned', { name: 'Cloned', engine: 'sleep', 'source-parameters': { LIMIT: 2 } });
    const clone = async (body: object): Promise<readonly [RunView, readonly unknown[]]> => {
      const answer = await post<RunStarted>(`/v1/runs/${old['run-id']}/clone`, body);
      expect(answer.status).toBe(202);
      const view = await endedRun(service, answer.body['run-id']);
      const page = await service.request<{ readonly items: readonly JobView[] }>(
        'GET',
        `/v1/runs/${view['run-id']}/jobs?include=parameters`,
      );
      return [view, page.body.items.map(({ parameters }) => [parameters?.['CITY']?.value, parameters?.['LIMIT']?.value])];
    };
    const [same, sets] = await clone({ 'user-run-id': 'clone-same' });
    expect(same).toMatchObject({ state: 'PARTIAL', 'cloned-from': old['run-id'], 'template-version': 1 });
    expect(sets).toEqual([
      ['Oslo', 1],
      ['Bergen', 1],
    ]);
    mended = true;
    const [current, failed] = await clone({ 'user-run-id': 'clone-failed', 'template-version': 'current', failed: {} });
    expect(current).toMatchObject({ 'cloned-from': old['run-id'], 'template-version': 2 });
    expect(failed).toEqual([['Bergen', 2]]);
    expect((await service.request<RunView>('GET', `/v1/runs/${old['run-id']}`)).body).toMatchObject({ state: 'PARTIAL', attempt: 1 });
  });

  test('is checked against the version that it asks for, and starts nothing where a set is refused', async () => {
    await service.request('PUT', '/v1/templates/tmpl_strict', { name: 'Strict', engine: 'sleep' });
    await service.request('PUT', '/v1/patterns/time/strict', { 'template-id': 'tmpl_strict' });
    const old = await started([{ SECONDS: 0 }], 'strict');
    await endedRun(service, old['run-id']);
    await service.request('PUT', '/v1/templates/tmpl_strict', {
      name: 'Strict',
      engine: 'sleep',
      'parameters-schema': { required: ['CITY'] },
    });
    const clone = (name: string, which: string): Promise<Answer<Problem>> =>
      post<Problem>(`/v1/runs/${old['run-id']}/clone`, { 'user-run-id': name, 'template-version': which });
    const refused = await clone('strict', 'current');
    expect([refused.status, slug(refused), refused.body.errors?.[0]?.pointer]).toEqual([
      422,
      'invalid-parameters',
      '/runtime-parameters/0/CITY',
    ]);
    expect((await clone('strict', 'same')).status).toBe(202);
  });
});
