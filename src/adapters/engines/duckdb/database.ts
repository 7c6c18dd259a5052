/**
 * One job's database: in memory, fresh, and locked down before the first statement of a template runs. SQL reaches exactly the
 * files that we resolved, cannot load extensions, cannot attach databases and cannot unlock anything.
 */
import { DuckDBInstance, StatementType } from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { bindValues } from './bind.ts';
import type { Values } from './bind.ts';
import { JobFailure } from './protocol.ts';
import type { CheckedStatement } from './protocol.ts';

/** DuckDB clears an interrupt when the next statement begins, so one that falls in between is repeated. */
const INTERRUPT_EVERY_MS = 50;

const RUNNABLE: ReadonlySet<StatementType> = new Set([
  StatementType.SELECT,
  StatementType.INSERT,
  StatementType.UPDATE,
  StatementType.DELETE,
  StatementType.CREATE,
  StatementType.CREATE_FUNC,
  StatementType.ALTER,
  StatementType.DROP,
  StatementType.MERGE_INTO,
]);

export interface Database {
  /** Runs one statement of a template; answers how many rows it made, as far as it made any. */
  run(statement: RunnableStatement, stop: AbortSignal): Promise<number>;
  /** Writes a query's rows to a file; answers how many. */
  copy(statement: RunnableStatement, copy: CopyOptions, stop: AbortSignal): Promise<number>;
  /** Lines that `store_rejects` kept so far; a line with several errors counts once. */
  rejected(): Promise<Rejected>;
  close(): void;
}

export interface RunnableStatement {
  /** Names the statement in messages. */
  readonly where: string;
  readonly sql: string;
  readonly values: Values;
}

/** What stands in the brackets after `TO`, the values bound. */
export interface CopyOptions {
  readonly clause: string;
  readonly values: Values;
}

export interface Rejected {
  readonly count: number;
  readonly first?: string;
}

export interface DatabaseLimits {
  readonly allowedPaths: readonly string[];
  readonly spillFolder: string;
  readonly memoryLimit: string;
}

export async function openDatabase(limits: DatabaseLimits): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', SEALED);
  const connection = await instance.connect();
  await lockDown(connection, limits);
  return {
    async run(statement, stop) {
      const prepared = await prepareOne(connection, statement.sql, statement.where);
      if (!RUNNABLE.has(prepared.statementType)) throw new JobFailure(`${statement.where}: this kind of statement is not allowed`);
      bindValues(prepared, statement.values, statement.where);
      return interruptible(connection, stop, () => countRows(prepared));
    },
    async copy({ where, sql, values }, copy, stop) {
      const query = sql.trim().replace(/;+$/, '');
      const prepared = await prepareOne(connection, `COPY (${query}\n) ${copy.clause}`, where);
      bindValues(prepared, { ...values, ...copy.values }, where);
      return interruptible(connection, stop, () => countRows(prepared));
    },
    rejected: () => rejectedLines(connection),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Parses each statement in a throw-away database and runs none. */
export async function checkStatements(statements: readonly string[]): Promise<readonly CheckedStatement[]> {
  const instance = await DuckDBInstance.create(':memory:', SEALED);
  const connection = await instance.connect();
  const checked: CheckedStatement[] = [];
  for (const sql of statements) checked.push(await checkStatement(connection, sql));
  connection.closeSync();
  instance.closeSync();
  return checked;
}

const SEALED = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
};

async function lockDown(connection: DuckDBConnection, { allowedPaths, spillFolder, memoryLimit }: DatabaseLimits): Promise<void> {
  await connection.run(`SET temp_directory = ${quoted(spillFolder)}`);
  await connection.run(`SET memory_limit = ${quoted(memoryLimit)}`);
  await connection.run(`SET allowed_paths = [${allowedPaths.map(quoted).join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** SET takes no bound parameters. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function checkStatement(connection: DuckDBConnection, sql: string): Promise<CheckedStatement> {
  try {
    const { count } = await connection.extractStatements(sql);
    return count === 1 ? { kind: 'one-statement' } : { kind: 'several-statements', count };
  } catch (error) {
    return { kind: 'unparsable', message: messageOf(error).replace('Failed to extract statements: ', '') };
  }
}

async function prepareOne(connection: DuckDBConnection, sql: string, where: string): Promise<DuckDBPreparedStatement> {
  const extracted = await connection.extractStatements(sql);
  if (extracted.count !== 1) throw new JobFailure(`${where}: one statement is expected, ${extracted.count} were found`);
  return extracted.prepare(0);
}

/** What changes rows answers one row with their number; a query's own rows are read and dropped. */
async function countRows(prepared: DuckDBPreparedStatement): Promise<number> {
  if (prepared.statementType !== StatementType.SELECT) {
    const [row] = await (await prepared.run()).getRowObjectsJson();
    return Number(row?.['Count'] ?? 0);
  }
  const result = await prepared.stream();
  let rows = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
    rows += chunk.rowCount;
  return rows;
}

async function interruptible<T>(connection: DuckDBConnection, stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  stop.throwIfAborted();
  let repeat: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    repeat = setInterval(() => {
      connection.interrupt();
    }, INTERRUPT_EVERY_MS);
  };
  stop.addEventListener('abort', interrupt, { once: true });
  try {
    return await work();
  } finally {
    stop.removeEventListener('abort', interrupt);
    clearInterval(repeat);
  }
}

async function rejectedLines(connection: DuckDBConnection): Promise<Rejected> {
  // The table exists from the first scan with store_rejects on.
  const tables = await connection.run(`SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'`);
  if ((await tables.getRowsJson()).length === 0) return { count: 0 };
  const answer = await connection.run(
    `SELECT count(DISTINCT (scan_id, file_id, line)) AS count, 'line ' || min(line) || ': ' || arg_min(error_message, line) AS first FROM reject_errors`,
  );
  const [row] = await answer.getRowObjectsJson();
  const count = Number(row?.['count'] ?? 0);
  return typeof row?.['first'] === 'string' ? { count, first: row['first'] } : { count };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
