import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkpointTable, dynamoCheckpointStore } from '#adapters/dynamodb/checkpoint-store';
import { CheckpointRefused, type Checkpoint, type CheckpointStore, type SortRange } from '#hosts/local/step-functions/ports';

let database: ChildProcess;
let client: DynamoDBClient;
let store: CheckpointStore;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  const port = await freePort();
  const binary = createRequire(import.meta.url)
    .resolve('@dynoxide/linux-x64/package.json')
    .replace('package.json', 'dynoxide');
  database = spawn(binary, ['serve', '--port', String(port)], { stdio: 'ignore' });
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'local',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  for (let attempt = 1; ; attempt++) {
    try {
      await client.send(new CreateTableCommand(checkpointTable('checkpoints')));
      break;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  store = dynamoCheckpointStore(client, 'checkpoints');
});

afterAll(() => {
  client.destroy();
  database.kill();
});

test('what was written is read in order of the sort key, whatever the order of the writes', async () => {
  await store.write(
    ['3', '1', '2'].map((sort) => ({ partition: 'order', sort, body: `"${sort}"` })),
    [],
  );
  expect((await store.read('order')).map(({ body }) => body)).toEqual(['"1"', '"2"', '"3"']);
});

test('a prefix selects within a partition, and partitions do not mix', async () => {
  await store.write(
    [
      { partition: 'prefix', sort: 'a1', body: '1' },
      { partition: 'prefix', sort: 'b1', body: '2' },
      { partition: 'other', sort: 'a1', body: '3' },
    ],
    [],
  );
  expect(await store.read('prefix', 'a')).toEqual([{ partition: 'prefix', sort: 'a1', body: '1' }]);
});

test('a checkpoint is replaced by a later one and removed by its key', async () => {
  await store.write([{ partition: 'replaced', sort: 'x', body: '1' }], []);
  await store.write([{ partition: 'replaced', sort: 'x', body: '2' }], []);
  expect((await store.read('replaced'))[0]?.body).toBe('2');
  await store.write([{ partition: 'replaced', sort: 'y', body: '3' }], [{ partition: 'replaced', sort: 'x' }]);
  expect((await store.read('replaced')).map(({ sort }) => sort)).toEqual(['y']);
});

test('of what one write says of a document more than once the last holds', async () => {
  const document = (sort: string, body: string): Checkpoint => ({ partition: 'again', sort, body });
  const puts = [document('a', '1'), document('b', '1'), document('c', '1'), document('a', '2'), document('b', '2'), document('a', '3')];
  await store.write(puts, [
    { partition: 'again', sort: 'c' },
    { partition: 'again', sort: 'c' },
  ]);
  expect(await store.read('again')).toEqual([document('a', '3'), document('b', '2')]);
  await store.write([document('a', '4')], [{ partition: 'again', sort: 'a' }]);
  expect(await store.read('again')).toEqual([document('b', '2')]);
});

test('more documents than one transaction takes, and more bytes, are all written and all read', async () => {
  const body = JSON.stringify('☃'.repeat(110_000));
  const large = Array.from({ length: 20 }, (_, index) => ({ partition: 'large', sort: String(index).padStart(3, '0'), body }));
  const many = Array.from({ length: 250 }, (_, index) => ({ partition: 'many', sort: String(index).padStart(3, '0'), body: '{}' }));
  await store.write([...large, ...many], []);
  expect(await store.read('large')).toEqual(large);
  expect(await store.read('many')).toHaveLength(250);
});

test('a range of a partition is read in either order, both ends included, and no more than is asked for', async () => {
  const body = JSON.stringify('☃'.repeat(110_000));
  const all = ['a/1', 'b/1', 'b/2', 'b/3', 'b/4', 'b/5', 'c/1'].map((sort) => ({ partition: 'range', sort, body }));
  await store.write(all, []);
  const sorts = async (range: SortRange): Promise<readonly string[]> => (await store.between('range', range)).map(({ sort }) => sort);
  expect(await sorts({ from: 'b/2', to: 'b/4' })).toEqual(['b/2', 'b/3', 'b/4']);
  expect(await sorts({ from: 'b/', to: 'b/4', latestFirst: true, most: 2 })).toEqual(['b/4', 'b/3']);
  // More than the megabyte that one reply holds.
  expect(await sorts({ from: 'a/1', to: 'c/1', most: 6 })).toEqual(['a/1', 'b/1', 'b/2', 'b/3', 'b/4', 'b/5']);
  expect(await sorts({ from: 'a/', to: 'c/9', latestFirst: true })).toEqual(all.map(({ sort }) => sort).toReversed());
  expect(await sorts({ from: 'd/', to: 'd/9', most: 1 })).toEqual([]);
});

test('nothing to write is nothing to send', async () => {
  await store.write([], []);
  expect(await store.read('never')).toEqual([]);
});

test('what can never be written is told from what cannot be just now, alone and among others', async () => {
  const large = { partition: 'large', sort: '1', body: 'x'.repeat(410_000) };
  const small = { partition: 'large', sort: '2', body: '{}' };
  const caught = (error: unknown): unknown => error;
  for (const puts of [[large], [small, large], [{ ...small, sort: '' }, small]])
    expect(await store.write(puts, []).catch(caught)).toBeInstanceOf(CheckpointRefused);
  const away = new DynamoDBClient({
    endpoint: 'http://127.0.0.1:1',
    region: 'local',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  const error = await dynamoCheckpointStore(away, 'checkpoints').write([small], []).catch(caught);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(CheckpointRefused);
  const nowhere = await dynamoCheckpointStore(client, 'no-such-table').write([small], []).catch(caught);
  expect(nowhere).not.toBeInstanceOf(CheckpointRefused);
});
