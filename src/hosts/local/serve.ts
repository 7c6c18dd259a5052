/** The service on this machine, until Ctrl-C: what `npm start` and `sluice serve` are. */
import { builtApp } from './built-app.ts';
import { startLocalHost } from './local-host.ts';
import { helpOf, parseSettings, type LocalSettings } from './settings.ts';

/**
 * @param command what was typed before the words, for what is told
 * @param app the folder of the build: the functions are loaded from there
 * @returns the exit code: 0 after Ctrl-C, 2 where the flags are wrong, 70 where it cannot start or go on
 */
export async function serve(command: string, words: readonly string[], app: URL): Promise<0 | 2 | 70> {
  const parsed = parseSettings(words, process.env);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(helpOf(command));
      return 0;
    case 'invalid':
      tell(`${parsed.message}\nTry: ${command} --help`);
      return 2;
    case 'settings':
      return served(parsed.settings, app).catch((error: unknown) => {
        tell(error instanceof Error ? error.message : String(error));
        return 70;
      });
  }
}

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function served(settings: LocalSettings, app: URL): Promise<0 | 70> {
  const host = await startLocalHost({ settings, tell, ...builtApp(app) });
  const stopped = new Promise<void>((resolve) => {
    let stopping = false;
    const stop = (): void => {
      // A second Ctrl-C: whoever sends it does not want to wait, and everything is durable anyway.
      if (stopping) process.exit(130);
      stopping = true;
      tell('Sluice stops. Ctrl-C again ends it at once.');
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
  if (host.controlHubSimulatorUrl !== undefined) {
    tell(`A Control Hub is simulated on ${host.controlHubSimulatorUrl}; its jobs are forgotten when this stops.`);
  }
  tell(`Step Functions on ${host.stepFunctionsEndpoint} (region local, any credentials).`);
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(`Sluice listens on ${host.url}\n`);
  tell(`Data in ${settings.dataDir}, outputs in ${settings.outputRoot}. Ctrl-C stops; runs go on at the next start.`);
  const lost = await Promise.race([stopped, host.lost]);
  if (lost) tell(`${lost.message} Sluice ends; what was accepted goes on at the next start.`);
  await host.close();
  return lost ? 70 : 0;
}
