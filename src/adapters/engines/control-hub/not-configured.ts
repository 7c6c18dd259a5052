/** Stands for Control Hub where it is not set up: says so where a template is registered, and holds what there is until it is. */
import { Fault } from '#domain/faults';
import type { Engine } from '#operations/ports';

/** `missing`: the settings to make, by name. */
export function controlHubNotConfigured(missing: readonly string[]): Engine {
  const advice = `Control Hub is not set up here: set ${missing.join(' and ')} (docs/control-hub.md)`;
  const away = (): Promise<never> => Promise.reject(new Fault('EngineUnavailable', advice));
  return {
    fenceSeconds: 120,
    metricsSettleSeconds: 0,
    check: () => Promise.resolve([{ pointer: '', rule: 'engine', message: advice }]),
    start: away,
    find: away,
    status: away,
    metrics: away,
    acknowledge: away,
    stop: away,
    remove: away,
  };
}
