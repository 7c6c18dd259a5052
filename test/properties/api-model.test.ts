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
import { emptyModel, type Command, type ParameterSet } from './model.ts';
import { PutPattern } from './pattern-commands.ts';
import { StartRun } from './start-command.ts';
import { PutTemplate } from './template-commands.ts';
import { Pass } from './time.ts';

const SEED = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['SLUICE_MODEL_RUNS'] ?? 4_800);
const RUNS_EMBEDDED = Math.ceil(RUNS / 24);

/** So many sequences share a service: lists that have no owner hold what others have put, and yet end soon. */
const SHARING = 10;

let sequences = 0;

/** Where most sequences would otherwise begin with requests that nothing serves, and about runs that have not begun. */
const catalog = [new PutTemplate('a', 'open'), new PutTemplate('b', 'strict'), new PutPattern('a', 'a'), new PutPattern('b', 'b')];
const request = (name: string, pair: string, sets: readonly ParameterSet[]): Command =>
  new StartRun({ user: 'a', name, pair, sets, since: undefined, key: undefined, ifMatch: undefined });
const [runs, fails, refused] = [
  { CITY: 'London', SECONDS: 10 },
  { CITY: 'Rome', FAIL: 'it broke' },
  { CITY: 'Oslo', REFUSE: 'no room' },
];
const preludes: readonly (readonly Command[])[] = [
  [],
  catalog,
  [...catalog, request('x', 'a', [runs, fails]), new Pass(0)],
  [...catalog, request('x', 'a', [runs, fails]), request('y', 'a', [runs]), new Pass(0), new Pass(10)],
  [...catalog, request('x', 'b', [runs, fails, refused]), new Pass(0), new Pass(10)],
];

/** Holds one sequence against the model, each on one of the services that are made of such tables. */
function agreement(newTable: () => Promise<Table>): (prelude: readonly Command[], sequence: Iterable<Command>) => Promise<void> {
  let world: ApiWorld | undefined;
  let held = 0;
  return async (prelude, sequence) => {
    if (world === undefined || held % SHARING === 0) world = await apiWorld(await newTable());
    held += 1;
    await agrees(world, prelude, sequence);
  };
}

async function agrees(world: ApiWorld, prelude: readonly Command[], sequence: Iterable<Command>): Promise<void> {
  world.forget();
  const own = `s${(sequences += 1)}`;
  const model = emptyModel(world.nowMs());
  const real = { world, own };
  for (const command of prelude) await command.run(model, real);
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
    await fc.assert(fc.asyncProperty(fc.constantFrom(...preludes), commands, agreed), { numRuns: RUNS, seed: SEED, endOnFailure: false });
  });

  test(`in ${RUNS_EMBEDDED} sequences on the embedded DynamoDB`, { timeout: 600_000 }, async () => {
    const agreed = agreement(async () => (await database.freshTable()).table);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...preludes), commands, agreed), { numRuns: RUNS_EMBEDDED, seed: SEED });
  });

  // A few sequences meet by far not all of it.
  test.runIf(RUNS >= 4_800)('and every answer that the model has is met', () => {
    expect([...breadth()].filter(([, times]) => times === 0)).toEqual([]);
    expect(unforeseen()).toEqual([]);
  });
});
