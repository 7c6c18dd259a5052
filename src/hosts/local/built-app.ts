/** What a local host takes from the build that its process runs from. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LocalHostOptions } from './local-host.ts';

/** Once for each process. @param app the folder of the build, as its entry points know it: not by the link that leads to the newest one */
export function builtApp(app: URL): Pick<LocalHostOptions, 'project' | 'load' | 'duckdbWorkerUrl'> {
  keepBuild(app);
  return {
    project: new URL('../../', app),
    load: (path) => import(new URL(`${path}.js`, app).href) as Promise<unknown>,
    duckdbWorkerUrl: new URL('src/adapters/engines/duckdb/worker.js', app),
  };
}

/**
 * Says to later builds that this process loads from its version still (scripts/build-folders.js): handlers are imported when they are
 * first needed and workers are started at any time. An installed package is never built again, and is left as it is.
 */
function keepBuild(app: URL): void {
  const users = new URL('in-use/', app);
  if (!existsSync(users)) return;
  const ours = fileURLToPath(new URL(String(process.pid), users));
  try {
    writeFileSync(ours, '');
  } catch {
    // A disk that may only be read, or is full: the version that is built next leaves this one, and it is a reason for nothing else.
    return;
  }
  process.once('exit', () => {
    rmSync(ours, { force: true });
  });
}
