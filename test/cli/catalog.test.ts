import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startService, type Service } from '#test/support/service';
import { terminalOf, type Printed } from './terminal.ts';

let service: Service;
let folder: string;

beforeEach(async () => {
  service = await startService();
  folder = mkdtempSync(join(tmpdir(), 'sluice-catalog-'));
});
afterEach(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const TEMPLATE = `kind: template
id: tmpl_copy
name: Copy
engine: duckdb
definition:
  target: { path: $TARGET_PATH, sql: SELECT 1 AS one, format: csv }
`;
const PATTERN = 'kind: pattern\nsource-type: a\ntarget-type: b\ntemplate-id: tmpl_copy\n';

const write = (name: string, text: string): void => {
  writeFileSync(join(folder, name), text);
};
const apply = (path = folder): Promise<Printed> => terminalOf(service)('catalog', 'apply', path);
const registered = async (): Promise<{ readonly patterns: readonly object[]; readonly templates: readonly object[] }> => {
  const { stdout } = await terminalOf(service)('catalog', 'list', '--json');
  return JSON.parse(stdout) as { readonly patterns: readonly object[]; readonly templates: readonly object[] };
};

test('the example catalog is registered as it stands, templates first; the second time changes nothing', async () => {
  const first = await apply('examples/catalog');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toBe(`created    template  tmpl_csv-to-parquet
created    template  tmpl_flights-by-airport
created    template  tmpl_http-to-csv
created    pattern   csv to parquet
created    pattern   parquet to parquet
created    pattern   http to csv
`);
  const before = await registered();
  const second = await apply('examples/catalog');
  expect(second.stdout).toBe(first.stdout.replaceAll('created  ', 'unchanged'));
  expect(await registered()).toEqual(before);
});

test('a changed template is the next version, and alone is told as changed', async () => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  await apply();
  write('a.yaml', `${TEMPLATE.replace('Copy', 'Copy it')}---\n${PATTERN}`);
  expect((await apply()).stdout).toBe('changed    template  tmpl_copy\nunchanged  pattern   a to b\n');
  expect((await registered()).templates).toMatchObject([{ 'template-id': 'tmpl_copy', version: 2 }]);
});

test('a catalog can be listed for people', async () => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  await apply();
  expect((await terminalOf(service)('catalog', 'list')).stdout).toBe(`SOURCE  TARGET  TEMPLATE
a       b       tmpl_copy

TEMPLATE   VERSION  ENGINE  NAME
tmpl_copy        1  duckdb  Copy
`);
});

test.each([
  ['one document is wrong', `${PATTERN}colour: blue`, /b\.yaml: \/: Unrecognized key: "colour"/],
  ['a file is no YAML', 'kind: [', /b\.yaml: /],
  ['two patterns serve one pair', PATTERN, /b\.yaml: pattern a to b is in .*a\.yaml \(document 2\) as well/],
  [
    'a pattern names a template that nobody knows',
    PATTERN.replace('source-type: a', 'source-type: c').replace('tmpl_copy', 'tmpl_none'),
    /b\.yaml: \/template-id: tmpl_none is neither in this catalog nor registered/,
  ],
])('where %s nothing is registered at all', async (_, text, message) => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  write('b.yaml', text);
  const { code, stdout, stderr } = await apply();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^sluice: nothing was registered\.\nWhy: /);
  expect(stderr).toMatch(message);
  expect(await registered()).toEqual({ patterns: [], templates: [] });
});

test('what the engine refuses is named by file, template and pointer', async () => {
  write('a.yaml', TEMPLATE.replace('SELECT 1 AS one', 'SELEKT 1'));
  const { code, stderr } = await apply();
  expect(code).toBe(2);
  expect(stderr).toMatch(/^sluice: .*a\.yaml: template tmpl_copy was not registered; 0 documents before it were\.$/m);
  expect(stderr).toMatch(/^ {2}\/definition\/target\/sql: /m);
});

test('a pattern may name a template of an earlier catalog', async () => {
  write('a.yaml', TEMPLATE);
  await apply();
  write('a.yaml', PATTERN);
  expect((await apply()).stdout).toBe('created    pattern   a to b\n');
});

test('an empty directory is a mistake, not an empty catalog', async () => {
  expect(await apply()).toMatchObject({ code: 2, stdout: '' });
});
