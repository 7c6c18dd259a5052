/**
 * The composition root of the local host: which adapters stand behind its embedded parts. Apart from wiring.ts, so that
 * none of it is in a Lambda's bundle.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { directoryArchives } from '#adapters/archives/directory';
import { checkpointTable, dynamoCheckpointStore } from '#adapters/dynamodb/checkpoint-store';
import { createTable, serviceTable } from '#adapters/dynamodb/create-table';
import { duckdbEngine } from '#adapters/engines/duckdb/engine';
import type { RunId } from '#domain/ids';
import type { Clock, Engine, Ports } from '#operations/ports';
import type { ControlHubSettings } from '#contract/control-hub-settings';
import type { Configuration } from './configuration.ts';
import type { CheckpointStore } from './local/step-functions/ports.ts';
import { clientOptions, connectArchives, connectSecrets } from './wiring.ts';
import { connectControlHub } from './wiring-control-hub.ts';

/** An engine that says by itself when a job has ended, so that its run can be ticked at once. */
export interface PushingEngine extends Engine {
  onChange(listener: (change: { readonly runId: RunId }) => void): () => void;
  close(): Promise<void> | void;
}

export interface LocalEngineOptions {
  readonly inputRoot: string;
  readonly outputRoot: string;
  readonly workDir: string;
  readonly parallel: number;
  readonly clock: Clock;
  readonly workerUrl: URL;
  readonly controlHub: ControlHubSettings;
  readonly region: string;
  /** In [0, 1). */
  readonly random: () => number;
}

export function localEngines({
  clock,
  controlHub,
  region,
  random,
  ...options
}: LocalEngineOptions): Readonly<Record<string, PushingEngine>> {
  const secrets = connectSecrets({ AWS_REGION: region });
  const remote = connectControlHub(controlHub, { clock, secrets, random });
  return {
    duckdb: duckdbEngine({ ...options, now: () => clock.now() }),
    'control-hub': { ...remote, onChange: () => () => undefined, close: () => undefined },
  };
}

/** Makes the tables where they are missing, and opens the journal of the embedded Step Functions. */
export async function prepareTables(configuration: Configuration): Promise<CheckpointStore> {
  const client = new DynamoDBClient(clientOptions(configuration, configuration.SLUICE_DYNAMODB_ENDPOINT));
  const journal = `${configuration.SLUICE_TABLE}-step-functions`;
  await createTable(client, serviceTable(configuration.SLUICE_TABLE));
  await createTable(client, checkpointTable(journal));
  return dynamoCheckpointStore(client, journal);
}

/** Archives in a directory of this machine, or in a bucket as on AWS. */
export function localArchives(configuration: Configuration): Pick<Ports, 'archives'> {
  const { SLUICE_ARCHIVE_ROOT: root } = configuration;
  return root?.kind === 'directory' ? { archives: directoryArchives(root.path) } : connectArchives(configuration);
}
