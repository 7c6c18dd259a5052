/**
 * The API against a model of it. Sequences share one service and have names of their own. `SLUICE_MODEL_RUNS` asks for more of
 * them, `SLUICE_MODEL_SEED` for the same ones again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { installPorts } from '#hosts/wiring';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { memoryTable } from '#test/support/memory-table';
import { commands } from './api-commands.ts';
import { PutPattern, PutTemplate } from './catalog-commands.ts';
import type { Command, Model } from './model.ts';
import { apiWorld, type ApiWorld } from './api-world.ts';

const SEED = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['SLUICE_MODEL_RUNS'] ?? 4_800);
const RUNS_EMBEDDED = Math.ceil(RUNS / 24);

let sequences = 0;

async function agrees(world: ApiWorld, sequence: Iterable<Command>): Promise<void> {
  world.forget();
  const own = `s${(sequences += 1)}`;
  const model: Model = { templates: new Map(), patterns: new Map(), runs: [], keys: new Map(), nowMs: world.nowMs() };
  // Where most sequences would otherwise begin with requests that nothing serves.
  const prelude = [new PutTemplate('a', 'open'), new PutTemplate('b', 'strict'), new PutPattern('a', 'a'), new PutPattern('b', 'b')];
  const real = { world, own };
  for (const command of sequences % 4 === 0 ? [] : prelude) await command.run(model, real);
  await fc.asyncModelRun(() => ({ model, real }), sequence);
}

describe(`every answer is what the model says (seed ${SEED})`, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
  });
  afterAll(async () => {
    installPorts(undefined);
    await database.close();
  });

  test(`in ${RUNS} sequences on a table in memory`, { timeout: 600_000 }, async () => {
    const world = await apiWorld(memoryTable());
    await fc.assert(
      fc.asyncProperty(commands, (sequence) => agrees(world, sequence)),
      { numRuns: RUNS, seed: SEED, endOnFailure: false },
    );
  });

  test(`in ${RUNS_EMBEDDED} sequences on the embedded DynamoDB`, { timeout: 600_000 }, async () => {
    const { table } = await database.freshTable();
    const world = await apiWorld(table);
    await fc.assert(
      fc.asyncProperty(commands, (sequence) => agrees(world, sequence)),
      { numRuns: RUNS_EMBEDDED, seed: SEED },
    );
  });
});
