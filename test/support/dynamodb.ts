/** The embedded DynamoDB, in memory, for one test file: an empty table, and a count of the requests that its client makes. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, serviceTable } from '#adapters/dynamodb/create-table';
import { dynamoTable, type Table } from '#adapters/dynamodb/table';
import { startEmbeddedDynamodb } from '#hosts/local/embedded-dynamodb';

export interface TestDatabase {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  /** Requests since the last `forgetRequests`, by command: `PutItemCommand`. */
  readonly requests: ReadonlyMap<string, number>;
  forgetRequests(): void;
  /** How many tables there are: `table-1` and so on. */
  readonly tables: number;
  /** A table of its own, empty. */
  freshTable(): Promise<{ readonly name: string; readonly table: Table }>;
  close(): Promise<void>;
}

export async function startTestDatabase(): Promise<TestDatabase> {
  const embedded = await startEmbeddedDynamodb(undefined);
  const client = new DynamoDBClient({
    region: 'local',
    endpoint: embedded.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const requests = new Map<string, number>();
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        requests.set(commandName, (requests.get(commandName) ?? 0) + 1);
        return next(args);
      },
    // After the retries: what is sent again is counted again.
    { step: 'finalizeRequest', priority: 'low' },
  );
  let made = 0;
  return {
    client,
    endpoint: embedded.endpoint,
    requests,
    get tables() {
      return made;
    },
    forgetRequests: () => {
      requests.clear();
    },
    async freshTable() {
      made += 1;
      const name = `table-${made}`;
      await createTable(client, serviceTable(name));
      return { name, table: dynamoTable(client, name) };
    },
    async close() {
      client.destroy();
      await embedded.close();
    },
  };
}
