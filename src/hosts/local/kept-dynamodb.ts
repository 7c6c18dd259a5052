/**
 * The embedded DynamoDB for as long as the service lives: where it ends by itself (killed for want of memory, say) it is started again
 * on the same file and the same port, so that whoever has its address finds it again. Until then its clients are refused, which they
 * take for a table that is busy: requests are answered 503 and what is under way waits.
 */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startEmbeddedDynamodb, type EmbeddedDynamodb } from './embedded-dynamodb.ts';

export interface KeptDynamodb {
  readonly endpoint: string;
  /** Resolves, with why, once it ended and cannot be started again. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

export interface KeptDynamodbOptions {
  /** Takes a line for whoever looks after the service. */
  readonly tell: (line: string) => void;
  /** It answers again. */
  readonly onRestarted: () => void;
  /** Before each start, one after the other. One that has run for `STEADY_MS` begins anew with the first of them. */
  readonly pausesMs?: readonly number[];
}

/** Mostly the first will do; together long enough for a lock or a full disk that passes. */
const PAUSES_MS = [0, 250, 500, 1_000, 2_000, 4_000, 8_000] as const;
const STEADY_MS = 60_000;

export async function keepDynamodb(databaseFile: string, options: KeptDynamodbOptions): Promise<KeptDynamodb> {
  const { tell, onRestarted, pausesMs = PAUSES_MS } = options;
  let running = await startEmbeddedDynamodb(databaseFile);
  const { endpoint, port } = running;
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  let starts = 0;

  /** Undefined where the service ends meanwhile; throws what the last start said. */
  const startedAgain = async (how: string): Promise<EmbeddedDynamodb | undefined> => {
    let why = new Error(`The embedded DynamoDB ends again and again (${how}).`);
    while (starts < pausesMs.length) {
      await pause(pausesMs[starts], undefined, { signal: closing.signal }).catch(() => undefined);
      starts += 1;
      if (isClosing()) return undefined;
      // It would make an empty one.
      if (!existsSync(databaseFile)) throw new Error(`The embedded DynamoDB has ended, and its file ${databaseFile} is gone.`);
      try {
        const next = await startEmbeddedDynamodb(databaseFile, port);
        if (!isClosing()) return next;
        await next.close();
        return undefined;
      } catch (error) {
        why = error instanceof Error ? error : new Error(String(error));
      }
    }
    throw why;
  };
  const keep = async (): Promise<void> => {
    for (;;) {
      const startedAtMs = Date.now();
      const how = await running.ended;
      const endedAtMs = Date.now();
      if (isClosing()) return;
      if (endedAtMs - startedAtMs >= STEADY_MS) starts = 0;
      tell(`The embedded DynamoDB has ended (${how}). It is started again; until then requests are answered 503.`);
      const next = await startedAgain(how);
      if (next === undefined) return;
      running = next;
      tell(`The embedded DynamoDB answers again, after ${((Date.now() - endedAtMs) / 1000).toFixed(1)} s.`);
      onRestarted();
    }
  };
  let keeping = Promise.resolve();
  const lost = new Promise<Error>((resolve) => {
    keeping = keep().catch((error: unknown) => {
      resolve(error as Error);
    });
  });
  return {
    endpoint,
    lost,
    async close() {
      closing.abort();
      await running.close();
      await keeping;
    },
  };
}
