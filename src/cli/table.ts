/** Columns for people: as wide as their widest cell, numbers to the right. */

export { counted, duration, number } from '#client/run-words';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  const padded = (cell: string, index: number): string =>
    columns[index]?.align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
  return lines.map((line) => `${line.map(padded).join('  ').trimEnd()}\n`).join('');
}

/** One line of a text that may have many: what stands in a cell. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Lines of a name and its value, indented; a value of several lines keeps its column. */
export function nameLines(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  const indent = ' '.repeat(width + 4);
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value.replace(/\r?\n/g, `\n${indent}`)}\n`).join('');
}
