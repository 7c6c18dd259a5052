/**
 * Counts the units of every request that leaves a DynamoDB client: from the request, and from the sizes of the items that it
 * touches. Each sum is held against what the database itself reports, so a wrong count is an error and not a wrong bill.
 * The database does not report what a refused write costs; DynamoDB charges for the item that it met.
 */
import { DynamoDBClient, GetItemCommand, type AttributeValue, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { itemBytes, readUnits, writeUnits, type StoredItem } from './capacity.ts';

/** One item that a request wrote, tried to write, or read; of a query, all that it read. */
export interface Access {
  readonly kind: 'write' | 'read';
  readonly command: string;
  readonly pk: string;
  readonly sk: string;
  readonly units: number;
  /** As it was to be written, if it is a put. */
  readonly item?: StoredItem;
}

interface Write {
  readonly key: StoredItem;
  readonly item?: StoredItem;
  readonly becomes: 'given' | 'changed' | 'gone' | 'unchanged';
}

interface Input {
  readonly TableName?: string;
  readonly Item?: StoredItem;
  readonly Key?: StoredItem;
  readonly ConsistentRead?: boolean;
  readonly TransactItems?: readonly TransactWriteItem[];
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly ExpressionAttributeValues?: StoredItem;
}

interface Output {
  readonly Item?: StoredItem;
  readonly Attributes?: StoredItem;
  readonly Items?: readonly StoredItem[];
  readonly Responses?: Readonly<Record<string, readonly StoredItem[]>>;
  readonly ConsumedCapacity?: Capacity | readonly Capacity[];
}

interface Capacity {
  readonly CapacityUnits?: number;
}

const REFUSALS: ReadonlySet<string> = new Set(['ConditionalCheckFailedException', 'TransactionCanceledException']);

/** For one table, which must be empty: sizes are known from what was written through this client. */
export function countedClient(options: object, onAccess: (accesses: readonly Access[]) => void): DynamoDBClient {
  const client = new DynamoDBClient(options);
  const uncounted = new DynamoDBClient(options);
  const sizes = new Map<string, number>();

  const afterwards = async (write: Write, table: string, told: StoredItem | undefined): Promise<number> => {
    switch (write.becomes) {
      case 'given':
        return itemBytes(write.item ?? {});
      case 'gone':
        return 0;
      case 'unchanged':
        return sizes.get(textOf(write.key)) ?? 0;
      case 'changed': {
        if (told) return itemBytes(told);
        const { Item } = await uncounted.send(new GetItemCommand({ TableName: table, Key: write.key, ConsistentRead: true }));
        return itemBytes(Item ?? {});
      }
    }
  };
  const written = async (command: string, writes: readonly Write[], table: string, told?: StoredItem): Promise<readonly Access[]> => {
    const accesses: Access[] = [];
    for (const write of writes) {
      const before = sizes.get(textOf(write.key)) ?? 0;
      const after = await afterwards(write, table, told);
      if (after === 0) sizes.delete(textOf(write.key));
      else sizes.set(textOf(write.key), after);
      accesses.push(writeAccess(command, write, Math.max(before, after)));
    }
    return accesses;
  };
  const refused = (command: string, writes: readonly Write[]): readonly Access[] =>
    writes.map((write) => writeAccess(command, write, sizes.get(textOf(write.key)) ?? 0));

  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const command = commandName.replace(/Command$/, '');
        if (command === 'CreateTable') return next(args);
        const input = args.input as Input;
        const writes = writesOf(command, input);
        try {
          // What is asked for besides costs nothing, and the product does not look at it.
          const besides = { ReturnConsumedCapacity: 'TOTAL', ...(command === 'UpdateItem' ? { ReturnValues: 'ALL_NEW' } : {}) };
          const result = await next({ ...args, input: { ...args.input, ...besides } });
          const output = result.output as Output;
          const accesses = writes ? await written(command, writes, tableOf(input), output.Attributes) : readsOf(command, input, output);
          checkAgainst(output.ConsumedCapacity, command, accesses);
          onAccess(accesses);
          return result;
        } catch (error) {
          if (writes && REFUSALS.has((error as Error).name)) onAccess(refused(command, writes));
          throw error;
        }
      },
    { step: 'initialize' },
  );
  const destroy = client.destroy.bind(client);
  client.destroy = () => {
    uncounted.destroy();
    destroy();
  };
  return client;
}

const textOf = ({ pk, sk }: StoredItem): string => `${pk?.S ?? ''}\u0000${sk?.S ?? ''}`;

/** Each item of a transaction is written twice: once to prepare it, once to commit it. */
function writeAccess(command: string, { key, item }: Write, bytes: number): Access {
  const units = writeUnits(bytes) * (command === 'TransactWriteItems' ? 2 : 1);
  return { kind: 'write', command, pk: key['pk']?.S ?? '', sk: key['sk']?.S ?? '', units, ...(item ? { item } : {}) };
}

function tableOf({ TableName, TransactItems = [] }: Input): string {
  const { Put, Update, Delete, ConditionCheck } = TransactItems[0] ?? {};
  return TableName ?? (Put ?? Update ?? Delete ?? ConditionCheck)?.TableName ?? '';
}

/** Undefined where the request reads. */
function writesOf(command: string, input: Input): readonly Write[] | undefined {
  switch (command) {
    case 'PutItem':
      return [put(input.Item)];
    case 'UpdateItem':
      return [{ key: input.Key ?? {}, becomes: 'changed' }];
    case 'DeleteItem':
      return [{ key: input.Key ?? {}, becomes: 'gone' }];
    case 'TransactWriteItems':
      return (input.TransactItems ?? []).map(({ Put, Update, Delete, ConditionCheck }): Write => {
        if (Put) return put(Put.Item);
        if (Update) return { key: Update.Key ?? {}, becomes: 'changed' };
        if (Delete) return { key: Delete.Key ?? {}, becomes: 'gone' };
        return { key: ConditionCheck?.Key ?? {}, becomes: 'unchanged' };
      });
    case 'BatchWriteItem':
      return Object.values((input.RequestItems ?? {}) as Readonly<Record<string, readonly BatchedWrite[]>>)
        .flat()
        .map(({ PutRequest, DeleteRequest }) => (PutRequest ? put(PutRequest.Item) : { key: DeleteRequest?.Key ?? {}, becomes: 'gone' }));
    default:
      return undefined;
  }
}

interface BatchedWrite {
  readonly PutRequest?: { readonly Item?: StoredItem };
  readonly DeleteRequest?: { readonly Key?: StoredItem };
}

function put(item: StoredItem | undefined): Write {
  return { key: item ?? {}, item: item ?? {}, becomes: 'given' };
}

function readsOf(command: string, input: Input, output: Output): readonly Access[] {
  const access = (key: StoredItem, bytes: number, consistent: boolean): Access => ({
    kind: 'read',
    command,
    pk: key['pk']?.S ?? '',
    sk: key['sk']?.S ?? '',
    units: readUnits(bytes, consistent),
  });
  const bytesOf = (items: readonly StoredItem[]): number => items.reduce((sum, item) => sum + itemBytes(item), 0);
  switch (command) {
    case 'GetItem':
      return [access(input.Key ?? {}, itemBytes(output.Item ?? {}), input.ConsistentRead === true)];
    case 'Query': {
      const { ':pk': pk, ':prefix': prefix, ':from': from } = input.ExpressionAttributeValues ?? {};
      const sk: AttributeValue = prefix ?? from ?? { S: '' };
      return [access({ ...(pk ? { pk } : {}), sk }, bytesOf(output.Items ?? []), input.ConsistentRead === true)];
    }
    case 'BatchGetItem': {
      const asked = Object.values((input.RequestItems ?? {}) as Readonly<Record<string, BatchedRead>>);
      const found = new Map(
        Object.values(output.Responses ?? {})
          .flat()
          .map((item) => [textOf(item), itemBytes(item)]),
      );
      return asked.flatMap(({ Keys, ConsistentRead = false }) =>
        Keys.map((key) => access(key, found.get(textOf(key)) ?? 0, ConsistentRead)),
      );
    }
    default:
      throw new Error(`a ${command} is not counted yet`);
  }
}

interface BatchedRead {
  readonly Keys: readonly StoredItem[];
  readonly ConsistentRead?: boolean;
}

function checkAgainst(reported: Output['ConsumedCapacity'], command: string, accesses: readonly Access[]): void {
  const told = [reported ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
  const counted = accesses.reduce((sum, { units }) => sum + units, 0);
  if (told !== counted) throw new Error(`the database reports ${told} units for a ${command} that was counted as ${counted}`);
}
