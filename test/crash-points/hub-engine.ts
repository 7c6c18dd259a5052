/** The real adapter over the simulator, on the world's clock; one client, with all that it remembers, for each process. */
import { allowedHosts } from '#adapters/engines/control-hub/allowed-hosts';
import { hubClient } from '#adapters/engines/control-hub/client';
import { hubCredentials } from '#adapters/engines/control-hub/credentials';
import { controlHubEngine } from '#adapters/engines/control-hub/engine';
import type { Engine } from '#operations/ports';
import { controlHubSimulator, sequentialIds, type ControlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import type { RunPlan } from '#hosts/control-hub-simulator/run-plan';
import type { Mutation } from '#test/simulation/ports';
import type { Process } from '#test/simulation/processes';
import type { Random } from '#test/simulation/random';
import { ANSWER_MS, hubFetch, type HubFetchInput } from './hub-fetch.ts';

const ORGANIZATION = 'simulated-org';
/** It tells the organization, by which the adapter can search in lists. */
const TOKEN = ['{"alg":"none"}', JSON.stringify({ o: ORGANIZATION }), 'simulated']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
export const TEMPLATE_ID = `11111111-1111-4111-8111-111111111111:${ORGANIZATION}`;
export const FENCE_SECONDS = 120;
export const SETTLE_SECONDS = 180;
export const STATUS_CHUNK = 100;

export interface SimulatedHub {
  readonly simulator: ControlHubSimulator;
  portFor(process: Process): Engine;
}

/** What a planted bug is planted into, also below the port. */
export interface HubMutation extends Mutation {
  readonly fetch?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch;
}

export interface SimulatedHubInput extends Omit<HubFetchInput, 'process' | 'simulator'> {
  readonly nowMs: () => number;
  readonly random: Random;
  /** Of the runs that start first, one each. */
  readonly firstPlans: readonly Partial<RunPlan>[];
  readonly noted: (message: string, ids: Readonly<Record<string, string>>) => void;
  readonly mutation: HubMutation;
}

export function simulatedHub({ nowMs, random, firstPlans, noted, mutation, ...calls }: SimulatedHubInput): SimulatedHub {
  const simulator = controlHubSimulator({
    nowMs,
    newId: sequentialIds(),
    organizationId: ORGANIZATION,
    credential: { id: 'simulated', token: TOKEN },
  });
  simulator.createTemplate({ id: TEMPLATE_ID, name: 'http-to-gcs', statsRefreshInterval: 15_000 });
  simulator.set({ plans: firstPlans.map((plan) => ({ next: 1, plan })) });
  const { id, token } = simulator.credential;
  const held = Promise.resolve(hubCredentials(id, token));
  return {
    simulator,
    portFor(process) {
      const pause = (ms: number): Promise<void> => process.pause(ms);
      const fetch = hubFetch({ process, simulator, ...calls });
      const client = hubClient({
        url: 'http://127.0.0.1',
        credentials: { current: () => held, renewed: () => held },
        hosts: allowedHosts([]),
        fetch: mutation.fetch?.(fetch) ?? fetch,
        // What hangs says so by itself.
        timer: () => () => undefined,
        limits: { answerMs: ANSWER_MS },
        nowMs,
        pause,
        random: () => random.fraction(),
      });
      return controlHubEngine({
        client,
        nowMs,
        pause,
        note: noted,
        statusChunk: STATUS_CHUNK,
        fenceSeconds: FENCE_SECONDS,
        metricsSettleSeconds: SETTLE_SECONDS,
      });
    },
  };
}
