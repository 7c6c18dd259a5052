/**
 * The engine-specific part of a DuckDB template: files in, SQL stages in order, one file out.
 *
 *   inputs:                           # optional; each is a bound parameter of its name in every statement
 *     - name: source                  # $source is the local path of the file
 *       path: $SOURCE_PATH            # relative to the input root: one parameter reference, or a literal
 *     - name: feed
 *       url: $HTTP_URL                # fetched over http(s) to a local file before the first stage
 *       allowed-hosts: [127.0.0.1]    # the only hosts that may be asked, redirects included; `host` or `host:port`
 *       timeout-seconds: 60           # of the whole download; default 60
 *       max-bytes: 1000000000         # default 1 GB
 *   optional: [YEAR]                  # parameters that are NULL when nobody gives them; any other must be given
 *   stages:                           # one statement each; tables live in memory and end with the job
 *     - name: read
 *       role: input                   # its rows, and the rows rejected in it, are the input record count
 *       sql: CREATE TABLE raw AS SELECT * FROM read_csv($source, store_rejects = true)
 *     - name: refuse
 *       role: errors                  # its rows are error records, next to those that `store_rejects` kept
 *       sql: CREATE TABLE refused AS SELECT * FROM raw WHERE price < 0
 *   target:
 *     path: $TARGET_PATH              # relative to the output root
 *     sql: SELECT * FROM raw          # its rows are the output record count
 *     format: parquet                 # parquet | csv | json
 *     options: { compression: zstd }  # a closed list per format
 *
 * A statement names a value as `$NAME`; DuckDB does not tell `$name` from `$NAME`. Values are always bound, never part of the
 * SQL: texts, booleans and null as they are, whole numbers as BIGINT, others as DOUBLE, lists of one kind as LIST, anything
 * else as JSON text. In `path` and `url` a reference is the whole text: `$NAME`, and not `data/$NAME.csv`.
 */
import * as z from 'zod';
import type { DefinitionProblem } from '#domain/engine-job';
import type { JsonObject } from '#domain/json';
import { reference } from './reference.ts';

const HOST = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$/;

const Name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a name is lower case letters, digits and _, at most 63');
const Sql = z.string().min(1).max(20_000);
const Location = z
  .string()
  .min(1)
  .max(2_000)
  .refine(
    (text) => reference(text).kind === 'parameter' || !text.includes('$'),
    'either one parameter reference ($NAME) or a literal without $',
  );

const Input = z
  .strictObject({
    name: Name,
    path: Location.optional(),
    url: Location.optional(),
    'allowed-hosts': z.array(z.string().regex(HOST, 'a host name, or host:port')).min(1).max(50).optional(),
    'timeout-seconds': z.int().min(1).max(3_600).optional(),
    'max-bytes': z.int().min(1).max(100_000_000_000).optional(),
  })
  .superRefine((input, context) => {
    const problem = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    if ((input.path === undefined) === (input.url === undefined)) problem([], 'an input has either a path or a url');
    if (input.url !== undefined && input['allowed-hosts'] === undefined)
      problem(['allowed-hosts'], 'a url needs the hosts that may be asked');
    if (input.url !== undefined) return;
    for (const key of ['allowed-hosts', 'timeout-seconds', 'max-bytes'] as const) {
      if (input[key] !== undefined) problem([key], 'only a url has this');
    }
  });

const STAGE_ROLES = ['input', 'errors'] as const;
const Stage = z.strictObject({ name: Name, role: z.enum(STAGE_ROLES).optional(), sql: Sql });

const TextCompression = z.enum(['none', 'gzip', 'zstd']);
const Character = z.string().min(1).max(4);
const CsvOptions = z.strictObject({
  header: z.boolean().optional(),
  delimiter: Character.optional(),
  quote: z.string().length(1).optional(),
  'null-text': z.string().max(50).optional(),
  compression: TextCompression.optional(),
});
const ParquetOptions = z.strictObject({
  compression: z.enum(['uncompressed', 'snappy', 'gzip', 'zstd']).optional(),
  'row-group-size': z.int().min(2_048).max(10_000_000).optional(),
});
const JsonOptions = z.strictObject({ array: z.boolean().optional(), compression: TextCompression.optional() });

const Target = z.discriminatedUnion('format', [
  z.strictObject({ path: Location, sql: Sql, format: z.literal('csv'), options: CsvOptions.optional() }),
  z.strictObject({ path: Location, sql: Sql, format: z.literal('parquet'), options: ParquetOptions.optional() }),
  z.strictObject({ path: Location, sql: Sql, format: z.literal('json'), options: JsonOptions.optional() }),
]);

const distinct = (named: readonly { readonly name: string }[]): boolean => new Set(named.map(({ name }) => name)).size === named.length;

const Definition = z.strictObject({
  inputs: z.array(Input).max(20).refine(distinct, 'two inputs have the same name').optional(),
  optional: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'a parameter name, without $'))
    .max(100)
    .optional(),
  stages: z.array(Stage).max(50).refine(distinct, 'two stages have the same name').optional(),
  target: Target,
});

export type DuckdbDefinition = z.infer<typeof Definition>;
export type DuckdbInput = z.infer<typeof Input>;
export type DuckdbStage = z.infer<typeof Stage>;
export type DuckdbTarget = z.infer<typeof Target>;

export type ParsedDefinition =
  | { readonly kind: 'definition'; readonly definition: DuckdbDefinition }
  | { readonly kind: 'problems'; readonly problems: readonly DefinitionProblem[] };

export function parseDefinition(definition: JsonObject): ParsedDefinition {
  const parsed = Definition.safeParse(definition);
  if (parsed.success) return { kind: 'definition', definition: parsed.data };
  const problems = parsed.error.issues.map((issue) => ({ pointer: pointer(issue.path), rule: issue.code, message: issue.message }));
  return { kind: 'problems', problems };
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
