/** Makes the engine `control-hub` of what a host is told about it. The same on both hosts. */
import { allowedHosts } from '#adapters/engines/control-hub/allowed-hosts';
import { hubClient } from '#adapters/engines/control-hub/client';
import { referredCredentials } from '#adapters/engines/control-hub/credentials';
import { controlHubEngine } from '#adapters/engines/control-hub/engine';
import { controlHubNotConfigured } from '#adapters/engines/control-hub/not-configured';
import { parsedReference } from '#adapters/secrets/secret-reader';
import type { ControlHubSettings } from '#contract/control-hub-settings';
import { epochMs } from '#domain/ids';
import { log } from '#hosts/lambda/log';
import type { Clock, Engine, Policy, Secrets } from '#operations/ports';

/**
 * What Control Hub bears where nobody says: each start makes a job, and many at the same instant overshoot its engines' thresholds
 * (contract §7). Ten thousand sets are started in a quarter of an hour.
 */
export const CONTROL_HUB_LIMITS: Policy['engineLimits'] = { 'control-hub': { startsPerSecond: 10 } };

export interface ControlHubHost {
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** In [0, 1). */
  readonly random: () => number;
}

export function connectControlHub(settings: ControlHubSettings, { clock, secrets, random }: ControlHubHost): Engine {
  const { SLUICE_CONTROL_HUB_URL: url, SLUICE_CONTROL_HUB_PROJECT: project } = settings;
  const { SLUICE_CONTROL_HUB_CREDENTIAL_ID: id, SLUICE_CONTROL_HUB_AUTH_TOKEN: token } = settings;
  if (id === undefined || token === undefined) {
    return controlHubNotConfigured([
      ...(id === undefined ? ['SLUICE_CONTROL_HUB_CREDENTIAL_ID'] : []),
      ...(token === undefined ? ['SLUICE_CONTROL_HUB_AUTH_TOKEN'] : []),
    ]);
  }
  const nowMs = (): number => epochMs(clock.now());
  const pause = (ms: number): Promise<void> => clock.pause(ms);
  const client = hubClient({
    ...(url === undefined ? {} : { url }),
    ...(project === undefined ? {} : { project }),
    fetch,
    timer,
    credentials: referredCredentials({ id: parsedReference(id) ? { reference: id } : { value: id }, token }, secrets),
    hosts: allowedHosts([...settings.SLUICE_CONTROL_HUB_ALLOWED_HOSTS, ...(url === undefined ? [] : [new URL(url).host])]),
    nowMs,
    pause,
    random,
  });
  return controlHubEngine({
    client,
    nowMs,
    pause,
    note: (message, ids) => {
      log.warn(message, ids);
    },
    statusChunk: settings.SLUICE_CONTROL_HUB_STATUS_CHUNK,
    fenceSeconds: settings.SLUICE_CONTROL_HUB_FENCE_SECONDS,
    metricsSettleSeconds: settings.SLUICE_CONTROL_HUB_METRICS_SETTLE_SECONDS,
  });
}

function timer(ms: number, callback: () => void): () => void {
  const handle = setTimeout(callback, ms);
  return () => {
    clearTimeout(handle);
  };
}
