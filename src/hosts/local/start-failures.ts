/** What keeps the service from listening or from its tables, told under the name that it was given by, with what to do. */
import type { LocalSettings } from './settings.ts';

interface ListeningAt {
  readonly host: string;
  readonly port: number;
  /** What the port was given by. */
  readonly flag: string;
}

/** About an address that cannot be listened on. */
export function notListening(error: NodeJS.ErrnoException, { host, port, flag }: ListeningAt): Error {
  const texts: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is in use. Stop what uses it, or choose another ${flag}.`,
    EACCES: `Port ${port} may not be listened on by this user. Choose another ${flag}.`,
    EADDRNOTAVAIL: `This machine has no address ${host} to listen on. Choose another --host.`,
    ENOTFOUND: `The address ${host} cannot be found. Choose another --host.`,
  };
  const text = texts[error.code ?? ''];
  return text === undefined ? error : new Error(text, { cause: error });
}

/** The embedded DynamoDB has answered already: what is wrong with it is told as it is. */
export function unreadyTables({ dynamodbEndpoint }: LocalSettings, error: unknown): Error {
  const told = error instanceof Error ? error : new Error(String(error));
  if (dynamodbEndpoint === undefined) return told;
  return new Error(
    `The DynamoDB at ${dynamodbEndpoint} cannot be used: ${told.message}. Start it, or choose another --dynamodb-endpoint.`,
    {
      cause: error,
    },
  );
}
