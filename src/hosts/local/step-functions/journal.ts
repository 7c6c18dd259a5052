/**
 * The journal: facts in, checkpoints out, by group commit. A flush takes everything that was appended since the last one began,
 * packs it into as few documents as fit, and starts as soon as its predecessor has ended: a thousand children that start together
 * cost a handful of writes. Whoever must not act before a fact is durable hands in an effect, which runs after the flush.
 *
 *   journal/<machine>/<name>   000000000001, …  facts, as the inside of a JSON array; an over-long fact goes on in the next document
 */
import type { HostClock } from '#hosts/local/host-clock';
import type { Fact } from './facts.ts';
import type { Checkpoint, CheckpointKey, CheckpointStore } from './ports.ts';

export interface Journal {
  append(key: string, fact: Fact): void;
  /** Documents beside the facts, in the same flush: before them where recovery finds the execution by it, else after them. */
  put(checkpoint: Checkpoint, order: 'before' | 'after'): void;
  remove(key: CheckpointKey): void;
  /** Runs the effect once everything appended so far is durable. */
  afterDurable(effect: () => void): void;
  durable(): Promise<void>;
  read(key: string): Promise<readonly Fact[]>;
  /** Reads a journal that is to be continued. */
  reopen(key: string): Promise<readonly Fact[]>;
  /** No more facts will come for this key. */
  forget(key: string): void;
  close(): Promise<void>;
}

/** An item of DynamoDB holds 400 KB; the port allows 350 KB of text. */
const LARGEST_BODY_BYTES = 350_000;
/** A piece of an over-long fact, in characters: at most three bytes of UTF-8 each. */
const LONGEST_PIECE = 110_000;
const RETRY_AFTER_MS = 200;

interface Batch {
  readonly lines: Map<string, string[]>;
  readonly before: Checkpoint[];
  readonly after: Checkpoint[];
  readonly removals: CheckpointKey[];
  readonly effects: (() => void)[];
}

const emptyBatch = (): Batch => ({ lines: new Map(), before: [], after: [], removals: [], effects: [] });

export function createJournal(store: CheckpointStore, clock: HostClock): Journal {
  let batch = emptyBatch();
  let flushing: Promise<void> | undefined;
  let closing = false;
  let closed = false;
  const written = new Map<string, number>();

  const bodiesOf = async (key: string): Promise<readonly string[]> => (await store.read(partitionOf(key))).map(({ body }) => body);
  const documentsOf = ({ lines, before, after }: Batch): readonly Checkpoint[] => {
    const documents: Checkpoint[] = [];
    for (const [key, ofKey] of lines) {
      let count = written.get(key) ?? 0;
      for (const body of pack(ofKey)) documents.push({ partition: partitionOf(key), sort: String(++count).padStart(12, '0'), body });
      written.set(key, count);
    }
    return [...before, ...documents, ...after];
  };
  /** A store that does not answer stops the host's executions and nothing else: what is prepared is written when it is back. */
  const writeUntilDone = async (documents: readonly Checkpoint[], removals: readonly CheckpointKey[]): Promise<boolean> => {
    for (;;) {
      if (closed) return false;
      try {
        await store.write(documents, removals);
        return true;
      } catch {
        if (closing) return false;
        await new Promise<void>((resolve) => clock.at(clock.nowMs() + RETRY_AFTER_MS, resolve));
      }
    }
  };
  const flushAll = async (): Promise<void> => {
    // One turn of the event loop gathers what a burst of calls or of returning invocations appends.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (!isEmpty(batch) && !closed) {
      const current = batch;
      batch = emptyBatch();
      const documents = documentsOf(current);
      const idle = documents.length === 0 && current.removals.length === 0;
      if (!idle && !(await writeUntilDone(documents, current.removals))) break;
      for (const effect of current.effects) effect();
    }
    flushing = undefined;
  };
  const wake = (): void => {
    if (!closed) flushing ??= flushAll();
  };
  const afterDurable = (effect: () => void): void => {
    batch.effects.push(effect);
    wake();
  };
  const durable = (): Promise<void> =>
    new Promise<void>((resolve) => {
      afterDurable(resolve);
    });
  return {
    append(key, fact) {
      const lines = batch.lines.get(key);
      if (lines === undefined) batch.lines.set(key, [JSON.stringify(fact)]);
      else lines.push(JSON.stringify(fact));
      wake();
    },
    put(checkpoint, order) {
      batch[order].push(checkpoint);
      wake();
    },
    remove(key) {
      batch.removals.push(key);
      wake();
    },
    afterDurable,
    durable,
    read: async (key) => unpack(await bodiesOf(key)),
    async reopen(key) {
      const bodies = await bodiesOf(key);
      written.set(key, bodies.length);
      return unpack(bodies);
    },
    forget: (key) => void written.delete(key),
    async close() {
      closing = true;
      wake();
      await flushing;
      closed = true;
    },
  };
}

function partitionOf(key: string): string {
  return `journal/${key}`;
}

function isEmpty({ lines, before, after, removals, effects }: Batch): boolean {
  return lines.size === 0 && before.length === 0 && after.length === 0 && removals.length === 0 && effects.length === 0;
}

function* pack(lines: readonly string[]): Generator<string> {
  let body: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const lineBytes = Buffer.byteLength(line) + 1;
    if (bytes > 0 && bytes + lineBytes > LARGEST_BODY_BYTES) {
      yield body.join(',');
      body = [];
      bytes = 0;
    }
    if (lineBytes > LARGEST_BODY_BYTES) {
      yield* pieces(line);
      continue;
    }
    body.push(line);
    bytes += lineBytes;
  }
  if (bytes > 0) yield body.join(',');
}

/** `+` marks a piece that goes on in the next document, `.` the last one. */
function* pieces(line: string): Generator<string> {
  for (let start = 0; start < line.length; start += LONGEST_PIECE) {
    yield `${start + LONGEST_PIECE < line.length ? '+' : '.'}${line.slice(start, start + LONGEST_PIECE)}`;
  }
}

function unpack(bodies: readonly string[]): readonly Fact[] {
  const facts: Fact[] = [];
  let piece = '';
  for (const body of bodies) {
    if (body.startsWith('+')) piece += body.slice(1);
    else {
      const text = body.startsWith('.') ? piece + body.slice(1) : body;
      piece = '';
      for (const fact of JSON.parse(`[${text}]`) as Fact[]) facts.push(fact);
    }
  }
  return facts;
}
