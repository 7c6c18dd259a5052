import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyJob, duckdbFixture } from './duckdb-fixture.ts';
import type { DuckdbFixture } from './duckdb-fixture.ts';
import { csvToParquet, flightsByHour, httpJsonToCsv } from './duckdb-examples.ts';

const DATA = path.resolve('node_modules/vega-datasets/data');

describe('DuckDB jobs', () => {
  let data: DuckdbFixture;
  let fixture: DuckdbFixture;
  beforeAll(async () => {
    data = await duckdbFixture({ inputRoot: DATA });
    fixture = await duckdbFixture();
  });
  afterAll(() => Promise.all([data.close(), fixture.close()]));

  /** Rows of a file that a job wrote, read back by another job. */
  const readBack = async (name: string): Promise<readonly string[]> => {
    const target = `${name}.txt`;
    const read = `SELECT * FROM read_parquet($source)`;
    const reader = { ...copyJob('csv', { SOURCE: path.join(data.root, 'out', name), TARGET: target }, read) };
    const back = await duckdbFixture({ inputRoot: path.join(data.root, 'out') });
    const { status } = await back.run(reader);
    expect(status).toEqual({ state: 'succeeded' });
    const rows = back.output(target).trim().split('\n');
    await back.close();
    return rows;
  };

  test('a CSV file becomes a Parquet file with the rows that the caller asked for', async () => {
    const parameters = { SOURCE_PATH: 'seattle-weather.csv', TARGET_PATH: 'weather/2014.parquet', YEAR: 2014 };
    const { status, metrics } = await data.run({ definition: csvToParquet, parameters });
    expect(status).toEqual({ state: 'succeeded' });
    expect(metrics).toMatchObject({
      inputRecordCount: 1461,
      outputRecordCount: 365,
      errorRecordCount: 0,
      outputs: ['weather/2014.parquet'],
    });
    expect(metrics?.engineId).toMatch(/^duckdb v1\./);
    expect(await readBack('weather/2014.parquet')).toHaveLength(366);
  });

  test('a parameter that is declared optional is NULL when nobody gives it', async () => {
    const { metrics } = await data.run({
      definition: csvToParquet,
      parameters: { SOURCE_PATH: 'seattle-weather.csv', TARGET_PATH: 'all.parquet' },
    });
    expect(metrics?.outputRecordCount).toBe(1461);
  });

  test('three million rows of Parquet are aggregated to Parquet', async () => {
    const { status, metrics } = await data.run({ definition: flightsByHour, parameters: { TARGET_PATH: 'by-hour.parquet' } });
    expect(status).toEqual({ state: 'succeeded' });
    expect(metrics).toMatchObject({ inputRecordCount: 3_000_000, errorRecordCount: 0 });
    const rows = await readBack('by-hour.parquet');
    const flights = rows.slice(1).map((row) => Number(row.split(',')[1]));
    expect(flights.reduce((sum, count) => sum + count, 0)).toBe(3_000_000);
  });

  test('a JSON array over HTTP becomes a CSV file, and the fetched file is gone', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end('[{"city":"Oslo","rain":1.5},{"city":"A;B","rain":2}]');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const parameters = { HTTP_URL: `http://127.0.0.1:${port}/rain.json?key=secret`, TARGET_PATH: 'rain.csv' };
    const { status, metrics } = await fixture.run({ definition: httpJsonToCsv, parameters });
    server.close();
    expect(status).toEqual({ state: 'succeeded' });
    expect(metrics).toMatchObject({ inputRecordCount: 2, outputRecordCount: 2 });
    expect(fixture.output('rain.csv')).toBe('city;rain\nOslo;1.5\n"A;B";2.0\n');
    expect(readdirSync(path.join(fixture.root, 'work/scratch'))).toEqual([]);
  });

  test('rejected lines are counted once each, and input is what was kept and what was rejected', async () => {
    fixture.input('bad.csv', 'id,amount\n1,10\nx,y\n2,20,extra\n3,30\nz,40\n');
    const read = `SELECT * FROM read_csv($source, store_rejects = true, columns = {'id': 'INTEGER', 'amount': 'INTEGER'})`;
    const { status, metrics } = await fixture.run(copyJob('csv', { SOURCE: 'bad.csv', TARGET: 'good.csv' }, read));
    expect(metrics).toMatchObject({ inputRecordCount: 5, outputRecordCount: 2, errorRecordCount: 3 });
    expect(fixture.output('good.csv')).toBe('id,amount\n1,10\n3,30\n');
    expect(status?.message).toMatch(/^3 rejected, first: line 3: .*"x"/s);
  });

  test('rows of a stage with the role errors are error records and no input', async () => {
    fixture.input('prices.csv', 'price\n5\n-1\n7\n');
    const job = copyJob('json', { SOURCE: 'prices.csv', TARGET: 'prices.json' });
    const stages = [
      ...(job.definition['stages'] as object[]),
      { name: 'refuse', role: 'errors', sql: 'CREATE TABLE refused AS SELECT * FROM raw WHERE price < 0' },
      { name: 'drop', sql: 'DELETE FROM raw WHERE price < 0' },
    ];
    const { metrics } = await fixture.run({ ...job, definition: { ...job.definition, stages } as typeof job.definition });
    expect(metrics).toMatchObject({ inputRecordCount: 3, outputRecordCount: 2, errorRecordCount: 1 });
    expect(fixture.output('prices.json')).toBe('{"price":5}\n{"price":7}\n');
  });

  test.each([
    ['text', `'); DROP TABLE raw; COPY (SELECT 1) TO '/tmp/x'; --`, 'VARCHAR'],
    ['text that looks like a reference', '$TARGET', 'VARCHAR'],
    ['true', true, 'BOOLEAN'],
    ['a whole number', 9_007_199_254_740_991, 'BIGINT'],
    ['a fraction', 0.5, 'DOUBLE'],
    ['null', null, '"NULL"'],
    ['a list', ['a', "b'", null], 'VARCHAR[]'],
    ['a list of numbers', [1, 2.5], 'DOUBLE[]'],
    ['a mixed list', [1, 'a'], 'VARCHAR'],
    ['an object', { a: [1] }, 'VARCHAR'],
  ])('a value is data and keeps its type: %s', async (_, value, type) => {
    const target = { path: 'value.json', sql: 'SELECT typeof($VALUE) AS type, $VALUE AS value', format: 'json' };
    const { status } = await fixture.run({ definition: { target }, parameters: { VALUE: value, UNUSED: 1 } });
    expect(status).toEqual({ state: 'succeeded' });
    const written = JSON.parse(fixture.output('value.json')) as unknown;
    expect(written).toEqual({ type, value: type === 'VARCHAR' && typeof value === 'object' ? JSON.stringify(value) : value });
  });

  test('a statement that uses a parameter nobody gave fails and names both', async () => {
    const definition = {
      stages: [{ name: 'make', sql: 'CREATE TABLE t AS SELECT $CITY AS city' }],
      target: { path: 'x.csv', sql: 'FROM t', format: 'csv' },
    };
    const { status } = await fixture.run({ definition, parameters: {} });
    expect(status).toEqual({ state: 'failed', message: 'stage make: no parameter CITY was given for $CITY' });
  });

  test('a start without a parameter that a path needs is refused', async () => {
    const { definition } = copyJob('csv', {});
    const start = fixture.start({ definition, parameters: { SOURCE: 'x.csv' } });
    await expect(start).rejects.toThrow('$TARGET: this parameter is needed and was not given');
  });

  test('a target that is named .gz is compressed', async () => {
    fixture.input('one.csv', 'id\n1\n');
    const { status } = await fixture.run(copyJob('csv', { SOURCE: 'one.csv', TARGET: 'one.csv.gz' }));
    expect(status).toEqual({ state: 'succeeded' });
    expect(fixture.output('one.csv.gz').slice(1, 2)).not.toBe('d');
  });

  test('a query that fails leaves the old target and no unfinished file', async () => {
    fixture.input('n.csv', 'n\n1\n');
    await fixture.run(copyJob('csv', { SOURCE: 'n.csv', TARGET: 'kept.csv' }));
    const job = copyJob('csv', { SOURCE: 'n.csv', TARGET: 'kept.csv' });
    const target = { path: '$TARGET', sql: `SELECT error('bad row') FROM raw`, format: 'csv' };
    const { status, metrics } = await fixture.run({ ...job, definition: { ...job.definition, target } });
    expect(status?.message).toContain('bad row');
    expect(metrics).toMatchObject({ inputRecordCount: 1, outputRecordCount: 0 });
    expect(fixture.output('kept.csv')).toBe('n\n1\n');
    expect(readdirSync(path.join(fixture.root, 'out/.sluice'))).toEqual([]);
  });

  test('of two jobs with one target the last to end wins, and its file is whole', async () => {
    const write = (text: string): Promise<unknown> =>
      fixture.run({
        definition: { target: { path: 'same.csv', sql: 'SELECT $TEXT AS text FROM range(200000)', format: 'csv' } },
        parameters: { TEXT: text },
      });
    await Promise.all(['a', 'b', 'c', 'd'].map(write));
    const [, ...rows] = fixture.output('same.csv').trim().split('\n');
    expect(rows).toHaveLength(200_000);
    expect(new Set(rows).size).toBe(1);
  });
});
