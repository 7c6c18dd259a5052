/** The store of API tokens on the embedded engine: the port's own suite, and what only DynamoDB can get wrong. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { keys, type Key } from '#adapters/dynamodb/keys';
import type { Table } from '#adapters/dynamodb/table';
import type { ApiToken } from '#domain/api-token';
import { apiTokenStoreContract } from '#test/adapters/contracts/api-token-store.contract';
import { at, START_MS } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';

let database: TestDatabase;
let table: Table;
beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  ({ table } = await database.freshTable());
});
afterAll(() => database.close());

apiTokenStoreContract(() => Promise.resolve(dynamoApiTokenStore(table)));

const token: ApiToken = { id: '01AA', name: 'ci', secretDigest: '00', scopes: ['admin'], createdAt: at(0), createdBy: 'ada' };
const ROWS = [keys.apiToken('01AA'), keys.apiTokenRow('01AA'), keys.apiTokenName('ci')];
const DAYS_90 = 90 * 86_400;

test('a token that has an end is left to the time to live of the table 90 days later; its name is not', async () => {
  const tokens = dynamoApiTokenStore(table);
  const timeToLive = async (key: Key): Promise<unknown> => (await table.get(key))?.['expiresAt'];
  await tokens.create(token);
  expect(await Promise.all(ROWS.map(timeToLive))).toEqual([undefined, undefined, undefined]);
  await tokens.revoke(token, { at: at(5), by: 'ada' });
  const end = START_MS / 1000 + 5 + DAYS_90;
  expect(await Promise.all(ROWS.map(timeToLive))).toEqual([end, end, undefined]);
  const brief = { ...token, id: '01AB', name: 'brief', validUntil: at(60.5) };
  await tokens.create(brief);
  expect(await timeToLive(keys.apiToken('01AB'))).toBe(START_MS / 1000 + 60 + DAYS_90);
});

test('the token of an older release, which has no row in the list, is found, and is listed once it is revoked', async () => {
  const tokens = dynamoApiTokenStore(table);
  const old: ApiToken = { id: 'abcd', name: 'old', secretDigest: '00', scopes: ['runs:read'] };
  await table.write({ kind: 'put', item: { ...keys.apiToken('abcd'), ...old } });
  expect(await tokens.find('abcd')).toEqual(old);
  expect(await tokens.revoke(old, { at: at(5), by: 'ada' })).toBe('revoked');
  expect(await tokens.list({ limit: 5 })).toMatchObject({ kind: 'page', page: { items: [{ id: 'abcd' }] } });
});

test('a row whose token the table has deleted already is no token', async () => {
  const tokens = dynamoApiTokenStore(table);
  await tokens.create(token);
  await table.write({ kind: 'delete', key: keys.apiToken('01AA') });
  expect(await tokens.list({ limit: 5 })).toEqual({ kind: 'page', page: { items: [] } });
  expect([await tokens.administrators(), await tokens.named('ci')]).toEqual([[], undefined]);
  expect(await tokens.create({ ...token, id: '01AB' })).toBe('name-taken');
});

test('a page of tokens is two requests', async () => {
  const tokens = dynamoApiTokenStore(table);
  for (const id of ['01AA', '01AB', '01AC']) await tokens.create({ ...token, id, name: id });
  database.forgetRequests();
  await tokens.list({ limit: 3 });
  expect(Object.fromEntries(database.requests)).toEqual({ QueryCommand: 1, BatchGetItemCommand: 1 });
});
