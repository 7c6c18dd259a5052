/** One job of DuckDB, which needs most of what a service is made of: its tasks, its engine and a worker. */
import type { SluiceClient } from '#client/sluice-client';
import type { RunView } from '#contract/views';

/** Writes `n.csv`, a table of one row, below the output root. */
export async function ranOneJob(client: SluiceClient): Promise<RunView> {
  await client.putTemplate('tmpl_one', {
    name: 'One',
    engine: 'duckdb',
    definition: { target: { path: '$TARGET', sql: 'SELECT 1 AS n', format: 'csv' } },
  });
  await client.putPattern({ 'source-type': 'a', 'target-type': 'b', 'template-id': 'tmpl_one' });
  const sets = [{ TARGET: 'n.csv' }];
  const body = { 'user-id': 'ada', 'user-run-id': 'one', 'source-type': 'a', 'target-type': 'b', 'runtime-parameters': sets };
  return (await client.waitForRun((await client.startRun(body))['run-id'])).run;
}
