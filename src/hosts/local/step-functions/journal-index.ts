/**
 * Where in a journal the events of each execution lie, and what a list says of each. A journal has the facts of an execution and of
 * all its children as they happened, so without this a page of any of them would cost the whole. Of an open execution the journal
 * keeps it in memory, in a few numbers per child; `stored-index.ts` keeps it of a closed one.
 */
import { type Ending, endingOf, type Fact, isEnd } from './facts.ts';

export interface JournalIndex {
  /** By ordinal, the top-level execution's being 0: its newest spot, its Map Run, when it started and ended (0: not yet), and how. */
  readonly newest: number[];
  readonly runs: number[];
  readonly startedAtMs: number[];
  readonly endedAtMs: number[];
  readonly statuses: number[];
  /**
   * A spot is three numbers: a document, the last event that it has of one execution, and the same execution's spot before. Numbers in
   * a row and not objects, because ten thousand parked children have some thirty thousand of them.
   */
  readonly spots: number[];
  readonly mapRuns: Map<number, MapRunSpan>;
}

export interface MapRunSpan {
  readonly label: string;
  /** Ordinals of its first and last child; 0 while it has none. Those between may be another run's. */
  first: number;
  last: number;
}

/** The events up to `lastId`, from where the location before ends, are in this document. */
export interface Location {
  readonly document: number;
  readonly lastId: number;
}

export interface IndexedExecution {
  readonly ordinal: number;
  /** 0 for the top-level execution. */
  readonly run: number;
  readonly startedAtMs: number;
  readonly ended?: Pick<Ending, 'status' | 'atMs'>;
  readonly locations: readonly Location[];
}

/** One execution as it is stored: run, start, status, end, then pairs of document and last event, each the difference to the pair before. */
export type IndexRow = readonly number[];

/** Stored by position. */
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const NO_SPOT = -1;

export function emptyIndex(): JournalIndex {
  return { newest: [], runs: [], startedAtMs: [], endedAtMs: [], statuses: [], spots: [], mapRuns: new Map() };
}

export function copyOf({ newest, runs, startedAtMs, endedAtMs, statuses, spots, mapRuns }: JournalIndex): JournalIndex {
  return {
    newest: [...newest],
    runs: [...runs],
    startedAtMs: [...startedAtMs],
    endedAtMs: [...endedAtMs],
    statuses: [...statuses],
    spots: [...spots],
    mapRuns: new Map([...mapRuns].map(([run, span]) => [run, { ...span }])),
  };
}

/** Facts come in the order of the journal; `document` is the one in which the fact begins. */
export function addFact(index: JournalIndex, fact: Fact, document: number): void {
  const ordinal = fact.x ?? 0;
  if (fact.type === 'ExecutionStarted') addExecution(index, ordinal, fact.at, fact.parent?.run ?? 0);
  if (fact.type === 'MapRunStarted') index.mapRuns.set(fact.run, { label: fact.label, first: 0, last: 0 });
  if (isEnd(fact)) {
    index.endedAtMs[ordinal] = fact.at;
    index.statuses[ordinal] = STATUSES.indexOf(endingOf(fact).status);
  }
  if (fact.id !== undefined) addEvent(index, ordinal, fact.id, document);
}

function addExecution(
  { newest, runs, startedAtMs, endedAtMs, statuses, mapRuns }: JournalIndex,
  ordinal: number,
  at: number,
  run: number,
): void {
  newest[ordinal] = NO_SPOT;
  runs[ordinal] = run;
  startedAtMs[ordinal] = at;
  endedAtMs[ordinal] = 0;
  statuses[ordinal] = 0;
  const span = mapRuns.get(run);
  if (span === undefined) return;
  if (span.first === 0) span.first = ordinal;
  span.last = ordinal;
}

function addEvent({ newest, spots }: JournalIndex, ordinal: number, id: number, document: number): void {
  const spot = newest[ordinal] ?? NO_SPOT;
  if (spot !== NO_SPOT && spots[spot] === document) {
    spots[spot + 1] = id;
    return;
  }
  newest[ordinal] = spots.push(document, id, spot) - 3;
}

export function rowOf(index: JournalIndex, ordinal: number): IndexRow | undefined {
  const { newest, runs, startedAtMs, endedAtMs, statuses, spots } = index;
  const last = newest[ordinal];
  if (last === undefined) return undefined;
  const pairs: number[] = [];
  for (let spot = last; spot !== NO_SPOT; spot = spots[spot + 2] ?? NO_SPOT) {
    const before = spots[spot + 2] ?? NO_SPOT;
    const [document = 0, id = 0] = [spots[spot], spots[spot + 1]];
    const [documentBefore = 0, idBefore = 0] = before === NO_SPOT ? [] : [spots[before], spots[before + 1]];
    // Turned around below, so the event comes before its document.
    pairs.push(id - idBefore, document - documentBefore);
  }
  return [runs[ordinal] ?? 0, startedAtMs[ordinal] ?? 0, statuses[ordinal] ?? 0, endedAtMs[ordinal] ?? 0, ...pairs.reverse()];
}

export function executionOf(ordinal: number, row: IndexRow): IndexedExecution {
  const [run = 0, startedAtMs = 0, code = 0, atMs = 0, ...pairs] = row;
  const status = STATUSES[code] ?? 'RUNNING';
  const locations: Location[] = [];
  let [document, lastId] = [0, 0];
  for (let at = 0; at < pairs.length; at += 2) {
    document += pairs[at] ?? 0;
    lastId += pairs[at + 1] ?? 0;
    locations.push({ document, lastId });
  }
  return { ordinal, run, startedAtMs, locations, ...(status !== 'RUNNING' && { ended: { status, atMs } }) };
}
