/**
 * The service on a virtual clock, counted: the real functions, the real stores on the embedded DynamoDB, the real interpreter.
 * Time passes where `TIMES` says so and stands still everywhere else.
 */
import { randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { createTable, serviceTable } from '#adapters/dynamodb/create-table';
import { decodeCursor, encodeCursor } from '#adapters/dynamodb/cursors';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import { dynamoTable } from '#adapters/dynamodb/table';
import { epochMs, instant, type RunId } from '#domain/ids';
import type { Billed } from '#domain/prices';
import { NO_USAGE, usedByRun } from '#domain/run-cost';
import { getRun } from '#operations/read-runs';
import { parseConfiguration } from '#hosts/configuration';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { drivenClock } from '#hosts/local/driven-clock';
import { startEmbeddedDynamodb } from '#hosts/local/embedded-dynamodb';
import { localFunctions, type LoadModule } from '#hosts/local/functions';
import { nudges } from '#hosts/local/nudges';
import { readServiceMap } from '#hosts/local/service-map';
import { registerStateMachines, stateMachineArn } from '#hosts/local/state-machines';
import { answerInProcess } from '#hosts/local/step-functions/endpoint';
import type { InvokeOutcome } from '#hosts/local/step-functions/ports';
import { createStepFunctions } from '#hosts/local/step-functions/step-functions';
import { clientOptions, connectPorts, installPorts, type StorePorts } from '#hosts/wiring';
import type { Policy, Ports } from '#operations/ports';
import { jobPorts } from '#test/support/job-ports';
import { sleepEngine } from '#test/support/sleep-engine';
import { countedClient, type Access } from './counted-dynamodb.ts';
import { count, countedCheckpoints, countedEngine, newTally, type Tally } from './counting.ts';
import { kindOf, phaseOf } from './phases.ts';
import { seededRandom } from './seeded-random.ts';
import { virtualLambda } from './virtual-lambda.ts';

/** Assumptions (aws-facts: 0.4 s a starter; 0.15 s a tick, and 0.5 ms per job that it asks about). In milliseconds. */
export const TIMES = {
  startJob: 100,
  engineStart: 300,
  pollRun: 150,
  engineStatusPerJob: 0.5,
  planRun: 200,
  planRunPerSet: 1,
  other: 100,
} as const;

const TABLE = 'counted';
const START_MS = Date.parse('2026-03-01T00:00:00.000Z');
const SECRET = 's'.repeat(43);
/** As the deployed service has it: src/hosts/wiring.ts and the default of SLUICE_POLL_FLOOR_SECONDS. */
const POLICY = { pollFloorSeconds: 5, starterSeconds: 60, leaseSeconds: 180, host: 'aws' } as const;

export interface VirtualServiceOptions {
  /** Holds serverless.yml and state-machines/. */
  readonly project: URL;
  readonly load: LoadModule;
  readonly seed: number;
  /** Whether the engine says by itself that a job has ended. */
  readonly nudges: boolean;
  /** What the engine is to bear from all runs together. */
  readonly engineLimits?: Policy['engineLimits'];
}

export interface VirtualService {
  readonly random: () => number;
  /** What has been counted since the last call. */
  takeTally(): Tally;
  /** One POST; the run's jobs sleep for so many seconds each. */
  start(name: string, seconds: readonly number[]): Promise<RunId>;
  /** Lets time pass until every execution has ended. */
  untilEnded(): Promise<void>;
  /** Of every job of an ended run: from its end on the engine to its recording, in seconds. */
  detectionSeconds(run: RunId): Promise<readonly number[]>;
  /** What the run itself says that it has used. */
  used(run: RunId): Promise<Billed>;
  close(): Promise<void>;
}

export async function virtualService({ project, load, seed, ...options }: VirtualServiceOptions): Promise<VirtualService> {
  // Ids from numbers of their own: the order in which they are asked for must not change how long jobs take.
  const [random, randomOfIds] = [seededRandom(seed), seededRandom(seed + 1)];
  // As the local host does: a warning before every figure would say nothing about them.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const database = await startEmbeddedDynamodb(undefined);
  const configuration = parseConfiguration({
    SLUICE_TABLE: TABLE,
    SLUICE_DYNAMODB_ENDPOINT: database.endpoint,
    // Never connected to: the transport is in this process.
    SLUICE_STEP_FUNCTIONS_ENDPOINT: 'http://127.0.0.1:1',
    SLUICE_RUN_STATE_MACHINE_ARN: stateMachineArn('run'),
    SLUICE_WATCH_STATE_MACHINE_ARN: stateMachineArn('watch'),
  });
  let tally = newTally();
  const client = countedClient(clientOptions(configuration, database.endpoint), (accesses) => {
    // What this module asks for itself is on nobody's bill.
    const { functionName } = lambda.current() ?? {};
    if (functionName !== undefined) noteAccesses(tally, functionName, accesses);
  });
  await createTable(client, serviceTable(TABLE));
  const newStores = (): StorePorts => {
    const table = dynamoTable(client, TABLE);
    return {
      clock: { now: () => instant(clock.nowMs()), pause: (ms) => lambda.pause(ms) },
      randomness: { newUlid: (at) => ulid(epochMs(at), randomOfIds), fraction: random },
      catalog: dynamoCatalogStore(table),
      runs: dynamoRunStore(table),
      jobs: dynamoJobStore(table),
      slots: dynamoSlotStore(table),
      durations: dynamoDurationStore(table),
      series: dynamoMetricSeries(table),
      cursors: { encode: encodeCursor, decode: decodeCursor },
      apiTokens: dynamoApiTokenStore(table),
      ...jobPorts(table),
    };
  };
  const own = newStores();
  const lambda = virtualLambda({
    clock: () => clock,
    newEnvironment: newStores,
    onInvoked(functionName, ms) {
      count(tally.invocations, functionName);
      count(tally.milliseconds, functionName, ms);
    },
  });
  const clock = drivenClock(START_MS, lambda.untilWaiting);

  const functions = localFunctions(readServiceMap(new URL('serverless.yml', project)), load);
  const checkpoints = countedCheckpoints(() => tally);
  const stepFunctions = createStepFunctions({
    checkpoints,
    clock,
    newId: () => randomUUID(),
    mostInvocationsInFlight: MOST_INVOCATIONS,
    invoke: (arn, payload) => {
      const name = arn.split('-').at(-1) ?? arn;
      return lambda.invoke(name, async () => {
        await lambda.pause(timeOf(name));
        const outcome = await functions.invoke(name, payload);
        if (name === 'planRun') await lambda.pause(TIMES.planRunPerSet * plannedSets(outcome));
        return outcome;
      });
    },
  });
  const call = (name: string, event: unknown): Promise<unknown> =>
    lambda.invoke(name, async () => {
      await lambda.pause(timeOf(name));
      return functions.call(name, event);
    });
  const engine = sleepEngine({ nowMs: () => clock.nowMs(), ...(options.nudges ? { at: (atMs, tell) => clock.at(atMs, tell) } : {}) });
  const counted = countedEngine(engine, () => tally, lambda.pause, {
    startMs: TIMES.engineStart,
    statusMsPerJob: TIMES.engineStatusPerJob,
  });
  const shared = connectPorts(configuration, {
    stores: own,
    stepFunctions: (target, body) => answerInProcess(stepFunctions, target, body),
    engines: (name) => (name === 'sleep' ? counted : undefined),
    policy: { ...POLICY, engineLimits: options.engineLimits ?? {} },
  });
  installPorts(withStoresOf(() => lambda.current()?.environment ?? own, shared));
  const nudging = nudges(clock, (runId) => call('pollRun', { runId }));
  engine.onChange(({ runId }) => {
    nudging.nudge(runId);
  });
  await registerStateMachines((operation, input) => stepFunctions.call(operation, input), new URL('state-machines/', project));
  await own.apiTokens.put({ id: TOKEN_ID, name: 'bill', secretDigest: digestOfSecret(SECRET), scopes: ['admin'] });
  const uncounted: CallFunction = (name, event) => functions.call(name, event);
  await request(uncounted, 'templates', 'PUT /v1/templates/{templateId}', TEMPLATE, { templateId: TEMPLATE_ID });
  await request(uncounted, 'patterns', 'PUT /v1/patterns/{sourceType}/{targetType}', { 'template-id': TEMPLATE_ID }, PAIR);

  const untilDone = async <Result>(wanted: Promise<Result>): Promise<Result> => {
    let settled = false;
    const noted = wanted.finally(() => (settled = true));
    noted.catch(() => undefined);
    await clock.runUntilIdle({ until: () => settled });
    return noted;
  };
  return {
    random,
    takeTally() {
      const taken = tally;
      tally = newTally();
      return taken;
    },
    async start(name, seconds) {
      count(tally.httpCalls, START);
      const body = {
        'user-id': 'bill',
        'user-run-id': name,
        'source-type': PAIR.sourceType,
        'target-type': PAIR.targetType,
        'runtime-parameters': seconds.map(parameterSet),
      };
      const started = (await untilDone(request(call, 'runs', START, body))) as { readonly 'run-id': RunId };
      return started['run-id'];
    },
    async untilEnded() {
      await clock.runUntilIdle({ until: () => checkpoints.openExecutions() === 0, mostSteps: 1_000_000 });
    },
    async detectionSeconds(id) {
      const run = await own.runs.load(id);
      if (run?.finishedAt === undefined) throw new Error(`${id} has not ended`);
      const jobs = await own.jobs.loadRange(run, 0, run.count);
      return jobs.map(({ state, metrics, updatedAt }) => {
        if (state !== 'FINISHED' || metrics?.finishedAt === undefined) throw new Error(`a job of ${id} is ${state}`);
        return (epochMs(updatedAt) - epochMs(metrics.finishedAt)) / 1000;
      });
    },
    async used(id) {
      const standing = await getRun(own, id);
      if (!standing) throw new Error(`there is no run ${id}`);
      const { count: jobCount, attempt: attempts, watch: watchLoops, retriedJobs, setsBytes } = standing.run;
      return usedByRun({ jobCount, attempts, watchLoops, retriedJobs, setsBytes }, standing.progress?.usage ?? NO_USAGE);
    },
    async close() {
      await stepFunctions.close();
      await nudging.close();
      engine.close();
      installPorts(undefined);
      client.destroy();
      await database.close();
    },
  };
}

/** Lambda's default for an account. */
const MOST_INVOCATIONS = 1000;
const START = 'POST /v1/runs';
const TOKEN_ID = 'bill';
const TEMPLATE_ID = 'tmpl_sleep';
const PAIR = { sourceType: 'time', targetType: 'nothing' } as const;
/** A limit beyond any job here: one that is stopped is not what is measured. */
const TEMPLATE = { name: 'Sleep', engine: 'sleep', limits: { 'max-parallel': 10_000, 'max-wait-seconds': 24 * 3600 } };

/** Of the size of the original's: a path, a folder, a mode. */
const parameterSet = (seconds: number, index: number): object => ({
  SECONDS: seconds,
  CITY: `city-${index}`,
  FOLDER: 'UK',
  MODE: 'POLLING',
});

function timeOf(functionName: string): number {
  if (functionName === 'startJob' || functionName === 'pollRun' || functionName === 'planRun') return TIMES[functionName];
  return TIMES.other;
}

const plannedSets = (outcome: InvokeOutcome): number =>
  outcome.kind === 'returned' ? ((outcome.payload as { readonly count?: number }).count ?? 0) : 0;

/** Ports whose stores are those of the environment that asks. */
function withStoresOf(current: () => StorePorts, shared: Ports): Ports {
  return new Proxy(shared, {
    get(target, name) {
      const stores = current();
      return Reflect.get(Object.hasOwn(stores, name) ? stores : target, name) as unknown;
    },
  });
}

function noteAccesses({ requests, readUnits, writeUnits }: Tally, functionName: string, accesses: readonly Access[]): void {
  const [first] = accesses;
  if (first) count(requests, `${functionName} ${first.command}`);
  for (const { kind, pk, sk, units, item } of accesses) {
    const itemKind = kindOf(pk, sk);
    if (kind === 'read') count(readUnits, `${functionName} ${itemKind}`, units);
    else count(writeUnits, `${phaseOf({ functionName, kind: itemKind, ...(item ? { item } : {}) })} ${itemKind}`, units);
  }
}

type CallFunction = (functionName: string, event: unknown) => Promise<unknown>;

/** As API Gateway passes a request on. Answers its body; a refusal throws. */
async function request(
  call: CallFunction,
  functionName: string,
  routeKey: string,
  body: unknown,
  pathParameters: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const [method = '', rawPath = ''] = routeKey.split(' ');
  const reply = (await call(functionName, {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: '',
    headers: { authorization: `Bearer slc_${TOKEN_ID}.${SECRET}`, 'content-type': 'application/json' },
    pathParameters,
    isBase64Encoded: false,
    body: JSON.stringify(body),
    requestContext: { requestId: 'bill', routeKey, stage: '$default', http: { method, path: rawPath, sourceIp: '127.0.0.1' } },
  })) as { readonly statusCode: number; readonly body?: string };
  if (reply.statusCode >= 300) throw new Error(`${routeKey} was answered ${reply.statusCode}: ${reply.body ?? ''}`);
  return JSON.parse(reply.body ?? '{}') as unknown;
}
