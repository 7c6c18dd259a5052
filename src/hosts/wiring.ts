/**
 * The composition root: the only file that chooses adapters for Lambda. AWS unless a host installed something else first,
 * which is how the local host and the handler tests run the very same handler files. A function asks for the part that it
 * uses, and its bundle contains nothing else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { ulid } from 'ulid';
import { s3Archives } from '#adapters/archives/s3';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { decodeCursor, encodeCursor } from '#adapters/dynamodb/cursors';
import { dynamoJobEventStore } from '#adapters/dynamodb/job-event-store';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoJobOutputStore } from '#adapters/dynamodb/job-output-store';
import { dynamoJobTokenStore } from '#adapters/dynamodb/job-token-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoReportedJobStore } from '#adapters/dynamodb/reported-job-store';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import { dynamoTable, type Table } from '#adapters/dynamodb/table';
import { canonicalDigest } from '#adapters/json/digest';
import { cfworkerParameterSchemas } from '#adapters/json/parameter-schemas';
import { nodeSha1 } from '#adapters/node-crypto/sha1';
import { nodeTokenSecrets } from '#adapters/node-crypto/token-secrets';
import { inProcessTransport, type AnswerInProcess } from '#adapters/step-functions/in-process-transport';
import { secretsManagerSecrets, ssmSecrets } from '#adapters/secrets/aws-secrets';
import { environmentSecrets, fileSecrets } from '#adapters/secrets/environment-secrets';
import { secretReader } from '#adapters/secrets/secret-reader';
import { stepFunctionsOrchestrator } from '#adapters/step-functions/orchestrator';
import { epochMs, instant } from '#domain/ids';
import type { JobPorts } from '#operations/job-ports';
import type { Engines, Policy, Ports, Secrets } from '#operations/ports';
import { environmentConfiguration, type Configuration } from './configuration.ts';
import { CONTROL_HUB_LIMITS, connectControlHub } from './wiring-control-hub.ts';

export type CorePorts = Pick<Ports, 'clock' | 'randomness' | 'cursors' | 'apiTokens'>;
export type CatalogPorts = CorePorts & Pick<Ports, 'catalog'>;
export type RunPorts = CorePorts & Pick<Ports, 'runs' | 'jobs' | 'series'>;
export type ReportedJobPorts = CorePorts & JobPorts;
export type ArchivePorts = ReportedJobPorts & Pick<Ports, 'archives' | 'digest'>;
export type StorePorts = CatalogPorts & RunPorts & ReportedJobPorts & Pick<Ports, 'slots' | 'durations'>;

let installed: Ports | undefined;
let connected: Connection | undefined;

/** In the place of all that is chosen here, whatever part of it is asked for. */
export function installPorts(replacement: Ports | undefined): void {
  installed = replacement;
}

export function ports(): Ports {
  return (installed ??= awsPorts());
}

/**
 * What a function may ask for: its bundle contains the stores of what it asks for, and no other. Each is made once, over one
 * connection of the process.
 */
export const corePorts = part(connectCore);
export const catalogPorts = part((of): CatalogPorts => ({ ...connectCore(of), ...connectCatalog(of) }));
export const runPorts = part((of): RunPorts => ({ ...connectCore(of), ...connectRuns(of) }));
/** Jobs of either kind, and their tokens. */
export const jobPorts = part((of): RunPorts & ReportedJobPorts => ({ ...connectCore(of), ...connectRuns(of), ...connectReportedJobs(of) }));
/** With what the jobs of runs are made of. */
export const jobDetailPorts = part((of): CatalogPorts & RunPorts & ReportedJobPorts => ({
  ...connectCore(of),
  ...connectCatalog(of),
  ...connectRuns(of),
  ...connectReportedJobs(of),
}));
/** For what lists and clears archives. */
export const archivePorts = part((of): ArchivePorts => ({
  ...connectCore(of),
  ...connectReportedJobs(of),
  ...connectArchives(of.configuration),
  digest: canonicalDigest,
}));

// The annotation lets a bundle drop the parts that it does not ask for.
/* @__NO_SIDE_EFFECTS__ */
function part<Part extends Partial<Ports>>(connect: (connection: Connection) => Part): () => Part | Ports {
  let made: Part | undefined;
  return () => installed ?? (made ??= connect((connected ??= connectionOf(environmentConfiguration()))));
}

/** Lambda's own time-out for what starts jobs, which is pollRun more often than startJob; and room for a tick of 10,000 jobs. */
const POLICY = { starterSeconds: 110, leaseSeconds: 180, host: 'aws' } as const;

function awsPorts(): Ports {
  const configuration = environmentConfiguration();
  const stores = storesOf((connected ??= connectionOf(configuration)));
  const { clock, randomness } = stores;
  const controlHub = connectControlHub(configuration, {
    clock,
    random: () => randomness.fraction(),
    secrets: connectSecrets(configuration),
  });
  return connectPorts(configuration, {
    stores,
    // The embedded engine needs a disk of its own.
    engines: (name) => (name === 'control-hub' ? controlHub : undefined),
    policy: {
      ...POLICY,
      pollFloorSeconds: configuration.SLUICE_POLL_FLOOR_SECONDS,
      engineLimits: { ...CONTROL_HUB_LIMITS, ...configuration.SLUICE_ENGINE_LIMITS },
    },
  });
}

interface Connected {
  /** Where Step Functions is in this process. */
  readonly stepFunctions?: AnswerInProcess;
  readonly stores: StorePorts;
  readonly engines: Engines;
  readonly policy: Policy;
}

export function connectPorts(configuration: Configuration, connected: Connected): Ports {
  const { stepFunctions } = connected;
  const client = new SFNClient({
    ...clientOptions(configuration, configuration.SLUICE_STEP_FUNCTIONS_ENDPOINT),
    ...(stepFunctions ? { requestHandler: inProcessTransport(stepFunctions) } : {}),
  });
  return {
    ...connected.stores,
    digest: canonicalDigest,
    parameterSchemas: cfworkerParameterSchemas,
    orchestrator: stepFunctionsOrchestrator(client, {
      run: configuration.SLUICE_RUN_STATE_MACHINE_ARN,
      watch: configuration.SLUICE_WATCH_STATE_MACHINE_ARN,
      nudge: configuration.SLUICE_NUDGE_STATE_MACHINE_ARN,
    }),
    webhookSecret: connectWebhookSecret(configuration, connectSecrets(configuration)),
    engines: connected.engines,
    policy: connected.policy,
  };
}

/** Every store of the table. */
export function connectStores(configuration: Configuration, clock?: Ports['clock']): StorePorts {
  return storesOf(connectionOf(configuration, clock));
}

function storesOf(connection: Connection): StorePorts {
  return {
    ...connectCore(connection),
    ...connectCatalog(connection),
    ...connectRuns(connection),
    ...connectReportedJobs(connection),
    slots: dynamoSlotStore(connection.table),
    durations: dynamoDurationStore(connection.table),
  };
}

interface Connection {
  readonly configuration: Configuration;
  readonly table: Table;
  readonly clock: Ports['clock'];
}

function connectionOf(configuration: Configuration, clock?: Ports['clock']): Connection {
  const client = new DynamoDBClient(clientOptions(configuration, configuration.SLUICE_DYNAMODB_ENDPOINT));
  return {
    configuration,
    table: dynamoTable(client, configuration.SLUICE_TABLE),
    clock: clock ?? { now: () => instant(Date.now()), pause },
  };
}

function connectCore({ table, clock }: Connection): CorePorts {
  return {
    clock,
    randomness: { newUlid: (at) => ulid(epochMs(at)), fraction: () => Math.random() },
    cursors: { encode: encodeCursor, decode: decodeCursor },
    apiTokens: dynamoApiTokenStore(table),
  };
}

const connectCatalog = ({ table }: Connection): Pick<Ports, 'catalog'> => ({ catalog: dynamoCatalogStore(table) });

function connectRuns({ table }: Connection): Pick<Ports, 'runs' | 'jobs' | 'series'> {
  return { runs: dynamoRunStore(table), jobs: dynamoJobStore(table), series: dynamoMetricSeries(table) };
}

function connectReportedJobs({ table, configuration }: Connection): JobPorts {
  return {
    reportedJobs: dynamoReportedJobStore(table),
    jobEvents: dynamoJobEventStore(table),
    jobTokens: dynamoJobTokenStore(table),
    jobOutputs: dynamoJobOutputStore(table),
    tokenSecrets: nodeTokenSecrets,
    sha1: nodeSha1,
    jobPolicy: {
      tokenSeconds: configuration.SLUICE_JOB_TOKEN_SECONDS,
      retentionSeconds: configuration.SLUICE_JOB_RETENTION_SECONDS,
    },
  };
}

/** A bucket; directories are for the local host (wiring-local.ts), whose adapter no Lambda has to carry. */
export function connectArchives(configuration: Configuration): Pick<Ports, 'archives'> {
  const { SLUICE_ARCHIVE_ROOT: root, SLUICE_ARCHIVE_ENDPOINT: endpoint, AWS_REGION: region } = configuration;
  if (!root) return {};
  if (root.kind === 'directory') throw new Error('SLUICE_ARCHIVE_ROOT must be s3://bucket/prefix');
  // What the SDK's clients sign with, wherever that is from.
  const { credentials } = new DynamoDBClient({ region }).config;
  const reach = { region, credentials, pause, fetch: globalThis.fetch, now: () => instant(Date.now()) };
  return { archives: s3Archives({ ...root, ...reach, ...(endpoint === undefined ? {} : { endpoint }) }) };
}

/** Secrets by reference, as the process may read them: its environment, its files, and what its credentials in AWS allow. */
export function connectSecrets({ AWS_REGION: region }: Pick<Configuration, 'AWS_REGION'>): Secrets {
  const aws = { region, credentials: fromEnv(), fetch, now: () => new Date() };
  return secretReader({
    kinds: {
      env: environmentSecrets(process.env),
      file: fileSecrets,
      ssm: ssmSecrets(aws),
      secretsmanager: secretsManagerSecrets(aws),
    },
    nowMs: () => Date.now(),
  });
}

function connectWebhookSecret({ SLUICE_CONTROL_HUB_WEBHOOK_SECRET: reference }: Configuration, secrets: Secrets): Ports['webhookSecret'] {
  return async (engine) => (engine === 'control-hub' && reference !== undefined ? secrets.resolve(reference) : undefined);
}

/**
 * The empty logger is not the default one: that one discards what it is given, but has every request and reply prepared for
 * it first, which was a tenth of all time spent on a run of 1,000 jobs. On this machine nobody checks a signature, so none
 * is computed; anywhere else the credentials of the environment sign.
 */
export function clientOptions(configuration: Configuration, endpoint: string | undefined): object {
  const common = { logger: {}, maxAttempts: 4, region: configuration.AWS_REGION };
  // Made here: the SDK would hand its own chain the empty logger, whose methods it then calls.
  if (endpoint === undefined) return { ...common, credentials: fromEnv() };
  if (new URL(endpoint).hostname !== '127.0.0.1') return { ...common, endpoint, credentials: fromEnv() };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { ...common, region: 'local', endpoint, credentials, signer: { sign: unsigned } };
}

const AUTHORIZATION = 'AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0';

function unsigned<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
  request.headers['authorization'] = AUTHORIZATION;
  request.headers['x-amz-date'] = '20260101T000000Z';
  return Promise.resolve(request);
}
