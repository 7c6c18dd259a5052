/**
 * A service in miniature, for tests that kill one: starts a job that never ends and writes all the while, and one that waits for
 * its worker; says so, and waits for the end.
 */
import { duckdbEngine } from '#adapters/engines/duckdb/engine';
import type { DuckdbOptions } from '#adapters/engines/duckdb/engine';
import { engineJobName, instant, runId } from '#domain/ids';

const [, , text = ''] = process.argv;
const folders = JSON.parse(text) as Omit<DuckdbOptions, 'now' | 'workerUrl'> & { readonly workerUrl: string };
const engine = duckdbEngine({ ...folders, workerUrl: new URL(folders.workerUrl), now: () => instant(Date.now()) });
const run = runId('01K00000000000000000000000');
const target = (path: string, sql: string): object => ({ target: { path, sql, format: 'csv' } });
const start = async (index: number, definition: object): Promise<void> => {
  const job = { definition: definition as Parameters<typeof engine.check>[0], parameters: {} };
  await engine.start({ engineJobName: engineJobName({ runId: run, index }, 1), runId: run, ...job });
};

engine.onChange(
  () =>
    void start(2, target('endless.csv', 'SELECT range AS n FROM range(10000000000000) WHERE hash(range) % 1000 = 0'))
      .then(() => start(3, target('queued.csv', 'SELECT 1 AS n')))
      .then(() => process.send?.('under way')),
);
await start(1, target('short.csv', 'SELECT 1 AS n'));
