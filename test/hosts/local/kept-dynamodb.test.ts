import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTable, serviceTable } from '#adapters/dynamodb/create-table';
import { keepDynamodb, type KeptDynamodb } from '#hosts/local/kept-dynamodb';

let folder: string;
let file: string;
let kept: KeptDynamodb | undefined;
let told: string[];
let restarted: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-kept-'));
  file = join(folder, 'kept.db');
  told = [];
  restarted = 0;
});
afterEach(async () => {
  await kept?.close();
  expect(processes()).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

const keep = async (pausesMs?: readonly number[]): Promise<KeptDynamodb> =>
  (kept = await keepDynamodb(file, {
    tell: (line) => told.push(line),
    onRestarted: () => (restarted += 1),
    ...(pausesMs ? { pausesMs } : {}),
  }));

/** Of the shell and of the database, which both name the file. */
function processes(): readonly { readonly pid: number; readonly isShell: boolean }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const words = /^[0-9]+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') : [];
      return words.includes(file) ? [{ pid: Number(name), isShell: words[0] === 'sh' }] : [];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

const kill = (isShell: boolean): void => {
  for (const each of processes()) if (each.isShell === isShell) process.kill(each.pid, 'SIGKILL');
};
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await pause(2);
};
const clientOf = ({ endpoint }: KeptDynamodb): DynamoDBClient =>
  new DynamoDBClient({ region: 'local', endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });

test.each([
  ['the database', false],
  ['the shell that ties it to us', true],
])('where %s is killed, it comes back at the same address with the same data', async (_, isShell) => {
  const client = clientOf(await keep());
  await createTable(client, serviceTable('kept'));
  const item = { pk: { S: 'a' }, sk: { S: 'b' }, text: { S: 'kept' } };
  await client.send(new PutItemCommand({ TableName: 'kept', Item: item }));
  for (let round = 1; round <= 2; round += 1) {
    kill(isShell);
    await until(() => restarted === round);
    const { Item } = await client.send(new GetItemCommand({ TableName: 'kept', Key: { pk: item.pk, sk: item.sk } }));
    expect(Item).toEqual(item);
  }
  expect(told.map((line) => line.replace(/after [\d.]+ s/, 'after … s'))).toEqual(
    Array.from({ length: 2 }, () => [
      'The embedded DynamoDB has ended (SIGKILL). It is started again; until then requests are answered 503.',
      'The embedded DynamoDB answers again, after … s.',
    ]).flat(),
  );
  client.destroy();
});

test('one that ends again and again is given up', async () => {
  const { lost } = await keep([0, 1]);
  for (let round = 1; round <= 3; round += 1) {
    kill(false);
    await until(() => restarted === round || round === 3);
  }
  expect((await lost).message).toMatch(/ends again and again \(SIGKILL\)/);
});

test('one that cannot start is given up with what it said of its file, which is left as it is', async () => {
  const { lost } = await keep([0, 1, 1]);
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  writeFileSync(file, 'this is no database, it is a shopping list'.repeat(100));
  kill(false);
  const { message } = await lost;
  expect(message).toContain(`did not start on ${file}.`);
  expect(message).toMatch(/not a valid SQLite database/);
  expect(readFileSync(file, 'utf8')).toContain('shopping list');
});

test('no empty one takes the place of a file that is gone', async () => {
  const { lost } = await keep();
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  kill(false);
  expect((await lost).message).toContain(`${file} is gone`);
  expect(readdirSync(folder)).toEqual([]);
});

test.each([0, 50])('closed %i ms after it was killed, it does not come back', async (afterMs) => {
  const closed = await keep([20]);
  kill(false);
  await pause(afterMs);
  await closed.close();
  await pause(100);
  expect(processes()).toEqual([]);
});
