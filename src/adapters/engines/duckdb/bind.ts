/** JSON values as bound parameters: data to DuckDB whatever they contain. */
import { BIGINT, BOOLEAN, DOUBLE, LIST, VARCHAR, listValue } from '@duckdb/node-api';
import type { DuckDBPreparedStatement, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { Json } from '#domain/json';
import { JobFailure } from './protocol.ts';

export type Values = Readonly<Record<string, Json>>;

/** Binds the names that the statement uses and no others. `where` names the statement in messages. */
export function bindValues(statement: DuckDBPreparedStatement, values: Values, where: string): void {
  for (let index = 1; index <= statement.parameterCount; index += 1) {
    const name = statement.parameterName(index);
    const value = valueOf(values, name);
    if (value === undefined) throw new JobFailure(`${where}: no parameter ${name} was given for $${name}`);
    bindJson(statement, index, value);
  }
}

/** DuckDB folds `$year` and `$YEAR` into one parameter and tells us one of the spellings. */
function valueOf(values: Values, name: string): Json | undefined {
  if (Object.hasOwn(values, name)) return values[name];
  const folded = name.toLowerCase();
  const spelled = Object.keys(values).find((key) => key.toLowerCase() === folded);
  return spelled === undefined ? undefined : values[spelled];
}

function bindJson(statement: DuckDBPreparedStatement, index: number, value: Json): void {
  const elements = Array.isArray(value) ? (value as readonly Json[]) : undefined;
  const type = elements === undefined ? scalarType(value) : listType(elements);
  if (value === null) statement.bindNull(index);
  else if (type === undefined) statement.bindVarchar(index, JSON.stringify(value));
  else if (elements === undefined) statement.bindValue(index, scalar(value, type), type);
  else statement.bindList(index, listValue(elements.map((element) => scalar(element, type))), LIST(type));
}

function scalarType(value: Json): DuckDBType | undefined {
  if (typeof value === 'string') return VARCHAR;
  if (typeof value === 'boolean') return BOOLEAN;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BIGINT : DOUBLE;
  return undefined;
}

/** The one type that all elements fit, nulls aside. */
function listType(elements: readonly Json[]): DuckDBType | undefined {
  const types = new Set(elements.filter((element) => element !== null).map(scalarType));
  const [first, second] = types;
  if (types.size === 0) return VARCHAR;
  if (types.size === 1) return first;
  return types.size === 2 && [first, second].every((type) => type === BIGINT || type === DOUBLE) ? DOUBLE : undefined;
}

function scalar(value: Json, type: DuckDBType): DuckDBValue {
  if (typeof value === 'number') return type === BIGINT ? BigInt(value) : value;
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}
