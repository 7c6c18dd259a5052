import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '#domain/json';
import { csvToParquet, flightsByHour, httpJsonToCsv } from './duckdb-examples.ts';
import { duckdbFixture } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';

const target = { path: '$TARGET', sql: 'SELECT 1', format: 'csv' };
const stage = (sql: string, role?: string): JsonObject => ({
  stages: [{ name: 's', sql, ...(role === undefined ? {} : { role }) }],
  target,
});

describe('the check of a DuckDB definition', () => {
  let fixture: DuckdbFixture;
  beforeAll(async () => {
    fixture = await duckdbFixture();
  });
  afterAll(() => fixture.close());

  const pointers = async (definition: JsonObject): Promise<readonly string[]> =>
    (await fixture.engine.check(definition)).map(({ pointer }) => pointer);

  test.each([
    ['CSV to Parquet', csvToParquet],
    ['JSON over HTTP to CSV', httpJsonToCsv],
    ['flights', flightsByHour],
    ['comments, brackets and a semicolon', { target: { ...target, sql: '-- all of it\n(SELECT 1); -- done' } }],
    ['a table that does not exist yet', stage('INSERT INTO later SELECT * FROM nowhere WHERE a = $A', 'input')],
  ])('a good definition has no problems: %s', async (_, definition) => {
    expect(await fixture.engine.check(definition)).toEqual([]);
  });

  test.each<readonly [string, JsonObject, readonly string[]]>([
    ['no target', {}, ['/target']],
    ['an unknown key', { target, extra: 1 }, ['']],
    ['an option of another format', { target: { ...target, options: { 'row-group-size': 5_000 } } }, ['/target/options']],
    ['an unknown format', { target: { ...target, format: 'xlsx' } }, ['/target/format']],
    ['a reference inside a longer text', { target: { ...target, path: 'out/$TARGET.csv' } }, ['/target/path']],
    ['a url without its hosts', { inputs: [{ name: 'a', url: '$U' }], target }, ['/inputs/0/allowed-hosts']],
    ['an input with path and url', { inputs: [{ name: 'a', path: 'p', url: 'u', 'allowed-hosts': ['h'] }], target }, ['/inputs/0']],
    [
      'two inputs of one name',
      {
        inputs: [
          { name: 'a', path: 'p' },
          { name: 'a', path: 'q' },
        ],
        target,
      },
      ['/inputs'],
    ],
    ['a syntax error', stage('CREATE TABLE t AS SELEC 1'), ['/stages/0/sql']],
    ['a syntax error in the target', { target: { ...target, sql: 'SELECT FROM WHERE' } }, ['/target/sql']],
    ['a target that is no query', { target: { ...target, sql: 'DROP TABLE t' } }, ['/target/sql']],
    ['nothing but a comment', stage('-- nothing'), ['/stages/0/sql']],
    ['a role for what counts no rows', stage('CREATE VIEW v AS SELECT 1', 'input'), ['/stages/0/sql']],
    [
      'every mistake at once',
      {
        stages: [
          { name: 's', sql: 'LOAD x' },
          { name: 't', sql: 'SELECT (' },
        ],
        target,
      },
      ['/stages/0/sql', '/stages/1/sql'],
    ],
  ])('a problem is told where it is: %s', async (_, definition, expected) => {
    expect(await pointers(definition)).toEqual(expected);
  });

  test('problems of SQL are told in the words of DuckDB', async () => {
    const [problem] = await fixture.engine.check(stage('CREATE TABLE t AS SELEC 1'));
    expect(problem?.message).toMatch(/^Parser Error: syntax error at or near "SELEC"/);
  });

  test('several checks at once are all answered', async () => {
    const checks = await Promise.all(Array.from({ length: 5 }, () => fixture.engine.check(stage('SELECT ('))));
    expect(checks.map((problems) => problems.length)).toEqual([1, 1, 1, 1, 1]);
  });
});
