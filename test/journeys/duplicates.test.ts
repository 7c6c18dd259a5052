/** A caller, or a proxy, that does not stop repeating one request, and mostly does not wait for its answer. */
import { ListExecutionsCommand, ListStateMachinesCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '#contract/problems';
import { RunStarted, type PageView, type RunView } from '#contract/views';
import { allJobs, endedRun, eventNames, registerSleep, stepFunctionsOf } from '#test/support/journey';
import { randomOf } from '#test/support/random';
import { startService, type Service } from '#test/support/service';
import { systemSleepEngine, type SleepEngine } from '#test/support/sleep-engine';

const POSTS = 10_000;
const AT_ONCE = 200;
const SETS = 5;
/** Of this part of the callers, each gives up within so many milliseconds. */
const IMPATIENT = 0.3;
const PATIENCE_MS = 40;

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

const BODY = JSON.stringify({
  'user-id': 'ada',
  'user-run-id': 'again and again',
  'source-type': 'time',
  'target-type': 'nothing',
  'runtime-parameters': Array.from({ length: SETS }, (_, index) => ({ SECONDS: 1, INDEX: index })),
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Undefined where the caller had gone before its answer came. */
async function post(patienceMs: number | undefined): Promise<Answer | undefined> {
  const { url, token } = service.host;
  const signal = patienceMs === undefined ? {} : { signal: AbortSignal.timeout(patienceMs) };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  try {
    const response = await fetch(`${url}/v1/runs`, { method: 'POST', headers, body: BODY, ...signal });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    if (patienceMs !== undefined && error instanceof DOMException && error.name === 'TimeoutError') return undefined;
    throw error;
  }
}

async function answers(): Promise<readonly (Answer | undefined)[]> {
  const random = randomOf(10_000);
  const found: (Answer | undefined)[] = [];
  let sent = 0;
  const caller = async (): Promise<void> => {
    while (sent < POSTS) {
      sent += 1;
      found.push(await post(random() < IMPATIENT ? Math.ceil(random() * PATIENCE_MS) : undefined));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return found;
}

async function executionNames(): Promise<readonly (string | undefined)[]> {
  const { stateMachines = [] } = await stepFunctions.send(new ListStateMachinesCommand({}));
  const pages = stateMachines.map(({ stateMachineArn }) => stepFunctions.send(new ListExecutionsCommand({ stateMachineArn })));
  return (await Promise.all(pages)).flatMap(({ executions = [] }) => executions.map(({ name }) => name)).toSorted();
}

test(`of one request sent ${POSTS} times, ${AT_ONCE} at once, with callers that leave, there is one run, driven once, its jobs started once`, async () => {
  const found = await answers();
  const arrived = found.filter((answer) => answer !== undefined);
  expect(found).toHaveLength(POSTS);
  // Both kinds of callers were there.
  expect(arrived.length).toBeGreaterThan(POSTS * (1 - IMPATIENT) * 0.9);
  expect(arrived.length).toBeLessThan(POSTS);

  const told = arrived.filter(({ status }) => status !== 409);
  for (const { body } of arrived.filter(({ status }) => status === 409))
    expect(Problem.parse(body).type).toBe('/problems/request-in-progress');
  // The one that was accepted may have been asked for by a caller that left.
  expect(told.filter(({ status }) => status === 202).length).toBeLessThanOrEqual(1);
  expect(new Set(told.map(({ status }) => status).filter((status) => status !== 202))).toEqual(new Set([200]));
  // The state goes on while they ask; nothing else changes.
  const { state: _, ...first } = RunStarted.parse(told[0]?.body);
  for (const { body } of told) {
    const { state, ...rest } = RunStarted.parse(body);
    expect(rest).toEqual(first);
    expect(['ACCEPTED', 'RUNNING', 'SUCCEEDED']).toContain(state);
  }

  const id = first['run-id'];
  const { jobs } = await endedRun(service, id);
  expect(jobs).toEqual({ total: SETS, finished: SETS, failed: 0, cancelled: 0, open: 0 });
  const { body: listed } = await service.request<PageView<RunView>>('GET', '/v1/runs?user-id=ada');
  expect(listed.items.map((run) => run['run-id'])).toEqual([id]);
  expect(await executionNames()).toEqual([`${id}-a1`, `${id}-w1`]);
  expect([engine.calls.start, engine.jobs.size]).toEqual([SETS, SETS]);
  for (const job of await allJobs(service, id)) {
    expect([job.state, job.attempt]).toEqual(['FINISHED', 1]);
    expect(await eventNames(service, job['job-id'])).toEqual(['create', 'run', 'finish']);
  }
}, 120_000);
