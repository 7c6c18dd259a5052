/** Templates as their authors write them. */
import { parse } from 'yaml';
import type { JsonObject } from '#domain/json';

/** Parameters: SOURCE_PATH, TARGET_PATH, and YEAR if only one year is wanted. */
const CSV_TO_PARQUET = `
inputs:
  - name: source
    path: $SOURCE_PATH
optional: [YEAR]
stages:
  - name: read
    role: input
    sql: CREATE TABLE raw AS SELECT * FROM read_csv($source, store_rejects = true)
  - name: filter
    sql: CREATE TABLE wanted AS SELECT * FROM raw WHERE $YEAR IS NULL OR year(date) = $YEAR
target:
  path: $TARGET_PATH
  sql: SELECT * FROM wanted
  format: parquet
  options: { compression: zstd }
`;

/** Parameters: HTTP_URL, TARGET_PATH. */
const HTTP_JSON_TO_CSV = `
inputs:
  - name: feed
    url: $HTTP_URL
    allowed-hosts: [127.0.0.1, localhost]
    timeout-seconds: 30
stages:
  - name: read
    role: input
    sql: CREATE TABLE raw AS SELECT * FROM read_json($feed, format = 'array')
target:
  path: $TARGET_PATH
  sql: SELECT * FROM raw
  format: csv
  options: { header: true, delimiter: ';' }
`;

/** Parameters: TARGET_PATH. Reads `flights-3m.parquet` under the input root. */
const FLIGHTS_BY_HOUR = `
inputs:
  - name: flights
    path: flights-3m.parquet
stages:
  - name: read
    role: input
    sql: CREATE TABLE raw AS SELECT * FROM read_parquet($flights)
target:
  path: $TARGET_PATH
  sql: SELECT hour(date) AS hour, count(*) AS flights, avg(delay) AS delay FROM raw GROUP BY 1 ORDER BY 1
  format: parquet
`;

export const csvToParquet = parse(CSV_TO_PARQUET) as JsonObject;
export const httpJsonToCsv = parse(HTTP_JSON_TO_CSV) as JsonObject;
export const flightsByHour = parse(FLIGHTS_BY_HOUR) as JsonObject;
