/**
 * The documents of a journal: `000000000001, …` in its partition, each the inside of a JSON array of facts. A fact that is longer than
 * a document goes on in the next ones.
 */
import type { Fact } from './facts.ts';
import { LARGEST_BODY_BYTES, piecesOf } from './long-documents.ts';
import type { Checkpoint, CheckpointStore } from './ports.ts';

/** Read at a time where a fact goes on in documents that nobody asked for. */
const PIECES_AT_ONCE = 4;

export interface Line {
  readonly text: string;
  readonly fact: Fact;
}

export interface PackedDocument {
  readonly body: string;
  readonly bytes: number;
  /** Those that begin in this document. */
  readonly facts: readonly Fact[];
}

/** A fact and the number of the document in which it begins. */
export interface PlacedFact {
  readonly fact: Fact;
  readonly document: number;
}

export function journalPartition(key: string): string {
  return `journal/${key}`;
}

export function documentSort(document: number): string {
  return String(document).padStart(12, '0');
}

export function* pack(lines: readonly Line[]): Generator<PackedDocument> {
  let gathered: Line[] = [];
  let bytes = 0;
  const packed = (): PackedDocument => {
    const done = { body: gathered.map(({ text }) => text).join(','), bytes, facts: gathered.map(({ fact }) => fact) };
    gathered = [];
    bytes = 0;
    return done;
  };
  for (const line of lines) {
    const lineBytes = Buffer.byteLength(line.text) + 1;
    if (bytes > 0 && bytes + lineBytes > LARGEST_BODY_BYTES) yield packed();
    if (lineBytes > LARGEST_BODY_BYTES) {
      yield* pieces(line);
      continue;
    }
    gathered.push(line);
    bytes += lineBytes;
  }
  if (bytes > 0) yield packed();
}

function* pieces({ text, fact }: Line): Generator<PackedDocument> {
  for (const [index, body] of piecesOf(text).entries()) yield { body, bytes: Buffer.byteLength(body), facts: index === 0 ? [fact] : [] };
}

/** The facts of documents that follow each other. */
export function unpack(documents: readonly Checkpoint[]): readonly PlacedFact[] {
  const placed: PlacedFact[] = [];
  let piece = '';
  let begun: number | undefined;
  for (const { sort, body } of documents) {
    const document = (begun ??= Number(sort));
    if (body.startsWith('+')) {
      piece += body.slice(1);
      continue;
    }
    const text = body.startsWith('.') ? piece + body.slice(1) : body;
    piece = '';
    begun = undefined;
    for (const fact of JSON.parse(`[${text}]`) as Fact[]) placed.push({ fact, document });
  }
  return placed;
}

/** What begins in these documents, which are in ascending order; those that follow each other are read together. */
export async function factsIn(store: CheckpointStore, key: string, documents: readonly number[]): Promise<readonly PlacedFact[]> {
  const found = await Promise.all(stretches(documents).map((stretch) => readStretch(store, key, stretch)));
  return found.flatMap(unpack);
}

interface Stretch {
  readonly from: number;
  to: number;
}

function stretches(documents: readonly number[]): readonly Stretch[] {
  const found: Stretch[] = [];
  for (const document of documents) {
    const last = found.at(-1);
    if (last !== undefined && document <= last.to + 1) last.to = document;
    else found.push({ from: document, to: document });
  }
  return found;
}

async function readStretch(store: CheckpointStore, key: string, { from, to }: Stretch): Promise<readonly Checkpoint[]> {
  const partition = journalPartition(key);
  const documents = [...(await store.between(partition, { from: documentSort(from), to: documentSort(to) }))];
  for (let next = to + 1; documents.at(-1)?.body.startsWith('+'); next += PIECES_AT_ONCE) {
    const more = await store.between(partition, { from: documentSort(next), to: documentSort(next + PIECES_AT_ONCE - 1) });
    if (more.length === 0) break;
    const end = more.findIndex(({ body }) => !body.startsWith('+'));
    documents.push(...(end === -1 ? more : more.slice(0, end + 1)));
  }
  return documents;
}
