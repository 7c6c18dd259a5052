/** The original's metrics table as CSV (RFC 4180), with its column names. */
import { MetricsRow } from './views.ts';

const COLUMNS = Object.keys(MetricsRow.shape) as readonly (keyof MetricsRow)[];

export function metricsCsv(rows: readonly MetricsRow[], options: { readonly header: boolean }): string {
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','));
  return [...(options.header ? [COLUMNS.join(',')] : []), ...lines].map((line) => `${line}\r\n`).join('');
}

/** A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet: such text gets an apostrophe before it. */
function cell(value: string | number | boolean | null): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
