/** What the tests of handlers begin with: for each test an empty table, and the API over it with ports installed. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { installPorts } from '#hosts/wiring';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { apiOf, type Api } from './api.ts';
import { reporting, type Reporting } from './reporting.ts';

export interface GivenApi {
  readonly database: TestDatabase;
  readonly it: World;
  readonly api: Api;
  readonly jobs: Reporting;
}

/** Registers the hooks of a file: one database for all of its tests, and `begin` before each of them. */
export function eachTest(begin: (given: GivenApi) => void | Promise<void>, options: Parameters<typeof world>[1] = {}): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
  });
  beforeEach(async () => {
    const it = await world(database, options);
    installPorts(it.ports);
    const api = await apiOf(it);
    await begin({ database, it, api, jobs: reporting(api) });
  });
  afterAll(async () => {
    installPorts(undefined);
    await database.close();
  });
}
