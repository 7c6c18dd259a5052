/** The bill's own arithmetic, held against what the embedded database reports: to the byte, and for every kind of request. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { serviceTable } from '#adapters/dynamodb/create-table';
import { itemBytes, readUnits, writeUnits } from '#bench/capacity';
import { countedClient, type Access } from '#bench/counted-dynamodb';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';

let database: TestDatabase;
let client: DynamoDBClient;
const accesses: Access[] = [];
const units = (): number => accesses.reduce((sum, access) => sum + access.units, 0);
const TABLE = 'sizes';
const key = (sk: string): Record<string, AttributeValue> => ({ pk: { S: 'p' }, sk: { S: sk } });
/** An item of so many bytes. */
const sized = (sk: string, bytes: number): Record<string, AttributeValue> => {
  const item = { ...key(sk), text: { S: '' } };
  return { ...item, text: { S: 'x'.repeat(bytes - itemBytes(item)) } };
};

beforeAll(async () => {
  database = await startTestDatabase();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = countedClient({ region: 'local', endpoint: database.endpoint, credentials }, (some) => accesses.push(...some));
  await client.send(new CreateTableCommand(serviceTable(TABLE)));
});
beforeEach(() => {
  accesses.length = 0;
});
afterAll(async () => {
  client.destroy();
  await database.close();
});

test.each<readonly [string, AttributeValue]>([
  ['text', { S: 'Zürich' }],
  ['a flag', { BOOL: true }],
  ['nothing', { NULL: true }],
  ['zero', { N: '0' }],
  ['a number', { N: '1234567' }],
  ['a round number', { N: '14000' }],
  ['a fraction', { N: '0.0625' }],
  ['a negative number', { N: '-21' }],
  ['a list', { L: [{ S: 'a' }, { N: '12' }] }],
  ['an empty list', { L: [] }],
  ['a map', { M: { finished: { N: '1000' }, nested: { M: { name: { S: 'x' } } } } }],
])('an item with %s is of the size that the database finds', async (name, value) => {
  const item = { ...key(name), value };
  for (const [bytes, expected] of [
    [1024, 1],
    [1025, 2],
  ] as const) {
    const padding = { S: 'x'.repeat(bytes - itemBytes({ ...item, padding: { S: '' } })) };
    accesses.length = 0;
    // A count that is not the database's would be an error here.
    await client.send(new PutItemCommand({ TableName: TABLE, Item: { ...item, padding } }));
    expect(units()).toBe(expected);
    await client.send(new DeleteItemCommand({ TableName: TABLE, Key: key(name) }));
  }
});

test('a write costs by the larger of what was there and what is', async () => {
  await client.send(new PutItemCommand({ TableName: TABLE, Item: sized('larger', 3000) }));
  await client.send(new PutItemCommand({ TableName: TABLE, Item: sized('larger', 100) }));
  const grown = { ':text': { S: 'x'.repeat(2000) } };
  const update = { TableName: TABLE, Key: key('larger'), UpdateExpression: 'SET #t = :text', ExpressionAttributeNames: { '#t': 'text' } };
  await client.send(new UpdateItemCommand({ ...update, ExpressionAttributeValues: grown }));
  await client.send(new DeleteItemCommand({ TableName: TABLE, Key: key('larger') }));
  await client.send(new DeleteItemCommand({ TableName: TABLE, Key: key('larger') }));
  expect(accesses.map((access) => access.units)).toEqual([3, 3, 2, 2, 1]);
});

test('a transaction costs twice, its checks included; a batch costs once', async () => {
  await client.send(new PutItemCommand({ TableName: TABLE, Item: sized('checked', 1500) }));
  accesses.length = 0;
  const exists = { ConditionExpression: 'attribute_exists(pk)' };
  const count = {
    UpdateExpression: 'ADD #n :n',
    ExpressionAttributeNames: { '#n': 'count' },
    ExpressionAttributeValues: { ':n': { N: '1' } },
  };
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName: TABLE, Item: sized('put', 2500) } },
        { Update: { TableName: TABLE, Key: key('count'), ...count } },
        { ConditionCheck: { TableName: TABLE, Key: key('checked'), ...exists } },
      ],
    }),
  );
  expect(accesses.map((access) => access.units)).toEqual([6, 2, 4]);
  accesses.length = 0;
  const requests = [{ PutRequest: { Item: sized('batched', 1500) } }, { DeleteRequest: { Key: key('put') } }];
  await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
  expect(accesses.map((access) => access.units)).toEqual([2, 3]);
});

test('what is refused costs by the item that it met', async () => {
  await client.send(new PutItemCommand({ TableName: TABLE, Item: sized('taken', 2500) }));
  accesses.length = 0;
  const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
  const Put = { TableName: TABLE, Item: sized('taken', 100), ...absent };
  await expect(client.send(new PutItemCommand(Put))).rejects.toThrow();
  await expect(
    client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }, { Put: { TableName: TABLE, Item: sized('beside', 1500) } }] })),
  ).rejects.toThrow();
  expect(accesses.map((access) => access.units)).toEqual([3, 6, 2]);
});

test('a read costs by 4 KB, half of it where it need not be consistent; a query by the sum of its items', async () => {
  for (const sk of ['read#1', 'read#2']) await client.send(new PutItemCommand({ TableName: TABLE, Item: sized(sk, 3000) }));
  accesses.length = 0;
  const one = { TableName: TABLE, Key: key('read#1') };
  await client.send(new GetItemCommand({ ...one, ConsistentRead: true }));
  await client.send(new GetItemCommand(one));
  await client.send(new GetItemCommand({ TableName: TABLE, Key: key('absent') }));
  const Keys = [key('read#1'), key('read#2'), key('absent')];
  await client.send(new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys, ConsistentRead: true } } }));
  const query = {
    TableName: TABLE,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': { S: 'p' }, ':prefix': { S: 'read#' } },
  };
  await client.send(new QueryCommand({ ...query, ConsistentRead: true }));
  expect(accesses.map((access) => access.units)).toEqual([1, 0.5, 0.5, 1, 1, 1, 2]);
  expect([readUnits(4096, true), readUnits(4097, false), writeUnits(0)]).toEqual([1, 1, 1]);
});
