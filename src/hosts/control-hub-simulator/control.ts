/** The simulator's own paths, below `/simulator`: no part of Control Hub, and without credentials. */
import { issuesAnswer, jsonAnswer, type Answer } from './fault-rules.ts';
import type { ControlHubSimulator, SimulatorRequest } from './simulator.ts';
import type { SwitchSettings } from './switches.ts';

const CONTROL = '/simulator/';

export const isControl = ({ url }: SimulatorRequest): boolean => url.startsWith(CONTROL);

export function controlAnswer(simulator: ControlHubSimulator, { method, url, body }: SimulatorRequest): Answer {
  const { pathname, searchParams } = new URL(url, 'http://control-hub');
  switch (`${method} ${pathname}`) {
    case 'GET /simulator/switches':
      return jsonAnswer(200, simulator.hub.switches);
    case 'PUT /simulator/switches':
      return switched(simulator, body);
    case 'GET /simulator/calls':
      return jsonAnswer(200, {
        counts: simulator.calls.counts(),
        calls: simulator.calls.of(searchParams.get('route') ?? undefined),
      });
    case 'DELETE /simulator/calls':
      simulator.calls.clear();
      return jsonAnswer(200, {});
    default:
      return issuesAnswer(404, 'SIMULATOR_13', `the simulator has no ${method} ${pathname}`);
  }
}

function switched(simulator: ControlHubSimulator, body: string | undefined): Answer {
  try {
    // Checked by `set`, whatever it is.
    simulator.set(JSON.parse(body ?? '') as SwitchSettings);
    return jsonAnswer(200, simulator.hub.switches);
  } catch (error) {
    return issuesAnswer(400, 'SIMULATOR_16', error instanceof Error ? error.message : 'these are no switches');
  }
}
