/** Comma-separated values (RFC 4180), with what spreadsheets do to them: a byte order mark, CRLF, empty lines at the end. */

export interface CsvCell {
  readonly text: string;
  /** Written in quotes, hence text whatever it looks like. */
  readonly quoted: boolean;
}

export interface CsvRow {
  /** Where the row begins, from 1. */
  readonly line: number;
  readonly cells: readonly CsvCell[];
}

export class CsvError extends Error {
  override readonly name = 'CsvError';
}

/** One cell: quoted (a quote inside is doubled) or plain, and what ends it. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

export function parseCsv(source: string): readonly CsvRow[] {
  const text = source.replace(/^\uFEFF/, '');
  const rows: CsvRow[] = [];
  const cell = new RegExp(CELL);
  let line = 1;
  while (cell.lastIndex < text.length) {
    const row = { line, cells: [] as CsvCell[] };
    let ended = false;
    while (!ended) {
      const found = cell.exec(text);
      if (!found) throw new CsvError(`line ${line}: a quote stands where none may, or is never closed`);
      const [, quoted, plain, end = ''] = found;
      row.cells.push(quoted === undefined ? { text: plain ?? '', quoted: false } : { text: quoted.replaceAll('""', '"'), quoted: true });
      line += (quoted?.match(/\r\n|\n|\r/g)?.length ?? 0) + (end === ',' || end === '' ? 0 : 1);
      ended = end !== ',';
    }
    const [first] = row.cells;
    if (row.cells.length > 1 || first?.quoted === true || first?.text !== '') rows.push(row);
  }
  return rows;
}
