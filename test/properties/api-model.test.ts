/**
 * The API against a model of it. A few sequences share one service and have names of their own. `SLUICE_MODEL_RUNS` asks for more of
 * them, `SLUICE_MODEL_SEED` for the same ones again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Table } from '#adapters/dynamodb/table';
import { installPorts } from '#hosts/wiring';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { memoryTable } from '#test/support/memory-table';
import { commands } from './api-commands.ts';
import { apiWorld, type ApiWorld } from './api-world.ts';
import { breadth, unforeseen } from './breadth.ts';
import { emptyModel, type Command } from './model.ts';
import { PutPattern } from './pattern-commands.ts';
import { PutTemplate } from './template-commands.ts';

const SEED = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['SLUICE_MODEL_RUNS'] ?? 4_800);
const RUNS_EMBEDDED = Math.ceil(RUNS / 24);

/** So many sequences share a service: lists that have no owner hold what others have put, and yet end soon. */
const SHARING = 10;

let sequences = 0;

/** Holds one sequence against the model, each on one of the services that are made of such tables. */
function agreement(newTable: () => Promise<Table>): (sequence: Iterable<Command>) => Promise<void> {
  let world: ApiWorld | undefined;
  let held = 0;
  return async (sequence) => {
    if (world === undefined || held % SHARING === 0) world = await apiWorld(await newTable());
    held += 1;
    await agrees(world, sequence);
  };
}

async function agrees(world: ApiWorld, sequence: Iterable<Command>): Promise<void> {
  world.forget();
  const own = `s${(sequences += 1)}`;
  const model = emptyModel(world.nowMs());
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
    const agreed = agreement(() => Promise.resolve(memoryTable()));
    await fc.assert(fc.asyncProperty(commands, agreed), { numRuns: RUNS, seed: SEED, endOnFailure: false });
  });

  test(`in ${RUNS_EMBEDDED} sequences on the embedded DynamoDB`, { timeout: 600_000 }, async () => {
    const agreed = agreement(async () => (await database.freshTable()).table);
    await fc.assert(fc.asyncProperty(commands, agreed), { numRuns: RUNS_EMBEDDED, seed: SEED });
  });

  // A few sequences meet by far not all of it.
  test.runIf(RUNS >= 1_000)('and every answer that the model has is met', () => {
    expect([...breadth()].filter(([, times]) => times === 0)).toEqual([]);
    expect(unforeseen()).toEqual([]);
  });
});
