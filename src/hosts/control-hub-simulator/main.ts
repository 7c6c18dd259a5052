/** `sluice control-hub-simulator`: the simulator in a process of its own, until Ctrl-C. */
import { randomUUID } from 'node:crypto';
import { createExampleTemplate } from './example-template.ts';
import { startSimulatorServer } from './http-server.ts';
import { HELP, parseSettings, type SimulatorSettings } from './settings.ts';
import { controlHubSimulator, type ControlHubSimulator } from './simulator.ts';

interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  once(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** 0 when it was stopped; 2 for flags that are wrong; 70 when it cannot listen. */
export async function serveControlHubSimulator(words: readonly string[], surroundings: Surroundings): Promise<0 | 2 | 70> {
  const { stdout, stderr } = surroundings;
  const parsed = parseSettings(words);
  switch (parsed.kind) {
    case 'help':
      stdout.write(HELP);
      return 0;
    case 'invalid':
      stderr.write(`${parsed.message}\nTry: sluice control-hub-simulator --help\n`);
      return 2;
    case 'settings':
      break;
  }
  try {
    await serve(parsed.settings, surroundings);
    return 0;
  } catch (error) {
    stderr.write(`sluice: the simulator does not run.\nWhy: ${error instanceof Error ? error.message : String(error)}\n`);
    return 70;
  }
}

async function serve(settings: SimulatorSettings, surroundings: Surroundings): Promise<void> {
  const simulator = configured(settings);
  const template = createExampleTemplate(simulator);
  const server = await startSimulatorServer({ simulator, host: settings.host, port: settings.port });
  const stopped = new Promise<void>((resolve) => {
    surroundings.once('SIGINT', resolve);
    surroundings.once('SIGTERM', resolve);
  });
  // Last: whoever reads it may call, or send a signal, at once.
  surroundings.stdout.write(`The Control Hub simulator listens on ${server.url}
credential id  ${simulator.credential.id}
token          ${simulator.credential.token}
organization   ${settings.organizationId}
job template   ${template.id}  ${template.name}
`);
  await stopped;
  await server.close();
}

function configured(settings: SimulatorSettings): ControlHubSimulator {
  const { takesMs, inputRecords, outputRecords, errorRecords, organizationId, credentialId, token, webhook, switches } = settings;
  return controlHubSimulator({
    nowMs: () => Date.now(),
    newId: randomUUID,
    organizationId,
    credential: { id: credentialId, ...(token === undefined ? {} : { token }) },
    plan: { takesMs, inputRecords, outputRecords, errorRecords },
    switches,
    callsKept: 10_000,
    ...(webhook === undefined ? {} : { webhook }),
  });
}
