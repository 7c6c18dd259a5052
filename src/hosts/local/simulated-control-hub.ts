/** A Control Hub simulator beside the service, for trying the control-hub engine without an account. It forgets its jobs with the process. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ControlHubSettings } from '#contract/control-hub-settings';
import { createExampleTemplate } from '#hosts/control-hub-simulator/example-template';
import { startSimulatorServer } from '#hosts/control-hub-simulator/http-server';
import { controlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import type { HostClock } from './host-clock.ts';

export interface SimulatedControlHub {
  readonly url: string;
  /** What the engine is to be told, in place of an account's. */
  readonly settings: Pick<
    ControlHubSettings,
    'SLUICE_CONTROL_HUB_URL' | 'SLUICE_CONTROL_HUB_CREDENTIAL_ID' | 'SLUICE_CONTROL_HUB_AUTH_TOKEN'
  >;
  close(): Promise<void>;
}

/** @param tokenFile where the simulator's token is put: the engine takes a reference and no token, here as elsewhere */
export async function startSimulatedControlHub(clock: HostClock, tokenFile: string): Promise<SimulatedControlHub> {
  const simulator = controlHubSimulator({ nowMs: () => clock.nowMs(), newId: randomUUID, callsKept: 1000 });
  createExampleTemplate(simulator);
  const server = await startSimulatorServer({ simulator, host: '127.0.0.1', port: 0 });
  writeFileSync(tokenFile, simulator.credential.token, { mode: 0o600 });
  return {
    url: server.url,
    settings: {
      SLUICE_CONTROL_HUB_URL: server.url,
      SLUICE_CONTROL_HUB_CREDENTIAL_ID: simulator.credential.id,
      SLUICE_CONTROL_HUB_AUTH_TOKEN: `file:${tokenFile}`,
    },
    close: () => server.close(),
  };
}
