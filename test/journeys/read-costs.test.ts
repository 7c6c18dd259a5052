/** What a page costs in DynamoDB's read units, counted from its replies: the same however large the runs are that it shows. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PageView, RunView } from '#contract/views';
import { SAMPLE_OF_RUN } from '#domain/durations';
import { NO_COUNTS, type Run } from '#domain/run';
import { NO_USAGE } from '#domain/run-cost';
import { digestOfSecret } from '#hosts/lambda/authentication';
import type { HttpHandler } from '#hosts/lambda/http';
import { installPorts } from '#hosts/wiring';
import { pollRun } from '#operations/poll-run';
import { startJob } from '#operations/start-job';
import { at } from '#test/domain/builders';
import { call, handlerOf } from '#test/functions/http-call';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';

const SMALL = 10;
const LARGE = 5_000;
const SECRET = 's'.repeat(43);

let database: TestDatabase;
let it: World;
const handlers = new Map<string, HttpHandler>();

/** An item costs a unit per 4 KB that are begun, half of it where the read need not be consistent; what is absent costs one too. */
interface Cost {
  requests: number;
  units: number;
}
/** Of the request to the API that is under way, if there is one. */
let cost: Cost | undefined;

type Attributes = Record<string, AttributeValue>;
const UNIT_BYTES = 4_096;
const unitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / UNIT_BYTES));
const bytesOf = (items: readonly Attributes[]): number => items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0);

interface Reply {
  readonly Item?: Attributes;
  readonly Items?: readonly Attributes[];
  readonly Responses?: Readonly<Record<string, readonly Attributes[]>>;
}

interface Request {
  readonly ConsistentRead?: boolean;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly unknown[]; readonly ConsistentRead?: boolean }>>;
}

function costOf(command: string, request: Request, reply: Reply): number {
  switch (command) {
    case 'GetItemCommand':
      return unitsOf(reply.Item ? bytesOf([reply.Item]) : 0) * (request.ConsistentRead === true ? 1 : 0.5);
    case 'QueryCommand':
      return unitsOf(bytesOf(reply.Items ?? [])) * (request.ConsistentRead === true ? 1 : 0.5);
    case 'BatchGetItemCommand': {
      const asked = Object.values(request.RequestItems ?? {});
      const found = Object.values(reply.Responses ?? {}).flat();
      const absent = asked.reduce((sum, { Keys }) => sum + Keys.length, 0) - found.length;
      const consistent = asked.some(({ ConsistentRead }) => ConsistentRead === true);
      return (found.reduce((sum, item) => sum + unitsOf(bytesOf([item])), 0) + absent) * (consistent ? 1 : 0.5);
    }
    default:
      throw new Error(`a page made a ${command}`);
  }
}

/** The cost of one request to the API, and what it answered. */
async function asking(
  resource: string,
  routeKey: string,
  path: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string>> = {},
): Promise<{ readonly cost: Cost; readonly body: PageView<RunView> }> {
  const handler = handlers.get(resource);
  if (!handler) throw new Error(`no handler for ${resource}`);
  const own: Cost = { requests: 0, units: 0 };
  cost = own;
  const { status, body } = await call(handler, routeKey, { path, query, headers: { authorization: `Bearer slc_reader.${SECRET}` } });
  cost = undefined;
  expect(status).toBe(200);
  return { cost: own, body: body as unknown as PageView<RunView> };
}

const sets = (count: number): readonly { readonly SECONDS: number }[] => Array.from({ length: count }, () => ({ SECONDS: 60 }));

const STAGES = ['planned', 'running', 'ended'] as const;
const QUESTIONS = {
  'the run': ({ id }: Run) => asking('runs', 'GET /v1/runs/{runId}', { runId: id }),
  'a page of its jobs': ({ id }: Run) => asking('runs', 'GET /v1/runs/{runId}/jobs', { runId: id }, { limit: String(SMALL) }),
  'one of its jobs': (run: Run) => asking('jobs', 'GET /v1/jobs/{jobId}', { jobId: jobOf(run) }),
  'a page of the history of a job': (run: Run) => asking('jobs', 'GET /v1/jobs/{jobId}/history', { jobId: jobOf(run) }, { limit: '50' }),
  'a page of its metrics': ({ userRunId }: Run) =>
    asking('metrics', 'GET /v1/metrics', {}, { 'user-run-id': userRunId, limit: String(SMALL) }),
} as const;
type Question = keyof typeof QUESTIONS;
const jobOf = ({ id }: Run): string => `${id.replace('run_', 'job_')}_00003`;

const ended = new Map<number, Run>();
const running = new Map<number, Run>();
const measured = new Map<string, Cost>();

async function measure(stage: (typeof STAGES)[number], run: Run): Promise<void> {
  for (const question of Object.keys(QUESTIONS) as readonly Question[])
    measured.set(`${stage} ${run.count} ${question}`, (await QUESTIONS[question](run)).cost);
}

/** One run of so many jobs, asked about at every stage of its life. */
async function live(count: number): Promise<void> {
  const run = await it.planned(sets(count), { userId: 'measured', userRunId: `of ${count}` });
  await measure('planned', run);
  for (let from = 0; from < count; from += 500) {
    const indexes = Array.from({ length: Math.min(500, count - from) }, (_, offset) => from + offset);
    await Promise.all(indexes.map((index) => startJob(it.ports, { runId: run.id, index, taskToken: `${run.id}/${index}` })));
  }
  await pollRun(it.ports, { runId: run.id });
  await measure('running', run);
  running.set(count, await it.loadRun(run));
  // All at once, so that one tick settles them.
  it.advance(120);
  await it.watch(run);
  await measure('ended', run);
  ended.set(count, await it.loadRun(run));
}

function runOf(count: number, runs: ReadonlyMap<number, Run>): Run {
  const run = runs.get(count);
  if (!run) throw new Error(`there is no run of ${count}`);
  return run;
}

beforeAll(async () => {
  database = await startTestDatabase();
  it = await world(database);
  // Its use is written once a minute, whatever is asked for: that is not measured here.
  const lastUse = { at: at(86_400), from: '127.0.0.1' };
  await it.ports.apiTokens.put({ id: 'reader', name: 'reader', secretDigest: digestOfSecret(SECRET), scopes: ['runs:read'], lastUse });
  installPorts(it.ports);
  for (const resource of ['runs', 'jobs', 'metrics']) handlers.set(resource, await handlerOf(resource));
  database.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args);
        if (!cost) return result;
        cost.requests += 1;
        cost.units += costOf(commandName, args.input as Request, result.output as Reply);
        return result;
      },
    { step: 'initialize' },
  );
  for (const count of [SMALL, LARGE]) await live(count);
}, 180_000);
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

/** What was measured, and what more would be a surprise: a token, the run, what is shown, and little else. */
const MOST: Readonly<Record<Question, number>> = {
  'the run': 4,
  'a page of its jobs': SMALL + 4,
  'one of its jobs': 5,
  'a page of the history of a job': 5,
  'a page of its metrics': SMALL + 4,
};

test.each(STAGES.flatMap((stage) => (Object.keys(QUESTIONS) as readonly Question[]).map((question) => [stage, question] as const)))(
  `of a run that is %s, %s costs the same with ${SMALL} jobs and with ${LARGE}`,
  (stage, question) => {
    const small = measured.get(`${stage} ${SMALL} ${question}`);
    expect(measured.get(`${stage} ${LARGE} ${question}`)).toEqual(small);
    expect(small?.units).toBeLessThanOrEqual(MOST[question]);
  },
);

test('fifty jobs cost a unit each, at the beginning of a large run and in its middle', async () => {
  const { id } = runOf(LARGE, ended);
  const page = async (cursor?: string): Promise<{ readonly cost: Cost; readonly body: PageView<RunView> }> =>
    asking('runs', 'GET /v1/runs/{runId}/jobs', { runId: id }, { limit: '50', ...(cursor === undefined ? {} : { cursor }) });
  const first = await page();
  const far = await asking('runs', 'GET /v1/runs/{runId}/jobs', { runId: id }, { limit: '500' });
  const middle = await page(far.body['next-cursor']);
  expect([first.body.items.length, middle.body.items.length]).toEqual([50, 50]);
  expect(middle.cost).toEqual(first.cost);
  expect(first.cost.units).toBeLessThanOrEqual(54);
});

/** Like most runs of a list: what was measured above, fifty times, under a user of its own. */
async function copies(original: Run, owner: string, letter: string): Promise<readonly Run[]> {
  const made: Run[] = [];
  for (let copy = 0; copy < 50; copy += 1) {
    const id = `${original.id.slice(0, -7)}${letter}${String(copy).padStart(6, '0')}` as Run['id'];
    const run: Run = { ...original, id, userId: owner, userRunId: `${letter} ${copy}`, version: 1 };
    await it.ports.runs.accept({ run, sets: [{}], bodyDigest: 'x' });
    made.push(run);
  }
  return made;
}

/** Also what a page must show of every run. */
async function pageOfRuns(owner: string, shown: RunView['jobs']): Promise<Cost> {
  const answer = await asking('runs', 'GET /v1/runs', {}, { 'user-id': owner, limit: '50' });
  expect(answer.body.items.map(({ jobs }) => jobs)).toEqual(Array<RunView['jobs']>(50).fill(shown));
  return answer.cost;
}

test(`a page of fifty ended runs costs the same with runs of ${SMALL} jobs and with runs of ${LARGE}`, async () => {
  const costs: Cost[] = [];
  for (const [count, letter] of [
    [SMALL, 'A'],
    [LARGE, 'B'],
  ] as const) {
    await copies(runOf(count, ended), `ended ${count}`, letter);
    costs.push(await pageOfRuns(`ended ${count}`, { total: count, finished: count, failed: 0, cancelled: 0, open: 0 }));
  }
  expect(costs[1]).toEqual(costs[0]);
  expect(costs[0]?.units).toBeLessThanOrEqual(54);
});

test(`a page of fifty unfinished runs costs the same with runs of ${SMALL} jobs and with runs of ${LARGE}: two units a run`, async () => {
  const costs: Cost[] = [];
  for (const [count, letter, chunks] of [
    [SMALL, 'C', 1],
    // As many as the largest request has: 4 MB.
    [LARGE, 'D', 12],
  ] as const) {
    const finished = count / 2;
    for (const run of await copies(runOf(count, running), `unfinished ${count}`, letter)) {
      const chunkStarts = Array.from({ length: chunks }, (_, chunk) => Math.floor((chunk * count) / chunks));
      expect(await it.ports.runs.save({ ...run, chunkStarts }, run)).toMatchObject({ kind: 'saved' });
      const now = it.ports.clock.now();
      const lease = { host: 'test', owner: `test/${run.id}`, now, until: now };
      expect(await it.ports.runs.takeTick(run.id, lease)).toBe('taken');
      await it.ports.runs.releaseTick(run.id, lease, {
        counts: { ...NO_COUNTS, finished, inputRecordCount: count * 1e9 },
        nextPollAt: now,
        usage: NO_USAGE,
        durations: Array.from({ length: SAMPLE_OF_RUN }, (_, second) => 1000.5 + second),
        durationsSeen: count,
      });
    }
    costs.push(await pageOfRuns(`unfinished ${count}`, { total: count, finished, failed: 0, cancelled: 0, open: finished }));
  }
  expect(costs[1]).toEqual(costs[0]);
  // Each run and its tick; then the page of the list and the token.
  expect(costs[0]?.units).toBeLessThanOrEqual(104);
});
