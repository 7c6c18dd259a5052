/** One request, however often it is sent, by whom and in whatever order its answers are lost: one run, and no job twice. */
import { ListExecutionsCommand, ListStateMachinesCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Problem } from '#contract/problems';
import type { PageView, RunStarted, RunView } from '#contract/views';
import { allJobs, endedRun, registerSleep, stepFunctionsOf } from '#test/support/journey';
import { startService, type Answer, type Service } from '#test/support/service';
import { systemSleepEngine, type SleepEngine } from '#test/support/sleep-engine';

let service: Service;
let engine: SleepEngine;
let stepFunctions: SFNClient;

beforeAll(async () => {
  engine = systemSleepEngine();
  service = await startService({ engines: { sleep: engine } });
  stepFunctions = stepFunctionsOf(service);
  await registerSleep(service);
});
afterAll(async () => {
  stepFunctions.destroy();
  await service.close();
});

let name: string;
let names = 0;
beforeEach(() => {
  name = `again-${(names += 1)}`;
});

const request = (changes: object = {}): object => ({
  'user-id': 'ada',
  'user-run-id': name,
  'source-type': 'time',
  'target-type': 'nothing',
  'runtime-parameters': [{ SECONDS: 0, CITY: 'London' }, { SECONDS: 0 }, { SECONDS: 0 }],
  ...changes,
});
const post = <Body = RunStarted>(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer<Body>> =>
  service.request<Body>('POST', '/v1/runs', body, headers);
const times = <Result>(count: number, make: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
const slug = ({ type }: Problem): string => type.replace('/problems/', '');

async function runsNamed(userRunId = name): Promise<readonly RunView[]> {
  return (await service.request<PageView<RunView>>('GET', `/v1/runs?user-run-id=${userRunId}&limit=500`)).body.items;
}

/** Of the run's own state machine; its watch loop is another. */
async function executionsOf(runId: string): Promise<readonly string[]> {
  const { stateMachines = [] } = await stepFunctions.send(new ListStateMachinesCommand({}));
  const { stateMachineArn } = stateMachines.find((machine) => machine.name?.endsWith('run')) ?? {};
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await stepFunctions.send(
      new ListExecutionsCommand({ stateMachineArn, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    found.push(...(page.executions ?? []).flatMap((execution) => execution.name ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found.filter((execution) => execution.startsWith(runId));
}

/** What never changes of a started run; its state does. */
const ids = ({ body }: Answer<RunStarted>): unknown => [body['run-id'], body['user-run-id'], body['job-ids'], body.links];

test('of a hundred equal requests at once one is accepted, and all are answered by its run', async () => {
  const asked = engine.calls.start;
  const answers = await times(100, () => post(request(), { 'idempotency-key': `key of ${name}`.replaceAll(' ', '-') }));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
  const [first] = answers;
  if (!first) throw new Error('no answer');
  for (const answer of answers) expect(ids(answer)).toEqual(ids(first));
  expect(await runsNamed()).toHaveLength(1);
  const { jobs } = await endedRun(service, first.body['run-id']);
  expect(jobs).toEqual({ total: 3, finished: 3, failed: 0, cancelled: 0, open: 0 });
  expect(await executionsOf(first.body['run-id'])).toEqual([`${first.body['run-id']}-a1`]);
  expect(engine.calls.start - asked).toBe(3);
  expect((await allJobs(service, first.body['run-id'])).map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
});

test('equal requests are equal however their keys are ordered and their values spelt', async () => {
  const { body } = await post(request());
  const text = JSON.stringify(Object.fromEntries(Object.entries(request()).toReversed()))
    .replace('London', '\\u004condon')
    .replace(':0,', ':0.0e1,');
  const again = await post(text);
  expect([again.status, again.body['run-id']]).toEqual([200, body['run-id']]);
  expect(await runsNamed()).toHaveLength(1);
});

test.each<[string, () => object]>([
  ['another set', () => ({ 'runtime-parameters': [{ SECONDS: 0 }] })],
  ['another order of the sets', () => ({ 'runtime-parameters': [{ SECONDS: 0 }, { SECONDS: 0 }, { SECONDS: 0, CITY: 'London' }] })],
  ['another type of a value', () => ({ 'runtime-parameters': [{ SECONDS: 0, CITY: 'London' }, { SECONDS: '0' }, { SECONDS: 0 }] })],
  ['another pair of types', () => ({ 'target-type': 'something' })],
])('under the key of an earlier request, %s is refused by the name of its run, and changes nothing', async (_, changes) => {
  const { body } = await post(request());
  const { status, body: problem } = await post<Problem>(request(changes()));
  expect([status, slug(problem)]).toEqual([422, 'key-reused']);
  expect(problem.detail).toContain(body['run-id']);
  expect(await runsNamed()).toHaveLength(1);
});

test('of a hundred different requests under one key at once one is accepted, and all others are told', async () => {
  const answers = await times(100, (index) =>
    post<RunStarted | Problem>(request({ 'runtime-parameters': [{ SECONDS: 0, INDEX: index }] })),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  expect(statuses).toEqual([202, ...Array<number>(99).fill(422)]);
  const [run] = await runsNamed();
  expect(await runsNamed()).toHaveLength(1);
  const [job] = await allJobs(service, run?.['run-id'] ?? '');
  expect(job?.index).toBe(0);
});

test('an Idempotency-Key that comes back with another user-run-id is refused, at once or later', async () => {
  const headers = { 'idempotency-key': `key-${name}` };
  const { body } = await post(request(), headers);
  expect((await post(request(), headers)).body['run-id']).toBe(body['run-id']);
  const other = await post<Problem>(request({ 'user-run-id': `${name}-other` }), headers);
  expect([other.status, slug(other.body)]).toEqual([422, 'key-reused']);
  expect(await runsNamed(`${name}-other`)).toEqual([]);
  const atOnce = await times(20, (index) => post(request({ 'user-run-id': `${name}-${index}` }), { 'idempotency-key': `at-once-${name}` }));
  expect(atOnce.map(({ status }) => status).toSorted()).toEqual([202, ...Array<number>(19).fill(422)]);
});

test('a request without its Idempotency-Key, or with a new one, is still the run of its natural key', async () => {
  const { body } = await post(request(), { 'idempotency-key': `first-${name}` });
  for (const headers of [{}, { 'idempotency-key': `second-${name}` }] as const) {
    const again = await post(request(), headers);
    expect([again.status, again.body['run-id']]).toEqual([200, body['run-id']]);
  }
});

test.each([0, 1, 2, 4, 8, 16, 32, 64])(
  'an answer that was lost after %i ms, and the request again: the same run, its jobs once',
  async (afterMs) => {
    const lost = await fetch(`${service.host.url}/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.host.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request()),
      signal: AbortSignal.timeout(afterMs),
    }).then(
      (response) => response.json() as Promise<RunStarted>,
      () => undefined,
    );
    const { status, body } = await post(request());
    expect([200, 202]).toContain(status);
    if (lost) expect(body['run-id']).toBe(lost['run-id']);
    expect((await endedRun(service, body['run-id'])).state).toBe('SUCCEEDED');
    expect(await runsNamed()).toHaveLength(1);
    expect([...engine.jobs.keys()].filter((job) => job.startsWith(body['run-id'].replace('run_', 'job_')))).toHaveLength(3);
  },
);

test('two users with the same name for a run have a run each', async () => {
  const ada = await post(request());
  const eve = await post(request({ 'user-id': 'eve' }));
  expect([ada.status, eve.status]).toEqual([202, 202]);
  expect((await runsNamed()).map((run) => [run['run-id'], run['user-id']])).toEqual([
    [eve.body['run-id'], 'eve'],
    [ada.body['run-id'], 'ada'],
  ]);
});

test('names that join to the same text are not the same key', async () => {
  const pairs = [
    ['a', `b#${name}`],
    ['a#b', name],
    ['a%23b', name],
    ['a', `b%23${name}`],
  ] as const;
  const runs = await Promise.all(pairs.map(([user, run]) => post(request({ 'user-id': user, 'user-run-id': run }))));
  expect(runs.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect(new Set(runs.map(({ body }) => body['run-id'])).size).toBe(4);
});

test('a request whose run ended long ago is answered by that run, also when it would be refused today', async () => {
  await service.request('PUT', '/v1/templates/tmpl_changing', { name: 'Changing', engine: 'sleep' });
  await service.request('PUT', '/v1/patterns/changing/nothing', { 'template-id': 'tmpl_changing' });
  const asked = request({ 'source-type': 'changing' });
  const { body } = await post(asked);
  await endedRun(service, body['run-id']);
  const schema = { type: 'object', required: ['NEW'] };
  await service.request('PUT', '/v1/templates/tmpl_changing', { name: 'Changing', engine: 'sleep', 'parameters-schema': schema });
  const again = await post(asked);
  expect([again.status, again.body['run-id'], again.body.state]).toEqual([200, body['run-id'], 'SUCCEEDED']);
  expect((await post<Problem>({ ...asked, 'user-run-id': `${name}-new` })).status).toBe(422);
});

test('a request that was refused leaves its key free', async () => {
  const headers = { 'idempotency-key': `free-${name}` };
  expect((await post(request({ 'target-type': 'unknown' }), headers)).status).toBe(422);
  expect((await post(request({ 'runtime-parameters': [] }), headers)).status).toBe(400);
  expect((await post(request(), headers)).status).toBe(202);
});

test('a large request that is sent many times while it is being accepted is told to wait, then answered by its one run', async () => {
  // More than one item holds: the key is reserved first.
  const sets = Array.from({ length: 5_000 }, (_, index) => ({ SECONDS: 3_600, INDEX: index, TEXT: 'x'.repeat(100) }));
  const large = JSON.stringify(request({ 'runtime-parameters': sets }));
  const answers = await times(12, () => post<RunStarted | Problem>(large));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  for (const { status, headers, body } of answers) {
    expect([200, 202, 409]).toContain(status);
    if (status === 409) expect([slug(body as Problem), headers.get('retry-after')]).toEqual(['request-in-progress', '1']);
  }
  const again = await post(large);
  expect([again.status, again.body['job-ids'].length]).toEqual([200, 5_000]);
  expect((await runsNamed()).map(({ jobs }) => jobs.total)).toEqual([5_000]);
  expect(await executionsOf(again.body['run-id'])).toHaveLength(1);
});
