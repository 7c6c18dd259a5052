/**
 * The whole service in one process: the functions of serverless.yml behind node:http, DynamoDB and Step Functions
 * embedded and spoken to over their own protocols, the embedded engines. What differs from AWS is in this folder.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { ArchiveRoot } from '#contract/archive-root';
import { NO_CONTROL_HUB } from '#contract/control-hub-settings';
import { instant } from '#domain/ids';
import { parseConfiguration, type Configuration } from '#hosts/configuration';
import { allowAnonymous } from '#hosts/lambda/http';
import { connectPorts, connectStores, installPorts } from '#hosts/wiring';
import { CONTROL_HUB_LIMITS } from '#hosts/wiring-control-hub';
import { localArchives, localEngines, prepareTables, type PushingEngine } from '#hosts/wiring-local';
import type { Clock, Ports } from '#operations/ports';
import { makeWritable, takeDataDir } from './data-dir.ts';
import { localFunctions, type LoadModule, type LocalFunctions } from './functions.ts';
import { systemClock, type HostClock } from './host-clock.ts';
import { httpServer } from './http-server.ts';
import { keepDynamodb, type KeptDynamodb, type KeptDynamodbOptions } from './kept-dynamodb.ts';
import { localToken } from './local-token.ts';
import { nudges } from './nudges.ts';
import { pauses } from './pauses.ts';
import { runSchedules } from './schedules.ts';
import { tickOpenRuns, type OpenRunTicks } from './tick-open-runs.ts';
import { returnedLeases } from './returned-leases.ts';
import { readServiceMap, type ServiceMap } from './service-map.ts';
import type { LocalSettings } from './settings.ts';
import { startSimulatedControlHub } from './simulated-control-hub.ts';
import { notListening, unreadyTables } from './start-failures.ts';
import { registerStateMachines, stateMachineArn } from './state-machines.ts';
import { answerInProcess, listenStepFunctions, type StepFunctionsEndpoint } from './step-functions/endpoint.ts';
import { createStepFunctions, type StepFunctions } from './step-functions/step-functions.ts';

export interface LocalHostOptions {
  readonly settings: LocalSettings;
  /** Holds serverless.yml and state-machines/. */
  readonly project: URL;
  /** Imports a handler module by its path in the bundle. */
  readonly load: LoadModule;
  readonly duckdbWorkerUrl: URL;
  readonly clock?: HostClock;
  /** Engines beside the embedded ones: a test's. */
  readonly engines?: Readonly<Record<string, PushingEngine>>;
  /** Takes a line for whoever looks after the service; a warning of the process where it is not given. */
  readonly tell?: (line: string) => void;
}

export interface LocalHost {
  readonly url: string;
  readonly token: string;
  readonly stepFunctionsEndpoint: string;
  readonly ports: Ports;
  /** Where it simulates one. */
  readonly controlHubSimulatorUrl?: string;
  /** Resolves, with why, when the service cannot go on: its database is gone. Whoever started it ends it. */
  readonly lost: Promise<Error>;
  /** Ends in order; executions under way go on when the next process starts. */
  close(): Promise<void>;
}

type Closer = () => Promise<void> | void;

export async function startLocalHost(options: LocalHostOptions): Promise<LocalHost> {
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await assemble(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(options: LocalHostOptions, closers: Closer[], close: () => Promise<void>): Promise<LocalHost> {
  const { settings, project } = options;
  // Node 20 is supported here for as long as the SDK runs on it; its warning would stand before every command's output.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const hostClock = options.clock ?? systemClock();
  const pausing = pauses(hostClock);
  const clock: Clock = { now: () => instant(hostClock.nowMs()), pause: (ms) => pausing.pause(ms) };
  const dataDir = takeDataDir(settings.dataDir);
  closers.push(() => {
    dataDir.release();
  });
  makeWritable(settings.outputRoot, '--output-root');
  makeWritable(dataDir.workDir, '--data-dir');
  const archiveRoot = archiveRootOf(settings);

  let ticks: OpenRunTicks | undefined;
  const {
    tell = (line: string): void => {
      process.emitWarning(line);
    },
  } = options;
  const onRestarted = (): void => ticks?.again();
  const dynamodb =
    settings.dynamodbEndpoint === undefined
      ? await embeddedDynamodb(dataDir.databaseFile, { tell, onRestarted }, closers)
      : { endpoint: settings.dynamodbEndpoint, lost: new Promise<never>(() => undefined) };
  const dynamodbEndpoint = dynamodb.endpoint;
  const service = readServiceMap(new URL('serverless.yml', project));
  const functions = localFunctions(withoutAdminTokens(service), options.load);
  let stopping = false;
  const endedExecutions = new Set<Promise<unknown>>();
  const checkpoints = await prepareTables(localConfiguration(settings, dynamodbEndpoint)).catch((error: unknown) => {
    throw unreadyTables(settings, error);
  });
  const stepFunctions = createStepFunctions({
    checkpoints,
    invoke: functions.invoke,
    clock: hostClock,
    newId: () => randomUUID(),
    mostInvocationsInFlight: 256,
    tell,
    onExecutionEnded(detail) {
      if (detail.status === 'SUCCEEDED' || detail.stateMachineArn !== stateMachineArn('run')) return;
      const told = tellEnded(stepFunctions, functions, detail.executionArn).finally(() => endedExecutions.delete(told));
      endedExecutions.add(told);
    },
  });
  const stepFunctionsServer = await listeningStepFunctions(stepFunctions, settings);
  const stepFunctionsEndpoint = `http://127.0.0.1:${stepFunctionsServer.port}`;
  const local = localConfiguration(settings, dynamodbEndpoint);
  const configuration = { ...local, SLUICE_STEP_FUNCTIONS_ENDPOINT: stepFunctionsEndpoint, SLUICE_ARCHIVE_ROOT: archiveRoot };

  const simulated = settings.controlHubSimulator ? await startSimulatedControlHub(hostClock, dataDir.simulatorTokenFile) : undefined;
  if (simulated) closers.push(() => simulated.close());
  const { inputRoot, outputRoot, parallel } = settings;
  const embedded = localEngines({
    ...{ inputRoot, outputRoot, parallel, clock },
    workDir: dataDir.workDir,
    workerUrl: options.duckdbWorkerUrl,
    controlHub: { ...(settings.controlHub ?? NO_CONTROL_HUB), ...simulated?.settings },
    region: process.env['AWS_REGION'] ?? '',
    random: () => Math.random(),
  });
  const engines = { ...embedded, ...options.engines };
  const nudging = nudges(hostClock, (runId) => functions.call('pollRun', { runId }));
  const stores = connectStores(configuration, clock);
  const leases = returnedLeases(stores.runs, (runId) => {
    nudging.nudge(runId);
  });
  const ports = connectPorts(configuration, {
    stores: { ...stores, runs: leases.runs },
    stepFunctions: (target, body) => (stopping ? Promise.resolve(STOPPING) : answerInProcess(stepFunctions, target, body)),
    engines: (name) => (Object.hasOwn(engines, name) ? engines[name] : undefined),
    policy: {
      pollFloorSeconds: settings.pollFloorSeconds,
      starterSeconds: 30,
      leaseSeconds: 120,
      host: randomUUID(),
      engineLimits: { ...CONTROL_HUB_LIMITS, ...settings.engineLimits },
    },
  });
  // A bucket is where AWS has it; everything else of the local host is in no region.
  const { AWS_REGION = configuration.AWS_REGION } = process.env;
  installPorts({ ...ports, ...localArchives({ ...configuration, AWS_REGION }) });
  allowAnonymous(settings.allowAnonymous);
  const unsubscribe = Object.values(engines).map((engine) =>
    engine.onChange(({ runId }) => {
      nudging.nudge(runId);
    }),
  );
  // What starts work ends first, then the work, then what it works on: a tick that outlived its engine would find every job lost.
  closers.push(async () => {
    for (const stop of unsubscribe) stop();
    stopping = true;
    leases.close();
    await stepFunctions.close();
    await nudging.close();
    await functions.idle();
    await Promise.all(endedExecutions);
    for (const engine of Object.values(engines)) await engine.close();
    await stepFunctionsServer.close();
    installPorts(undefined);
  });

  const token = await localToken(ports, dataDir.tokenFile);
  await registerStateMachines((operation, input) => stepFunctions.call(operation, input), new URL('state-machines/', project));
  const server = httpServer({ routes: service.routes, functions, newRequestId: () => randomUUID(), nowMs: () => hostClock.nowMs() });
  const url = await listening(server, settings);
  closers.push(() => closed(server));
  closers.push(() => {
    pausing.end();
  });
  await stepFunctions.recover();
  const looks = (ticks = tickOpenRuns(ports, (runId) => functions.call('pollRun', { runId }), tell));
  closers.push(() => looks.close());
  closers.push(runSchedules(hostClock, service.schedules, (name) => functions.call(name, {})));
  const { lost } = dynamodb;
  return { url, token, stepFunctionsEndpoint, ports, lost, close, ...(simulated ? { controlHubSimulatorUrl: simulated.url } : {}) };
}

/** Where nothing is said, jobs have a directory of their own beside the data. */
function archiveRootOf({ archiveRoot, dataDir }: LocalSettings): ArchiveRoot {
  const root = archiveRoot ?? { kind: 'directory', path: join(dataDir, 'archives') };
  if (root.kind === 'directory') makeWritable(root.path, '--archive-root');
  return root;
}

/** On AWS, IAM says who may invoke what makes administrators; here every program could, by the Step Functions endpoint. */
function withoutAdminTokens(service: ServiceMap): ServiceMap {
  return { ...service, handlers: new Map([...service.handlers].filter(([name]) => name !== 'createAdminToken')) };
}

/** To a function that is still at work while the host stops: its call will be made again by whoever repeats it. */
const STOPPING = { status: 400, body: JSON.stringify({ __type: 'ServiceStopping', message: 'the local host is stopping' }) };

/** What the rule in serverless.yml does on AWS, with the event that EventBridge would carry. */
async function tellEnded(stepFunctions: StepFunctions, functions: LocalFunctions, executionArn: string): Promise<void> {
  const { body } = await stepFunctions.call('DescribeExecution', { executionArn });
  const { status = null, input = null } = body;
  await functions.invoke('closeEndedExecution', { source: 'aws.states', detail: { executionArn, status, input } });
}

async function embeddedDynamodb(databaseFile: string, options: KeptDynamodbOptions, closers: Closer[]): Promise<KeptDynamodb> {
  const dynamodb = await keepDynamodb(databaseFile, options);
  closers.push(() => dynamodb.close());
  return dynamodb;
}

function localConfiguration(settings: LocalSettings, dynamodbEndpoint: string): Configuration {
  return parseConfiguration({
    SLUICE_TABLE: 'sluice-local',
    SLUICE_DYNAMODB_ENDPOINT: dynamodbEndpoint,
    SLUICE_RUN_STATE_MACHINE_ARN: stateMachineArn('run'),
    SLUICE_WATCH_STATE_MACHINE_ARN: stateMachineArn('watch'),
    SLUICE_NUDGE_STATE_MACHINE_ARN: stateMachineArn('nudge'),
    SLUICE_CONTROL_HUB_WEBHOOK_SECRET: settings.controlHubWebhookSecret,
    SLUICE_POLL_FLOOR_SECONDS: String(settings.pollFloorSeconds),
    SLUICE_JOB_TOKEN_SECONDS: settings.jobTokenSeconds?.toString(),
    SLUICE_JOB_RETENTION_SECONDS: settings.jobRetentionSeconds?.toString(),
  });
}

function listening(server: Server, { host, port }: LocalSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(notListening(error, { host, port, flag: '--port' }));
    });
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${actual}`);
    });
  });
}

async function listeningStepFunctions(
  stepFunctions: StepFunctions,
  { stepFunctionsPort: port = 0 }: LocalSettings,
): Promise<StepFunctionsEndpoint> {
  const host = '127.0.0.1';
  return listenStepFunctions(stepFunctions, { host, port }).catch((error: unknown) => {
    throw notListening(error as NodeJS.ErrnoException, { host, port, flag: '--step-functions-port' });
  });
}

const CLIENTS_MS = 2000;

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
    // A client that never finishes its request does not keep the service from stopping.
    setTimeout(() => {
      server.closeAllConnections();
    }, CLIENTS_MS).unref();
  });
}
