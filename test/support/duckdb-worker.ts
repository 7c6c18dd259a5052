/** The bundled worker for tests: Node cannot run TypeScript, and a worker is a process of its own. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

let bundled: Promise<URL> | undefined;

export function duckdbWorkerUrl(): Promise<URL> {
  bundled ??= bundle();
  return bundled;
}

async function bundle(): Promise<URL> {
  // Inside the repository, so that the bundle finds @duckdb/* in node_modules.
  const file = path.resolve('.out/test/duckdb-worker.js');
  const { outputFiles } = await build({
    entryPoints: ['src/adapters/engines/duckdb/worker.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@duckdb/*'],
    write: false,
  });
  await mkdir(path.dirname(file), { recursive: true });
  // Test files run in several processes; each puts a whole bundle in place.
  const own = `${file}.${process.pid}`;
  await writeFile(own, outputFiles[0]?.contents ?? '');
  await rename(own, file);
  return pathToFileURL(file);
}
