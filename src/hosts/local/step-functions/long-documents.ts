/** Documents that may be longer than the store takes one: what does not fit goes on in documents beside the first. */
import type { Checkpoint } from './ports.ts';

/** An item of DynamoDB holds 400 KB; the port allows 350 KB of text. */
export const LARGEST_BODY_BYTES = 350_000;
/** In characters: at most three bytes of UTF-8 each. */
const LONGEST_PIECE = 110_000;
const HIGH_SURROGATES = [0xd800, 0xdbff] as const;

/** `+` marks a piece that goes on in the next document, `.` the last one; no JSON text begins with either. */
export function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfPiece(text, start);
    pieces.push(`${end < text.length ? '+' : '.'}${text.slice(start, end)}`);
    start = end;
  }
  return pieces;
}

/** No character is cut in two: half a surrogate pair is no UTF-8. */
function endOfPiece(text: string, start: number): number {
  const end = start + LONGEST_PIECE;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= HIGH_SURROGATES[0] && last <= HIGH_SURROGATES[1] ? end - 1 : end;
}

/** `~` is in no sort key but here, so that the pieces of one document are those of no other. */
export function documentsOf({ partition, sort, body }: Checkpoint): readonly Checkpoint[] {
  if (Buffer.byteLength(body) <= LARGEST_BODY_BYTES) return [{ partition, sort, body }];
  return piecesOf(body).map((piece, index) => ({ partition, sort: index === 0 ? sort : pieceSort(sort, index), body: piece }));
}

const pieceSort = (sort: string, index: number): string => `${sort}~${String(index).padStart(4, '0')}`;

/** The documents that these were made of. One whose end is not there was never durable, and pieces without a beginning are a former one's. */
export function joined(documents: readonly Checkpoint[]): readonly Checkpoint[] {
  const bodies = new Map(documents.map(({ sort, body }) => [sort, body]));
  return documents.flatMap(({ partition, sort, body: first }) => {
    if (sort.includes('~')) return [];
    if (!first.startsWith('+')) return [{ partition, sort, body: first }];
    let body = first.slice(1);
    for (let index = 1; ; index++) {
      const piece = bodies.get(pieceSort(sort, index));
      if (piece === undefined) return [];
      body += piece.slice(1);
      if (piece.startsWith('.')) return [{ partition, sort, body }];
    }
  });
}
