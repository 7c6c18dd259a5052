/** `npm start`: the service on this machine, until Ctrl-C. */
import { startLocalHost } from './local-host.ts';
import { HELP, parseSettings, type LocalSettings } from './settings.ts';

/** From `.out/app/src/hosts/local/main.js`, where the build puts this. */
const app = new URL('../../../', import.meta.url);
const project = new URL('../../', app);

async function serve(settings: LocalSettings): Promise<void> {
  const host = await startLocalHost({
    settings,
    project,
    load: (path) => import(new URL(`${path}.js`, app).href) as Promise<unknown>,
    duckdbWorkerUrl: new URL('src/adapters/engines/duckdb/worker.js', app),
  });
  let stopping = false;
  const stop = (): void => {
    // A second Ctrl-C: whoever sends it does not want to wait, and everything is durable anyway.
    if (stopping) process.exit(130);
    stopping = true;
    host.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(70);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (host.controlHubSimulatorUrl !== undefined) {
    process.stderr.write(`A Control Hub is simulated on ${host.controlHubSimulatorUrl}; its jobs are forgotten when this stops.\n`);
  }
  process.stderr.write(`Step Functions on ${host.stepFunctionsEndpoint} (region local, any credentials).\n`);
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(`Sluice listens on ${host.url}\n`);
  process.stderr.write(`Data in ${settings.dataDir}, outputs in ${settings.outputRoot}. Ctrl-C stops; runs go on at the next start.\n`);
}

const parsed = parseSettings(process.argv.slice(2), process.env);
switch (parsed.kind) {
  case 'help':
    process.stdout.write(HELP);
    break;
  case 'invalid':
    process.stderr.write(`${parsed.message}\nTry: npm start -- --help\n`);
    process.exitCode = 2;
    break;
  case 'settings':
    serve(parsed.settings).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 70;
    });
}
