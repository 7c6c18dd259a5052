/** Columns for people: as wide as their widest cell, numbers to the right. */

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

/** 1234567 as 1,234,567, on every machine. */
export const number = (value: number): string => value.toLocaleString('en-US');

/** As precise as anybody reads it: `0.04 s`, `12.3 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** One line of a text that may have many: what stands in a cell. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Lines of a name and its value, indented; a value of several lines keeps its column. */
export function nameLines(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  const indent = ' '.repeat(width + 4);
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value.replace(/\r?\n/g, `\n${indent}`)}\n`).join('');
}
