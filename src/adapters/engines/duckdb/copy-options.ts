/** A target's format and options as the tail of a COPY statement. Option names are ours; every value is bound. */
import type { Json } from '#domain/json';
import type { CopyOptions } from './database.ts';
import type { DuckdbTarget } from './definition.ts';

/** Template authors cannot use it: input names and parameters that begin so are overridden by ours. */
const OWN = 'sluice_copy_';

/** Options in the template's spelling → in DuckDB's. */
const DUCKDB_NAMES = {
  header: 'HEADER',
  delimiter: 'DELIMITER',
  quote: 'QUOTE',
  'null-text': 'NULLSTR',
  compression: 'COMPRESSION',
  'row-group-size': 'ROW_GROUP_SIZE',
  array: 'ARRAY',
} as const;

export function copyOptions(target: DuckdbTarget, temporaryOutput: string, outputName: string): CopyOptions {
  const options: Readonly<Record<string, Json | undefined>> = { ...impliedCompression(target, outputName), ...target.options };
  const values: Record<string, Json> = { [`${OWN}path`]: temporaryOutput };
  const clauses = [`FORMAT ${target.format}`, 'USE_TMP_FILE false'];
  for (const [name, duckdbName] of Object.entries(DUCKDB_NAMES)) {
    const value = options[name];
    if (value === undefined) continue;
    const parameter = OWN + duckdbName.toLowerCase();
    values[parameter] = value;
    clauses.push(`${duckdbName} $${parameter}`);
  }
  return { clause: `TO $${OWN}path (${clauses.join(', ')})`, values };
}

/** DuckDB would go by the file's name, which until the rename is not the one that was asked for. */
function impliedCompression({ format }: DuckdbTarget, outputName: string): { readonly compression?: string } {
  if (format === 'parquet') return {};
  if (outputName.endsWith('.gz')) return { compression: 'gzip' };
  return outputName.endsWith('.zst') ? { compression: 'zstd' } : {};
}
