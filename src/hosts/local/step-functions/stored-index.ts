/**
 * The index of a journal as others read it: from memory while its execution is open, from documents when it is closed, and from the
 * journal itself where that was too short to have any.
 *
 *   index/<machine>/<name>   executions/<first ordinal>   the rows of some executions that follow each other; the top-level one alone
 *                            map-runs/<first run>         likewise of the Map Runs: label, and the ordinals of the first and last child
 */
import type { Json } from '#domain/json';
import { journalPartition, unpack } from './journal-documents.ts';
import {
  addFact,
  emptyIndex,
  executionOf,
  type IndexedExecution,
  type IndexRow,
  type JournalIndex,
  type MapRunSpan,
  rowOf,
} from './journal-index.ts';
import type { Checkpoint, CheckpointStore } from './ports.ts';

export interface IndexReader {
  execution(ordinal: number): Promise<IndexedExecution | undefined>;
  mapRun(run: number): Promise<MapRunSpan | undefined>;
  /** The executions of these ordinals, the last one first. `from` is one that exists. */
  downwards(from: number, to: number): AsyncIterable<IndexedExecution>;
}

/** Some five hundred children: a page of them is one or two documents. */
const ROWS_BYTES = 32_000;
const EXECUTIONS = 'executions/';
const MAP_RUNS = 'map-runs/';

const partitionOf = (key: string): string => `index/${key}`;
const sortOf = (prefix: string, first: number): string => `${prefix}${String(first).padStart(12, '0')}`;

export function indexDocuments(key: string, index: JournalIndex): readonly Checkpoint[] {
  const executions = index.newest.map((_newest, ordinal) => rowOf(index, ordinal) ?? []);
  const mapRuns: Json[] = [];
  for (const [run, { label, first, last }] of index.mapRuns) mapRuns[run - 1] = [label, first, last];
  const partition = partitionOf(key);
  return [
    ...rowDocuments(partition, EXECUTIONS, 0, executions.slice(0, 1)),
    ...rowDocuments(partition, EXECUTIONS, 1, executions.slice(1)),
    ...rowDocuments(partition, MAP_RUNS, 1, mapRuns),
  ];
}

function* rowDocuments(partition: string, prefix: string, begin: number, values: readonly (Json | IndexRow)[]): Generator<Checkpoint> {
  let rows: string[] = [];
  let [first, bytes] = [begin, 0];
  for (const value of values) {
    const row = JSON.stringify(value);
    if (bytes > 0 && bytes + row.length > ROWS_BYTES) {
      yield { partition, sort: sortOf(prefix, first), body: `[${rows.join(',')}]` };
      first += rows.length;
      rows = [];
      bytes = 0;
    }
    rows.push(row);
    bytes += row.length + 1;
  }
  if (rows.length > 0) yield { partition, sort: sortOf(prefix, first), body: `[${rows.join(',')}]` };
}

/** `open` is what the journal has in memory. */
export async function indexReader(store: CheckpointStore, key: string, open: JournalIndex | undefined): Promise<IndexReader> {
  if (open !== undefined) return memoryReader(open);
  const stored = await store.read(partitionOf(key), sortOf(EXECUTIONS, 0));
  if (stored.length > 0) return storedReader(store, key);
  const index = emptyIndex();
  for (const { fact, document } of unpack(await store.read(journalPartition(key)))) addFact(index, fact, document);
  return memoryReader(index);
}

function memoryReader(index: JournalIndex): IndexReader {
  const at = (ordinal: number): IndexedExecution | undefined => {
    const row = rowOf(index, ordinal);
    return row && executionOf(ordinal, row);
  };
  return {
    execution: (ordinal) => Promise.resolve(at(ordinal)),
    mapRun: (run) => Promise.resolve(index.mapRuns.get(run)),
    // eslint-disable-next-line @typescript-eslint/require-await -- the other reader has to wait
    async *downwards(from, to) {
      for (let ordinal = from; ordinal >= to; ordinal--) {
        const found = at(ordinal);
        if (found !== undefined) yield found;
      }
    },
  };
}

interface Rows<Row> {
  readonly first: number;
  readonly rows: readonly Row[];
}

function storedReader(store: CheckpointStore, key: string): IndexReader {
  const around = async <Row>(prefix: string, wanted: number): Promise<Rows<Row>> => {
    const range = { from: prefix, to: sortOf(prefix, wanted), latestFirst: true, most: 1 };
    const [document] = await store.between(partitionOf(key), range);
    if (document === undefined) return { first: 0, rows: [] };
    return { first: Number(document.sort.slice(prefix.length)), rows: JSON.parse(document.body) as readonly Row[] };
  };
  return {
    async execution(ordinal) {
      const { first, rows } = await around<IndexRow>(EXECUTIONS, ordinal);
      const row = rows[ordinal - first];
      return row && executionOf(ordinal, row);
    },
    async mapRun(run) {
      const { first, rows } = await around<readonly [string, number, number]>(MAP_RUNS, run);
      const row = rows[run - first];
      return row && { label: row[0], first: row[1], last: row[2] };
    },
    async *downwards(from, to) {
      for (let ordinal = from; ordinal >= to;) {
        const { first, rows } = await around<IndexRow>(EXECUTIONS, ordinal);
        for (; ordinal >= Math.max(first, to); ordinal--) {
          const row = rows[ordinal - first];
          if (row !== undefined) yield executionOf(ordinal, row);
        }
      }
    },
  };
}
