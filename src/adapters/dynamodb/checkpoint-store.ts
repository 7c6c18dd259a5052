/**
 * The checkpoints of the embedded Step Functions in a table of their own: `pk` is the partition, `sk` the sort key, `body` the text.
 * Puts carry no condition: a checkpoint is written by the one process that owns the executions, and writing it again changes nothing.
 */
import {
  type AttributeValue,
  type CreateTableCommandInput,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { CheckpointRefused, type Checkpoint, type CheckpointKey, type CheckpointStore } from '#hosts/local/step-functions/ports';
import { Fault } from '#domain/faults';

export function checkpointTable(tableName: string): CreateTableCommandInput {
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
  };
}

/** TransactWriteItems: 100 items and 4 MB. The margin is for keys and the names of attributes. */
const MOST_ITEMS = 100;
const MOST_BYTES = 3_900_000;

export function dynamoCheckpointStore(client: DynamoDBClient, tableName: string): CheckpointStore {
  return {
    async write(puts, deletes) {
      for (const chunk of chunks(puts, deletes)) {
        await writeChunk(client, tableName, chunk).catch((error: unknown) => {
          throw isRefusal(error) ? new CheckpointRefused(error.message, { cause: error }) : error;
        });
      }
    },
    read: (partition, sortPrefix) =>
      sortPrefix === undefined
        ? query(client, { tableName, condition: 'pk = :pk', values: { ':pk': partition } })
        : query(client, { tableName, condition: 'pk = :pk AND begins_with(sk, :sk)', values: { ':pk': partition, ':sk': sortPrefix } }),
    between: (partition, { from, to, latestFirst, most }) =>
      query(client, {
        tableName,
        condition: 'pk = :pk AND sk BETWEEN :from AND :to',
        values: { ':pk': partition, ':from': from, ':to': to },
        latestFirst,
        most,
      }),
  };
}

/** Codes of what is wrong with an item or a request; all others (throttling, a full disk, no answer) may pass. */
const REFUSALS: ReadonlySet<string> = new Set([
  'ValidationException',
  'ValidationError',
  'ItemCollectionSizeLimitExceededException',
  'ItemCollectionSizeLimitExceeded',
  'SerializationException',
  'RequestEntityTooLarge',
]);

function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof TransactionCanceledException)
    return (error.CancellationReasons ?? []).some(({ Code }) => Code !== undefined && REFUSALS.has(Code));
  return REFUSALS.has(error.name);
}

interface Wanted {
  readonly tableName: string;
  readonly condition: string;
  readonly values: Readonly<Record<string, string>>;
  readonly latestFirst?: boolean | undefined;
  readonly most?: number | undefined;
}

async function query(client: DynamoDBClient, wanted: Wanted): Promise<readonly Checkpoint[]> {
  const { tableName, condition, values, latestFirst = false, most = Infinity } = wanted;
  const bound = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, { S: text }]));
  const found: Checkpoint[] = [];
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: condition,
        ExpressionAttributeValues: bound,
        ScanIndexForward: !latestFirst,
        ...(most !== Infinity && { Limit: most - found.length }),
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    for (const item of page.Items ?? []) found.push(checkpointOf(item));
    from = page.LastEvaluatedKey;
  } while (from !== undefined && found.length < most);
  return found;
}

type Write = { readonly put: Checkpoint } | { readonly remove: CheckpointKey };

/**
 * In the order given: what a reader starts from must not be durable before what it leads to. A transaction names an item once: what is
 * written again, of an execution that ends as soon as it has begun, is in the next one.
 */
function* chunks(puts: readonly Checkpoint[], deletes: readonly CheckpointKey[]): Generator<readonly Write[]> {
  let chunk: Write[] = [];
  let bytes = 0;
  let named = new Set<string>();
  for (const write of [...puts.map((put) => ({ put })), ...deletes.map((remove) => ({ remove }))]) {
    const size = 'put' in write ? Buffer.byteLength(write.put.body) + 400 : 400;
    const { partition, sort } = 'put' in write ? write.put : write.remove;
    const name = JSON.stringify([partition, sort]);
    if (chunk.length === MOST_ITEMS || (chunk.length > 0 && bytes + size > MOST_BYTES) || named.has(name)) {
      yield chunk;
      chunk = [];
      bytes = 0;
      named = new Set();
    }
    chunk.push(write);
    named.add(name);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

async function writeChunk(client: DynamoDBClient, tableName: string, chunk: readonly Write[]): Promise<void> {
  const [only, ...others] = chunk;
  if (only !== undefined && others.length === 0) {
    await ('put' in only
      ? client.send(new PutItemCommand({ TableName: tableName, Item: itemOf(only.put) }))
      : client.send(new DeleteItemCommand({ TableName: tableName, Key: keyOf(only.remove) })));
    return;
  }
  const items = chunk.map((write): TransactWriteItem =>
    'put' in write
      ? { Put: { TableName: tableName, Item: itemOf(write.put) } }
      : { Delete: { TableName: tableName, Key: keyOf(write.remove) } },
  );
  await client.send(new TransactWriteItemsCommand({ TransactItems: items }));
}

function keyOf({ partition, sort }: CheckpointKey): Record<string, AttributeValue> {
  return { pk: { S: partition }, sk: { S: sort } };
}

function itemOf(checkpoint: Checkpoint): Record<string, AttributeValue> {
  return { ...keyOf(checkpoint), body: { S: checkpoint.body } };
}

function checkpointOf({ pk, sk, body }: Record<string, AttributeValue>): Checkpoint {
  if (pk?.S === undefined || sk?.S === undefined || body?.S === undefined)
    throw new Fault('CorruptItem', `A checkpoint without text: ${JSON.stringify({ pk, sk })}`);
  return { partition: pk.S, sort: sk.S, body: body.S };
}
