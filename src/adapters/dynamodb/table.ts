/**
 * One DynamoDB table as the stores use it: plain objects in and out, DynamoDB's exceptions translated at this border.
 * Reads of single items that are asked for in the same turn of the event loop share a request, which is what makes a
 * fan-out of a thousand tasks in one process affordable; a lone read is a GetItem.
 */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type CancellationReason,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { Fault } from '#domain/faults';
import type { Key } from './keys.ts';

export type Attributes = Readonly<Record<string, unknown>>;
export type Item = Attributes & Key;

/** An expression with its values, each bound. `#name` stands for the attribute `name`. */
export interface Expression {
  readonly text: string;
  readonly values?: Attributes;
}

export type Action =
  | { readonly kind: 'put'; readonly item: Item; readonly guard?: Expression }
  | { readonly kind: 'update'; readonly key: Key; readonly change: Expression; readonly guard?: Expression }
  | { readonly kind: 'delete'; readonly key: Key; readonly guard?: Expression };

export type Unguarded = { readonly kind: 'put'; readonly item: Item } | { readonly kind: 'delete'; readonly key: Key };

/** Something that must hold, about an item that is not written. */
export interface Check {
  readonly kind: 'check';
  readonly key: Key;
  readonly guard: Expression;
}

export type WriteOutcome = { readonly kind: 'done' } | { readonly kind: 'refused'; readonly existing?: Item };

export interface QueryRequest {
  readonly pk: string;
  /** Bounds of the sort key, both inclusive. */
  readonly from?: string;
  readonly to?: string;
  readonly prefix?: string;
  readonly limit?: number;
  /** Exclusive. */
  readonly after?: string;
  readonly newestFirst?: boolean;
  readonly consistent?: boolean;
}

export interface Table {
  /** Consistent. */
  get(key: Key): Promise<Item | undefined>;
  /** One write with its guard; `existing` is the item that the guard met. */
  write(action: Action): Promise<WriteOutcome>;
  /** All or nothing, at most 100 actions on different items. `refused` when a guard did not hold or another transaction was faster. */
  transact(actions: readonly (Action | Check)[]): Promise<WriteOutcome>;
  /** Writes that need no guard and no common fate, for half of what a transaction costs. May be done in part where it throws. */
  writeAll(writes: readonly Unguarded[]): Promise<void>;
  /** One page; `next` is the sort key to go on after. */
  query(request: QueryRequest): Promise<{ readonly items: readonly Item[]; readonly next?: string }>;
  /** Every page. */
  queryAll(request: QueryRequest): Promise<readonly Item[]>;
}

const BATCH_GET_KEYS = 100;
const BATCH_WRITES = 25;
/** Few: many runs may be expanded at once, and a request must not wait behind all of their writes. */
const BATCHES_AT_ONCE = 2;
const UNPROCESSED_ATTEMPTS = 8;

export function dynamoTable(client: DynamoDBClient, tableName: string): Table {
  const get = coalescingGet(client, tableName);
  const query = (request: QueryRequest): ReturnType<Table['query']> => translated(() => queryPage(client, tableName, request));
  return {
    get,
    query,
    write: (action) => translated(() => writeOne(client, tableName, action)),
    transact: (actions) => translated(() => transactAll(client, tableName, actions)),
    writeAll: (writes) => translated(() => writeAll(client, tableName, writes)),
    async queryAll(request) {
      const items: Item[] = [];
      let after = request.after;
      do {
        const page = await query({ ...request, ...(after === undefined ? {} : { after }) });
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      return items;
    },
  };
}

interface Waiting {
  readonly key: Key;
  readonly resolve: (item: Item | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

function coalescingGet(client: DynamoDBClient, tableName: string): Table['get'] {
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    for (let from = 0; from < batch.length; from += BATCH_GET_KEYS) void answer(batch.slice(from, from + BATCH_GET_KEYS));
  };
  const answer = async (some: readonly Waiting[]): Promise<void> => {
    try {
      const found = await translated(() =>
        getSome(
          client,
          tableName,
          some.map(({ key }) => key),
        ),
      );
      for (const { key, resolve } of some) resolve(found.get(textOf(key)));
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  };
  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ key, resolve, reject });
    });
}

const textOf = ({ pk, sk }: Key): string => `${pk}\u0000${sk}`;

async function getSome(client: DynamoDBClient, tableName: string, keys: readonly Key[]): Promise<ReadonlyMap<string, Item>> {
  const distinct = [...new Map(keys.map((key) => [textOf(key), key])).values()];
  const [only] = distinct;
  const found = distinct.length === 1 && only ? await getOne(client, tableName, only) : await getBatch(client, tableName, distinct);
  return new Map(found.map((item) => [textOf(item), item]));
}

async function getOne(client: DynamoDBClient, tableName: string, key: Key): Promise<readonly Item[]> {
  const { Item: found } = await client.send(new GetItemCommand({ TableName: tableName, Key: marshalled(key), ConsistentRead: true }));
  return found ? [unmarshalled(found)] : [];
}

async function getBatch(client: DynamoDBClient, tableName: string, keys: readonly Key[]): Promise<readonly Item[]> {
  const found: Item[] = [];
  let remaining: Record<string, AttributeValue>[] = keys.map(marshalled);
  for (let attempt = 0; remaining.length > 0; attempt += 1) {
    if (attempt === UNPROCESSED_ATTEMPTS) throw new Fault('StoreBusy', 'the table did not answer all keys of a read');
    const reply = await client.send(new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: remaining, ConsistentRead: true } } }));
    found.push(...(reply.Responses?.[tableName] ?? []).map(unmarshalled));
    remaining = reply.UnprocessedKeys?.[tableName]?.Keys ?? [];
  }
  return found;
}

async function writeOne(client: DynamoDBClient, tableName: string, action: Action): Promise<WriteOutcome> {
  const common = { TableName: tableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
  try {
    switch (action.kind) {
      case 'put':
        await client.send(new PutItemCommand({ ...common, Item: marshalled(action.item), ...bound(action.guard) }));
        break;
      case 'update':
        await client.send(new UpdateItemCommand({ ...common, Key: marshalled(action.key), ...bound(action.guard, action.change) }));
        break;
      case 'delete':
        await client.send(new DeleteItemCommand({ ...common, Key: marshalled(action.key), ...bound(action.guard) }));
        break;
    }
    return { kind: 'done' };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { kind: 'refused', ...(error.Item ? { existing: unmarshalled(error.Item) } : {}) };
  }
}

async function writeAll(client: DynamoDBClient, tableName: string, writes: readonly Unguarded[]): Promise<void> {
  const requests = writes.map((write): WriteRequest =>
    write.kind === 'put' ? { PutRequest: { Item: marshalled(write.item) } } : { DeleteRequest: { Key: marshalled(write.key) } },
  );
  const batches = Array.from({ length: Math.ceil(requests.length / BATCH_WRITES) }, (_, number) =>
    requests.slice(number * BATCH_WRITES, (number + 1) * BATCH_WRITES),
  );
  const remaining = batches.values();
  const worker = async (): Promise<void> => {
    for (const batch of remaining) await writeBatch(client, tableName, batch);
  };
  await Promise.all(Array.from({ length: Math.min(BATCHES_AT_ONCE, batches.length) }, worker));
}

async function writeBatch(client: DynamoDBClient, tableName: string, batch: readonly WriteRequest[]): Promise<void> {
  let remaining = [...batch];
  for (let attempt = 0; remaining.length > 0; attempt += 1) {
    if (attempt === UNPROCESSED_ATTEMPTS) throw new Fault('StoreBusy', 'the table did not take all items of a write');
    const reply = await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: remaining } }));
    remaining = reply.UnprocessedItems?.[tableName] ?? [];
  }
}

async function transactAll(client: DynamoDBClient, tableName: string, actions: readonly (Action | Check)[]): Promise<WriteOutcome> {
  const [only] = actions;
  // A plain write costs half the units of a transaction of one.
  if (actions.length === 1 && only && only.kind !== 'check') return writeOne(client, tableName, only);
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: actions.map((action) => transactItem(tableName, action)) }));
    return { kind: 'done' };
  } catch (error) {
    if (!(error instanceof TransactionCanceledException) || !lostRace(error.CancellationReasons ?? [])) throw error;
    const existing = error.CancellationReasons?.find(({ Item: old }) => old !== undefined)?.Item;
    return { kind: 'refused', ...(existing ? { existing: unmarshalled(existing) } : {}) };
  }
}

function lostRace(reasons: readonly CancellationReason[]): boolean {
  return reasons.every(({ Code }) => Code === undefined || ['None', 'ConditionalCheckFailed', 'TransactionConflict'].includes(Code));
}

function transactItem(tableName: string, action: Action | Check): TransactWriteItem {
  const common = { TableName: tableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
  switch (action.kind) {
    case 'put':
      return { Put: { ...common, Item: marshalled(action.item), ...bound(action.guard) } };
    case 'update': {
      const { UpdateExpression = '', ...rest } = bound(action.guard, action.change);
      return { Update: { ...common, Key: marshalled(action.key), UpdateExpression, ...rest } };
    }
    case 'delete':
      return { Delete: { ...common, Key: marshalled(action.key), ...bound(action.guard) } };
    case 'check': {
      const { ConditionExpression = '', ...rest } = bound(action.guard);
      return { ConditionCheck: { ...common, Key: marshalled(action.key), ConditionExpression, ...rest } };
    }
  }
}

interface Bound {
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

function bound(guard: Expression | undefined, change?: Expression): Bound {
  const text = `${guard?.text ?? ''} ${change?.text ?? ''}`;
  const names = [...new Set(text.match(/#\w+/g) ?? [])];
  const values = { ...guard?.values, ...change?.values };
  return {
    ...(guard ? { ConditionExpression: guard.text } : {}),
    ...(change ? { UpdateExpression: change.text } : {}),
    ...(names.length > 0 ? { ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])) } : {}),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: marshalled(values) } : {}),
  };
}

async function queryPage(client: DynamoDBClient, tableName: string, request: QueryRequest): ReturnType<Table['query']> {
  const { pk, from, to, prefix, limit, after, newestFirst, consistent } = request;
  const bySort =
    prefix !== undefined ? ' AND begins_with(sk, :prefix)' : from !== undefined && to !== undefined ? ' AND sk BETWEEN :from AND :to' : '';
  const reply = await client.send(
    new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: `pk = :pk${bySort}`,
      ExpressionAttributeValues: marshalled({
        ':pk': pk,
        ...(prefix !== undefined ? { ':prefix': prefix } : bySort === '' ? {} : { ':from': from, ':to': to }),
      }),
      ScanIndexForward: newestFirst !== true,
      ConsistentRead: consistent ?? false,
      ...(limit === undefined ? {} : { Limit: limit }),
      ...(after === undefined ? {} : { ExclusiveStartKey: marshalled({ pk, sk: after }) }),
    }),
  );
  const next = reply.LastEvaluatedKey?.['sk']?.S;
  return { items: (reply.Items ?? []).map(unmarshalled), ...(next === undefined ? {} : { next }) };
}

const marshalled = (value: object): Record<string, AttributeValue> => marshall(value, { removeUndefinedValues: true });
const unmarshalled = (item: Record<string, AttributeValue>): Item => unmarshall(item) as Item;

const BUSY = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'InternalServerError',
  'TransactionInProgressException',
  // A lone write that met a transaction.
  'TransactionConflictException',
  'TransactionCanceledException',
  'TimeoutError',
  'ECONNREFUSED',
  'ECONNRESET',
]);

async function translated<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { name = '', code = '' } = error as { readonly name?: string; readonly code?: string };
    if (BUSY.has(name) || BUSY.has(code)) throw new Fault('StoreBusy', 'the table did not take the request', { cause: error });
    throw error;
  }
}
