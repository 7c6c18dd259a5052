/** The engine on the simulator, both on a clock that moves when somebody waits, and when a test says so. */
import { hubClient, type HubClient } from '#adapters/engines/control-hub/client';
import { allowedHosts } from '#adapters/engines/control-hub/allowed-hosts';
import { hubCredentials, type CredentialSource } from '#adapters/engines/control-hub/credentials';
import { controlHubEngine, type ControlHubOptions } from '#adapters/engines/control-hub/engine';
import type { EngineStart } from '#domain/engine-job';
import { engineJobName, runId, type EngineJobId, type EngineJobName } from '#domain/ids';
import {
  controlHubSimulator,
  sequentialIds,
  type ControlHubSimulator,
  type SimulatorOptions,
} from '#hosts/control-hub-simulator/simulator';
import { simulatorFetch } from '#hosts/control-hub-simulator/fetch';
import type { Engine } from '#operations/ports';

export const RUN = runId('01K00000000000000000000000');
export const HUB_URL = 'https://na01.hub.streamsets.com';
const START_MS = Date.UTC(2026, 0, 1);

/** A JWT of nobody's: what Control Hub puts into its own, and no signature. */
export const tokenOf = (organization: string): string =>
  ['{"alg":"none"}', JSON.stringify({ o: organization, s: 'CANARY-TOKEN-7f3a' })]
    .map((part) => Buffer.from(part).toString('base64url'))
    .concat('CANARY-SIGNATURE-91bc')
    .join('.');

export const CREDENTIAL = { id: 'CANARY-CREDENTIAL-55d0', token: tokenOf('simulated-org') };

export interface Clock {
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  advance(seconds: number): void;
}

export function movedClock(startMs = START_MS): Clock {
  let now = startMs;
  const pause = (ms: number): Promise<void> => {
    now += ms;
    return Promise.resolve();
  };
  return {
    nowMs: () => now,
    pause,
    advance(seconds) {
      now += seconds * 1000;
    },
  };
}

export const fixedCredentials = (credential = CREDENTIAL): CredentialSource => {
  const held = hubCredentials(credential.id, credential.token);
  return { current: () => Promise.resolve(held), renewed: () => Promise.resolve(held) };
};

/** Nothing here waits long enough to be timed out by a real clock. */
export const noTimer = (): (() => void) => () => undefined;

export interface Fixture {
  readonly simulator: ControlHubSimulator;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly client: HubClient;
  readonly templateId: string;
  readonly notes: readonly string[];
  start(index: number, parameters?: EngineStart['parameters']): Promise<EngineJobId>;
  /** Another process, which knows nothing but what Control Hub knows. */
  restarted(): Fixture;
}

export const nameOf = (index: number, attempt = 1): EngineJobName => engineJobName({ runId: RUN, index }, attempt);

export interface FixtureOptions {
  readonly simulator?: Partial<SimulatorOptions>;
  readonly engine?: Partial<ControlHubOptions>;
  readonly clock?: Clock;
  readonly sharing?: ControlHubSimulator;
  readonly credentials?: CredentialSource;
  readonly fetch?: (inner: typeof fetch) => typeof fetch;
  readonly random?: () => number;
}

export function hubFixture(options: FixtureOptions = {}): Fixture {
  const clock = options.clock ?? movedClock();
  const simulator =
    options.sharing ?? controlHubSimulator({ nowMs: clock.nowMs, newId: sequentialIds(), credential: CREDENTIAL, ...options.simulator });
  const templateId = options.sharing
    ? ([...simulator.hub.jobs.values()].find(({ definition }) => definition.jobTemplate)?.id ?? '')
    : simulator.createTemplate({ name: 'http-to-gcs' }).id;
  const inner = simulatorFetch(simulator, { sleep: (ms) => (ms > 0 ? clock.pause(ms) : Promise.resolve()) });
  const notes: string[] = [];
  const client = hubClient({
    url: HUB_URL,
    fetch: options.fetch ? options.fetch(inner) : inner,
    timer: noTimer,
    credentials: options.credentials ?? fixedCredentials(),
    hosts: allowedHosts([]),
    nowMs: clock.nowMs,
    pause: clock.pause,
    random: options.random ?? (() => 0.5),
  });
  const engine = controlHubEngine({
    client,
    nowMs: clock.nowMs,
    pause: clock.pause,
    note: (message, ids) => notes.push(`${message} ${JSON.stringify(ids)}`),
    statusChunk: 100,
    fenceSeconds: 120,
    metricsSettleSeconds: 180,
    ...options.engine,
  });
  return {
    simulator,
    clock,
    engine,
    client,
    templateId,
    notes,
    async start(index, parameters = {}) {
      const definition = { 'job-template-id': templateId };
      const outcome = await engine.start({ engineJobName: nameOf(index), runId: RUN, definition, parameters });
      if (outcome.kind !== 'started') throw new Error(outcome.message);
      return outcome.engineJobId;
    },
    restarted: () => hubFixture({ ...options, clock, sharing: simulator }),
  };
}

/** The instances that the simulator has of one name, as it knows them. */
export function instancesOf({ simulator }: Fixture, name: EngineJobName): readonly string[] {
  return [...simulator.hub.jobs.values()].filter(({ definition }) => definition.rawJobTags.includes(name)).map(({ id }) => id);
}
